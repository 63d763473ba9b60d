"""The console of an organization, for its tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.account import ConsolePage, open_account

if TYPE_CHECKING:
    from tests.browser.conftest import NewPage, Site

HOSTILE = ("<img src=x onerror=alert(1)>", "عمر الخيام", "x" * 100)
_ADA = {"first_name": "Ada", "last_name": "Lovelace", "organization_name": "Acme Research"}
_MEMBERS = """
WITH people AS (
    INSERT INTO users (id, email, first_name, last_name)
    SELECT gen_random_uuid(), 'member' || n || '.' || %s || '@example.com', 'Member', n::text
    FROM generate_series(1, %s) AS n RETURNING id
) INSERT INTO memberships (user_id, organization_id, role) SELECT id, %s, 'viewer' FROM people"""


@dataclass
class Console(ConsolePage):
    """The page, and what somebody knows who looks at it."""

    organization: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/organizations/{self.organization['id']}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API below the organization, as the account."""
        return self.site.call(method, f"{self.path}{path}", body, self.account.token)

    def names(self, path: str) -> list[str]:
        return [item["name"] for item in self.call("GET", path)["items"]]

    def open(self, view: str = "members") -> None:
        """Load the page anew, at one of its sections."""
        self.page.goto("about:blank")
        self.page.goto(f"/organizations/{self.organization['slug']}#{view}")
        expect(self.page.locator("[data-panel=console]")).to_be_visible()
        expect(self.page.locator(f"#{view} [data-loading]")).to_be_hidden()

    def join(self, role: str = "developer", **profile: str) -> dict[str, Any]:
        """Another account that belongs to the organization: its session."""
        session = self.site.register(**profile)
        self.site.execute(
            "INSERT INTO memberships (user_id, organization_id, role) VALUES (%s, %s, %s)",
            session["user"]["id"],
            self.organization["id"],
            role,
        )
        return session

    def add_members(self, number: int) -> None:
        self.site.execute(_MEMBERS, self.organization["slug"], number, self.organization["id"])


def open_console(new_page: NewPage, site: Site, view: str = "members", **options: Any) -> Console:
    """Open the console of a new organization, as its admin."""
    account = open_account(new_page, site, profile=_ADA, **options)
    [mine] = site.call("GET", "/organizations", token=account.token)["items"]
    console = Console(account, mine)
    console.open(view)
    return console


def open_as(new_page: NewPage, site: Site, role: str, view: str = "members", **options: Any) -> Console:
    """Open the console of another's organization, with a role in it."""
    account = open_account(new_page, site, **options)
    founder = site.register(organization_name="Acme Research", first_name="Grace", last_name="Hopper")
    me = site.call("GET", "/auth/me", token=account.token)["id"]
    insert = "INSERT INTO memberships (user_id, organization_id, role) VALUES (%s, %s, %s)"
    site.execute(insert, me, founder["organization"]["id"], role)
    console = Console(account, founder["organization"])
    console.open(view)
    return console
