"""The account page: WCAG 2.2 AA as far as axe-core sees it, at 320 pixels, in light and dark; and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.account import Account, fill, open_account
from tests.browser.conftest import NewPage, Site, overflows, require_accessible
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
NARROW = {"width": 320, "height": 640}
AUTOCOMPLETE = [
    ("first_name", "given-name"),
    ("last_name", "family-name"),
    ("new_email", "email"),
    ("password", "current-password"),
    ("username", "username"),
    ("current_password", "current-password"),
    ("new_password", "new-password"),
    ("code", "one-time-code"),
    ("code", "one-time-code"),
    ("code", "one-time-code"),
    ("typed_email", "off"),
    ("password", "current-password"),
    ("username", "username"),
    ("password", "current-password"),
    ("code", "one-time-code"),
    ("name", "off"),
]
Show = Callable[[Account], Any]


def open_parts(account: Account) -> None:
    for summary in account.page.locator("summary").locator("visible=true").all():
        summary.click()


def show_errors(account: Account) -> None:
    open_parts(account)
    fill(account.section("Profile"), "Change email")
    fill(account.section("Password"), "Change password")


def show_codes(account: Account) -> None:
    mfa = account.section("Second factor")
    fill(mfa, "Set up")
    expect(mfa.locator("[data-secret]")).not_to_have_text("")
    account.secret = mfa.locator("[data-secret]").inner_text().replace(" ", "")
    fill(mfa, "Turn on", Code_from_the_app=account.code())
    expect(mfa.get_by_role("heading", name="Your recovery codes")).to_be_visible()


def show_set_up(account: Account) -> None:
    fill(account.section("Second factor"), "Set up")
    expect(account.page.get_by_role("heading", name="Set up an authenticator app")).to_be_visible()


def show_step_up(account: Account) -> None:
    account.age()
    fill(account.section("Second factor"), "Set up")
    expect(account.dialog).to_be_visible()


def show_deleted(account: Account) -> None:
    account.page.evaluate("import('/pages/page.js').then((page) => page.showPanel('deleted'))")


STATES: dict[str, Show] = {
    "page": open_parts,
    "errors": show_errors,
    "set up": show_set_up,
    "codes": show_codes,
    "step-up": show_step_up,
    "delete": lambda account: account.page.get_by_role("button", name="Delete account …").click(),
    "deleted": show_deleted,
}


@pytest.mark.parametrize("state", STATES)
def test_the_account_page_has_no_violation_of_wcag_and_fits_320_pixels(
    new_page: NewPage, site: Site, state: str
) -> None:
    account = open_account(new_page, site, viewport=NARROW)
    STATES[state](account)
    require_accessible(account.page)


def test_the_account_page_with_a_second_factor_has_no_violation_of_wcag(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site, enrolled=True, viewport=NARROW)
    open_parts(account)
    require_accessible(account.page)
    account.page.set_viewport_size({"width": 1280, "height": 900})
    require_accessible(account.page)


def test_the_account_page_at_twice_its_size_and_in_german_fits(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site, enrolled=True, viewport=NARROW, locale="de-DE")
    open_parts(account)
    account.page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert not overflows(account.page)
    assert "built-in method" not in account.page.content()


def test_the_fields_of_the_account_page_tell_browsers_what_they_are_for(new_page: NewPage, site: Site) -> None:
    inputs = open_account(new_page, site).page.locator("input").all()
    assert [(one.get_attribute("name"), one.get_attribute("autocomplete")) for one in inputs] == AUTOCOMPLETE


def test_a_password_is_changed_by_keyboard_alone(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    keyboard = account.page.keyboard
    account.section("Profile").locator("summary").focus()
    keyboard.press("Tab")  # to the organizations
    keyboard.press("Tab")
    expect(account.section("Password").get_by_label("Current password", exact=True)).to_be_focused()
    keyboard.type(PASSWORD)
    keyboard.press("Tab")  # to the button that shows it
    keyboard.press("Tab")
    keyboard.type("AnotherPassword456")
    keyboard.press("Enter")
    expect(account.section("Password").get_by_role("status").locator("visible=true")).to_be_visible()


def test_the_dialogs_keep_the_focus_and_give_it_back(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    opener = account.page.get_by_role("button", name="Delete account …")
    opener.focus()
    account.page.keyboard.press("Enter")
    inside = "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
    for _ in range(8):
        account.page.keyboard.press("Tab")
        assert account.page.evaluate(inside)  # the browser's own controls count as the body
    account.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
