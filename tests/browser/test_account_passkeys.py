"""The account page: passkeys."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.account import Account, alert, fill, open_account, status
from tests.browser.authenticator import Authenticator, authenticator_of
from tests.browser.conftest import NewPage, Site, overflows, require_accessible
from tests.browser.test_passkey_errors import SIGNALS
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
SECTION = "Passkeys"
NARROW = {"width": 320, "height": 640}


def add(account: Account) -> Locator:
    section = account.section(SECTION)
    fill(section, "Add a passkey")
    expect(section.get_by_role("listitem")).to_have_count(1)
    return section


def test_a_passkey_is_added_renamed_and_removed(account: Account, device: Authenticator) -> None:
    account.page.evaluate(SIGNALS)
    section = account.section(SECTION)
    expect(section).to_contain_text("You have none yet.")
    add(account)
    expect(status(section)).to_have_text("The passkey “Passkey” was added.")
    expect(section.get_by_role("heading", name=SECTION)).to_be_focused()
    row = section.get_by_role("listitem")
    expect(row).to_contain_text("This device only")
    expect(row).to_contain_text("Added")
    (passkey,) = device.passkeys()
    assert (passkey["isResidentCredential"], passkey["userName"]) == (True, account.email)

    fill(section, "Rename: Passkey")
    name = account.dialog.get_by_label("Name")
    expect(name).to_have_value("Passkey")
    expect(name).to_be_focused()
    fill(account.dialog, "Save", Name=" ")
    expect(name).to_have_accessible_description("Fill this in.")
    fill(account.dialog, "Save", Name="<b>Phone</b>")
    expect(status(section)).to_have_text("The passkey is now called “<b>Phone</b>”.")
    expect(row).to_contain_text("<b>Phone</b>")

    fill(section, "Remove: <b>Phone</b>")
    expect(account.dialog).to_have_accessible_description(re.compile("^“<b>Phone</b>” will not sign you in any more."))
    expect(account.section("Devices").get_by_role("listitem")).to_have_count(2)
    with account.page.expect_response("**/passkeys/options"):
        fill(account.dialog, "Remove")
    expect(status(section)).to_have_text("The passkey “<b>Phone</b>” was removed. All other devices are signed out.")
    expect(account.section("Devices").get_by_role("listitem")).to_have_count(1)
    expect(section).to_contain_text("You have none yet.")
    expect(section.get_by_role("heading", name=SECTION)).to_be_focused()
    account.page.evaluate("window.signalled")  # wait_for_function evaluates a string, which the policy forbids
    (signal, given) = account.page.evaluate("window.signals[0]")
    as_sent = passkey["userHandle"].replace("+", "-").replace("/", "_").rstrip("=")
    expected = {"rpId": "localhost", "userId": as_sent, "allAcceptedCredentialIds": []}
    assert (signal, given) == ("signalAllAcceptedCredentials", expected)
    for said in ("added: “Passkey”", "renamed: “<b>Phone</b>”", "removed: “<b>Phone</b>”"):
        expect(account.section("History")).to_contain_text(f"A passkey was {said}")


def test_the_button_keeps_its_distance_from_the_list(account: Account, device: Authenticator) -> None:
    section = add(account)
    last = section.get_by_role("list").bounding_box()
    button = section.get_by_role("button", name="Add a passkey").bounding_box()
    assert last
    assert button
    assert button["y"] - (last["y"] + last["height"]) >= 16


def test_a_synced_passkey_is_called_so(account: Account) -> None:
    authenticator_of(account.page, defaultBackupEligibility=True, defaultBackupState=True)
    expect(add(account).get_by_role("listitem")).to_contain_text("Synced")


def test_a_device_has_one_passkey_of_an_account(account: Account, device: Authenticator) -> None:
    section = add(account)
    fill(section, "Add a passkey")
    expect(alert(section)).to_have_text("This device has a passkey of your account already.")
    expect(alert(section)).to_be_focused()
    expect(section.get_by_role("listitem")).to_have_count(1)
    assert len(device.passkeys()) == 1


def test_cancelling_adds_nothing_and_is_said_calmly(account: Account, device: Authenticator) -> None:
    device.verify(False)
    section = account.section(SECTION)
    fill(section, "Add a passkey")
    expect(status(section)).to_have_text("No passkey was added.")
    expect(section.get_by_role("button", name="Add a passkey")).to_be_focused()
    expect(alert(section)).to_have_count(0)
    expect(section).to_contain_text("You have none yet.")
    device.verify(True)
    add(account)
    expect(status(section)).to_have_text("The passkey “Passkey” was added.")


def test_a_passkey_is_not_removed_before_that_was_confirmed(account: Account, device: Authenticator) -> None:
    section, keyboard = add(account), account.page.keyboard
    button = section.get_by_role("button", name="Remove: Passkey")
    button.focus()
    keyboard.press("Enter")
    expect(account.dialog).to_have_accessible_name("Remove this passkey?")
    expect(account.dialog.get_by_role("button", name="Cancel")).to_be_focused()
    keyboard.press("Enter")
    expect(account.dialog).to_be_hidden()
    expect(button).to_be_focused()
    keyboard.press("Enter")
    expect(account.dialog).to_be_visible()
    keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(section.get_by_role("listitem")).to_have_count(1)
    keyboard.press("Enter")
    expect(account.dialog.get_by_role("button", name="Cancel")).to_be_focused()
    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    expect(section).to_contain_text("You have none yet.")
    expect(section.get_by_role("heading", name=SECTION)).to_be_focused()


def test_a_passkey_too_many_is_refused_with_what_to_do(account: Account, device: Authenticator) -> None:
    section = add(account)
    copy = """INSERT INTO passkeys SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(),
        'credential_id', '\\x' || md5(n::text)))).* FROM passkeys p, generate_series(1, 19) n
        WHERE p.user_id = (SELECT id FROM users WHERE email = %s)"""
    account.site.execute(copy, account.email)
    fill(section, "Add a passkey")
    expect(alert(section)).to_have_text(
        "Your account has as many passkeys as it may have. Remove one, then add the new one."
    )
    expect(alert(section)).to_be_focused()


def test_a_passkey_is_added_and_removed_after_a_recent_sign_in_only(account: Account, device: Authenticator) -> None:
    account.age()
    section = account.section(SECTION)
    fill(section, "Add a passkey")
    expect(account.dialog.get_by_role("button", name="Use a passkey")).to_be_hidden()
    fill(account.dialog, "Confirm", Password=PASSWORD)
    expect(section.get_by_role("listitem")).to_have_count(1)
    account.age()
    fill(section, "Remove: Passkey")
    fill(account.dialog, "Remove")
    fill(account.dialog.last, "Use a passkey")
    expect(section).to_contain_text("You have none yet.")


def test_the_last_way_in_stays(account: Account, device: Authenticator) -> None:
    section = add(account)
    account.site.execute("UPDATE users SET password_hash = NULL WHERE email = %s", account.email)
    fill(section, "Remove: Passkey")
    fill(account.dialog, "Remove")
    expect(alert(account.dialog)).to_contain_text("Without it you could not sign in any more.")
    expect(alert(account.dialog)).to_be_focused()
    fill(account.dialog, "Cancel")
    expect(section.get_by_role("listitem")).to_have_count(1)


def ask_again(account: Account) -> None:
    account.age()
    fill(account.section("Zweiter Faktor"), "Einrichten")


STATES: dict[str, Any] = {
    "list": lambda account: None,
    "rename": lambda account: account.page.get_by_role("button", name="Umbenennen").click(),
    "remove": lambda account: account.page.get_by_role("button", name="Entfernen").click(),
    "step-up": ask_again,
}


@pytest.mark.parametrize("state", STATES)
def test_the_parts_with_passkeys_have_no_violation_of_wcag_and_fit_320_pixels_in_german(
    new_page: NewPage, site: Site, state: str
) -> None:
    account = open_account(new_page, site, viewport=NARROW, locale="de-DE")
    authenticator_of(account.page, defaultBackupEligibility=True, defaultBackupState=True)
    fill(account.section(SECTION), "Passkey hinzufügen")
    expect(account.section(SECTION).get_by_role("listitem")).to_have_count(1)
    STATES[state](account)
    expect(account.dialog).to_have_count(int(state != "list"))
    require_accessible(account.page)
    account.page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert not overflows(account.page)
