"""Passkeys that are refused at sign-in, and what the device is told of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.authenticator import Authenticator
from tests.browser.conftest import NewPage, Site, submit
from tests.browser.test_passkey_sign_in import expect_alert, open_sign_in, signed_out, touch_once, use_button
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
SIGNALS = """
    window.signals = [];
    window.signalled = new Promise((resolve, reject) => {
        for (const name of ["signalUnknownCredential", "signalAllAcceptedCredentials"])
            PublicKeyCredential[name] = async (given) => resolve(window.signals.push([name, given]));
        setTimeout(reject, 20_000, "no signal");
    });
    window.signalled.catch(() => 0);
    0;
"""
REFUSED = "This passkey was not accepted. Try again, or use another way."


def count_back(device: Authenticator) -> None:
    device.replace(signCount=0)


def flip_backup(device: Authenticator) -> None:
    (passkey,) = device.passkeys()
    device.send(
        "setCredentialProperties", credentialId=passkey["credentialId"], backupEligibility=True, backupState=True
    )


@pytest.mark.parametrize("change", [count_back, flip_backup])
def test_a_passkey_that_may_be_a_copy_is_refused_in_words(new_page: NewPage, site: Site, change: Any) -> None:
    account, device = signed_out(new_page, site)
    change(device)
    use_button(account.page, device)
    expect_alert(account.page, REFUSED)
    device.press(False)
    submit(account.page, "Sign in", Email=account.email, Password=PASSWORD)
    account.page.wait_for_url("**/account")
    expect(account.section("History")).to_contain_text("A passkey was refused: it may have been copied")


def test_a_device_that_does_not_verify_its_owner_is_refused(new_page: NewPage, site: Site) -> None:
    account, device = signed_out(new_page, site)
    page = account.page
    weaken = """const { get } = navigator.credentials; navigator.credentials.get = function (options) {
        options.publicKey.userVerification = "discouraged"; return get.call(this, options); }; 0"""
    page.evaluate(weaken)
    device.verify(False)
    use_button(page, device)
    expect_alert(page, REFUSED)


def test_an_answer_that_was_used_is_refused(new_page: NewPage, site: Site) -> None:
    account, device = signed_out(new_page, site)
    page, sent = account.page, []
    page.on("request", lambda one: sent.append(one.post_data) if one.url.endswith("/login/passkey") else None)
    use_button(page, device)
    page.wait_for_url("**/account")
    expect(account.section("Passkeys").get_by_role("listitem")).to_have_count(1)
    device.press(False)
    page.context.clear_cookies()
    open_sign_in(page)
    page.route("**/auth/login/passkey", lambda route: route.continue_(post_data=sent[0]))
    use_button(page, device)
    expect_alert(page, "That took too long. Try again.")


@pytest.mark.parametrize("by_button", [True, False])
def test_the_device_is_told_of_a_passkey_that_no_account_has(new_page: NewPage, site: Site, by_button: bool) -> None:
    account, device = signed_out(new_page, site)
    page = account.page
    (passkey,) = device.passkeys()
    site.execute("DELETE FROM passkeys WHERE user_id = (SELECT id FROM users WHERE email = %s)", account.email)
    page.add_init_script(SIGNALS)
    page.goto("/forgot-password")
    if by_button:
        open_sign_in(page)
        use_button(page, device)
    else:
        touch_once(page, device)
        page.goto("/sign-in")
    expect_alert(page, "This passkey belongs to no account here. It may have been removed. Sign in in another way.")
    (name, given), *more = page.evaluate("window.signals")
    as_sent = passkey["credentialId"].replace("+", "-").replace("/", "_").rstrip("=")
    assert (name, given, more) == ("signalUnknownCredential", {"rpId": "localhost", "credentialId": as_sent}, [])


@pytest.mark.parametrize(
    "fault", [{"status": 503, "code": "service_unavailable"}, {"status": 401, "code": "invalid_passkey"}]
)
def test_the_device_is_told_nothing_where_that_is_not_certain(new_page: NewPage, site: Site, fault: Any) -> None:
    account, device = signed_out(new_page, site)
    page = account.page
    page.add_init_script(SIGNALS)
    open_sign_in(page)
    page.route(
        re.compile("/login/passkey$"),
        lambda route: route.fulfill(status=fault["status"], json={"detail": "", **fault}),
    )
    use_button(page, device)
    expect(page.get_by_role("alert").locator("visible=true")).to_be_focused()
    assert page.evaluate("window.signals") == []
