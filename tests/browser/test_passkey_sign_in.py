"""Signing in with a passkey on the pages: by the button, where the email is filled in, and as the second factor."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.account import Account, fill, open_account
from tests.browser.authenticator import Authenticator, authenticator_of
from tests.browser.conftest import NewPage, Site, overflows, require_accessible, submit
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
NARROW = {"width": 320, "height": 640}
BUTTON = "Sign in with a passkey"


def signed_out(
    new_page: NewPage, site: Site, *, enrolled: bool = False, **options: Any
) -> tuple[Account, Authenticator]:
    """At the sign-in page, where a device with a passkey of an account waits, which nobody touches."""
    account = open_account(new_page, site, enrolled=enrolled, **options)
    device = authenticator_of(account.page)
    section = account.section("Passkeys")
    fill(section, "Add a passkey")
    expect(section.get_by_role("listitem")).to_have_count(1)
    device.press(False)
    account.page.context.clear_cookies()
    open_sign_in(account.page)
    return account, device


def open_sign_in(page: Page, path: str = "/sign-in") -> None:
    """Open the page, and wait until passkeys are offered."""
    page.goto("/forgot-password")
    with page.expect_response("**/login/passkey/options"):
        page.goto(path)
    page.wait_for_timeout(100)  # the browser is asked


def touch_once(page: Page, device: Authenticator) -> None:
    """Touch the device for one request: not for the offer that follows an error, with another counter."""

    def let_go(route: Route) -> None:
        device.press(False)
        route.fallback()

    page.route(re.compile("/login/passkey$"), let_go)
    device.press()


def use_button(page: Page, device: Authenticator) -> None:
    """Press the button, and touch the device once."""
    touch_once(page, device)
    page.get_by_role("button", name=BUTTON).click()


def expect_alert(page: Page, sentence: str) -> None:
    alert = page.get_by_role("alert").locator("visible=true")
    expect(alert).to_have_text(sentence)
    expect(alert).to_be_focused()


def test_a_passkey_signs_in_by_the_button_and_leads_on(new_page: NewPage, site: Site) -> None:
    account, device = signed_out(new_page, site)
    open_sign_in(account.page, "/sign-in#next=/forgot-password")
    use_button(account.page, device)
    account.page.wait_for_url("**/forgot-password")
    expect(account.page.get_by_role("navigation")).to_contain_text(account.email)


def test_a_passkey_signs_in_where_the_browser_fills_in_the_email(new_page: NewPage, site: Site) -> None:
    account, device = signed_out(new_page, site)
    device.press()
    account.page.goto("/forgot-password")
    account.page.goto("/sign-in")
    account.page.wait_for_url("**/account")
    expect(account.page.get_by_role("navigation").first).to_contain_text(account.email)


def test_a_passkey_signs_in_to_accept_an_invitation(new_page: NewPage, site: Site) -> None:
    account, device = signed_out(new_page, site)
    site.invite(account.email)
    account.page.goto(site.link_for(account.email))
    account.page.get_by_role("button", name="I already have an account").click()
    use_button(account.page, device)
    expect(account.page.get_by_role("status").locator("visible=true")).to_contain_text("You have joined Acme Research")


def test_the_button_ends_what_was_offered_and_cancelling_is_said_calmly_and_offers_it_again(
    new_page: NewPage, site: Site
) -> None:
    account, device = signed_out(new_page, site)
    page, asked = account.page, []
    device.verify(False)  # so that the request ends as one that was cancelled
    page.on("request", lambda request: asked.append(request.url) if "passkey/options" in request.url else None)
    use_button(page, device)
    button = page.get_by_role("button", name=BUTTON)
    expect(page.get_by_role("status").locator("visible=true")).to_have_text("No passkey was used.")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-disabled", "false")
    expect(page.get_by_role("alert").locator("visible=true")).to_have_count(0)
    page.wait_for_timeout(500)
    assert len(asked) == 2  # one of the button, one to offer passkeys again
    device.verify(True)
    button.click()
    page.wait_for_url("**/account")


SLOW_TO_ANSWER = """
    window.asked = [];
    const { get } = navigator.credentials;
    navigator.credentials.get = function (options) {
        window.asked.push(options.mediation ?? "modal");
        return get.call(this, options);
    };
    PublicKeyCredential.isConditionalMediationAvailable = () => new Promise((resolve) => { window.answer = resolve; });
"""


def test_the_button_ends_an_offer_that_has_not_begun_yet(new_page: NewPage, site: Site) -> None:
    account, _ = signed_out(new_page, site)
    page = account.page
    page.add_init_script(SLOW_TO_ANSWER)
    page.goto("/forgot-password")
    with page.expect_response("**/auth/refresh"):
        page.goto("/sign-in")
    with page.expect_response("**/login/passkey/options"):
        page.get_by_role("button", name=BUTTON).click()  # nobody touches the device
    page.wait_for_timeout(300)
    page.evaluate("window.answer(true)")
    page.wait_for_timeout(500)
    assert page.evaluate("window.asked") == ["modal"]
    expect(page.get_by_role("button", name="One moment")).to_be_visible()


def test_the_challenge_is_renewed_before_it_expires(new_page: NewPage, site: Site) -> None:
    account, device = signed_out(new_page, site)
    page = account.page
    page.clock.install()
    open_sign_in(page)
    with page.expect_response("**/login/passkey/options"):
        page.clock.fast_forward("04:01")
    page.wait_for_timeout(100)
    with page.expect_response("**/login/passkey/options"):
        page.clock.fast_forward("04:01")
    use_button(page, device)
    page.wait_for_url("**/account")


def test_a_passkey_is_the_second_factor(new_page: NewPage, site: Site) -> None:
    account, device = signed_out(new_page, site, enrolled=True)
    page = account.page
    submit(page, "Sign in", Email=account.email, Password=PASSWORD)
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    device.verify(False)
    device.press()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("status").locator("visible=true")).to_have_text("No passkey was used.")
    expect(page.get_by_role("alert").locator("visible=true")).to_have_count(0)
    device.verify(True)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/account")


def test_a_second_factor_that_took_too_long_leads_back_to_the_password(new_page: NewPage, site: Site) -> None:
    account, device = signed_out(new_page, site, enrolled=True)
    page = account.page
    submit(page, "Sign in", Email=account.email, Password=PASSWORD)
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    site.execute("UPDATE mfa_challenges SET expires_at = now() - interval '1 minute'")
    page.get_by_role("button", name="Use a passkey").click()
    expect_alert(page, "That took too long. Sign in again.")
    use_button(page, device)
    page.wait_for_url("**/account")


def test_no_passkey_is_asked_for_where_the_account_has_none(page: Page, site: Site) -> None:
    email = site.register()["user"]["email"]
    submit(page, "Sign in", Email=email, Password=PASSWORD)
    page.wait_for_url("**/account")
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()


WITHOUT = {
    "a browser without passkeys": "delete window.PublicKeyCredential",
    "a browser that cannot read their JSON": "delete PublicKeyCredential.parseRequestOptionsFromJSON",
}


@pytest.mark.parametrize("without", WITHOUT)
def test_nothing_is_said_of_passkeys_where_there_are_none(new_page: NewPage, site: Site, without: str) -> None:
    account = open_account(new_page, site)
    page, asked = account.page, []
    page.on("request", lambda request: asked.append(request.url) if "/login/passkey" in request.url else None)
    page.add_init_script(WITHOUT[without])
    account.open()
    expect(page.get_by_text("Passkeys").locator("visible=true")).to_have_count(0)
    page.context.clear_cookies()
    page.goto("/sign-in")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("button", name=BUTTON)).to_be_hidden()
    expect(page.locator("[data-ways]")).to_be_hidden()
    assert asked == []


def test_nothing_is_said_of_passkeys_at_an_ip_address(new_page: NewPage, site: Site) -> None:
    page = new_page(f"http://127.0.0.1:{site.port}/sign-in")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()
    expect(page.get_by_role("button", name=BUTTON)).to_be_hidden()


def test_who_is_signed_in_is_not_offered_a_passkey(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    page, asked = account.page, []
    page.on("request", lambda request: asked.append(request.url) if "/login/passkey" in request.url else None)
    page.goto("/sign-in")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_focused()
    page.wait_for_load_state("networkidle")
    assert asked == []


def test_the_steps_with_passkeys_have_no_violation_of_wcag_and_fit_in_german(new_page: NewPage, site: Site) -> None:
    page = new_page(viewport=NARROW, locale="de-DE")
    expect(page.get_by_role("button", name="Mit Passkey anmelden")).to_be_enabled()
    require_accessible(page)
    page.locator("[data-passkey-factor]").evaluate("(form) => { form.hidden = false; }")
    page.evaluate("import('/pages/page.js').then((page) => page.showPanel('second-factor'))")
    require_accessible(page)
    page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert not overflows(page)
