"""The console of an organization: webhooks."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.account import alert, fill, status
from tests.browser.conftest import NewPage, Site
from tests.browser.console import Console, open_console

pytestmark = pytest.mark.xdist_group("browser")
DELIVERIES = """
INSERT INTO webhook_deliveries
    (id, organization_id, webhook_id, event_id, action, status, attempts, due_at, finished_at, last_error)
SELECT uuidv7(), %s, %s, uuidv7(), 'member.joined', status, 1, due_at, finished_at, last_error
FROM (VALUES ('delivered', NULL, now(), NULL), ('dead', NULL, now(), 'status 500'),
    ('pending', now() + interval '1 day', NULL, 'no answer in time')) AS d (status, due_at, finished_at, last_error)
"""


@pytest.fixture
def console(new_page: NewPage, site: Site) -> Console:
    return open_console(new_page, site, "webhooks")


def add_deliveries(console: Console, webhook_id: str) -> None:
    """One that has arrived, one that was given up, and one that waits."""
    console.site.execute(DELIVERIES, console.organization["id"], webhook_id)


def add_webhook(console: Console, actions: list[str] | None = None) -> str:
    webhook = console.call("POST", "/webhooks", {"url": "https://example.com/", "actions": actions})
    console.open("webhooks")
    return str(webhook["id"])


def test_a_webhook_is_created_and_its_secret_shown_once(console: Console) -> None:
    console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    section = console.section("Webhooks")
    fill(section, "Create a webhook")
    fill(console.dialog, "Create", Address="http://user:password@example.com", Events="member.added")
    expect(console.dialog).to_contain_text("There is no such action")
    fill(console.dialog, "Create", Address="https://user:password@example.com", Events="member.joined")
    expect(console.dialog).to_contain_text("Give an address that begins with https://")
    fill(console.dialog, "Create", Address="https://example.com/a", Events=" member.joined,  member.left ")
    shown = console.page.get_by_role("dialog", name="https://example.com/a")
    secret = shown.locator("code").inner_text()
    assert secret.startswith("whsec_")
    fill(shown, "Copy")
    expect(status(shown)).to_have_text("Copied.")
    assert console.page.evaluate("navigator.clipboard.readText()") == secret
    fill(shown, "I have saved it")
    expect(status(section)).to_have_text("The webhook to https://example.com/a was created.")
    assert secret not in console.page.content()
    expect(console.row("https://example.com/a")).to_contain_text("member.joined, member.left")
    [webhook] = console.call("GET", "/webhooks")["items"]
    assert webhook["actions"] == ["member.joined", "member.left"]


def test_a_webhook_is_edited_rotated_and_deleted(console: Console) -> None:
    add_webhook(console)
    section = console.section("Webhooks")
    fill(section, "Edit: https://example.com/")
    console.dialog.get_by_label("Status").select_option("Nothing is sent")
    fill(console.dialog, "Save", Description="directory sync")
    expect(status(section)).to_have_text("The webhook to https://example.com/ was changed.")
    expect(console.row("https://example.com/")).to_contain_text("Nothing is sent")
    [webhook] = console.call("GET", "/webhooks")["items"]
    assert (webhook["enabled"], webhook["description"], webhook["actions"]) == (False, "directory sync", None)
    fill(section, "Rotate: https://example.com/")
    fill(console.dialog, "Rotate")
    shown = console.page.get_by_role("dialog", name="https://example.com/")
    assert shown.locator("code").inner_text().startswith("whsec_")
    fill(shown, "I have saved it")
    expect(status(section)).to_have_text("The webhook to https://example.com/ has a new secret.")
    fill(section, "Delete: https://example.com/")
    fill(console.dialog, "Delete")
    expect(status(section)).to_have_text("The webhook to https://example.com/ was deleted.")
    expect(section.locator("[data-none]")).to_be_visible()
    assert console.call("GET", "/webhooks")["items"] == []


def test_what_was_sent_is_listed_and_sent_again(console: Console) -> None:
    add_deliveries(console, add_webhook(console, ["member.left"]))
    fill(console.section("Webhooks"), "Deliveries: https://example.com/")
    dialog = console.page.locator("#webhook-deliveries")
    rows = dialog.locator("tbody tr")
    expect(rows).to_have_count(3)
    dead = rows.filter(has_text="Given up")
    expect(dead).to_contain_text("status 500")
    expect(rows.filter(has_text="Waits").get_by_role("button")).to_have_count(0)
    dead.get_by_role("button", name="Send again: ").click()
    expect(status(dialog)).to_have_text("The event is being sent again.")
    expect(rows.filter(has_text="Given up")).to_have_count(0)
    fill(dialog, "Close")
    expect(dialog).to_have_count(0)
    expect(console.section("Webhooks").get_by_role("button", name="Deliveries: ")).to_be_focused()


def test_a_webhook_beyond_the_limit_is_refused_and_hostile_text_is_text(console: Console) -> None:
    add_webhook(console)
    console.site.execute(
        "INSERT INTO webhooks (id, organization_id, url, description, encrypted_secret, key_id) "
        "SELECT uuidv7(), organization_id, url, '<img src=x onerror=alert(1)>', encrypted_secret, key_id "
        "FROM webhooks, generate_series(1, 19) WHERE organization_id = %s",
        console.organization["id"],
    )
    console.open("webhooks")
    section = console.section("Webhooks")
    expect(section.locator("tbody tr")).to_have_count(20)
    assert section.locator("img").count() == 0
    fill(section, "New webhook")
    fill(console.dialog, "Create", Address="https://example.com/")
    expect(alert(console.dialog)).to_be_visible()


@pytest.mark.parametrize("width", [320, 1280])
def test_long_texts_make_neither_the_page_nor_the_dialog_wider(console: Console, width: int) -> None:
    actions = ["member.joined", "member.left", "member.removed", "api_key.created", "api_key.revoked"]
    add_deliveries(console, add_webhook(console, actions))
    console.page.set_viewport_size({"width": width, "height": 800})
    assert console.page.evaluate("document.documentElement.scrollWidth") == width
    fill(console.section("Webhooks"), "Deliveries: https://example.com/")
    dialog = console.page.locator("#webhook-deliveries")
    expect(dialog.locator("tbody tr")).to_have_count(3)
    assert dialog.evaluate("(element) => element.scrollWidth - element.clientWidth") == 0
