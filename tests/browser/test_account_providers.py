"""The account page: providers that sign in to the account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.account import Account, fill, open_account, status
from tests.browser.conftest import NewPage, Site, overflows, require_accessible
from tests.browser.providers import Providers, expect_alert, press, register_verified, serving_providers
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")
SECTION = "Sign-in with a provider"
NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def providers(socket_folder: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Providers]:
    folder: Path = tmp_path_factory.mktemp("providers")
    with serving_providers(socket_folder, f"linked_pages_{worker_id}", folder) as served:
        yield served


@pytest.fixture(scope="module")
def site(providers: Providers) -> Site:
    return providers.site


def link_github(account: Account, providers: Providers, email: str = "ada@example.com") -> Locator:
    providers.at_github(email)
    section = account.section(SECTION)
    fill(section, "Link GitHub")
    expect(status(section)).to_have_text("GitHub is linked. You can sign in with it from now on.")
    return section


def test_a_provider_is_linked_signs_in_and_is_unlinked(account: Account, providers: Providers) -> None:
    section = account.section(SECTION)
    expect(section).to_contain_text("No account is linked.")
    link_github(account, providers, "else@example.com")
    expect(section.get_by_role("heading", name=SECTION)).to_be_focused()
    assert account.page.url == f"{account.site.url}/account"
    row = section.get_by_role("listitem")
    expect(row).to_contain_text("GitHub")
    expect(row).to_contain_text("else@example.com · Last used")
    expect(account.section("History")).to_contain_text("A provider was linked: GitHub")
    expect(section.get_by_role("button", name="Link another GitHub account")).to_be_enabled()

    page = account.page.context.browser.new_context(base_url=account.site.url, locale="en-US").new_page()  # type: ignore[union-attr]
    page.goto("/sign-in")
    press(page, "GitHub")
    page.wait_for_url("**/account")
    expect(page.get_by_role("navigation").first).to_contain_text(account.email)
    page.context.close()

    fill(section, "Unlink: GitHub, else@example.com")
    expect(account.dialog).to_have_accessible_name("Unlink this account?")
    expect(account.dialog).to_have_accessible_description(re.compile("^GitHub, else@example.com: this "))
    expect(account.dialog.get_by_role("button", name="Cancel")).to_be_focused()
    fill(account.dialog, "Unlink")
    expect(status(section)).to_have_text("GitHub is unlinked. All other devices are signed out.")
    expect(account.section("Devices").get_by_role("listitem")).to_have_count(1)
    expect(section.get_by_role("button", name="Link GitHub")).to_be_enabled()
    expect(section).to_contain_text("No account is linked.")
    expect(section.get_by_role("heading", name=SECTION)).to_be_focused()
    expect(account.section("History")).to_contain_text("A provider was unlinked: GitHub")


def test_linking_and_unlinking_ask_for_a_recent_sign_in(account: Account, providers: Providers) -> None:
    providers.at_github("ada@example.com")
    section = account.section(SECTION)
    account.age()
    fill(section, "Link GitHub")
    fill(account.dialog, "Confirm", Password=PASSWORD)
    expect(status(section)).to_contain_text("GitHub is linked.")
    account.age()
    fill(section, "Unlink: GitHub, ada@example.com")
    fill(account.dialog, "Unlink")
    expect(account.page.locator("#step-up")).to_be_visible()
    account.page.keyboard.press("Escape")
    expect(status(account.dialog)).to_have_text("Nothing was changed.")
    fill(account.dialog, "Unlink")
    fill(account.page.locator("#step-up"), "Confirm", Password=PASSWORD)
    expect(status(section)).to_contain_text("GitHub is unlinked.")
    expect(account.dialog).to_be_hidden()


def test_an_identity_of_another_account_is_not_linked(
    account: Account, providers: Providers, new_page: NewPage
) -> None:
    link_github(account, providers)
    other = open_account(new_page, account.site)
    fill(other.section(SECTION), "Link GitHub")  # which signs in the same person
    expect_alert(other.page, "This account of the provider is linked to another account here.")
    expect(other.section(SECTION)).to_contain_text("No account is linked.")


def test_cancelling_at_the_provider_links_nothing(account: Account, providers: Providers) -> None:
    providers.github.response = {"code": None, "error": "access_denied"}
    fill(account.section(SECTION), "Link GitHub")
    expect_alert(account.page, "You have not signed in at the provider, or not agreed.")
    providers.github.response = {}
    expect(account.section(SECTION)).to_contain_text("No account is linked.")


def test_a_provider_that_is_away_is_said_beside_its_button(account: Account) -> None:
    section = account.section(SECTION)
    fill(section, "Link Google")
    expect(section.get_by_role("alert").locator("visible=true")).to_contain_text("The provider does not answer.")
    expect(section.get_by_role("button", name="Link Google")).to_be_enabled()


def test_the_last_way_in_stays(new_page: NewPage, providers: Providers) -> None:
    email = providers.site.new_email()
    providers.at_github(email)
    page = new_page("/sign-in")
    press(page, "GitHub")
    page.wait_for_url("**/account")
    account = Account(page, providers.site, email, "")
    section = account.section(SECTION)
    fill(section, f"Unlink: GitHub, {email}")
    fill(account.dialog, "Unlink")
    alert = account.dialog.get_by_role("alert").locator("visible=true")
    expect(alert).to_contain_text("Without it you could not sign in any more.")
    expect(alert).to_be_focused()
    expect(section.get_by_role("listitem")).to_have_count(1)


def test_an_account_without_a_password_signs_in_again_with_its_provider(
    new_page: NewPage, providers: Providers
) -> None:
    email = register_verified(providers.site)
    providers.at_github(email)
    providers.site.execute("UPDATE users SET password_hash = NULL WHERE email = %s", email)
    page = new_page("/sign-in")
    press(page, "GitHub")
    page.wait_for_url("**/account")
    account = Account(page, providers.site, email, "")
    account.age()
    fill(account.section("Second factor"), "Set up")
    fill(account.dialog, "Sign in again")
    page.wait_for_url("**/sign-in#next=%2Faccount%23mfa")
    press(page, "GitHub")
    page.wait_for_url("**/account#mfa")
    expect(page.get_by_role("heading", name="Second factor")).to_be_focused()
    fill(account.section("Second factor"), "Set up")
    expect(page.get_by_role("heading", name="Set up an authenticator app")).to_be_focused()


@pytest.mark.parametrize("behind", ["linked=<b>x</b>", "linked=github", "error=constructor"])
def test_what_the_address_says_is_shown_as_text(account: Account, behind: str) -> None:
    account.page.goto("/forgot-password")
    account.page.goto(f"/account#{behind}")
    expect(
        account.page.locator("#providers [role=status], #providers > [role=alert]").locator("visible=true")
    ).to_be_visible()
    assert account.page.url == f"{account.site.url}/account"
    assert account.page.locator("#providers b").count() == 0


def test_the_section_has_no_violation_of_wcag_and_fits_320_pixels_in_german(
    new_page: NewPage, providers: Providers
) -> None:
    account = open_account(new_page, providers.site, viewport=NARROW, locale="de-DE")
    providers.at_github("a-person-with-a-long-name-at-work@subsidiary.example.com")
    section = account.section("Anmelden über Anbieter")
    fill(section, "GitHub verknüpfen")
    expect(section.get_by_role("listitem")).to_have_count(1)
    require_accessible(account.page)
    account.page.get_by_role("button", name="Trennen").click()
    expect(account.dialog).to_be_visible()
    require_accessible(account.page)
    account.page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert not overflows(account.page)
