"""Signing in with a second factor on the page."""

from __future__ import annotations

import re
import time
from typing import NamedTuple

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, Site, submit
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
PERIOD = 30  # seconds, RFC 6238 section 5.2


class Enrolled(NamedTuple):
    """An account with an authenticator app."""

    email: str
    secret: str
    recovery_codes: list[str]

    def next_code(self) -> str:
        """A code that was not used to confirm the app: that of the next period, which is accepted already."""
        return pyotp.TOTP(self.secret).at(int(time.time()) + PERIOD)


def enrol(site: Site) -> Enrolled:
    session = site.register()
    token = session["access_token"]
    secret = site.call("POST", "/auth/mfa/totp", token=token)["secret"]
    confirmed = site.call("POST", "/auth/mfa/totp/confirm", {"code": pyotp.TOTP(secret).now()}, token)
    return Enrolled(session["user"]["email"], secret, confirmed["recovery_codes"])


def give_password(page: Page, account: Enrolled) -> None:
    submit(page, "Sign in", Email=account.email, Password=PASSWORD)
    expect(page.get_by_label("Code", exact=True)).to_be_focused()


def test_a_code_of_the_app_signs_in(page: Page, site: Site) -> None:
    account = enrol(site)
    give_password(page, account)
    code = account.next_code()
    submit(page, "Continue", Code=f"{code[:3]} {code[3:]}")
    page.wait_for_url("**/account")


def test_a_recovery_code_signs_in(page: Page, site: Site) -> None:
    account = enrol(site)
    give_password(page, account)
    page.get_by_role("button", name="Use a recovery code").click()
    recovery_code = page.get_by_label("Recovery code")
    expect(recovery_code).to_be_focused()
    submit(page, "Continue", Recovery_code="rc-with-a-typo")
    expect(recovery_code).to_have_accessible_description(re.compile("^This recovery code is wrong or was used."))
    expect(recovery_code).to_be_focused()
    expect(recovery_code).to_have_value("rc-with-a-typo")
    submit(page, "Continue", Recovery_code=account.recovery_codes[0])
    page.wait_for_url("**/account")


def test_a_wrong_code_is_said_beside_its_empty_field_and_the_next_one_signs_in(page: Page, site: Site) -> None:
    account = enrol(site)
    give_password(page, account)
    submit(page, "Continue", Code="000000")
    code = page.get_by_label("Code", exact=True)
    expect(code).to_have_accessible_description(re.compile("This code is wrong or was used. Wait for the next one.$"))
    expect(code).to_be_focused()
    expect(code).to_have_value("")
    expect(page.get_by_role("alert").locator("visible=true")).to_have_count(0)
    submit(page, "Continue", Code=account.next_code())
    page.wait_for_url("**/account")


def test_starting_again_leads_back_to_the_password(page: Page, site: Site) -> None:
    give_password(page, enrol(site))
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_label("Password", exact=True)).to_have_value("")


def test_an_mfa_token_that_is_dead_leads_back_to_the_password_and_says_why(page: Page, site: Site) -> None:
    account = enrol(site)
    page.route("**/auth/login/mfa", lambda route: route.continue_(post_data={"mfa_token": "mt_dead", "code": "123456"}))
    give_password(page, account)
    submit(page, "Continue", Code="123456")
    alert = page.get_by_role("alert").locator("visible=true")
    expect(alert).to_have_text("That took too long. Sign in again.")
    expect(alert).to_be_focused()


def test_somebody_invited_who_has_a_second_factor_joins(new_page: NewPage, site: Site) -> None:
    account = enrol(site)
    site.invite(account.email)
    page = new_page(site.link_for(account.email, "invitation"))
    page.get_by_role("button", name="I already have an account").click()
    page.get_by_label("Password", exact=True).locator("visible=true").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).locator("visible=true").click()
    submit(page, "Continue", Code=account.next_code())
    expect(page.get_by_role("status").locator("visible=true")).to_contain_text("You have joined Acme Research")
