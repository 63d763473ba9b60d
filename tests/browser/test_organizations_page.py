"""The organizations of an account: list, create; and the console where there is none, or for others than admins."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.account import alert, fill, open_account
from tests.browser.conftest import NewPage, Site
from tests.browser.console import HOSTILE, open_as, open_console

pytestmark = pytest.mark.xdist_group("browser")
SECTIONS = [
    "Members", "Invitations", "API keys", "Trusted identities", "Webhooks", "History", "Settings", "Leave or delete",
]  # fmt: skip


def test_an_organization_is_created_from_the_empty_list_and_leads_to_its_console(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    account.page.get_by_role("navigation").get_by_role("link", name="Organizations").click()
    expect(account.page.get_by_text("You belong to no organization yet.")).to_be_visible()
    account.page.get_by_role("button", name="Create an organization").click()
    fill(account.dialog, "Create")
    expect(account.dialog.get_by_label("Name", exact=True)).to_have_accessible_description(
        "You will be its admin. It can be renamed. Fill this in."
    )
    fill(account.dialog, "Create", Name="Vector Lab")
    account.page.wait_for_url("**/organizations/vector-lab")
    expect(account.page.get_by_role("heading", name="Vector Lab", level=1)).to_be_visible()
    expect(account.page).to_have_title("Vector Lab · Acme Cloud")


def test_the_limit_of_organizations_is_said_in_the_dialog(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    me = site.call("GET", "/auth/me", token=account.token)["id"]
    site.execute(
        "INSERT INTO organizations (id, name, slug, founded_by, suspended_at, suspension_reason) "
        "SELECT gen_random_uuid(), 'x', replace(gen_random_uuid()::text, '-', ''), %s, now(), 'operator' "
        "FROM generate_series(1, 50)",
        me,
    )
    account.page.goto("/organizations")
    account.page.get_by_role("button", name="New organization").click()
    fill(account.dialog, "Create", Name="One more")
    expect(alert(account.dialog)).to_contain_text("You have reached a limit.")


def test_my_organizations_are_shown_page_by_page_with_hostile_names_as_text(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    for number in range(26):
        name = HOSTILE[number] if number < len(HOSTILE) else f"Number {number}"
        site.call("POST", "/organizations", {"name": name}, account.token)
    account.page.goto("/organizations")
    rows = account.page.locator("tbody").get_by_role("row")
    expect(rows).to_have_count(25)
    for name in HOSTILE:
        expect(account.page.get_by_role("link", name=name, exact=True)).to_be_visible()
    account.page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(26)
    expect(rows.last.locator(".row-title")).to_be_focused()
    rows.last.get_by_role("link").click()
    expect(account.page.get_by_role("heading", name="Number 25", level=1)).to_be_visible()


@pytest.mark.parametrize("path", ["/organizations", "/organizations/acme#api-keys"])
def test_without_a_session_a_console_leads_to_the_sign_in_and_back(new_page: NewPage, site: Site, path: str) -> None:
    page = new_page(path)
    page.wait_for_url(f"**/sign-in#next={path.replace('/', '%2F').replace('#', '%23')}")


def test_an_unknown_slug_and_one_of_others_give_the_same_page(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    others = site.register(organization_name="Others")["organization"]
    texts = []
    for slug in (others["slug"], "none-at-all", "x" * 100, "%F0%9F%98%80"):
        account.page.goto(f"/organizations/{slug}")
        expect(account.page.get_by_role("heading", name="No such organization")).to_be_visible()
        texts.append((account.page.title(), account.page.get_by_role("main").inner_text()))
    assert len(set(texts)) == 1


@pytest.mark.parametrize("role", ["developer", "viewer"])
def test_others_than_admins_see_the_members_and_can_leave_but_change_nothing(
    new_page: NewPage, site: Site, role: str
) -> None:
    console = open_as(new_page, site, role, "settings")  # leads to the first section that there is
    contents = console.page.get_by_role("navigation", name="Sections")
    assert contents.get_by_role("link").all_inner_texts() == ["Members", "Leave"]
    members = console.section("Members")
    expect(members.locator("tbody").get_by_role("row")).to_have_count(2)
    expect(members.get_by_role("combobox").locator("visible=true")).to_have_count(1)  # the filter
    assert members.get_by_role("button").locator("visible=true").all_inner_texts() == ["Leave"]
    contents.get_by_role("link", name="Leave").click()
    danger = console.section("Leave")
    expect(danger.get_by_role("button").locator("visible=true")).to_have_text(["Leave …"])


def test_a_suspended_organization_is_named_and_has_no_sections(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    site.execute(
        "UPDATE organizations SET suspended_at = now(), suspension_reason = 'operator' WHERE id = %s",
        console.organization["id"],
    )
    console.open()
    expect(console.page.get_by_role("heading", name="Acme Research", level=1)).to_be_visible()
    expect(console.page.get_by_text("This organization is suspended: nobody can use it.")).to_be_visible()
    expect(console.page.get_by_role("navigation", name="Sections")).to_be_hidden()
    expect(console.page.get_by_role("region").locator("visible=true")).to_have_count(0)


def test_the_sections_follow_the_address_and_the_back_button(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site, "history")
    contents = console.page.get_by_role("navigation", name="Sections")
    assert contents.get_by_role("link").all_inner_texts() == SECTIONS
    expect(console.section("History").get_by_role("heading", name="History")).to_be_focused()
    contents.get_by_role("link", name="API keys").focus()
    console.page.keyboard.press("Enter")
    expect(console.section("API keys").get_by_role("heading", name="API keys")).to_be_focused()
    expect(contents.locator("[aria-current=page]")).to_have_text("API keys")
    expect(console.section("History")).to_be_hidden()
    console.page.go_back()
    expect(console.section("History")).to_be_visible()
    expect(contents.locator("[aria-current=page]")).to_have_text("History")


def test_a_list_that_does_not_come_says_so_and_can_be_asked_for_again(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    console.page.route("**/members?*", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    console.open()
    members = console.section("Members")
    expect(alert(members)).to_contain_text("cannot be reached")
    console.page.unroute("**/members?*")
    fill(members, "Show more")
    expect(members.locator("tbody").get_by_role("row")).to_have_count(1)


def test_a_page_that_cannot_start_says_why(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    account.page.route("**/api/v1/organizations?*", lambda route: route.fulfill(status=502, body="<h1>Bad</h1>"))
    account.page.goto("/organizations/acme")
    expect(account.page.get_by_role("heading", name="This page cannot be shown")).to_be_visible()
    expect(account.page.get_by_role("alert").locator("visible=true")).to_contain_text("cannot be reached")
