"""The console of an organization: history, settings, leaving and deleting it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from authapp.instance import ROOT
from tests.browser.account import alert, fill, status
from tests.browser.conftest import NewPage, Site
from tests.browser.console import HOSTILE, Console, open_as, open_console
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
VERIFIER = ROOT / "clients" / "python" / "verify_audit_event.py"


@pytest.fixture
def console(new_page: NewPage, site: Site) -> Console:
    return open_console(new_page, site, "history")


def test_the_history_is_filtered_by_action_actor_and_time(console: Console) -> None:
    grace = console.join("admin", first_name="Grace", last_name="Hopper")
    for name in ("one", "two"):
        console.call("POST", "/api-keys", {"name": name, "role": "viewer"})
    body = {"name": "three", "role": "viewer"}
    console.site.call("POST", f"{console.path}/api-keys", body, grace["access_token"])
    console.open("history")
    history = console.section("History")
    rows = history.locator("tbody").get_by_role("row")
    expect(rows).to_have_count(4)
    history.get_by_label("Action").select_option(label="An API key was created")
    expect(rows).to_have_count(3)
    history.get_by_label("By").select_option(label="Grace Hopper")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("three · viewer")
    history.get_by_label("Since").fill("2099-01-01T12:00")
    fill(history, "Filter")
    expect(history.get_by_text("Nothing matches these filters.")).to_be_visible()
    fill(history, "Clear filters")
    expect(rows).to_have_count(4)
    history.get_by_label("Until").fill("2001-01-01T12:00")
    history.get_by_label("Until").press("Enter")
    expect(rows).to_have_count(0)
    history.get_by_label("Until").fill("2099-01-01T12:00")
    history.get_by_label("Until").press("Enter")
    expect(rows).to_have_count(4)


def test_an_event_says_what_who_and_when_with_hostile_names_as_text(console: Console) -> None:
    for name in HOSTILE:
        console.call("POST", "/api-keys", {"name": name, "role": "viewer"})
    grace = console.join(first_name="Grace", last_name="Hopper")
    console.call("PATCH", f"/members/{grace['user']['id']}", {"role": "viewer"})
    console.open("history")
    changed = console.row("The role in an organization was changed")
    expect(changed).to_contain_text("Grace Hopper · developer → viewer")
    expect(changed).to_contain_text("Ada Lovelace")
    assert changed.locator("time").get_attribute("datetime")
    for name in HOSTILE:
        expect(console.page.get_by_text(f"{name} · viewer", exact=True)).to_be_visible()
    console.call("DELETE", f"/members/{grace['user']['id']}")


def test_filters_are_in_the_address_and_outlive_a_reload_a_link_and_going_back(console: Console) -> None:
    console.call("POST", "/api-keys", {"name": "one", "role": "viewer"})
    console.open("history")
    history = console.section("History")
    rows = history.locator("tbody").get_by_role("row")
    action, since = history.get_by_label("Action"), history.get_by_label("Since")
    action.select_option("api_key.created")
    since.fill("2001-02-03T04:05")
    since.press("Enter")
    expect(rows).to_have_count(1)
    address = console.page.url
    assert "#history?action=api_key.created&since=2001-02-0" in address
    for come_back in (console.page.reload, lambda: (console.page.goto("/account"), console.page.go_back())):
        come_back()
        expect(rows).to_have_count(1)
        expect(action).to_have_value("api_key.created")
        expect(since).to_have_value("2001-02-03T04:05")
    console.page.get_by_role("navigation", name="Sections").get_by_role("link", name="History").click()
    expect(rows).to_have_count(2)  # its link is without filters
    console.page.goto("about:blank")
    console.page.goto(address.replace("api_key.created", "no.such.action"))
    expect(rows).to_have_count(2)
    expect(action).to_have_value("")
    fill(history, "Clear filters")
    assert console.page.url.endswith("#history")


def test_what_was_changed_is_said_without_names_of_the_api(console: Console) -> None:
    slug = f"new-{console.organization['id'][-12:]}"
    console.call("PATCH", "", {"name": "Difference Engines", "slug": slug})
    key = console.call("POST", "/api-keys", {"name": "one", "role": "viewer"})
    console.call("POST", f"/api-keys/{key['id']}/rotate", {"overlap_seconds": 86400})
    console.organization["slug"] = slug
    console.open("history")
    changed = console.row("An organization was changed").locator("[data-slot=about]")
    expect(changed).to_have_text(f"Name: Difference Engines · Slug: {slug}")
    rotated = console.row("An API key was given a new secret").locator("[data-slot=about]")
    expect(rotated).to_have_text("one · Former secret works for: 24 hours")


def test_the_history_is_shown_page_by_page(console: Console) -> None:
    console.site.execute(
        "INSERT INTO audit_events (id, created_at, action, organization_id, actor_type, actor_id, details) "
        "SELECT uuidv7(), now(), 'access.refused', %s, 'user', gen_random_uuid(), '{}' FROM generate_series(1, 30)",
        console.organization["id"],
    )
    console.open("history")
    rows = console.section("History").locator("tbody").get_by_role("row")
    expect(rows).to_have_count(25)
    expect(rows.first).to_contain_text("Former member …")
    fill(console.section("History"), "Show more")
    expect(rows).to_have_count(31)


def test_the_inclusion_proof_of_an_event_is_saved_and_verifies(console: Console, tmp_path: Path) -> None:
    console.page.set_default_timeout(30_000)
    history = console.section("History")
    button = history.get_by_role("button", name="Inclusion proof: An organization was created")
    saved = tmp_path / "proof.json"
    with console.page.expect_download(timeout=60_000) as download:
        while not status(history).count():
            button.click()
            console.page.wait_for_timeout(1_000)  # the worker of the server seals it within seconds
    download.value.save_as(saved)
    [event] = console.call("GET", "/audit-events?action=organization.created")["items"]
    key = console.call("GET", f"/audit-events/{event['id']}/proof")["verifier_key"]
    found = subprocess.run([sys.executable, VERIFIER, key, saved], capture_output=True, text=True, check=False)
    assert found.stdout == "Verified.\n", found.stderr
    assert f'"{event["id"]}"' in saved.read_text()


def test_an_event_that_is_not_sealed_yet_says_so(console: Console) -> None:
    body = '{"code": "audit_event_not_sealed", "status": 409, "detail": "Not sealed."}'
    console.page.route("**/proof", lambda route: route.fulfill(status=409, body=body))
    console.section("History").get_by_role("button", name="Inclusion proof").first.click()
    expect(alert(console.section("History"))).to_contain_text("This event is not sealed yet.")


def test_name_and_slug_are_changed_and_the_address_follows(console: Console) -> None:
    console.open("settings")
    settings = console.section("Settings")
    expect(settings.get_by_label("Name", exact=True)).to_have_value("Acme Research")
    expect(settings.get_by_label("Slug")).to_have_accessible_description(re.compile("old one stop working"))
    slug = f"new-{console.organization['id'][-12:]}"
    fill(settings, "Save", Name=HOSTILE[0], Slug=slug)
    expect(status(settings)).to_have_text("Saved.")
    expect(console.page.get_by_role("heading", level=1)).to_have_text(HOSTILE[0])
    assert console.page.url.endswith(f"/organizations/{slug}#settings")
    console.page.reload()
    expect(settings.get_by_label("Slug")).to_have_value(slug)
    expect(settings.get_by_text(console.organization["id"])).to_be_visible()


def test_a_slug_that_cannot_be_had_is_said_beside_the_field(console: Console) -> None:
    taken = console.site.register(organization_name="Somebody Else")["organization"]["slug"]
    console.open("settings")
    settings = console.section("Settings")
    for typed, said in {
        taken: "Another organization has this slug. Choose another one.",
        "admin": "This slug is reserved. Choose another one.",
        "No Slug": "Use lower-case letters and digits, with single hyphens between them: acme-research.",
        "": "Fill this in.",
    }.items():
        fill(settings, "Save", Slug=typed)
        expect(settings.locator("#slug-error")).to_have_text(said)
        expect(settings.get_by_label("Slug")).to_be_focused()
    assert console.call("GET", "")["slug"] == console.organization["slug"]


def test_a_member_leaves_after_a_dialog_with_the_name(new_page: NewPage, site: Site) -> None:
    console = open_as(new_page, site, "developer", "danger")
    fill(console.section("Leave"), "Leave …")
    expect(console.dialog).to_have_accessible_description("You lose access to “Acme Research” at once.")
    fill(console.dialog, "Leave")
    expect(console.page.get_by_role("heading", name="You have left “Acme Research”")).to_be_focused()
    console.page.get_by_role("link", name="Your organizations").click()
    expect(console.page.get_by_text("You belong to no organization yet.")).to_be_visible()


def test_an_organization_is_deleted_with_its_name_typed_and_a_recent_sign_in(console: Console) -> None:
    console.open("danger")
    danger = console.section("Leave or delete")
    opener = danger.get_by_role("button", name="Delete …")
    opener.click()
    console.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.click()
    typed = console.dialog.get_by_label("Name", exact=True)
    expect(typed).to_be_focused()
    expect(console.dialog).to_have_accessible_description(re.compile(r"can undo that for 30 days\.$"))
    for wrong, said in {"": "Fill this in.", "acme research": "This is not the name."}.items():
        fill(console.dialog, "Delete", Name=wrong)
        expect(typed).to_have_accessible_description(said)
    console.account.age()
    fill(console.dialog, "Delete", Name=" Acme  Research")
    fill(console.page.get_by_role("dialog", name="Is it you?"), "Confirm", Password=PASSWORD)
    expect(console.page.get_by_role("heading", name="“Acme Research” is deleted")).to_be_focused()
    assert console.site.call("GET", "/organizations", token=console.account.token)["items"] == []
    console.page.reload()
    expect(console.page.get_by_role("heading", name="No such organization")).to_be_visible()
