"""The consoles: WCAG 2.2 AA as far as axe-core sees it, in every state, at 320 pixels, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.account import fill
from tests.browser.conftest import NewPage, Site, overflows, require_accessible
from tests.browser.console import HOSTILE, Console, open_as, open_console
from tests.browser.test_organization_webhooks import add_deliveries

pytestmark = pytest.mark.xdist_group("browser")
NARROW = {"width": 320, "height": 640}
VIEWS = (
    "members", "invitations", "api-keys", "trusted-identities", "webhooks", "history", "settings", "danger",
)  # fmt: skip
Show = Callable[[Console], Any]


def fill_up(console: Console) -> None:
    """Members, invitations and keys, some of them with names that nobody has."""
    for name in HOSTILE:
        console.join(first_name=name, last_name=name)
        console.call("POST", "/api-keys", {"name": name, "role": "viewer"})
        claims = {"sub": name, "ref": "x" * 300}
        issuer = f"https://{'x' * 60}.example.com"
        body = {"name": name, "issuer": issuer, "claims": claims, "role": "viewer"}
        console.call("POST", "/trusted-identities", body)
    console.call("POST", "/webhooks", {"url": f"https://example.com/{'x' * 200}", "actions": ["member.joined"]})
    console.call("POST", "/invitations", {"email": f"{'x' * 50}{console.site.new_email()}", "role": "viewer"})


def look_at(view: str) -> Show:
    return lambda console: console.open(view)


def press(view: str, button: str, **fields: str) -> Show:
    """Open a section and press a button of it."""

    def show(console: Console) -> None:
        console.open(view)
        console.page.locator(f"#{view}").get_by_role("button", name=button).locator("visible=true").first.click()
        for label, value in fields.items():
            console.dialog.get_by_label(label, exact=True).fill(value)

    return show


def change_role(console: Console) -> None:
    console.open()
    console.page.locator("select[data-role]").last.select_option("admin")


def show_key(console: Console) -> None:
    press("api-keys", "New API key", Name=HOSTILE[2])(console)
    fill(console.dialog, "Create")
    expect(console.page.locator("#shown-key")).to_be_visible()
    fill(console.page.locator("#shown-key"), "Copy")


def show_deliveries(console: Console) -> None:
    [webhook] = console.call("GET", "/webhooks")["items"]
    add_deliveries(console, webhook["id"])
    press("webhooks", "Deliveries: ")(console)
    expect(console.page.locator("#webhook-deliveries tbody tr")).to_have_count(3)


def say_it_is_another_name(console: Console) -> None:
    press("danger", "Delete …", Name="another")(console)
    fill(console.dialog, "Delete")


def filter_in_vain(console: Console) -> None:
    console.open("history")
    console.page.get_by_label("Since").fill("2099-01-01T12:00")
    fill(console.section("History"), "Filter")
    expect(console.section("History").get_by_text("Nothing matches these filters.")).to_be_visible()


def say_what_was_done(console: Console) -> None:
    press("invitations", "Send again")(console)
    expect(console.page.locator("#invitations-done")).not_to_be_empty()


def leave_nothing(console: Console) -> None:
    console.site.execute("UPDATE memberships SET role = 'admin' WHERE organization_id = %s", console.organization["id"])
    press("danger", "Leave …")(console)
    fill(console.dialog, "Leave")
    expect(console.page.locator("[data-panel=gone]")).to_be_visible()


def go_to(path: str) -> Show:
    def show(console: Console) -> None:
        console.page.goto(path)
        expect(console.page.locator("[data-panel=loading]")).to_be_hidden()

    return show


STATES: dict[str, Show] = {
    **{view: look_at(view) for view in VIEWS},
    "change a role": change_role,
    "remove a member": press("members", "Remove: "),
    "invite": press("members", "Invite"),
    "revoke an invitation": press("invitations", "Revoke: "),
    "something was done": say_what_was_done,
    "create a key": press("api-keys", "New API key"),
    "rename a key": press("api-keys", "Rename: "),
    "rotate a key": press("api-keys", "Rotate: "),
    "trust a job": press("trusted-identities", "Trust a job"),
    "trust no job": press("trusted-identities", "Delete: "),
    "revoke a key": press("api-keys", "Revoke: "),
    "a key is shown": show_key,
    "create a webhook": press("webhooks", "New webhook"),
    "edit a webhook": press("webhooks", "Edit: "),
    "rotate a webhook": press("webhooks", "Rotate: "),
    "delete a webhook": press("webhooks", "Delete: "),
    "deliveries": show_deliveries,
    "no event": filter_in_vain,
    "delete": say_it_is_another_name,
    "left": leave_nothing,
    "unknown": go_to("/organizations/none-at-all"),
    "my organizations": go_to("/organizations"),
}


@pytest.mark.parametrize("state", STATES)
def test_a_console_has_no_violation_of_wcag_and_fits_320_pixels(new_page: NewPage, site: Site, state: str) -> None:
    console = open_console(new_page, site, viewport=NARROW)
    fill_up(console)
    STATES[state](console)
    require_accessible(console.page)


@pytest.mark.parametrize("view", ["invitations", "api-keys", "webhooks"])
def test_an_empty_section_has_no_violation_of_wcag(new_page: NewPage, site: Site, view: str) -> None:
    console = open_console(new_page, site, view, viewport=NARROW)
    expect(console.page.locator(f"#{view} [data-none]")).to_be_visible()
    require_accessible(console.page)


def test_the_console_of_a_viewer_has_no_violation_of_wcag(new_page: NewPage, site: Site) -> None:
    require_accessible(open_as(new_page, site, "viewer", viewport=NARROW).page)


def test_a_console_on_a_desktop_has_no_violation_of_wcag_and_its_tables_fit(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site, viewport={"width": 1280, "height": 900})
    fill_up(console)
    for view in VIEWS:
        console.open(view)
        require_accessible(console.page)


def test_a_console_at_twice_its_size_and_in_german_fits(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site, viewport=NARROW, locale="de-DE")
    fill_up(console)
    for view in VIEWS:
        console.open(view)
        console.page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
        assert not overflows(console.page), view


def test_a_member_is_removed_by_keyboard_alone(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    console.join(first_name="Grace")
    console.open()
    keyboard = console.page.keyboard
    console.page.get_by_label("Role of Grace").focus()
    keyboard.press("Tab")
    expect(console.page.get_by_role("button", name="Remove: Grace")).to_be_focused()
    keyboard.press("Enter")
    expect(console.dialog.get_by_role("button", name="Cancel")).to_be_focused()
    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    expect(console.page.locator("#members-done")).to_have_text("Grace was removed.")
