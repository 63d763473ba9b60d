"""The account page: the second factor, and the dialog that asks for a recent sign-in."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.account import Account, fill, open_account
from tests.browser.conftest import NewPage, Site
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
SECTION = "Second factor"


@pytest.fixture
def enrolled(new_page: NewPage, site: Site) -> Account:
    return open_account(new_page, site, enrolled=True)


def test_an_authenticator_app_is_set_up_and_asked_for_at_sign_in(account: Account) -> None:
    mfa = account.section(SECTION)
    fill(mfa, "Set up")
    expect(mfa.get_by_role("heading", name="Set up an authenticator app")).to_be_focused()
    qr_code = mfa.get_by_role("img", name="QR code for the authenticator app")
    assert qr_code.evaluate("(image) => image.complete && image.naturalWidth > 0")
    account.secret = mfa.locator("[data-secret]").inner_text().replace(" ", "")
    assert f"secret={account.secret}" in (mfa.get_by_role("link", name="Open the app").get_attribute("href") or "")
    fill(mfa, "Turn on", Code_from_the_app=account.code())
    expect(mfa.get_by_role("heading", name="Your recovery codes")).to_be_focused()
    expect(mfa.get_by_role("status").locator("visible=true")).to_contain_text("The second factor is on.")
    expect(mfa.locator("[data-secret]")).to_have_text("")
    codes = mfa.get_by_role("listitem").locator("visible=true").all_inner_texts()
    assert len(codes) == 10
    expect(account.section("Devices").get_by_role("listitem")).to_have_count(1)
    fill(mfa, "I have saved them")
    expect(mfa.get_by_role("heading", name=SECTION)).to_be_focused()
    expect(mfa).to_contain_text("Recovery codes left: 10")
    assert codes[0] not in account.page.content()
    login = account.page.request.post(
        f"{account.site.url}/api/v1/auth/login", data={"email": account.email, "password": PASSWORD}
    )
    assert login.json()["code"] == "mfa_required"


def test_recovery_codes_are_copied_saved_as_a_file_and_printed(account: Account, tmp_path: Path) -> None:
    account.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    account.page.evaluate("window.print = () => (window.printed = true)")
    mfa = account.section(SECTION)
    fill(mfa, "Set up")
    mfa.get_by_role("button", name="Copy").locator("visible=true").click()
    account.secret = account.page.evaluate("navigator.clipboard.readText()")
    fill(mfa, "Turn on", Code_from_the_app=account.code())
    expect(mfa.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    codes = mfa.get_by_role("listitem").locator("visible=true").all_inner_texts()
    mfa.get_by_role("button", name="Copy").locator("visible=true").click()
    expect(mfa.get_by_text("Copied.").locator("visible=true")).to_be_visible()
    assert account.page.evaluate("navigator.clipboard.readText()").split() == codes
    with account.page.expect_download() as download:
        mfa.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "recovery-codes.txt"
    download.value.save_as(tmp_path / "codes.txt")
    first, _, *lines = (tmp_path / "codes.txt").read_text().splitlines()
    assert (account.email in first, lines) == (True, codes)
    fill(mfa, "Print")
    assert account.page.evaluate("window.printed")
    account.page.emulate_media(media="print")
    expect(mfa.get_by_text(codes[0])).to_be_visible()
    expect(account.section("Profile")).to_be_hidden()


def test_a_wrong_code_does_not_turn_it_on_and_cancelling_forgets_the_secret(account: Account) -> None:
    mfa = account.section(SECTION)
    fill(mfa, "Set up")
    fill(mfa, "Turn on", Code_from_the_app="000000")
    code = mfa.get_by_label("Code from the app").locator("visible=true")
    expect(code).to_be_focused()
    expect(code).to_have_attribute("aria-invalid", "true")
    expect(code).to_have_value("")
    fill(mfa, "Cancel")
    expect(mfa.get_by_role("button", name="Set up")).to_be_focused()
    assert account.site.call("GET", "/auth/mfa", token=account.token)["totp_enabled"] is False


def test_new_recovery_codes_replace_those_before(enrolled: Account) -> None:
    mfa = enrolled.section(SECTION)
    expect(mfa).to_contain_text("Recovery codes left: 9")
    mfa.get_by_text("New recovery codes").click()
    fill(mfa, "Make new codes", Code_from_the_app=enrolled.code(1))
    expect(mfa.get_by_role("heading", name="Your recovery codes")).to_be_focused()
    assert not {*mfa.get_by_role("listitem").locator("visible=true").all_inner_texts()} & {*enrolled.recovery_codes}
    fill(mfa, "I have saved them")
    expect(mfa).to_contain_text("Recovery codes left: 10")


@pytest.mark.parametrize("with_recovery_code", [False, True])
def test_the_second_factor_is_turned_off_with_a_code_of_either_kind(
    enrolled: Account, with_recovery_code: bool
) -> None:
    mfa = enrolled.section(SECTION)
    mfa.locator("summary", has_text="Turn off").click()
    fill(mfa, "Turn off", Code_or_recovery_code="000000")
    expect(mfa.get_by_label("Code or recovery code")).to_be_focused()
    code = enrolled.recovery_codes[1] if with_recovery_code else enrolled.code(1)
    fill(mfa, "Turn off", Code_or_recovery_code=code)
    expect(mfa.get_by_role("status").locator("visible=true")).to_have_text("The second factor is off.")
    expect(mfa.get_by_role("heading", name=SECTION)).to_be_focused()
    expect(mfa.get_by_role("button", name="Set up")).to_be_visible()


def test_an_old_sign_in_is_asked_for_the_password_and_the_call_is_repeated(account: Account) -> None:
    account.age()
    fill(account.section(SECTION), "Set up")
    expect(account.dialog).to_have_accessible_name("Is it you?")
    expect(account.dialog.get_by_label("Password", exact=True)).to_be_focused()
    expect(account.dialog.get_by_label("Code or recovery code")).to_be_hidden()
    fill(account.dialog, "Confirm", Password="wrong")
    expect(account.dialog.get_by_label("Password", exact=True)).to_have_accessible_description(
        "This password is wrong."
    )
    fill(account.dialog, "Confirm", Password=PASSWORD)
    expect(account.dialog).to_be_hidden()
    expect(account.page.get_by_role("heading", name="Set up an authenticator app")).to_be_focused()
    assert account.page.locator("#step-up-password").input_value() == ""


def test_a_second_factor_is_asked_for_too(enrolled: Account) -> None:
    enrolled.age()
    mfa = enrolled.section(SECTION)
    mfa.locator("summary", has_text="Turn off").click()
    fill(mfa, "Turn off", Code_or_recovery_code=enrolled.recovery_codes[1])
    fill(enrolled.dialog, "Confirm", Password=PASSWORD, Code_or_recovery_code="000000")
    expect(enrolled.dialog.get_by_label("Code or recovery code")).to_be_focused()
    fill(enrolled.dialog, "Confirm", Code_or_recovery_code=enrolled.code(1))
    expect(mfa.get_by_role("status").locator("visible=true")).to_have_text("The second factor is off.")


def test_a_second_factor_of_another_tab_is_asked_for_once_the_api_says_so(account: Account) -> None:
    account.enrol()
    account.sign_in()
    account.page.evaluate("import('/pages/api.js').then((api) => api.refresh())")  # into the session with the factor
    account.age()
    account.page.get_by_role("button", name="Delete account …").click()
    fill(account.dialog, "Delete for good", Type_your_email=account.email, Your_password=PASSWORD)
    expect(account.dialog.last).to_contain_text("Code or recovery code")


def test_closing_the_dialog_changes_nothing_and_says_so(account: Account) -> None:
    account.age()
    mfa = account.section(SECTION)
    fill(mfa, "Set up")
    expect(account.dialog).to_be_visible()
    account.page.keyboard.press("Escape")
    expect(mfa.get_by_role("status").locator("visible=true")).to_have_text("Nothing was changed.")
    expect(mfa.get_by_role("alert").locator("visible=true")).to_have_count(0)
    expect(mfa.get_by_role("button", name="Set up")).to_be_focused()
    expect(mfa.get_by_role("button", name="Set up")).to_be_enabled()


def test_a_password_that_was_just_typed_is_not_asked_for_again(account: Account) -> None:
    account.age()
    profile = account.section("Profile")
    profile.locator("summary").click()
    fill(profile, "Change email", New_email=account.site.new_email(), Your_password=PASSWORD)
    expect(profile.get_by_role("status").locator("visible=true")).to_contain_text("We have sent an email")


def test_an_account_without_a_password_signs_in_again(account: Account) -> None:
    account.site.execute("UPDATE users SET password_hash = NULL WHERE email = %s", account.email)
    account.open()
    account.age()
    fill(account.section(SECTION), "Set up")
    fill(account.dialog, "Sign in again")
    account.page.wait_for_url("**/sign-in#next=%2Faccount%23mfa")
    expect(account.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
