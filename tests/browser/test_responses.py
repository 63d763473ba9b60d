"""The pages as they are answered: headers, languages, settings. None of these tests needs a browser."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from authapp.core.enums import AuditAction, TokenPurpose
from authapp.instance import ROOT
from authapp.security.password_policy import complaints
from authapp.services.one_time_tokens import LIFETIMES
from authapp.views.pages import assets
from authapp.views.pages.texts import languages, texts
from tests.architecture.test_openapi import Sources
from tests.factories import AppWith, Caller, World

PAGES = (
    "/sign-in", "/register", "/forgot-password", "/reset-password", "/verify-email", "/undo-email-change",
    "/invitation",
)  # fmt: skip
SIGNED_IN = (
    "/account", "/organizations", "/organizations/acme", "/operator", "/operator/users/1", "/operator/organizations/1",
)  # fmt: skip
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
}  # fmt: skip
SCRIPTS = sorted(assets.FOLDER.glob("*.js"))


@pytest.mark.parametrize("path", [*PAGES, *SIGNED_IN])
def test_a_page_has_a_strict_policy_is_not_stored_and_loads_only_from_here(client: Caller, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert set(page.headers["Content-Security-Policy"].split("; ")) == POLICY
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "Set-Cookie" not in page.headers
    sources = Sources()
    sources.feed(page.text)
    assert sources.inline == 0
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", page.text)
    for source in sources.found:
        if source.startswith("/pages/"):
            with client.get(source) as asset:
                assert asset.status_code == 200, source
    assert '<noscript><p class="alert">This page needs JavaScript.' in page.text
    assert 'method="get"' not in page.text
    with_button = page.text.count("<form") - page.text.count("data-at-once")
    assert with_button == page.text.count('" disabled>')
    assert page.text.count("<form") == page.text.count('method="post"')


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def test_an_unknown_address_is_a_page_with_status_404_for_a_browser(app_with: AppWith) -> None:
    client = FlaskClient(app_with())  # a caller of the API expects a problem document
    page = client.get("/no/such/page", headers={"Accept": BROWSER, "Accept-Language": "de"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "Seite nicht gefunden" in page.text
    assert set(page.headers["Content-Security-Policy"].split("; ")) == POLICY
    assert page.headers["Cache-Control"] == "no-store"
    assert {"Accept", "Accept-Language"} <= set(page.headers["Vary"].split(", "))


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/api/v1/none", BROWSER),
        ("/api/v1/", BROWSER),
        ("/none", "*/*"),
        ("/none", None),
        ("/none", "application/json"),
        ("/none", "application/json, text/html"),
        ("/pages/none.js", "*/*"),
    ],
)
def test_an_unknown_address_is_a_problem_document_for_others(client: Caller, path: str, accept: str | None) -> None:
    answer = client.get(path, headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.get_json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/pages/style.css", "/pages/api.js", "/pages/texts/de.js"])
def test_a_file_of_the_pages_is_revalidated_by_its_entity_tag(client: Caller, path: str) -> None:
    with client.get(path) as file:
        assert file.headers["Cache-Control"] == "no-cache"
        assert file.content_type.startswith(("text/css", "text/javascript"))
        tag = file.headers["ETag"]
    with client.get(path, headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/pages/logo", "/pages/none.js", "/pages/..%2f..%2fconfig.py", "/pages/texts/xx.js", "/pages/texts/..js"]
)
def test_a_file_that_is_not_there_is_not_found(client: Caller, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, "en"),
        ("de", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("fr", "en"),
        ("fr,de;q=0.1", "de"),
        ("de;q=0,en", "en"),
        ("en;q=0.2,DE", "de"),
        ("*", "en"),
        (";;", "en"),
    ],
)
def test_a_page_is_in_the_language_that_the_reader_prefers(client: Caller, asked: str | None, given: str) -> None:
    page = client.get("/sign-in", headers={"Accept-Language": asked} if asked else {})
    assert f'<html lang="{given}" ' in page.text
    assert page.headers["Content-Language"] == given
    assert "Accept-Language" in page.headers["Vary"]


def test_every_language_has_all_texts_with_the_same_names_to_fill_in() -> None:
    assert languages()[0] == "en"
    names = {language: names_of(texts(language)) for language in languages()}
    for language in languages():
        assert names[language] == names["en"], language


def names_of(sections: dict[str, Any]) -> dict[str, list[str]]:
    return {
        f"{section}.{name}": sorted(re.findall(r"\{\w+\}", text))
        for section, found in sections.items()
        for name, text in found.items()
    }


def test_no_text_has_the_name_of_a_method_of_a_dict() -> None:
    for section, found in texts("en").items():  # {{ t.account.copy }} would be that method
        assert not {section, *found} & set(dir(dict))


def test_every_action_of_the_audit_log_is_a_sentence() -> None:
    assert set(texts("en")["actions"]) == set(AuditAction)


@pytest.mark.parametrize(
    "kind", ["user", "session", "mfa", "passkey", "identity", "organization", "member", "api_key", "webhook"]
)
def test_every_detail_of_the_histories_has_a_name(kind: str) -> None:
    found, said = texts("en")["details"], {"name", "email", "provider", "role", "before", "after"}  # without a name
    table = (ROOT / "docs" / "audit-log.md").read_text()
    for details in re.findall(rf"^\| `{kind}\.[\w.]+` \|.*\|(.*)\|$", table, re.MULTILINE):
        for one in re.findall(r"`(\w+)`", details):
            assert one in said or one in found or f"reason.{one}" in found or one.endswith("_id"), one


def test_no_text_is_left_over() -> None:
    templates = "".join(path.read_text() for path in (ROOT / "authapp" / "templates" / "pages").glob("*.html"))
    for section, found in texts("en").items():
        if section not in assets.FOR_SCRIPTS:
            for name in found:
                dynamic = name.startswith(("password_hint_", "role_"))
                assert dynamic or f"t.{section}.{name}" in templates, f"{section}.{name}"


@pytest.mark.parametrize("policy", ["seed", "nist"])
def test_what_the_policy_says_of_a_password_is_translated(policy: str) -> None:
    for password in ("abc", "12345678", "ada@example.com", "password1", "aaaaaaaaaaaaaaaaaaaaaaa"):
        for sentence in complaints(password, policy, ["ada@example.com"]):
            assert sentence in texts("de")["fields"], sentence


def test_the_error_codes_of_the_texts_are_those_of_the_api() -> None:
    listed = (ROOT / "docs" / "errors.md").read_text()
    made_up = {
        "network", "step_up_cancelled", "passkey_exists", "passkey_failed", "passkey_not_added", "passkey_not_used",
        "too_many_passkeys", "too_many_providers", "providers_full", "only_admin",
    }  # fmt: skip
    assert {code for code in texts("en")["errors"] if f"`{code}`" not in listed} == made_up


@pytest.mark.parametrize(
    ("mode", "has_form", "linked"),
    [("open", True, True), ("safe", True, True), ("invitation", False, False), ("closed", False, False)],
)
def test_the_pages_follow_the_registration_mode(app_with: AppWith, mode: str, has_form: bool, linked: bool) -> None:
    client = app_with(registration_mode=mode).test_client()
    assert ("<form" in client.get("/register").text) == has_form
    assert ('href="/register"' in client.get("/sign-in").text) == linked


def test_an_invitation_offers_no_new_account_where_registration_is_closed(app_with: AppWith) -> None:
    for mode, is_offered in (("open", True), ("invitation", True), ("closed", False)):
        page = app_with(registration_mode=mode).test_client().get("/invitation").text
        assert ("data-register" in page) == ("I have no account yet" in page) == is_offered
        assert ("No new accounts here. If you have one, sign in to accept." in page) != is_offered


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("invitation", "Accounts of authapp are by invitation. Open the link in your invitation email."),
        ("closed", "authapp takes no new accounts here."),
    ],
)
def test_the_page_says_before_anything_is_typed_that_nobody_registers(app_with: AppWith, mode: str, said: str) -> None:
    assert said in app_with(registration_mode=mode).test_client().get("/register").text


def test_the_page_names_the_lifetime_of_a_reset_token(client: Caller) -> None:
    minutes = LIFETIMES[TokenPurpose.RESET] // timedelta(minutes=1)
    for language in languages():
        page = client.get("/forgot-password", headers={"Accept-Language": language}).text
        assert re.search(rf"\b{minutes} (minutes|Minuten)\.", page)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("mode", ["open", "closed"])
def test_no_page_shows_an_object_of_python_or_a_name_to_fill_in(app_with: AppWith, mode: str, language: str) -> None:
    client = app_with(registration_mode=mode).test_client()
    for path in (*PAGES, *SIGNED_IN):
        page = client.get(path, headers={"Accept-Language": language}).text
        assert not re.search(r"built-in|object at 0x|\{\w+\}|\bNone\b", page), path


def test_the_hint_of_a_password_follows_the_policy(app_with: AppWith) -> None:
    assert "At least 8 characters" in app_with().test_client().get("/register").text
    assert "At least 15 characters" in app_with(password_policy="nist").test_client().get("/register").text


@pytest.mark.parametrize(("name", "kind"), [("logo.svg", "image/svg+xml"), ("logo.png", "image/png")])
def test_the_pages_show_name_and_logo_of_the_operator(app_with: AppWith, tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(b"<svg/>")
    client = app_with(operator_name='Acme & "Söhne" <b>', operator_logo=str(tmp_path / name)).test_client()
    page = client.get("/sign-in").text
    assert "<title>Sign in · Acme &amp; &#34;Söhne&#34; &lt;b&gt;</title>" in page
    assert '<img src="/pages/logo" alt="Acme &amp; &#34;Söhne&#34; &lt;b&gt;">' in page
    with client.get("/pages/logo") as logo:
        assert (logo.status_code, logo.mimetype, logo.data) == (200, kind, b"<svg/>")
        assert logo.headers["Content-Security-Policy"].startswith("default-src 'none'")  # a script in it does not run
        assert logo.headers["X-Content-Type-Options"] == "nosniff"


def test_an_email_leads_to_the_front_end_or_else_to_the_page(world: World, app_with: AppWith) -> None:
    for changed, led in (
        ({"public_url": "https://auth.example.com"}, "https://auth.example.com/invitation#token="),
        ({"frontend_url": "https://app.example.com"}, "https://app.example.com/invitation#token="),
    ):
        there = world.with_app(app_with(operator_name="Acme Cloud", **changed))
        admin = there.person("Acme", email=f"admin{len(led)}@example.com")
        there.invite(admin, admin.organization_id, f"{len(led)}@example.com", "viewer")
        text = there.emails()[-1][1].text
        assert led in text
        assert "\nAcme Cloud\n" in text


def test_password_managers_are_led_to_the_page_that_changes_a_password(client: Caller) -> None:
    response = client.get("/.well-known/change-password")
    assert (response.status_code, response.headers["Location"]) == (302, "/account#password")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_short_and_writes_no_html(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 120
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|localStorage", source)
