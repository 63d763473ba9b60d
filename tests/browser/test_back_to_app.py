"""From the pages back to the front end of FRONTEND_URL; and to the organization joined where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.account import fill
from tests.browser.conftest import NewPage, Site, overflows, serving_pages, submit
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
APP = "https://app.example.com/"
OpenPage = Callable[[str], Page]


@pytest.fixture(scope="module")
def app_site(socket_folder: str, worker_id: str) -> Iterator[Site]:
    with serving_pages(socket_folder, f"app_pages_{worker_id}", FRONTEND_URL=APP.rstrip("/")) as served:
        yield served


@pytest.fixture
def open_page(chromium: Browser, app_site: Site) -> Iterator[OpenPage]:
    with ExitStack() as contexts:

        def open_page(path: str) -> Page:
            context = contexts.enter_context(chromium.new_context(base_url=app_site.url, locale="en-US"))
            page = context.new_page()
            page.goto(path)
            return page

        yield open_page


def back(part: Page | Locator) -> Locator:
    return part.get_by_role("link", name="Back to Acme Cloud").locator("visible=true")


def sign_in(page: Page, email: str) -> None:
    submit(page, "Sign in", Email=email, Password=PASSWORD)
    page.wait_for_url("**/account")


def token_of(site: Site, email: str, page: str) -> str:
    return site.link_for(email, page).partition("#token=")[2]


def test_the_header_leads_back_once_somebody_is_signed_in(open_page: OpenPage, app_site: Site) -> None:
    email = app_site.register()["user"]["email"]
    page = open_page("/sign-in")
    expect(back(page)).to_have_count(0)
    sign_in(page, email)
    for path in ("/account", "/organizations", "/operator", "/no/such/page"):
        page.goto(path)
        expect(back(page.get_by_role("banner"))).to_have_attribute("href", APP.rstrip("/"))
    page.set_viewport_size({"width": 320, "height": 640})
    assert not overflows(page)


def test_a_verified_email_and_a_new_password_lead_back(open_page: OpenPage, app_site: Site) -> None:
    email = app_site.register()["user"]["email"]
    page = open_page(f"/verify-email#token={token_of(app_site, email, 'verify-email')}")
    fill(page.get_by_role("main"), "Verify")
    expect(back(page.get_by_role("main"))).to_be_visible()
    app_site.call("POST", "/auth/password/forgot", {"email": email})
    page = open_page(f"/reset-password#token={token_of(app_site, email, 'reset-password')}")
    expect(back(page)).to_have_count(0)
    fill(page.get_by_role("main"), "Set password", New_password="AnotherPassword456")
    expect(back(page.get_by_role("main"))).to_be_visible()


def test_who_has_joined_an_organization_is_led_back(open_page: OpenPage, app_site: Site) -> None:
    email = app_site.new_email()
    page = open_page(f"/invitation#token={app_site.invite(email)}")
    submit(page, "Join", Password=PASSWORD)
    expect(back(page.get_by_role("main"))).to_have_attribute("href", APP.rstrip("/"))
    expect(page.get_by_role("link", name="Open the organization")).to_have_count(0)


@pytest.mark.parametrize("has_account", [False, True])
def test_without_a_front_end_joining_leads_to_the_organization(
    new_page: NewPage, site: Site, has_account: bool
) -> None:
    email = site.register()["user"]["email"] if has_account else site.new_email()
    page = new_page()
    if has_account:
        sign_in(page, email)
    page.goto(f"/invitation#token={site.invite(email)}")
    submit(page, "Accept") if has_account else submit(page, "Join", Password=PASSWORD)
    expect(back(page)).to_have_count(0)
    page.get_by_role("link", name="Open the organization").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Acme Research")


def test_the_page_to_register_says_who_is_signed_in(new_page: NewPage, site: Site) -> None:
    email = site.register()["user"]["email"]
    page = new_page()
    sign_in(page, email)
    page.goto("/register")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_focused()
    expect(page.get_by_role("main")).to_contain_text(email)
    page.get_by_role("button", name="Use another account").click()
    expect(page.get_by_role("button", name="Create account")).to_be_visible()
