"""From the email of an invitation to a member, on the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, Site, submit
from tests.factories import PASSWORD, AppWith

pytestmark = pytest.mark.xdist_group("browser")
NEW_PASSWORD = "AnotherPassword456"
JOINED = "You have joined Acme Research as developer."


def members_of_mine(site: Site, email: str) -> list[tuple[str, str]]:
    token = site.call("POST", "/auth/login", {"email": email, "password": PASSWORD})["access_token"]
    return [(one["name"], one["role"]) for one in site.call("GET", "/organizations", token=token)["items"]]


def open_invitation(new_page: NewPage, site: Site, email: str) -> Page:
    site.invite(email)
    page = new_page(site.link_for(email))
    expect(page.get_by_role("heading", name="Join Acme Research").locator("visible=true")).to_be_focused()
    assert page.url == f"{site.url}/invitation"  # neither the address nor the history has the token
    return page


def open_invitation_signed_in(new_page: NewPage, site: Site) -> Page:
    email = site.register()["user"]["email"]
    page = new_page()
    submit(page, "Sign in", Email=email, Password=PASSWORD)
    page.wait_for_url("**/account")
    site.invite(email)
    page.goto(site.link_for(email))
    return page


def sign_in(page: Page) -> None:
    page.get_by_label("Password", exact=True).locator("visible=true").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).locator("visible=true").click()


def test_an_invited_person_clicks_sets_a_password_and_is_in(new_page: NewPage, site: Site) -> None:
    email = site.new_email()
    page = open_invitation(new_page, site, email)
    expect(page.locator("#invited-email")).to_have_value(email)
    expect(page.locator("#invited-email")).to_have_attribute("autocomplete", "username")
    submit(page, "Join", Password=PASSWORD)
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(JOINED)
    expect(page.get_by_role("navigation")).to_contain_text(email)
    assert members_of_mine(site, email) == [("Acme Research", "developer")]


def test_opening_the_page_consumes_nothing(new_page: NewPage, site: Site) -> None:
    email = site.new_email()
    site.invite(email)
    for _ in range(2):
        page = new_page(site.link_for(email))
        expect(page.get_by_role("heading", name="Join Acme Research").locator("visible=true")).to_be_visible()


def test_somebody_with_an_account_signs_in_and_joins(new_page: NewPage, site: Site) -> None:
    email = site.register()["user"]["email"]
    page = open_invitation(new_page, site, email)
    page.get_by_role("button", name="I already have an account").click()
    sign_in(page)
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(JOINED)
    assert members_of_mine(site, email) == [("Acme Research", "developer")]


def test_somebody_who_forgot_that_there_is_an_account_is_led_to_signing_in(new_page: NewPage, site: Site) -> None:
    email = site.register()["user"]["email"]
    page = open_invitation(new_page, site, email)
    submit(page, "Join", Password=PASSWORD)
    expect(page.get_by_role("alert").locator("visible=true")).to_contain_text("There is an account with this address.")
    sign_in(page)
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(JOINED)


def test_who_is_signed_in_accepts_with_one_click(new_page: NewPage, site: Site) -> None:
    page = open_invitation_signed_in(new_page, site)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(JOINED)


def test_who_is_signed_in_with_another_account_signs_out_first(new_page: NewPage, site: Site) -> None:
    page = new_page()
    submit(page, "Sign in", Email=site.register()["user"]["email"], Password=PASSWORD)
    page.wait_for_url("**/account")
    invited = site.new_email()
    site.invite(invited)
    page.goto(site.link_for(invited))
    expect(page.get_by_text("This invitation is for another address.")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Sign out").locator("visible=true").click()
    submit(page, "Join", Password=PASSWORD)
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(JOINED)


def test_declining_asks_again_and_the_token_is_dead_after_it(new_page: NewPage, site: Site) -> None:
    email = site.new_email()
    page = open_invitation(new_page, site, email)
    for button in ("Cancel", "Decline"):
        page.get_by_role("main").get_by_role("button", name="Decline").locator("visible=true").first.click()
        page.get_by_role("dialog").get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("heading", name="Invitation declined")).to_be_focused()
    page.goto(site.link_for(email))
    token = page.get_by_label("Token from the email").locator("visible=true")
    expect(token).to_have_accessible_description(
        "Copy it from the email, all of it. This invitation was used, withdrawn, or has expired. Ask for another one."
    )
    expect(token).to_be_focused()


def test_the_dialog_for_declining_starts_at_cancel(new_page: NewPage, site: Site) -> None:
    page = open_invitation(new_page, site, site.new_email())
    page.get_by_role("button", name="Decline").locator("visible=true").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()


def test_who_is_signed_in_continues_to_the_invitation_that_is_open_in_the_tab(new_page: NewPage, site: Site) -> None:
    page = open_invitation_signed_in(new_page, site)
    expect(page.get_by_role("button", name="Accept")).to_be_visible()
    page.goto("/sign-in")
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(JOINED)


def test_an_invitation_that_was_accepted_leads_to_signing_in(new_page: NewPage, site: Site) -> None:
    email = site.new_email()
    page = open_invitation(new_page, site, email)
    submit(page, "Join", Password=PASSWORD)
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(JOINED)
    page.goto("/sign-in")
    page.goto(site.link_for(email))
    page.get_by_role("link", name="If you have joined already, sign in.").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    expect(page.get_by_role("link", name="Go to your account")).to_be_visible()


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("viewer", "A viewer sees what is in the organization, but changes nothing."),
        ("developer", "A developer works in the organization, but does not manage its members."),
        ("admin", "An admin also manages the members, their roles, invitations, API keys, trusted identities"),
    ],
)
def test_the_page_says_what_a_role_means(new_page: NewPage, site: Site, role: str, said: str) -> None:
    email = site.new_email()
    site.invite(email, role=role)
    expect(new_page(site.link_for(email)).get_by_text(said).locator("visible=true")).to_be_visible()


def test_a_password_that_was_forgotten_is_reset_on_the_way_to_the_invitation(new_page: NewPage, site: Site) -> None:
    email = site.register()["user"]["email"]
    page = open_invitation(new_page, site, email)
    page.get_by_role("button", name="I already have an account").click()
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_label("Email")).to_have_value(email)
    assert page.url == f"{site.url}/forgot-password"
    page.get_by_role("button", name="Send the link").click()
    page.goto(site.link_for(email, "reset-password"))
    submit(page, "Set password", New_password=NEW_PASSWORD)
    page.get_by_role("link", name="Sign in").click()
    submit(page, "Sign in", Email=email, Password=NEW_PASSWORD)
    page.wait_for_url("**/invitation")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(JOINED)


def test_whoever_has_an_account_signs_in_and_joins_where_registration_is_closed(
    new_page: NewPage, site: Site, app_with: AppWith
) -> None:
    closed = app_with(registration_mode="closed").test_client().get("/invitation").text
    email = site.register()["user"]["email"]
    site.invite(email)
    page = new_page()
    page.route(re.compile("/invitation$"), lambda route: route.fulfill(body=closed, content_type="text/html"))
    page.goto(site.link_for(email))
    expect(page.get_by_text("No new accounts here. If you have one, sign in to accept.")).to_be_visible()
    sign_in(page)
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(JOINED)


def test_a_token_may_be_pasted(new_page: NewPage, site: Site) -> None:
    page, token = new_page("/invitation"), site.invite(site.new_email())
    submit(page, "Show the invitation", Token_from_the_email=f"  {token} ")
    expect(page.get_by_role("heading", name="Join Acme Research").locator("visible=true")).to_be_focused()


def test_a_name_of_an_organization_is_shown_as_text(new_page: NewPage, site: Site) -> None:
    email = site.new_email()
    site.invite(email, organization="<img src=x onerror=alert(1)>{role}")
    page = new_page(site.link_for(email))
    expect(page.get_by_role("heading", name="Join <img src=x onerror=alert(1)>{role}")).to_be_visible()
