"""Two tabs of one browser: what one does, the other shows, and no tab acts as another account."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.account import Account, fill, open_account
from tests.browser.conftest import NewPage, Site

pytestmark = pytest.mark.xdist_group("browser")
EXPIRED = json.dumps({"code": "expired_token", "status": 401, "detail": "The access token has expired."})
LISTEN = "window.heard = []; window.other = new BroadcastChannel(`authapp ${location.origin}`); "
LISTEN += "window.other.onmessage = ({ data }) => void window.heard.push(data)"


def let_token_expire(page: Page, path: str) -> None:
    """Answer the next call of this path as if the access token had expired."""

    def answer(route: Route) -> None:
        route.fulfill(status=401, content_type="application/problem+json", body=EXPIRED)

    page.route(f"**/api/v1{path}", answer, times=1)


def name_of(account: Account) -> str:
    return str(account.site.call("GET", "/auth/me", token=account.token)["first_name"])


def change_name(page: Page) -> None:
    profile = page.get_by_role("region", name="Profile", exact=True)
    profile.get_by_label("First name").fill("Changed")
    fill(profile, "Save")


def test_a_tab_does_not_act_as_the_account_that_has_signed_in_in_another_tab(new_page: NewPage, site: Site) -> None:
    ada, grace = open_account(new_page, site), site.register(first_name="Grace", last_name="Hopper")
    other = Account(ada.page.context.new_page(), site, grace["user"]["email"], grace["access_token"])
    other.sign_in()
    other.open()
    sent = []
    ada.page.on("request", lambda request: sent.append(request.method) if request.url.endswith("/auth/me") else None)
    let_token_expire(ada.page, "/auth/me")
    change_name(ada.page)
    expect(ada.page.get_by_role("navigation").first).to_contain_text(other.email)  # loaded again
    assert sent.count("PATCH") == 1
    assert (name_of(ada), name_of(other)) == ("Ada", "Grace")


def test_a_call_of_the_same_account_is_repeated(new_page: NewPage, site: Site) -> None:
    ada = open_account(new_page, site)
    let_token_expire(ada.page, "/auth/me")
    change_name(ada.page)
    expect(ada.section("Profile").get_by_role("status").locator("visible=true")).to_be_visible()
    assert name_of(ada) == "Changed"


def test_a_tab_whose_session_has_ended_sends_nothing_and_leads_to_the_sign_in(new_page: NewPage, site: Site) -> None:
    ada = open_account(new_page, site)
    ada.page.context.clear_cookies()
    let_token_expire(ada.page, "/auth/me")
    change_name(ada.page)
    ada.page.wait_for_url("**/sign-in#next=%2Faccount")
    assert name_of(ada) == "Ada"


def test_whoever_signs_out_in_one_tab_is_signed_out_in_the_others(new_page: NewPage, site: Site) -> None:
    ada = open_account(new_page, site)
    other, front_end = ada.page.context.new_page(), ada.page.context.new_page()
    front_end.goto("/docs")
    front_end.evaluate(f"() => {{ {LISTEN} }}")
    other.goto("/account")
    expect(other.locator("[data-panel=account]")).to_be_visible()
    ada.page.get_by_role("button", name="Sign out", exact=True).first.click()
    for page in (ada.page, other):
        page.wait_for_url("**/sign-in#next=%2Faccount")
    front_end.wait_for_function("heard.length")
    assert front_end.evaluate("heard") == [{"type": "signed_out"}]


def test_a_hosted_page_hears_of_a_front_end_that_signs_out(new_page: NewPage, site: Site) -> None:
    ada = open_account(new_page, site)
    front_end = ada.page.context.new_page()
    front_end.goto("/docs")
    front_end.evaluate(f"() => {{ {LISTEN} }}")
    ada.page.context.clear_cookies()
    front_end.evaluate("other.postMessage({ type: 'refreshed' }); other.postMessage({ type: 'signed_out' })")
    ada.page.wait_for_url("**/sign-in#next=%2Faccount")
