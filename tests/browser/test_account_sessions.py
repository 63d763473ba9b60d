"""The account page: where the account is signed in, ways out, history, deletion."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.account import Account, fill, open_account
from tests.browser.conftest import NewPage, Site
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")


def log_in(account: Account, times: int) -> None:
    for _ in range(times):
        account.site.call("POST", "/auth/login", {"email": account.email, "password": PASSWORD})
    account.open()


def live_sessions(account: Account) -> int:
    return len(account.site.call("GET", "/auth/sessions", token=account.token)["items"])


def test_sessions_are_shown_by_device_and_the_current_one_is_marked(account: Account) -> None:
    rows = account.section("Devices").get_by_role("listitem")
    expect(rows).to_have_count(2)
    current = rows.filter(has=account.page.get_by_text("This device").locator("visible=true"))
    expect(current).to_have_count(1)
    expect(current).to_contain_text("Signed in ")
    expect(current.get_by_role("button")).to_be_hidden()


def test_the_name_of_a_device_is_that_of_its_browser_and_system(account: Account) -> None:
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    names = {
        chrome: "Chrome on Linux",
        f"{chrome} Edg/140.0.0.0": "Edge on Linux",
        safari: "Safari on iPhone",
        firefox: "Firefox on Windows",
        "python-requests/2.32": "python-requests",
        "": "Unknown device",
    }
    script = "async (agents) => agents.map((await import('/pages/user-agent.js')).deviceName)"
    assert account.page.evaluate(script, list(names)) == list(names.values())


def test_a_session_is_ended_and_the_focus_moves_to_the_next(account: Account) -> None:
    devices = account.section("Devices")
    devices.get_by_role("button", name="Sign out: Unknown device").click()
    expect(devices.get_by_role("status").locator("visible=true")).to_have_text("Signed out: Unknown device.")
    expect(devices.get_by_role("listitem")).to_have_count(1)
    expect(devices.locator(".row-title")).to_be_focused()
    expect(account.section("History").get_by_text("Signed out", exact=True)).to_be_visible()


def test_more_sessions_are_shown_on_demand_and_all_others_ended(account: Account) -> None:
    log_in(account, 11)
    devices = account.section("Devices")
    expect(devices.get_by_role("listitem")).to_have_count(10)
    fill(devices, "Show more")
    expect(devices.get_by_role("listitem")).to_have_count(13)
    expect(devices.locator(".row-title").nth(10)).to_be_focused()
    expect(devices.get_by_role("button", name="Show more")).to_be_hidden()
    fill(devices, "Sign out all others")
    expect(devices.get_by_role("status").locator("visible=true")).to_have_text("All other devices are signed out.")
    expect(devices.get_by_role("listitem")).to_have_count(1)
    expect(devices.get_by_role("button", name="Sign out all others")).to_be_focused()


def test_a_page_that_does_not_come_can_be_asked_for_again(account: Account) -> None:
    log_in(account, 11)
    devices = account.section("Devices")
    account.page.route("**/auth/sessions?*", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    fill(devices, "Show more")
    expect(devices.get_by_role("alert").locator("visible=true")).to_contain_text("cannot be reached")
    account.page.unroute("**/auth/sessions?*")
    fill(devices, "Show more")
    expect(devices.get_by_role("listitem")).to_have_count(13)


def test_signing_out_here_ends_this_session_only(account: Account) -> None:
    fill(account.section("Devices"), "Sign out here")
    account.page.wait_for_url("**/sign-in")
    assert live_sessions(account) == 1
    account.page.goto("/account")
    account.page.wait_for_url("**/sign-in#next=%2Faccount")


def test_signing_out_everywhere_ends_all_sessions(account: Account) -> None:
    fill(account.section("Devices"), "Sign out everywhere")
    account.page.wait_for_url("**/sign-in")
    response = account.page.request.get(
        f"{account.site.url}/api/v1/auth/me", headers={"Authorization": f"Bearer {account.token}"}
    )
    assert response.status == 401


def test_the_history_has_sentences_times_and_more_on_demand(account: Account) -> None:
    log_in(account, 10)
    history = account.section("History")
    expect(history.get_by_role("listitem")).to_have_count(10)
    fill(history, "Show more")
    expect(history.get_by_role("listitem")).to_have_count(13)
    expect(history.locator(".row-title").nth(10)).to_be_focused()
    expect(history.get_by_role("listitem").last).to_contain_text("The account was created")
    assert history.locator("time").first.get_attribute("datetime")


def test_what_somebody_else_did_is_marked_in_the_history(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site)
    token = site.invite(account.email)
    organization = site.call("POST", "/invitations/accept", {"token": token}, account.token)
    [admin] = [
        one["user"]
        for one in site.call("GET", f"/organizations/{organization['id']}/members", token=account.token)["items"]
        if one["role"] == "admin"
    ]
    session = site.call("POST", "/auth/login", {"email": admin["email"], "password": PASSWORD})
    me = site.call("GET", "/auth/me", token=account.token)["id"]
    site.call("DELETE", f"/organizations/{organization['id']}/members/{me}", token=session["access_token"])
    account.open()
    row = account.section("History").get_by_role("listitem").filter(has_text="Removed from an organization")
    expect(row).to_contain_text("By somebody else")


def test_the_account_is_deleted_with_its_email_typed_and_its_password(account: Account) -> None:
    account.page.get_by_role("button", name="Delete account …").click()
    expect(account.dialog).to_have_accessible_name("Delete your account?")
    typed = account.dialog.get_by_label("Type your email")
    expect(typed).to_be_focused()
    fill(account.dialog, "Delete for good", Type_your_email="other@example.com", Your_password=PASSWORD)
    expect(typed).to_have_accessible_description("This is not the email of your account.")
    fill(account.dialog, "Delete for good", Type_your_email=account.email, Your_password="wrong")
    expect(account.dialog.get_by_label("Your password", exact=True)).to_be_focused()
    fill(account.dialog, "Delete for good", Type_your_email=account.email, Your_password=PASSWORD)
    expect(account.page.get_by_role("heading", name="Your account is deleted")).to_be_focused()
    expect(account.page.get_by_role("navigation").locator("visible=true")).to_have_count(0)
    account.page.reload()
    account.page.wait_for_url("**/sign-in#next=%2Faccount")


def test_closing_the_dialog_keeps_the_account(account: Account) -> None:
    button = account.page.get_by_role("button", name="Delete account …")
    button.click()
    account.page.keyboard.press("Escape")
    expect(account.dialog).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    fill(account.dialog, "Cancel")
    expect(button).to_be_focused()


def test_the_last_admin_of_others_is_not_deleted(new_page: NewPage, site: Site) -> None:
    account = open_account(new_page, site, profile={"organization_name": "Acme"})
    [mine] = site.call("GET", "/organizations", token=account.token)["items"]
    member = site.register()
    path = f"/organizations/{mine['id']}/invitations"
    site.call("POST", path, {"email": member["user"]["email"], "role": "viewer"}, account.token)
    token = site.link_for(member["user"]["email"]).partition("#token=")[2]
    site.call("POST", "/invitations/accept", {"token": token}, member["access_token"])
    account.page.get_by_role("button", name="Delete account …").click()
    fill(account.dialog, "Delete for good", Type_your_email=account.email, Your_password=PASSWORD)
    alert = account.dialog.get_by_role("alert").locator("visible=true")
    expect(alert).to_contain_text("You are the only admin")
    expect(alert).to_be_focused()
