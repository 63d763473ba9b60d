"""Signing in with a provider: from the button through the provider to the page that was wanted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, Site, overflows, require_accessible, submit
from tests.browser.providers import (
    Providers,
    authorize,
    expect_alert,
    give_password,
    press,
    register_verified,
    serving_providers,
)
from tests.browser.test_second_factor import enrol

pytestmark = pytest.mark.xdist_group("browser")
NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def providers(socket_folder: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Providers]:
    folder: Path = tmp_path_factory.mktemp("providers")
    with serving_providers(socket_folder, f"sso_pages_{worker_id}", folder) as served:
        yield served


@pytest.fixture(scope="module")
def site(providers: Providers) -> Site:
    return providers.site


@pytest.fixture
def open_page(new_page: NewPage) -> Callable[..., Page]:
    """As `new_page`, without the stylesheet that the page of Acme loads from elsewhere."""

    def open_page(path: str = "/sign-in", **options: object) -> Page:
        page = new_page(path, **options)
        page.context.route("https://cdn.jsdelivr.net/**", lambda route: route.fulfill(body="", content_type="text/css"))
        return page

    return open_page


@pytest.fixture
def page(open_page: NewPage) -> Page:
    return open_page()


def expect_account(page: Page, email: str) -> None:
    page.wait_for_url("**/account")
    expect(page.get_by_role("navigation").first).to_contain_text(email)


def test_somebody_new_signs_in_with_github_and_has_an_account(page: Page, providers: Providers) -> None:
    email = providers.site.new_email()
    providers.at_github(email)
    press(page, "GitHub")
    expect_account(page, email)
    expect(page.get_by_text("Ada Lovelace")).to_be_visible()


def test_an_account_with_the_same_verified_address_signs_in_with_an_openid_provider(
    page: Page, providers: Providers
) -> None:
    email = register_verified(providers.site)
    press(page, "Acme")
    authorize(page, providers.at_acme(email))
    expect_account(page, email)
    page.go_back()  # to the provider, whose answer is used
    assert "code=" not in page.url.partition("#")[2]


def test_registering_with_a_provider_needs_no_form(open_page: NewPage, providers: Providers) -> None:
    page, email = open_page("/register"), providers.site.new_email()
    press(page, "Acme")
    authorize(page, providers.at_acme(email))
    expect_account(page, email)


def test_a_second_factor_is_asked_for_after_the_provider(page: Page, providers: Providers) -> None:
    account = enrol(providers.site)
    providers.site.execute("UPDATE users SET email_verified = true WHERE email = %s", account.email)
    press(page, "Acme")
    authorize(page, providers.at_acme(account.email))
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    assert page.url == f"{providers.site.url}/sign-in"
    submit(page, "Continue", Code=account.next_code())
    expect_account(page, account.email)


def test_a_session_that_is_there_gives_way_to_the_new_one(page: Page, providers: Providers) -> None:
    give_password(page, register_verified(providers.site))
    page.wait_for_url("**/account")
    email = providers.site.new_email()
    providers.at_github(email)
    page.goto("/api/v1/auth/sso/github/authorize")
    expect_account(page, email)


def test_who_is_signed_in_is_told_of_an_error_all_the_same(page: Page, providers: Providers) -> None:
    email = register_verified(providers.site)
    give_password(page, email)
    page.wait_for_url("**/account")
    page.goto("/sign-in#error=sso_denied")
    expect(page.get_by_role("navigation")).to_contain_text(email)
    expect_alert(page, "You have not signed in at the provider, or not agreed.")


@pytest.mark.parametrize("wanted", ["/account#history", "/forgot-password"])
def test_next_outlives_the_way_through_the_provider(open_page: NewPage, providers: Providers, wanted: str) -> None:
    page = open_page(f"/sign-in#next={wanted.replace('#', '%23')}")
    providers.at_github(providers.site.new_email())
    press(page, "GitHub")
    page.wait_for_url(providers.site.url + wanted)
    page.goto("/forgot-password")  # a page that uses no session storage
    assert page.evaluate("sessionStorage.length") == 0


def test_next_outlives_a_failure_at_the_provider(open_page: NewPage, providers: Providers) -> None:
    page = open_page("/sign-in#next=/forgot-password")
    press(page, "Google")
    expect_alert(page, "The provider does not answer. Try again in a minute")
    assert page.url.endswith("/sign-in#next=%2Fforgot-password")
    providers.at_github(providers.site.new_email())
    press(page, "GitHub")
    page.wait_for_url("**/forgot-password")


def test_a_next_of_before_is_forgotten(open_page: NewPage) -> None:
    page = open_page("/sign-in#next=/register")
    stay = "link => { link.addEventListener('click', (event) => event.preventDefault()); link.click(); }"
    for path, kept in (("/sign-in#next=/register", 1), ("/sign-in", 0)):
        page.goto("/forgot-password")
        page.goto(path)
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()
        page.locator("[data-provider]").first.evaluate(stay)
        assert page.evaluate("sessionStorage.length") == kept


def test_an_invitation_is_accepted_after_the_provider(open_page: NewPage, providers: Providers) -> None:
    site, email = providers.site, providers.site.new_email()
    site.invite(email)
    page = open_page(site.link_for(email))
    press(page, "Acme")
    authorize(page, providers.at_acme(email))
    page.wait_for_url("**/invitation")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").locator("visible=true")).to_contain_text("You have joined Acme Research")


def test_cancelling_at_the_provider_leads_back_to_the_form(page: Page, providers: Providers) -> None:
    providers.github.response = {"code": None, "error": "access_denied"}
    press(page, "GitHub")
    expect_alert(page, "You have not signed in at the provider, or not agreed.")
    providers.github.response = {}
    email = providers.site.new_email()
    providers.at_github(email)
    press(page, "GitHub")
    expect_account(page, email)


def test_an_address_that_is_not_verified_on_both_sides_leads_to_the_password(page: Page, providers: Providers) -> None:
    email = providers.site.register()["user"]["email"]
    providers.at_github(email)
    press(page, "GitHub")
    expect_alert(page, "An account with this email exists. Sign in to it with its password or passkey")
    give_password(page, email)
    expect_account(page, email)


def test_a_deactivated_account_is_refused_in_words(page: Page, providers: Providers) -> None:
    email = register_verified(providers.site)
    providers.site.execute("UPDATE users SET is_active = false WHERE email = %s", email)
    providers.at_github(email)
    press(page, "GitHub")
    expect_alert(page, "This account has been deactivated.")


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        ("error=sso_denied", "You have not signed in at the provider"),
        ("error=limit_reached", "Sign in in another way, and unlink one in your account."),
        ("error=registration_closed", "Nobody can create an account here on their own."),
        ("error=constructor", "The sign-in with the provider failed."),
        ("error=%3Cb%3ECall%200800%3C%2Fb%3E", "The sign-in with the provider failed."),
        ("code=sc_of_somebody_else", "That took too long, or began in another browser."),
        ("code=", "The sign-in with the provider failed."),
    ],
)
def test_what_an_address_brings_is_said_in_sentences_of_this_page_only(
    open_page: NewPage, behind: str, said: str
) -> None:
    page = open_page(f"/sign-in#{behind}")
    expect_alert(page, said)
    assert "#" not in page.url
    assert "0800" not in page.content()


def test_errors_are_in_the_language_of_the_reader(open_page: NewPage) -> None:
    page = open_page("/sign-in#error=link_required", locale="de-DE")
    alert = page.get_by_role("alert").locator("visible=true")
    expect(alert).to_contain_text("Mit dieser E-Mail-Adresse gibt es schon ein Konto.")
    expect(page.get_by_role("link", name="Weiter mit GitHub")).to_be_visible()


def test_the_code_is_exchanged_once_and_is_in_no_address_meanwhile(page: Page, providers: Providers) -> None:
    seen = []
    page.on("request", lambda request: seen.append((page.url, request.url)) if "exchange" in request.url else None)
    providers.at_github(providers.site.new_email())
    press(page, "GitHub")
    page.wait_for_url("**/account")
    assert [address for address, _ in seen] == [f"{providers.site.url}/sign-in"]


@pytest.mark.parametrize("path", ["/sign-in", "/register", "/sign-in#error=sso_failed"])
def test_the_pages_with_providers_have_no_violation_of_wcag_and_fit_320_pixels(open_page: NewPage, path: str) -> None:
    page = open_page(path, viewport=NARROW)
    expect(page.locator("button[type=submit]").first).to_be_enabled()
    require_accessible(page)


def test_an_invitation_with_providers_has_no_violation_of_wcag(open_page: NewPage, providers: Providers) -> None:
    email = providers.site.new_email()
    providers.site.invite(email)
    page = open_page(providers.site.link_for(email), viewport=NARROW)
    for button in ("I already have an account", "I have no account yet"):
        expect(page.get_by_role("link", name=re.compile("Continue with")).locator("visible=true")).to_have_count(3)
        require_accessible(page)
        page.get_by_role("button", name=button).click()


def test_the_way_back_is_shown_while_the_code_is_exchanged(open_page: NewPage) -> None:
    page = open_page(viewport=NARROW, locale="de-DE")
    page.evaluate("import('/pages/page.js').then((page) => page.showPanel('coming-back'))")
    expect(page.get_by_role("status").locator("visible=true")).to_have_text("Sie werden angemeldet …")
    require_accessible(page)
    page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert not overflows(page)
