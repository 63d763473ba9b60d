"""The account page: who may see it, names, email and password."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.account import Account, fill, open_account, status
from tests.browser.conftest import NewPage, Site, submit
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
NEW_PASSWORD = "AnotherPassword456"


def test_without_a_session_the_page_leads_to_sign_in_and_back(new_page: NewPage, site: Site) -> None:
    page = new_page("/account")
    page.wait_for_url("**/sign-in#next=%2Faccount")
    submit(page, "Sign in", Email=site.register()["user"]["email"], Password=PASSWORD)
    page.wait_for_url("**/account")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()


def test_a_session_that_was_ended_elsewhere_leads_to_sign_in(account: Account) -> None:
    account.site.call("DELETE", "/auth/sessions", token=account.token)
    fill(account.section("Profile"), "Save")
    account.page.wait_for_url("**/sign-in#next=%2Faccount")


def test_the_page_says_so_where_the_service_does_not_answer(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    account.page.route("**/api/v1/auth/refresh", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    account.page.reload()
    expect(account.page.get_by_role("alert").locator("visible=true")).to_contain_text("cannot be reached")
    account.page.unroute("**/api/v1/auth/refresh")
    account.page.get_by_role("link", name="Try again").click()
    expect(account.section("Profile")).to_be_visible()


def test_no_token_is_kept_where_scripts_of_another_page_find_it(account: Account) -> None:
    assert account.page.evaluate("document.cookie + JSON.stringify({...localStorage, ...sessionStorage})") == "{}"


def test_names_are_changed_and_cleared(account: Account) -> None:
    profile = account.section("Profile")
    expect(profile.get_by_label("First name")).to_have_value("Ada")
    profile.get_by_label("Last name").fill("")
    profile.get_by_label("First name").fill("Grace")
    fill(profile, "Save")
    expect(profile.get_by_role("status").locator("visible=true")).to_have_text("Saved.")
    expect(profile.get_by_role("button", name="Save")).to_be_focused()
    me = account.site.call("GET", "/auth/me", token=account.token)
    assert (me["first_name"], me["last_name"]) == ("Grace", None)


def test_an_invalid_name_has_its_error_beside_it(account: Account) -> None:
    profile = account.section("Profile")
    profile.get_by_label("First name").fill("a" * 500)
    fill(profile, "Save")
    expect(profile.get_by_label("First name")).to_be_focused()
    expect(profile.get_by_label("First name")).to_have_attribute("aria-invalid", "true")


def test_the_link_of_the_verification_email_verifies(account: Account) -> None:
    profile = account.section("Profile")
    expect(profile).to_contain_text("Not verified")
    account.page.goto(account.site.link_for(account.email, "verify-email"))
    account.page.get_by_role("button", name="Verify", exact=True).click()
    expect(account.page.get_by_role("heading", name="Your email is verified")).to_be_visible()
    account.open()
    expect(profile.get_by_text("Verified", exact=True)).to_be_visible()
    expect(profile.get_by_role("button", name="Send the email again")).to_be_hidden()
    expect(account.page.get_by_text("We have sent you an email")).to_be_hidden()


def test_the_verification_email_comes_again(account: Account) -> None:
    profile, first = account.section("Profile"), account.site.link_for(account.email, "verify-email")
    fill(profile, "Send the email again")
    expect(profile.get_by_role("status").locator("visible=true")).to_contain_text("The email is on its way.")
    account.site.link_for(account.email, "verify-email", other_than=first)


def test_the_email_changes_once_the_new_address_confirms(account: Account) -> None:
    profile, new_email = account.section("Profile"), account.site.new_email()
    profile.locator("summary").click()
    fill(profile, "Change email", New_email=new_email, Your_password=PASSWORD)
    expect(profile.get_by_role("status").locator("visible=true")).to_contain_text(f"sent an email to {new_email}")
    expect(profile.locator("summary")).to_be_focused()
    account.page.goto(account.site.link_for(new_email, "verify-email"))
    account.page.get_by_role("button", name="Verify", exact=True).click()
    expect(account.page.get_by_role("heading", name="Your email is verified")).to_be_visible()
    account.open()
    expect(profile).to_contain_text(new_email)


def test_changing_the_email_asks_for_the_right_password_and_for_another_address(account: Account) -> None:
    profile = account.section("Profile")
    profile.locator("summary").click()
    fill(profile, "Change email", New_email=account.site.new_email(), Your_password="wrong")
    expect(profile.get_by_label("Your password", exact=True)).to_have_accessible_description("This password is wrong.")
    expect(profile.get_by_label("Your password", exact=True)).to_be_focused()
    fill(profile, "Change email", New_email="ada", Your_password=PASSWORD)
    expect(profile.get_by_label("New email")).to_have_accessible_description("This is not an email address.")


def test_the_password_is_changed_and_other_devices_are_signed_out(account: Account) -> None:
    password = account.section("Password")
    expect(account.section("Devices").get_by_role("listitem")).to_have_count(2)
    fill(password, "Change password", Current_password=PASSWORD, New_password=NEW_PASSWORD)
    expect(password.get_by_role("status").locator("visible=true")).to_contain_text("Your password is changed.")
    expect(password.get_by_label("Current password", exact=True)).to_have_value("")
    expect(account.section("Devices").get_by_role("listitem")).to_have_count(1)
    expect(account.section("History").get_by_text("The password was changed")).to_be_visible()
    account.site.call("POST", "/auth/login", {"email": account.email, "password": NEW_PASSWORD})


@pytest.mark.parametrize(
    ("current", "new", "field", "said"),
    [
        ("wrong", NEW_PASSWORD, "Current password", "This password is wrong."),
        (PASSWORD, "short1", "New password", "Use at least 8 characters."),
        ("", NEW_PASSWORD, "Current password", "Fill this in."),
        (PASSWORD, PASSWORD, "New password", "This is your present password."),
    ],
)
def test_a_password_that_is_not_changed_says_why(
    account: Account, current: str, new: str, field: str, said: str
) -> None:
    password = account.section("Password")
    fill(password, "Change password", Current_password=current, New_password=new)
    expect(password.get_by_label(field, exact=True)).to_be_focused()
    assert said in (password.locator(".error").locator("visible=true").text_content() or "")


def test_an_account_without_a_password_gets_an_email_to_set_one(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    site.execute("UPDATE users SET password_hash = NULL WHERE email = %s", account.email)
    account.open()
    password = account.section("Password")
    expect(password.get_by_label("Current password", exact=True)).to_be_hidden()
    fill(password, "Send the email")
    expect(password.get_by_role("status").locator("visible=true")).to_contain_text("The email is on its way.")
    site.link_for(account.email, "reset-password")


def test_two_clicks_send_a_form_of_the_account_once(account: Account) -> None:
    sent = []
    account.page.on("request", lambda request: sent.append(request.method) if request.method == "PATCH" else None)
    account.section("Profile").get_by_role("button", name="Save").evaluate(
        "button => { button.click(); button.click(); }"
    )
    expect(account.section("Profile").get_by_role("status").locator("visible=true")).to_have_text("Saved.")
    assert sent == ["PATCH"]


def test_password_managers_are_led_to_the_section_of_the_password(new_page: NewPage, site: Site) -> None:
    page: Page = new_page("/.well-known/change-password")
    page.wait_for_url("**/sign-in#next=%2Faccount%23password")
    submit(page, "Sign in", Email=site.register()["user"]["email"], Password=PASSWORD)
    page.wait_for_url("**/account#password")
    expect(page.get_by_role("button", name="Change password")).to_be_in_viewport()


def test_my_data_is_saved_as_a_file_after_a_recent_sign_in(account: Account) -> None:
    account.age()
    with account.page.expect_download() as download:
        fill(account.section("Your data"), "Download your data")
        fill(account.dialog, "Confirm", Password=PASSWORD)
    assert download.value.suggested_filename == "my-data.json"
    assert account.email in download.value.path().read_text()
    expect(status(account.section("Your data"))).to_have_text("Your data was saved as a file.")


def test_the_account_page_leads_to_the_organizations(account: Account) -> None:
    account.section("Profile").get_by_role("link", name="Your organizations").click()
    expect(account.page.get_by_role("heading", name="Organizations", level=1)).to_be_visible()
