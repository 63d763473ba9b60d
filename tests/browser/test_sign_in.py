"""Signing in and out on the pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, Site, submit
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    submit(page, "Sign in", Email=email, Password=password)


def expect_account(page: Page) -> None:
    """Wait for the page of the account, until its refresh token has been used: leaving before would lose the next."""
    page.wait_for_url("**/account")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()


def cookie_names(page: Page) -> set[str]:
    return {cookie["name"] for cookie in page.context.cookies()}


def test_signing_in_leads_to_the_account_and_keeps_the_refresh_token_from_scripts(page: Page, site: Site) -> None:
    email = site.register()["user"]["email"]
    sign_in(page, email)
    expect_account(page)
    page.goto("/sign-in")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_focused()
    expect(page.get_by_role("navigation")).to_contain_text(email)
    stored = "document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"
    assert page.evaluate(stored) == "{}"
    same_site = {cookie["name"]: cookie["sameSite"] for cookie in page.context.cookies() if cookie["httpOnly"]}
    assert same_site == {"authapp_refresh": "Strict", "authapp_device": "Strict", "authapp_browser": "Lax"}
    assert cookie_names(page) == set(same_site)


def test_signing_out_on_a_page_ends_the_session(page: Page, site: Site) -> None:
    sign_in(page, site.register()["user"]["email"])
    expect_account(page)
    page.goto("/forgot-password")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("navigation")).to_be_hidden()
    assert cookie_names(page) == {"authapp_device", "authapp_browser"}


def test_a_wrong_password_is_an_alert_with_the_focus(page: Page, site: Site) -> None:
    sign_in(page, site.new_email())
    alert = page.get_by_role("alert").locator("visible=true")
    expect(alert).to_have_text("The email or the password is wrong.")
    expect(alert).to_be_focused()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()


def test_an_empty_field_has_its_error_beside_it_and_the_focus(page: Page) -> None:
    page.get_by_role("button", name="Sign in", exact=True).click()
    email = page.get_by_label("Email")
    expect(email).to_be_focused()
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description("Fill this in.")


def test_an_invalid_email_has_the_error_of_the_api_beside_it(page: Page) -> None:
    sign_in(page, "ada")
    expect(page.get_by_label("Email")).to_have_accessible_description("This is not an email address.")


def test_two_clicks_send_a_form_once(page: Page, site: Site) -> None:
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/auth/login") else None)
    page.get_by_label("Email").fill(site.new_email())
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).evaluate("button => { button.click(); button.click(); }")
    expect(page.get_by_role("alert").locator("visible=true")).to_be_visible()
    assert len(sent) == 1


def test_a_password_can_be_shown_and_hidden(page: Page) -> None:
    password = page.get_by_label("Password", exact=True)
    button = page.get_by_role("button", name="Show password")
    for kind, pressed in (("text", "true"), ("password", "false")):
        button.click()
        expect(password).to_have_attribute("type", kind)
        expect(button).to_have_attribute("aria-pressed", pressed)


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/invitation", "/invitation"),
        ("/invitation%23x", "/invitation#x"),
        ("", "/account"),
        ("//evil.example", "/account"),
        ("/%5Cevil.example", "/account"),
        ("https://evil.example", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/%09/evil.example", "/account"),
        ("/.//evil.example", "//evil.example"),  # of this address: there is no such page
        ("evil", "/account"),
    ],
)
def test_next_leads_to_a_page_of_this_address_only(new_page: NewPage, site: Site, wanted: str, led: str) -> None:
    page = new_page(f"/sign-in#next={wanted}")
    sign_in(page, site.register()["user"]["email"])
    page.wait_for_url(site.url + led)


def test_the_email_is_taken_along_to_the_page_for_a_forgotten_password(page: Page, site: Site) -> None:
    page.get_by_label("Email").fill("ada+b@example.com")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_label("Email")).to_have_value("ada+b@example.com")
    assert page.url == f"{site.url}/forgot-password"


@pytest.mark.parametrize(
    ("seconds", "locale", "said"),
    [
        (1, "en-US", "Too many attempts. Try again in 1 second."),
        (59, "en-US", "Too many attempts. Try again in 59 seconds."),
        (60, "en-US", "Too many attempts. Try again in 1 minute."),
        (841, "en-US", "Too many attempts. Try again in 15 minutes."),
        (3601, "en-US", "Too many attempts. Try again in 2 hours."),
        (1, "de-DE", "Zu viele Versuche. Versuchen Sie es in 1 Sekunde noch einmal."),
        (900, "de-DE", "Zu viele Versuche. Versuchen Sie es in 15 Minuten noch einmal."),
    ],
)
def test_a_wait_is_said_in_the_unit_that_fits(new_page: NewPage, seconds: int, locale: str, said: str) -> None:
    page = new_page(locale=locale)
    say = """async ([code, retryAfter]) => (await import("/pages/text.js")).sentence({ code, retryAfter })"""
    assert page.evaluate(say, ["too_many_attempts", seconds]) == said


def test_without_a_service_the_page_says_so(page: Page, site: Site) -> None:
    page.route("**/auth/login", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    sign_in(page, site.new_email())
    expect(page.get_by_role("alert").locator("visible=true")).to_contain_text("cannot be reached")


def test_a_form_works_by_keyboard_alone(page: Page, site: Site) -> None:
    email = site.register()["user"]["email"]
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account")


def test_without_scripts_no_form_is_sent(new_page: NewPage, site: Site) -> None:
    page = new_page(java_script_enabled=False)
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_disabled()
    page.get_by_label("Email").fill(site.new_email())
    page.get_by_label("Email").press("Enter")
    assert page.url == f"{site.url}/sign-in"
