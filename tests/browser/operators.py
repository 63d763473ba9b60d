"""The operator's console, for its tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.account import ConsolePage, open_account

if TYPE_CHECKING:
    from tests.browser.conftest import NewPage, Site

GRANT = "UPDATE users SET is_operator = true, email_verified = true WHERE email = %s"


@dataclass
class Operator(ConsolePage):
    """The page, and what the operator knows."""

    def call(self, method: str, path: str) -> Any:
        """Call the API as the operator."""
        return self.site.call(method, path, token=self.account.token)

    def open(self, path: str = "/operator", view: str = "") -> None:
        """Load a page of the console anew, at one of its sections."""
        self.page.goto("about:blank")
        self.page.goto(f"{path}#{view}" if view else path)
        expect(self.page.locator("[data-panel=console]")).to_be_visible()
        if view and self.page.locator(f"#{view} [data-loading]").count():
            expect(self.page.locator(f"#{view} [data-loading]").first).to_be_hidden()


def open_operator(new_page: NewPage, site: Site, **options: Any) -> Operator:
    """An operator with an authenticator app, who has signed in with it."""
    account = open_account(new_page, site, enrolled=True, **options)
    site.execute(GRANT, account.email)
    operator = Operator(account)
    operator.open()
    return operator
