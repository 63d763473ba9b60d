"""The account page: confirming with a passkey that it is you."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.account import Account, alert, fill, open_account, status
from tests.browser.authenticator import Authenticator, authenticator_of
from tests.browser.conftest import NewPage, Site
from tests.browser.test_account_passkeys import add
from tests.browser.test_passkey_errors import REFUSED, SIGNALS
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")


def open_step_up(account: Account) -> None:
    account.age()
    fill(account.section("Second factor"), "Set up")
    expect(account.dialog).to_be_visible()


def expect_confirmed(account: Account) -> None:
    expect(account.dialog).to_be_hidden()
    expect(account.page.get_by_role("heading", name="Set up an authenticator app")).to_be_focused()


@pytest.mark.parametrize("enrolled", [False, True])
def test_a_passkey_confirms_in_place_of_password_and_code(new_page: NewPage, site: Site, enrolled: bool) -> None:
    account = open_account(new_page, site, enrolled=enrolled)
    authenticator_of(account.page)
    section = add(account)
    account.age()
    fill(section, "Remove: Passkey")
    fill(account.dialog, "Remove")
    expect(account.dialog.get_by_label("Password", exact=True)).to_be_focused()
    fill(account.dialog.last, "Use a passkey")
    expect(section).to_contain_text("You have none yet.")


def test_an_account_without_a_password_confirms_with_its_passkey(account: Account, device: Authenticator) -> None:
    add(account)
    account.site.execute("UPDATE users SET password_hash = NULL WHERE email = %s", account.email)
    account.open()
    open_step_up(account)
    expect(account.dialog.get_by_label("Password", exact=True)).to_be_hidden()
    expect(account.dialog.get_by_role("button", name="Sign in again")).to_be_hidden()
    fill(account.dialog, "Use a passkey")
    expect_confirmed(account)


def test_the_passkey_of_another_account_does_not_confirm(account: Account, new_page: NewPage) -> None:
    other = open_account(new_page, account.site)
    theirs = authenticator_of(other.page)
    add(other)
    mine = authenticator_of(account.page)
    add(account)
    (passkey,) = theirs.passkeys()
    mine.send("clearCredentials")
    mine.send("addCredential", credential=passkey)
    account.page.evaluate(SIGNALS)
    open_step_up(account)
    fill(account.dialog, "Use a passkey")
    expect(alert(account.dialog)).to_have_text(REFUSED)
    expect(alert(account.dialog)).to_be_focused()
    assert account.page.evaluate("window.signals") == []
    fill(account.dialog, "Confirm", Password=PASSWORD)
    expect_confirmed(account)


def test_cancelling_leaves_the_dialog_open_and_closing_it_ends_the_request(
    account: Account, device: Authenticator
) -> None:
    add(account)
    open_step_up(account)
    device.verify(False)
    fill(account.dialog, "Use a passkey")
    button = account.dialog.get_by_role("button", name="Use a passkey")
    expect(status(account.dialog)).to_have_text("Nothing was changed.")
    expect(button).to_have_attribute("aria-disabled", "false")
    expect(alert(account.dialog)).to_have_count(0)
    device.verify(True)
    device.press(False)
    with account.page.expect_response("**/login/passkey/options"):
        button.click()
    account.page.keyboard.press("Escape")
    expect(status(account.section("Second factor"))).to_have_text("Nothing was changed.")
    expect(alert(account.section("Second factor"))).to_have_count(0)
    expect(account.page.locator("[data-with-passkey]")).to_have_attribute("aria-busy", "false")
