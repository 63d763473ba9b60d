"""The operator's console in a browser: who may see it, what is found, and that nothing is stopped without its name."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.account import alert, fill, open_account, status
from tests.browser.conftest import NewPage, Site, overflows, require_accessible
from tests.browser.operators import Operator, open_operator
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
HOSTILE = "<img src=x onerror=alert(1)>"
DEAD = (
    "INSERT INTO outbox (id, recipient, kind, due_at, dead_at, attempts, last_error) "
    "VALUES (gen_random_uuid(), %s, 'invitation', NULL, now(), 6, '550 No such user')"
)


def founder_of(site: Site, name: str = "Acme Research") -> dict[str, Any]:
    return site.register(organization_name=name, first_name="Grace", last_name="Hopper")


def calls_of(page: Page) -> list[str]:
    """The paths of the operator's routes that the page calls from now on."""
    called: list[str] = []
    page.on("request", lambda request: called.append(request.url) if "/api/v1/operator/" in request.url else None)
    return called


@pytest.mark.parametrize("path", ["/operator", "/operator/users/{id}", "/operator/organizations/{id}"])
def test_whoever_is_no_operator_is_told_so_and_reads_nothing(new_page: NewPage, site: Site, path: str) -> None:
    account, other = open_account(new_page, site), founder_of(site)
    called = calls_of(account.page)
    account.page.goto(path.format(id=other["user"]["id"]))
    expect(account.page.get_by_role("heading", name="For operators only")).to_be_visible()
    expect(account.page.locator("[data-panel=console]")).to_be_hidden()
    assert len(called) == 1  # which was refused
    account.page.set_viewport_size({"width": 320, "height": 640})
    require_accessible(account.page)


def test_without_a_session_the_console_leads_to_the_sign_in(new_page: NewPage) -> None:
    page = new_page("/operator#health")
    expect(page).to_have_url(re.compile(r"/sign-in#next="))
    assert unquote(page.url).endswith("#next=/operator#health")


def test_an_account_is_found_and_its_page_shows_it(new_page: NewPage, site: Site) -> None:
    founder = founder_of(site)
    operator = open_operator(new_page, site)
    users = operator.section("Accounts")
    users.get_by_label("Email or id").fill(founder["user"]["email"])
    users.get_by_role("button", name="Filter", exact=True).click()
    users.get_by_role("link", name="Grace Hopper").click()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Grace Hopper")
    expect(operator.section("Overview")).to_contain_text(f"{founder['user']['email']} (not verified)")
    operator.page.get_by_role("link", name="History").click()
    expect(operator.row("An organization was created")).to_contain_text(founder["user"]["email"])
    operator.page.get_by_role("navigation", name="Sections").get_by_role("link", name="Organizations").click()
    operator.section("Organizations").get_by_role("link", name="Acme Research").click()
    expect(operator.page.get_by_role("heading", level=1)).to_have_text("Acme Research")


def test_a_search_without_hits_says_so_and_can_be_cleared(new_page: NewPage, site: Site) -> None:
    operator = open_operator(new_page, site)
    users = operator.section("Accounts")
    users.get_by_label("Email or id").fill("%")
    users.get_by_label("Email or id").press("Enter")
    expect(users.get_by_text("Nothing matches these filters.")).to_be_visible()
    users.get_by_role("button", name="Clear filters").click()
    expect(users.get_by_role("link").first).to_be_visible()


def test_a_search_outlives_opening_an_account_and_going_back(new_page: NewPage, site: Site) -> None:
    founder = founder_of(site)
    operator = open_operator(new_page, site)
    users = operator.section("Accounts")
    users.get_by_label("State").select_option("active")
    users.get_by_label("Email or id").fill(founder["user"]["email"])
    users.get_by_role("button", name="Filter", exact=True).click()
    expect(users.get_by_role("link")).to_have_text(["Grace Hopper"])
    users.get_by_role("link").click()
    operator.page.wait_for_url("**/operator/users/*")
    operator.page.go_back()
    expect(users.get_by_role("link")).to_have_text(["Grace Hopper"])
    expect(users.get_by_label("Email or id")).to_have_value(founder["user"]["email"])
    expect(users.get_by_label("State")).to_have_value("active")


def test_the_history_of_an_account_is_said_in_words(new_page: NewPage, site: Site) -> None:
    founder, email = founder_of(site), site.new_email()
    site.call("POST", "/auth/login", {"email": founder["user"]["email"], "password": PASSWORD})
    path = f"/organizations/{founder['organization']['id']}"
    body = {"email": email, "role": "developer"}
    site.call("POST", f"{path}/invitations", body, founder["access_token"])
    token = site.link_for(email).partition("#token=")[2]
    joined = site.register(email=email, invitation_token=token)["user"]
    site.call("PATCH", f"{path}/members/{joined['id']}", {"role": "viewer"}, founder["access_token"])
    operator = open_operator(new_page, site)
    operator.open(f"/operator/users/{joined['id']}", "actions")
    fill(operator.section("Actions"), "End sessions")
    fill(operator.dialog, "End sessions")
    expect(status(operator.section("Actions"))).to_have_text("Sessions ended: 1.")
    operator.open(f"/operator/users/{joined['id']}", "history")
    for title, about, actor in (
        ("Joined an organization", "developer", email),
        ("The role in an organization was changed", "developer → viewer", f"Account …{founder['user']['id'][-8:]}"),
        ("Signed out", "Number: 1 · Reason: ended from elsewhere", "You"),
    ):
        row = operator.row(title)
        expect(row.locator("[data-slot=about]")).to_have_text(about)
        expect(row.locator("[data-slot=actor]")).to_have_text(actor)


def test_names_are_shown_as_they_are(new_page: NewPage, site: Site) -> None:
    named = site.register(first_name=HOSTILE, organization_name=HOSTILE)
    operator = open_operator(new_page, site)
    operator.open(f"/operator/users/{named['user']['id']}")
    expect(operator.page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    operator.open(f"/operator/organizations/{named['organization']['id']}")
    expect(operator.page.get_by_role("heading", level=1)).to_have_text(HOSTILE)


def test_an_account_is_deactivated_once_its_email_is_typed_and_activated_again(new_page: NewPage, site: Site) -> None:
    founder = founder_of(site)
    operator, email = open_operator(new_page, site), founder["user"]["email"]
    path = f"/operator/users/{founder['user']['id']}"
    operator.open(path, "actions")
    actions = operator.section("Actions")
    fill(actions, "Deactivate")
    fill(operator.dialog, "Deactivate", Email="Grace Hopper")
    expect(operator.dialog.get_by_text("This is not the name.")).to_be_visible()
    fill(operator.dialog, "Deactivate", Email=email)
    expect(status(actions)).to_have_text(f"{email} is inactive now. Organizations suspended with it: 1.")
    expect(operator.page.locator(".console-title").get_by_text("Inactive")).to_be_visible()
    assert operator.call("GET", path)["is_active"] is False
    expect(actions.get_by_role("button", name="End sessions")).to_be_hidden()
    fill(actions, "Activate")
    fill(operator.dialog, "Activate")
    expect(status(actions)).to_contain_text("Organizations restored: 1")
    assert operator.call("GET", path)["is_active"] is True


def test_sessions_are_ended_after_a_dialog_that_names_their_owner_and_a_recent_sign_in(
    new_page: NewPage, site: Site
) -> None:
    founder = founder_of(site)
    operator = open_operator(new_page, site)
    path = f"/operator/users/{founder['user']['id']}"
    operator.open(path, "actions")
    operator.account.age()
    fill(operator.section("Actions"), "End sessions")
    named = f"“{founder['user']['email']}” will be signed out everywhere. Sessions: 1."
    expect(operator.dialog).to_have_accessible_description(named)
    fill(operator.dialog, "End sessions")
    step_up = operator.page.get_by_role("dialog", name="Is it you?")
    fill(step_up, "Confirm", Password=PASSWORD, Code_or_recovery_code=operator.account.code(1))
    expect(status(operator.section("Actions"))).to_have_text("Sessions ended: 1.")
    assert operator.call("GET", path)["sessions"] == 0


def test_no_operator_is_offered_to_deactivate_the_own_account(new_page: NewPage, site: Site) -> None:
    operator = open_operator(new_page, site)
    [me] = operator.call("GET", f"/operator/users?search={operator.account.email}")["items"]
    operator.open(f"/operator/users/{me['id']}", "actions")
    expect(operator.page.get_by_role("button", name="End sessions")).to_be_visible()
    expect(operator.page.get_by_role("button", name="Deactivate")).to_be_hidden()


def test_an_organization_is_suspended_once_its_name_is_typed_and_restored(new_page: NewPage, site: Site) -> None:
    founder = founder_of(site)
    operator = open_operator(new_page, site)
    path = f"/operator/organizations/{founder['organization']['id']}"
    operator.open(path, "actions")
    actions = operator.section("Actions")
    fill(actions, "Suspend")
    fill(operator.dialog, "Suspend", Name="acme  research")
    expect(operator.dialog.get_by_text("This is not the name.")).to_be_visible()
    fill(operator.dialog, "Suspend", Name="Acme  Research")
    expect(status(actions)).to_have_text("Acme Research is suspended now.")
    assert operator.call("GET", path)["suspension_reason"] == "operator"
    fill(actions, "Restore")
    expect(operator.dialog).to_have_accessible_description(
        "“Acme Research” can be used again by its members and API keys."
    )
    fill(operator.dialog, "Restore")
    expect(status(actions)).to_have_text("Acme Research is restored.")
    operator.call("POST", f"{path}/suspend")
    site.execute("UPDATE users SET is_active = false WHERE id = %s", founder["user"]["id"])
    operator.open(path, "actions")
    fill(actions, "Restore")
    fill(operator.dialog, "Restore")
    expect(alert(operator.dialog)).to_be_visible()  # it has no active admin


def test_admins_and_owners_read_that_an_operator_did_it(new_page: NewPage, site: Site) -> None:
    founder = open_account(new_page, site, profile={"organization_name": "Watched"})
    [mine] = site.call("GET", "/organizations", token=founder.token)["items"]
    operator = open_operator(new_page, site)
    for act in ("suspend", "restore"):
        operator.call("POST", f"/operator/organizations/{mine['id']}/{act}")
    founder.page.goto(f"/organizations/{mine['slug']}#history")
    row = founder.page.get_by_role("row").filter(has_text="An organization was suspended")
    expect(row.get_by_text("An operator", exact=True)).to_be_visible()
    [user] = operator.call("GET", f"/operator/users?search={founder.email}")["items"]
    operator.call("DELETE", f"/operator/users/{user['id']}/sessions")
    founder.sign_in()
    founder.open()
    expect(founder.page.locator("#history li").filter(has_text="An operator")).to_be_visible()


def test_an_email_that_was_given_up_is_tried_again(new_page: NewPage, site: Site) -> None:
    site.execute("DELETE FROM outbox")
    site.execute(DEAD, "nobody@example.com")
    operator = open_operator(new_page, site)
    operator.open(view="outbox")
    emails = operator.section("Emails")
    expect(operator.row("nobody@example.com")).to_contain_text("550 No such user")
    emails.get_by_role("button", name="Try again: email to nobody@example.com").click()
    expect(status(emails)).to_have_text("The email to nobody@example.com is due now.")
    expect(emails.get_by_text("No email was given up.")).to_be_visible()
    assert operator.call("GET", "/operator/outbox?state=dead")["items"] == []


def test_the_health_names_what_is_wrong(new_page: NewPage, site: Site) -> None:
    site.execute("DELETE FROM outbox")
    site.execute(DEAD, "nobody@example.com")
    operator = open_operator(new_page, site)
    operator.open(view="health")
    health = operator.section("Health")
    expect(health.locator(".bad[data-fill=emails-dead]")).to_have_text("1")
    expect(operator.row("audit-seals")).to_contain_text("Runs")
    site.execute("DELETE FROM outbox")
    fill(health, "Refresh")
    expect(status(health)).to_have_text("Up to date.")
    expect(health.locator("[data-fill=emails-dead]")).to_have_text("0")
    expect(health.locator(".bad[data-fill=emails-dead]")).to_have_count(0)


def test_lists_are_paged(new_page: NewPage, site: Site) -> None:
    site.execute(
        "INSERT INTO users (id, email) SELECT gen_random_uuid(), 'paged' || n || '@example.com' "
        "FROM generate_series(1, 30) AS n"
    )
    operator = open_operator(new_page, site)
    users = operator.section("Accounts")
    users.get_by_label("Email or id").fill("paged")
    users.get_by_role("button", name="Filter", exact=True).click()
    expect(users).to_have_attribute("aria-busy", "false")
    links = users.get_by_role("link")
    expect(links).to_have_count(25)
    users.get_by_role("button", name="Show more").click()
    expect(links).to_have_count(30)


VIEWS = ["users", "organizations", "outbox", "health", "user", "user history", "user actions", "deactivate"]
VIEWS += ["organization", "organization members", "organization actions", "suspend"]


def show(operator: Operator, founder: dict[str, Any], view: str) -> None:
    paths = {
        "user": f"/operator/users/{founder['user']['id']}",
        "organization": f"/operator/organizations/{founder['organization']['id']}",
    }
    acts = {"deactivate": "user", "suspend": "organization"}
    kind, _, section = view.partition(" ")
    if view in acts:
        operator.open(paths[acts[view]], "actions")
        operator.page.locator(f"[data-open={view}]").click()
    elif kind in paths:
        operator.open(paths[kind], section)
    else:
        operator.open(view=view)


@pytest.mark.parametrize("language", ["en-US", "de-DE"])
@pytest.mark.parametrize("views", [VIEWS[:4], VIEWS[4:8], VIEWS[8:]], ids=["lists", "account", "organization"])
def test_every_view_has_no_violation_of_wcag_and_fits_320_pixels(
    new_page: NewPage, site: Site, language: str, views: list[str]
) -> None:
    founder = founder_of(site, "An organization with a name of many words, to see where it breaks")
    site.execute(DEAD, "nobody@example.com")
    operator = open_operator(new_page, site, viewport={"width": 320, "height": 640}, locale=language)
    for view in views:
        show(operator, founder, view)
        require_accessible(operator.page)
        operator.page.set_viewport_size({"width": 1280, "height": 800})
        assert not overflows(operator.page), view
        operator.page.set_viewport_size({"width": 320, "height": 640})
