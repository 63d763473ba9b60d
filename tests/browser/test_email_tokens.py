"""The pages to which emails lead: another password, a verified address, a change of address that is undone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, Site, submit
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
NEW_PASSWORD = "AnotherPassword456"
DEAD = "This token was used, replaced, or has expired. Ask for another email."
PAGES = {  # the button, and the fields beside the token
    "/reset-password": ("Set password", {"New_password": NEW_PASSWORD}),
    "/verify-email": ("Verify", {}),
    "/undo-email-change": ("Undo the change", {}),
}


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
    button, fields = PAGES[path]
    page = new_page(f"{path}#token=et_dead")
    submit(page, button, **fields)
    token = page.get_by_label("Token from the email")
    expect(token).to_be_focused()
    expect(token).to_have_accessible_description(f"Copy it from the email, all of it. {DEAD}")
    expect(token).to_have_value("")


def test_an_address_is_verified_by_the_button_and_not_by_opening_the_page(new_page: NewPage, site: Site) -> None:
    session = site.register()
    email, token = session["user"]["email"], session["access_token"]
    page = new_page(site.link_for(email, "verify-email"))
    expect(page.get_by_role("button", name="Verify")).to_be_enabled()
    assert site.call("GET", "/auth/me", token=token)["email_verified"] is False
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="Your email is verified")).to_be_focused()
    assert site.call("GET", "/auth/me", token=token)["email_verified"] is True


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
