"""WCAG 2.2 AA as far as axe-core sees it, at 320 pixels, in light and dark; and what axe-core does not see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, Site, overflows, require_accessible, submit
from tests.browser.test_responses import PAGES

pytestmark = pytest.mark.xdist_group("browser")
AUTOCOMPLETE = {
    "/sign-in": {
        "email": "username webauthn", "password": "current-password", "code": "one-time-code", "recovery_code": "off",
    },
    "/register": {
        "email": "username", "password": "new-password", "first_name": "given-name", "last_name": "family-name",
        "organization_name": "organization",
    },
    "/forgot-password": {"email": "username"},
    "/reset-password": {"token": "off", "new_password": "new-password"},
    "/verify-email": {"token": "off", "email": "email"},
    "/undo-email-change": {"token": "off"},
}  # fmt: skip
Show = Callable[[Page, Site], object]


def wait_for_scripts(page: Page) -> None:
    expect(page.locator("button[type=submit]").first).to_be_enabled()


def show_errors(page: Page, site: Site) -> None:
    page.locator("button[type=submit]").locator("visible=true").first.click()
    expect(page.locator(".error").locator("visible=true").first).to_be_visible()


def show_panel(name: str) -> Show:
    """Show a part of the page that a call of the API leads to."""
    return lambda page, site: page.evaluate("async (name) => (await import('/pages/page.js')).showPanel(name)", name)


STATES: dict[str, tuple[str, Show]] = {
    **{path: (path, lambda page, site: None) for path in PAGES},
    **{f"{path} with errors": (path, show_errors) for path in PAGES},
    "second factor": ("/sign-in", show_panel("second-factor")),
    "signed in": ("/sign-in", show_panel("signed-in")),
    "mailbox": ("/register", show_panel("mailbox")),
    "no such page": ("/no-such-page", lambda page, site: None),
    "taking back": ("/verify-email#token=et_x&take_back=1", lambda page, site: None),
    "taken back": ("/verify-email#token=et_x&take_back=1", show_panel("done")),
    "verified already": ("/verify-email", show_panel("verified")),
    "sent": ("/forgot-password", show_panel("sent")),
    "reset": ("/reset-password", show_panel("done")),
    "resend": ("/verify-email", lambda page, site: page.locator("summary").click()),
    "to register": ("/invitation", show_panel("register")),
    "to sign in": ("/invitation", show_panel("password")),
    "to accept": ("/invitation", show_panel("accept")),
    "another account": ("/invitation", show_panel("other-account")),
    "joined": ("/invitation", show_panel("done")),
    "alert": ("/sign-in", lambda page, site: submit(page, "Sign in", Email="a@example.com", Password="x")),
}


@pytest.mark.parametrize("state", STATES)
def test_a_page_has_no_violation_of_wcag_and_fits_320_pixels(new_page: NewPage, site: Site, state: str) -> None:
    path, show = STATES[state]
    page = new_page(path, viewport={"width": 320, "height": 640})
    if state != "no such page":
        wait_for_scripts(page)
    show(page, site)
    require_accessible(page)


@pytest.mark.parametrize("path", AUTOCOMPLETE)
def test_the_fields_tell_browsers_what_they_are_for(new_page: NewPage, path: str) -> None:
    inputs = new_page(path).locator("input").all()
    assert {one.get_attribute("name"): one.get_attribute("autocomplete") for one in inputs} == AUTOCOMPLETE[path]


@pytest.mark.parametrize("path", PAGES)
def test_text_at_twice_its_size_fits_and_german_words_too(new_page: NewPage, path: str) -> None:
    page = new_page(path, viewport={"width": 320, "height": 640}, locale="de-DE")
    wait_for_scripts(page)
    page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert not overflows(page)


def test_every_step_of_the_keyboard_has_a_visible_focus(new_page: NewPage) -> None:
    page = new_page("/reset-password")
    wait_for_scripts(page)
    seen = []
    for _ in range(7):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        seen.append(page.evaluate("document.activeElement.textContent || document.activeElement.name"))
        assert outline == "3px", seen
    assert [text.strip() for text in seen] == [
        "Skip to content", "Acme Cloud", "token", "new_password", "Show", "Set password", "Send another email",
    ]  # fmt: skip


def test_no_page_moves_where_less_motion_is_wanted(new_page: NewPage) -> None:
    page = new_page(reduced_motion="reduce")
    assert page.locator(".primary").first.evaluate("(e) => getComputedStyle(e).transitionProperty") == "none"
