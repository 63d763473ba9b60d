"""clients/example in a real browser, from registration to a page that is not for the role. See docs/front-end.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import EXPECTED, Site, require_accessible, submit
from tests.clients.example import serving_example
from tests.factories import PASSWORD
from tests.live import ask

pytestmark = pytest.mark.xdist_group("clients")
PHONE, WIDE = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
SIGNED_OUT = {
    "/sign-in": "Sign in",
    "/register": "Create your workspace",
    "/forgot-password": "Forgotten password",
    "/nowhere": "Page not found",
}
SIGNED_IN = {
    "/": "Hello, Ada",
    "/experiments": "Experiments",
    "/deployments": "Deployments",
    "/members": "Members",
    "/settings": "Settings",
    "/organizations": "Choose an organization",
}
Open = Callable[..., Page]


@dataclass
class Example:
    """Where the example is, and authapp beside it."""

    address: str
    site: Site

    def organization_of(self, token: str) -> str:
        [organization] = self.site.call("GET", "/organizations", token=token)["items"]
        return str(organization["id"])

    def token_of(self, email: str) -> str:
        return str(self.site.call("POST", "/auth/login", {"email": email, "password": PASSWORD})["access_token"])

    def suspend(self, organization: str) -> None:
        statement = "UPDATE organizations SET suspended_at = now(), suspension_reason = 'operator' WHERE id = %s"
        self.site.execute(statement, organization)


@pytest.fixture(scope="module")
def example(
    packages: Path, socket_folder: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Example]:
    folder = tmp_path_factory.mktemp("example")
    with serving_example(packages, socket_folder, f"example_{worker_id}", folder) as (address, site):
        yield Example(address, site)


@pytest.fixture
def open_page(chromium: Browser, example: Example) -> Iterator[Open]:
    """Open a page on a phone, in a new browser. In the end, no script failed, and the policy stopped none."""
    contexts, said = [], []

    def open_one(path: str = "/", **options: Any) -> Page:
        settings = {"base_url": example.address, "locale": "en-US", "reduced_motion": "reduce", "viewport": PHONE}
        context = chromium.new_context(**{**settings, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [line for line in said if not EXPECTED.search(line)] == []


def expect_page(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()
    expect(page).to_have_title(f"{title} · Acme MLOps")


def go(page: Page, name: str) -> None:
    """Choose a page, or what else is there, in the menu."""
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).click()


def sign_in(page: Page, email: str) -> None:
    submit(page, "Sign in", Email=email, Password=PASSWORD)


def test_the_example_leads_from_registration_to_a_page_that_is_not_for_the_role(
    example: Example, open_page: Open
) -> None:
    site, ada, grace = example.site, example.site.new_email(), example.site.new_email()

    admin = open_page("/experiments")
    expect_page(admin, "Sign in")  # in the place of the protected page
    admin.get_by_role("link", name="Register").click()
    expect_page(admin, "Create your workspace")
    submit(admin, "Create account", Email=ada, Password=PASSWORD, Organization="Acme Research")
    expect_page(admin, "Overview")
    go(admin, "Settings")
    expect_page(admin, "Settings")
    go(admin, "Experiments")
    submit(admin, "Start", Name="churn-1")
    expect(admin.get_by_role("listitem").filter(has_text="churn-1")).to_be_visible()

    token = example.token_of(ada)
    acme = example.organization_of(token)
    site.call("POST", f"/organizations/{acme}/invitations", {"email": grace, "role": "developer"}, token)

    developer = open_page(site.link_for(grace))
    expect_page(developer, "Join Acme Research")
    assert developer.url == f"{example.address}/invitation"  # neither the address nor the history has the token
    expect(developer.get_by_label("Email", exact=True)).to_have_value(grace)
    submit(developer, "Join", Password=PASSWORD)
    expect_page(developer, "Overview")
    go(developer, "Deployments")
    expect_page(developer, "Deployments")
    developer.get_by_role("button", name="Menu").click()
    expect(developer.get_by_role("link", name="Settings")).to_have_count(0)
    developer.goto("/settings")
    expect_page(developer, "Not for your role")
    changed = ask(site.port, "PATCH", f"/api/v1/organizations/{acme}", {"name": "Mine"}, example.token_of(grace))
    assert (changed[0], changed[1]["code"]) == (403, "role_too_low")

    go(developer, "Sign out")
    expect_page(developer, "Sign in")
    developer.reload()
    expect_page(developer, "Sign in")  # the cookie is gone as well


def test_changing_the_organization_changes_what_is_shown(example: Example, open_page: Open) -> None:
    site, ada = example.site, example.site.new_email()
    token = site.register(email=ada, organization_name="Acme Research")["access_token"]
    site.call("POST", f"/organizations/{example.organization_of(token)}/experiments", {"name": "churn-1"}, token)
    site.call("POST", "/organizations", {"name": "Northwind"}, token)

    page = open_page("/experiments", viewport=WIDE)
    sign_in(page, ada)
    expect_page(page, "Choose an organization")
    page.get_by_role("button", name="Acme Research").click()
    expect_page(page, "Experiments")
    expect(page.get_by_role("listitem")).to_have_text(re.compile("churn-1"))
    page.get_by_label("Organization").select_option("Northwind")
    expect(page.get_by_text("Nothing has run yet.")).to_be_visible()
    page.reload()  # it is remembered
    expect(page.get_by_text("Nothing has run yet.")).to_be_visible()
    expect(page.get_by_label("Organization").locator("option:checked")).to_have_text("Northwind")


def test_the_list_says_why_an_organization_does_not_open(example: Example, open_page: Open) -> None:
    site, ada = example.site, example.site.new_email()
    token = site.register(email=ada, organization_name="Acme Research")["access_token"]
    acme = example.organization_of(token)
    site.call("POST", "/organizations", {"name": "Northwind"}, token)
    page = open_page()
    sign_in(page, ada)
    page.get_by_role("button", name="Acme Research").click()
    expect_page(page, "Overview")

    example.suspend(acme)
    page.reload()  # the one that is remembered
    entry = page.get_by_role("listitem").filter(has_text="Acme Research")
    expect_page(page, "Choose an organization")
    expect(entry.get_by_role("alert")).to_have_text("This organization is suspended. Ask the operator of this service.")
    require_accessible(page)
    page.get_by_role("button", name="Northwind").click()
    expect_page(page, "Overview")

    go(page, "Create another organization")
    expect_page(page, "Choose an organization")
    expect(entry.get_by_role("alert")).to_have_count(0)
    entry.get_by_role("button").click()
    expect(entry.get_by_role("alert")).to_have_text("This organization is suspended. Ask the operator of this service.")
    submit(page, "Create organization", New_organization="Initech")
    expect_page(page, "Overview")
    assert page.url == f"{example.address}/"
    expect(page.locator(".page-header")).to_contain_text("Initech")


def test_the_only_organization_is_suspended_and_the_list_says_so(example: Example, open_page: Open) -> None:
    site, ada = example.site, example.site.new_email()
    token = site.register(email=ada, organization_name="Acme Research")["access_token"]
    example.suspend(example.organization_of(token))
    page = open_page("/members")
    sign_in(page, ada)
    expect_page(page, "Choose an organization")
    expect(page.get_by_role("alert")).to_have_text("This organization is suspended. Ask the operator of this service.")


def test_an_invitation_is_kept_until_it_is_declined(example: Example, open_page: Open) -> None:
    grace = example.site.new_email()
    token = example.site.invite(grace)
    page = open_page(f"/invitation#token={token}")
    expect_page(page, "Join Acme Research")
    page.reload()
    expect_page(page, "Join Acme Research")
    assert page.url == f"{example.address}/invitation"
    expect(page.get_by_label("Email", exact=True)).to_have_value(grace)
    expect(page.get_by_label("Email", exact=True)).not_to_be_editable()
    submit(page, "Join", Password="secret12")
    expect(page.get_by_role("alert")).to_contain_text("This password is easy to guess")

    page.get_by_role("button", name="Decline").click()
    expect_page(page, "Decline to join Acme Research?")
    require_accessible(page)
    page.get_by_role("button", name="Decline").click()
    expect_page(page, "Invitation declined")
    page.reload()
    expect_page(page, "Invitation")  # nothing is kept, and nothing is sent
    expect(page.get_by_role("alert")).to_have_count(0)
    submit(page, "Show the invitation", Token=token)
    expect(page.get_by_role("alert")).not_to_be_empty()
    expect(page.get_by_role("link", name="To the overview")).to_be_visible()


def test_a_token_that_is_pasted_opens_the_invitation_which_is_accepted_once(example: Example, open_page: Open) -> None:
    site, grace = example.site, example.site.new_email()
    site.register(email=grace)
    page = open_page("/invitation")
    expect_page(page, "Invitation")
    require_accessible(page)
    submit(page, "Show the invitation", Token=f" {site.invite(grace)} ")
    expect_page(page, "Join Acme Research")
    page.get_by_role("button", name="I have an account").click()
    sign_in(page, grace)
    page.get_by_role("button", name="Join").click()
    expect_page(page, "Overview")
    page.goto("/invitation")
    expect_page(page, "Invitation")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_admins_see_whom_they_have_invited_and_send_again_or_revoke(example: Example, open_page: Open) -> None:
    site, ada, grace = example.site, example.site.new_email(), example.site.new_email()
    session = site.register(email=ada, organization_name="Acme Research")
    organization, token = session["organization"], session["access_token"]
    path = f"/organizations/{organization['id']}/invitations"
    for _ in range(11):
        site.call("POST", path, {"email": site.new_email(), "role": "viewer"}, token)
    page = open_page("/members")
    sign_in(page, ada)
    rows = page.get_by_role("listitem")
    expect(rows).to_have_count(10)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(11)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)

    submit(page, "Invite", Email=grace)
    expect(rows).to_have_count(12)
    row, first = rows.filter(has_text=grace), site.link_for(grace)
    require_accessible(page)
    submit(page, "Invite", Email=grace)
    expect(page.get_by_text("This address has a pending invitation.")).to_be_visible()
    row.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status").filter(has_text=f"{grace} gets another email")).to_be_visible()
    assert site.link_for(grace, other_than=first) != first
    row.get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    expect(page.get_by_role("heading", name="Not answered yet")).to_be_focused()
    statuses = {one["email"]: one["status"] for one in site.call("GET", path, token=token)["items"]}
    assert statuses[grace] == "revoked"

    page.get_by_role("link", name="API keys and history").click()
    page.wait_for_url(f"{site.url}/organizations/{organization['slug']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Acme Research")


def test_escape_closes_the_menu_of_a_phone_and_the_focus_is_on_its_button(example: Example, open_page: Open) -> None:
    ada = example.site.new_email()
    example.site.register(email=ada, organization_name="Acme Research")
    page = open_page()
    sign_in(page, ada)
    menu = page.get_by_role("button", name="Menu")
    menu.click()
    page.get_by_role("link", name="Experiments", exact=True).focus()
    page.keyboard.press("Escape")
    expect(menu).to_have_attribute("aria-expanded", "false")
    expect(menu).to_be_focused()


def test_deleting_an_organization_asks_for_the_password_and_then_repeats_the_call(
    example: Example, open_page: Open
) -> None:
    site, ada = example.site, example.site.new_email()
    token = site.register(email=ada, organization_name="R&D (Berlin)")["access_token"]
    page = open_page("/settings")
    sign_in(page, ada)
    expect_page(page, "Settings")
    confirmation, button = page.get_by_label("Type R&D"), page.get_by_role("button", name="Delete organization")
    site.execute("UPDATE sessions SET authenticated_at = authenticated_at - interval '6 minutes'")
    confirmation.fill("R&D Berlin")
    button.click()
    assert confirmation.evaluate("input => input.validity.patternMismatch")
    confirmation.fill("R&D (Berlin)")
    button.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    require_accessible(page)
    dialog.get_by_role("button", name="Confirm").click()
    expect_page(page, "Create an organization")
    assert site.call("GET", "/organizations", token=token)["items"] == []


def test_every_page_of_the_example_is_accessible_on_a_phone(example: Example, open_page: Open) -> None:
    site, ada = example.site, example.site.new_email()
    page = open_page("/sign-in")
    for path, title in SIGNED_OUT.items():
        page.goto(path)
        expect_page(page, title)
        require_accessible(page)
    page.goto(f"/invitation#token={site.invite(site.new_email())}")
    expect_page(page, "Join Acme Research")
    require_accessible(page)
    page = open_page("/invitation#token=junk")
    expect(page.get_by_role("alert")).not_to_be_empty()
    require_accessible(page)

    token = site.register(email=ada, organization_name="Acme Research", first_name="Ada")["access_token"]
    organization = example.organization_of(token)
    site.call("POST", f"/organizations/{organization}/experiments", {"name": "churn-1"}, token)
    page.goto("/")
    sign_in(page, ada)
    expect_page(page, "Hello, Ada")
    for path, title in SIGNED_IN.items():
        page.goto(path)
        expect_page(page, title)
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        require_accessible(page)
    page.goto("/")
    page.get_by_role("button", name="Menu").click()
    require_accessible(page)


@pytest.mark.parametrize("page_name", ["reset-password", "verify-email", "undo-email-change"])
def test_pages_that_the_example_lacks_are_those_of_authapp(example: Example, open_page: Open, page_name: str) -> None:
    page = open_page(f"/{page_name}#token=et_of_an_email")
    page.wait_for_url(f"{example.site.url}/{page_name}")
    expect(page.locator("input[name=token]").first).to_have_value("et_of_an_email")


def test_the_hosted_sign_in_leads_back_to_the_front_end_which_finds_the_session(
    example: Example, open_page: Open
) -> None:
    site, ada = example.site, example.site.new_email()
    site.register(email=ada, organization_name="Acme Research")
    page = open_page(f"{site.url}/sign-in#next={quote(f'{example.address}/experiments', safe='')}")
    sign_in(page, ada)
    page.wait_for_url(f"{example.address}/experiments")
    expect_page(page, "Experiments")


def test_registering_at_the_hosted_pages_leads_back_as_well(example: Example, open_page: Open) -> None:
    page = open_page(f"{example.site.url}/sign-in#next={quote(example.address, safe='')}")
    page.get_by_role("link", name="Create an account").click()
    submit(page, "Create account", Email=example.site.new_email(), Password=PASSWORD)
    page.wait_for_url(f"{example.address}/")


@pytest.mark.parametrize(
    "wanted",
    [
        "blob:{address}/0b0c0d0e",
        "javascript:location='{address}'",
        "https://evil.example/{address}",
        "{other}/",
        "filesystem:{address}/temporary/0b0c0d0e",
        "{with_user}/",
    ],
)
def test_the_hosted_sign_in_leads_to_no_other_origin(example: Example, open_page: Open, wanted: str) -> None:
    other = example.address.replace("http:", "https:")  # another scheme is another origin
    ada = example.site.register()["user"]["email"]
    with_user = example.address.replace("//", "//evil@")
    address = wanted.format(address=example.address, other=other, with_user=with_user)
    page = open_page(f"{example.site.url}/sign-in#next={quote(address, safe='')}")
    sign_in(page, ada)
    page.wait_for_url(f"{example.site.url}/account")
