"""Registering where REGISTRATION_MODE=safe: the page tells nobody whether there is an account."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, serving_pages, submit
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
Register = Callable[[str], Page]


@pytest.fixture(scope="module")
def safe_site(socket_folder: str, worker_id: str) -> Iterator[Site]:
    with serving_pages(socket_folder, f"safe_pages_{worker_id}", REGISTRATION_MODE="safe") as served:
        yield served


@pytest.fixture
def register(chromium: Browser, safe_site: Site) -> Iterator[Register]:
    context = chromium.new_context(base_url=safe_site.url, locale="en-US")

    def register(email: str) -> Page:
        page = context.new_page()
        page.goto("/register")
        submit(page, "Create account", Email=email, Password=PASSWORD)
        expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_focused()
        assert context.cookies() == []
        return page

    yield register
    context.close()


def test_the_email_verifies_the_address_and_then_the_password_signs_in(register: Register, safe_site: Site) -> None:
    email = safe_site.new_email()
    page = register(email)
    page.goto(safe_site.link_for(email, "verify-email"))
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="Your email is verified")).to_be_focused()
    page.goto("/sign-in")
    submit(page, "Sign in", Email=email, Password=PASSWORD)
    page.wait_for_url("**/account")


def test_the_page_says_the_same_of_an_address_that_has_an_account(register: Register, safe_site: Site) -> None:
    email = safe_site.new_email()
    for _ in range(2):
        register(email)
