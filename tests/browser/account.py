"""The account page of somebody who is signed in, for its tests."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyotp
from playwright.sync_api import Locator, Page, expect

from tests.factories import PASSWORD

if TYPE_CHECKING:
    from tests.browser.conftest import NewPage, Site

OTHER_DEVICE = "Python"  # without a name that the page knows
_PROFILE = {"first_name": "Ada", "last_name": "Lovelace"}


@dataclass
class Account:
    """The page, and what its owner knows."""

    page: Page
    site: Site
    email: str
    token: str  # of another device
    secret: str = ""
    recovery_codes: tuple[str, ...] = ()

    def section(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def code(self, steps: int = 0) -> str:
        """The code of now, or of so many steps later."""
        return str(pyotp.TOTP(self.secret).at(time.time() + 30 * steps))

    def age(self) -> None:
        """Make the sign-ins older than those that a critical action takes."""
        self.site.execute("UPDATE sessions SET authenticated_at = authenticated_at - interval '6 minutes'")

    def enrol(self) -> None:
        """Set up an authenticator app by the API."""
        self.secret = self.site.call("POST", "/auth/mfa/totp", token=self.token)["secret"]
        confirmed = self.site.call("POST", "/auth/mfa/totp/confirm", {"code": self.code()}, self.token)
        self.recovery_codes = tuple(confirmed["recovery_codes"])

    def sign_in(self) -> None:
        """Sign the browser in, with the first of the recovery codes where there is a second factor."""
        answer = self._send("login", email=self.email, password=PASSWORD)
        if "mfa_token" in answer:
            self._send("login/mfa", mfa_token=answer["mfa_token"], recovery_code=self.recovery_codes[0])

    def _send(self, path: str, **body: str) -> Any:
        headers = {"Authapp-Client": "browser", "Origin": self.site.url}
        return self.page.request.post(f"{self.site.url}/api/v1/auth/{path}", data=body, headers=headers).json()

    def open(self) -> None:
        self.page.goto("/account")
        expect(self.page.locator("[data-panel=account]")).to_be_visible()


@dataclass
class ConsolePage:
    """What the consoles share: an account that looks at one, and the parts of its page."""

    account: Account

    @property
    def page(self) -> Page:
        return self.account.page

    @property
    def site(self) -> Site:
        return self.account.site

    @property
    def dialog(self) -> Locator:
        return self.account.dialog

    def section(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    def row(self, text: str) -> Locator:
        return self.page.get_by_role("row").filter(has_text=text)


def status(section: Locator) -> Locator:
    return section.get_by_role("status").locator("visible=true")


def alert(part: Locator) -> Locator:
    return part.get_by_role("alert").locator("visible=true")


def open_account(
    new_page: NewPage, site: Site, *, enrolled: bool = False, profile: dict[str, Any] = _PROFILE, **options: Any
) -> Account:
    """Open the page of a new account. Another session of it is signed in by the API."""
    session = site.register(**profile)
    account = Account(new_page("about:blank", **options), site, session["user"]["email"], session["access_token"])
    if enrolled:
        account.enrol()
    account.sign_in()
    account.open()
    return account


def fill(part: Locator, button: str, **fields: str) -> None:
    """Fill in fields of a part of the page by their labels, and press a button of it."""
    for label, value in fields.items():
        part.get_by_label(label.replace("_", " "), exact=True).locator("visible=true").fill(value)
    part.get_by_role("button", name=button, exact=True).locator("visible=true").click()
