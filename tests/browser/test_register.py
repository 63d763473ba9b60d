"""Registering on the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, Site, submit
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")


def test_registering_creates_the_account_and_the_organization_and_signs_in(new_page: NewPage, site: Site) -> None:
    page, email = new_page("/register"), site.new_email()
    page.get_by_label("Organization").fill("Analytical Engines")
    page.get_by_label("First name").fill("Ada")
    submit(page, "Create account", Email=email, Password=PASSWORD)
    page.wait_for_url("**/account")
    expect(page.get_by_text("We have sent you an email")).to_be_in_viewport()
    session = site.call("POST", "/auth/login", {"email": email, "password": PASSWORD})
    assert session["user"]["first_name"] == "Ada"
    organizations = site.call("GET", "/organizations", token=session["access_token"])["items"]
    assert [organization["name"] for organization in organizations] == ["Analytical Engines"]


@pytest.mark.parametrize(
    ("locale", "label", "button", "said"),
    [
        ("en-US", "Password", "Create account", "Use at least 8 characters."),
        ("de-AT", "Passwort", "Konto anlegen", "Verwenden Sie mindestens 8 Zeichen."),
        ("fr-FR", "Password", "Create account", "Use at least 8 characters."),
    ],
)
def test_a_short_password_has_its_error_beside_it_in_the_language_of_the_reader(
    new_page: NewPage, site: Site, locale: str, label: str, button: str, said: str
) -> None:
    page = new_page("/register", locale=locale)
    page.locator("#email").fill(site.new_email())
    page.get_by_label(label, exact=True).fill("short1x")
    page.get_by_role("button", name=button).click()
    expect(page.locator("#password-error")).to_contain_text(said)
    expect(page.get_by_label(label, exact=True)).to_be_focused()


def test_a_taken_email_is_an_alert(new_page: NewPage, site: Site) -> None:
    page = new_page("/register")
    submit(page, "Create account", Email=site.register()["user"]["email"], Password=PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("There is an account with this address.")


def test_the_page_shows_all_errors_of_the_form_at_once(new_page: NewPage) -> None:
    page: Page = new_page("/register")
    submit(page, "Create account", Email="ada", Password="abc")
    expect(page.locator("#email-error")).to_be_visible()
    expect(page.locator("#password-error")).to_be_visible()
    expect(page.get_by_label("Email")).to_be_focused()
