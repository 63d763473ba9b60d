"""The pages to which emails lead: another password, a verified address, a change of address that is undone."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.account import Account, fill
from tests.browser.conftest import NewPage, Site, submit
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
NEW_PASSWORD = "AnotherPassword456"
DEAD = "This token was used, was replaced by a newer one, or has expired. Use the newest email, or ask for another one."
DEAD_UNDO = (
    "This token was used or has expired, and there is no other. If your account still has this address, choose a new "
    "password. If not, ask support."
)
PAGES = {  # the button, the fields beside the token, and what is said of a dead one
    "/reset-password": ("Set password", {"New_password": NEW_PASSWORD}, DEAD),
    "/verify-email": ("Verify", {}, DEAD),
    "/undo-email-change": ("Undo the change", {}, DEAD_UNDO),
}
REMOVES = "its password and second factor are removed"


def forget(new_page: NewPage, site: Site, email: str) -> Page:
    page = new_page("/forgot-password")
    submit(page, "Send the link", Email=email)
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_focused()
    return page


def test_a_forgotten_password_is_replaced_by_way_of_the_email(new_page: NewPage, site: Site) -> None:
    email = site.register()["user"]["email"]
    page = forget(new_page, site, email)
    page.goto(site.link_for(email, "reset-password"))
    expect(page.get_by_label("New password", exact=True)).to_be_visible()
    assert page.url == f"{site.url}/reset-password"
    expect(page.get_by_label("Token from the email")).to_be_hidden()
    submit(page, "Set password", New_password=NEW_PASSWORD)
    expect(page.get_by_role("heading", name="Your password is set")).to_be_focused()
    page.get_by_role("link", name="Sign in").click()
    submit(page, "Sign in", Email=email, Password=NEW_PASSWORD)
    page.wait_for_url("**/account")


def test_the_page_says_the_same_where_there_is_no_account(new_page: NewPage, site: Site) -> None:
    forget(new_page, site, site.new_email())


def test_a_password_that_may_not_be_chosen_leaves_the_token_alive(new_page: NewPage, site: Site) -> None:
    email = site.register()["user"]["email"]
    page = forget(new_page, site, email)
    page.goto(site.link_for(email, "reset-password"))
    submit(page, "Set password", New_password="short1x")
    expect(page.locator("#new_password-error")).to_contain_text("Use at least 8 characters.")
    submit(page, "Set password", New_password=NEW_PASSWORD)
    expect(page.get_by_role("heading", name="Your password is set")).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
def test_a_dead_token_is_asked_for_again_beside_its_field(new_page: NewPage, path: str) -> None:
    button, fields, said = PAGES[path]
    page = new_page(f"{path}#token=et_dead")
    submit(page, button, **fields)
    token = page.get_by_label("Token from the email")
    expect(token).to_be_focused()
    expect(token).to_have_accessible_description(f"Copy it from the email, all of it. {said}")
    expect(token).to_have_value("")


@pytest.mark.parametrize(
    ("path", "role", "name"),
    [
        ("/reset-password", "textbox", "New password"),
        ("/verify-email", "button", "Verify"),
        ("/undo-email-change", "button", "Undo the change"),
    ],
)
def test_the_focus_is_where_the_token_of_the_address_leaves_something_to_do(
    new_page: NewPage, path: str, role: Literal["textbox", "button"], name: str
) -> None:
    expect(new_page(f"{path}#token=et_x").get_by_role(role, name=name)).to_be_focused()


def test_a_dead_undo_token_leads_to_a_new_password(new_page: NewPage) -> None:
    page = new_page("/undo-email-change#token=et_dead")
    link = page.get_by_role("link", name="Choose a new password")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Undo the change").click()
    link.click()
    page.wait_for_url("**/forgot-password")


def test_an_address_is_verified_by_the_button_and_not_by_opening_the_page(new_page: NewPage, site: Site) -> None:
    session = site.register()
    email, token = session["user"]["email"], session["access_token"]
    page = new_page(site.link_for(email, "verify-email"))
    expect(page.get_by_role("button", name="Verify")).to_be_enabled()
    assert site.call("GET", "/auth/me", token=token)["email_verified"] is False
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="Your email is verified")).to_be_focused()
    assert site.call("GET", "/auth/me", token=token)["email_verified"] is True


def test_a_link_that_takes_the_account_back_says_what_it_removes_and_then_what_to_do(
    account: Account, site: Site
) -> None:
    page, first = account.page, site.link_for(account.email, "verify-email")
    site.call("POST", "/auth/email/resend", {"email": account.email})  # by nobody who is signed in
    link = site.link_for(account.email, "verify-email", other_than=first)
    page.goto(link)
    button = page.get_by_role("button", name="Verify")
    expect(page.get_by_text(REMOVES)).to_be_visible()
    expect(button).to_be_focused()
    expect(button).to_have_accessible_description(re.compile(REMOVES))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your email is verified")).to_be_focused()
    expect(page.get_by_role("status").locator("visible=true")).to_have_text(
        "Your password was removed. Look into your mailbox for the email to set a new one."
    )
    expect(page.get_by_role("navigation")).to_be_hidden()  # nobody is signed in any more
    page.goto(site.link_for(account.email, "reset-password"))
    submit(page, "Set password", New_password=NEW_PASSWORD)
    expect(page.get_by_role("heading", name="Your password is set")).to_be_visible()


def test_a_link_that_finds_nothing_to_take_back_any_more_does_not_say_that_it_did(account: Account, site: Site) -> None:
    page, first = account.page, site.link_for(account.email, "verify-email")
    site.call("POST", "/auth/email/resend", {"email": account.email})
    second = site.link_for(account.email, "verify-email", other_than=first)
    for link in (first, second):
        page.goto(link)
        page.get_by_role("button", name="Verify").click()
        expect(page.get_by_role("heading", name="Your email is verified")).to_be_visible()
    expect(page.get_by_text("Your password was removed.")).to_be_hidden()
    expect(page.get_by_role("navigation")).to_contain_text(account.email)


def test_a_link_that_takes_nothing_back_does_not_say_so_and_the_session_stays(account: Account) -> None:
    page = account.page
    page.goto(account.site.link_for(account.email, "verify-email"))
    expect(page.get_by_text(REMOVES)).to_be_hidden()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("status").locator("visible=true")).to_contain_text("Thank you.")
    expect(page.get_by_role("navigation")).to_contain_text(account.email)


def test_a_link_that_verified_already_says_so_to_its_owner_only(new_page: NewPage, account: Account) -> None:
    page, link = account.page, account.site.link_for(account.email, "verify-email")
    page.goto(link)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="Your email is verified")).to_be_visible()
    page.goto(link)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="Your email is verified already")).to_be_focused()
    stranger = new_page(link)
    stranger.get_by_role("button", name="Verify").click()
    expect(stranger.locator("#token-error")).to_have_text(DEAD)


def test_the_form_for_another_email_knows_who_is_signed_in_and_calls_as_them(account: Account) -> None:
    sent: list[str] = []
    account.page.on(
        "request",
        lambda request: (
            sent.append(request.headers.get("authorization", "")) if request.url.endswith("/resend") else None
        ),
    )
    account.page.goto("/verify-email")
    account.page.get_by_text("No email, or the token is no longer valid?").click()
    expect(account.page.get_by_label("Email", exact=True)).to_have_value(account.email)
    submit(account.page, "Send another email")
    expect(account.page.get_by_role("status").locator("visible=true")).to_contain_text("an email is on its way")
    account.open()
    fill(account.section("Profile"), "Send the email again")
    expect(account.section("Profile").get_by_role("status").locator("visible=true")).to_be_visible()
    assert [header[:7] for header in sent] == ["Bearer ", "Bearer "]


def test_another_verification_email_can_be_asked_for(new_page: NewPage, site: Site) -> None:
    page = new_page("/verify-email")
    page.get_by_text("No email, or the token is no longer valid?").click()
    submit(page, "Send another email", Email=site.register()["user"]["email"])
    expect(page.get_by_role("status").locator("visible=true")).to_contain_text("an email is on its way")


def test_a_change_of_address_is_undone_by_way_of_the_former_address(new_page: NewPage, site: Site) -> None:
    session = site.register()
    email, token = session["user"]["email"], session["access_token"]
    site.call("POST", "/auth/email/change", {"new_email": site.new_email(), "password": PASSWORD}, token)
    page = new_page(site.link_for(email, "undo-email-change"))
    page.get_by_role("button", name="Undo the change").click()
    expect(page.get_by_role("heading", name="The change is undone")).to_be_focused()
    page.goto(site.link_for(email, "reset-password"))
    submit(page, "Set password", New_password=NEW_PASSWORD)
    expect(page.get_by_role("heading", name="Your password is set")).to_be_visible()
