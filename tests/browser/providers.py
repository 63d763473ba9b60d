"""A site with three providers: GitHub (a twin of it), Acme (oidc-provider-mock) and Google, which is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from authapp.instance import ROOT
from tests.browser.conftest import Site, serving_pages
from tests.factories import PASSWORD
from tests.providers.github_server import GitHubServer, github_server
from tests.providers.oidc_mock import OidcMock, oidc_mock

WSGI = """
from authapp import create_app
from authapp.providers.github import GitHub
from authapp.providers.openid import OpenIdProvider
from tests.providers.github_server import CLIENT_ID, CLIENT_SECRET

app = create_app()
app.providers["github"] = GitHub(CLIENT_ID, CLIENT_SECRET, {twin!r}, {twin!r}, allow_private=True)
AWAY = "http://127.0.0.1:1/.well-known/openid-configuration"
app.providers["google"] = OpenIdProvider("google", "Google", AWAY, "a-client", "a-secret", allow_private=True)
"""
NAME = {"given_name": "Ada", "family_name": "Lovelace"}


@dataclass
class Providers:
    """The providers, and the people who have accounts there."""

    site: Site
    github: GitHubServer
    acme: OidcMock
    _last_id: int = 0

    def at_acme(self, email: str, *, email_verified: bool = True) -> str:
        """Somebody with this address at Acme. The subject."""
        subject = f"subject-of-{email}"
        self.acme.put(subject, email=email, email_verified=email_verified, **NAME)
        return subject

    def at_github(self, email: str) -> None:
        """From now on, GitHub signs in somebody new with this address."""
        self._last_id += 1
        self.github.user = {"id": self._last_id, "login": "ada", "name": "Ada Lovelace"}
        self.github.emails = [{"email": email, "primary": True, "verified": True}]


@contextmanager
def serving_providers(socket_folder: str, database: str, folder: Path, **changes: str) -> Iterator[Providers]:
    with github_server() as github, oidc_mock() as acme:
        (folder / "wsgi.py").write_text(WSGI.format(twin=github.address))
        settings = {
            "PYTHONPATH": str(ROOT),
            "OIDC_DISCOVERY_URL": acme.discovery_url,
            "OIDC_CLIENT_ID": "a-client",
            "OIDC_CLIENT_SECRET": "a-secret",
            "OIDC_NAME": "Acme",
        }
        with serving_pages(socket_folder, database, folder, **settings, **changes) as site:
            yield Providers(site, github, acme)


def register_verified(site: Site) -> str:
    """An account with a verified address and a password. The address."""
    email: str = site.register()["user"]["email"]
    site.execute("UPDATE users SET email_verified = true WHERE email = %s", email)
    return email


def press(page: Page, provider: str) -> None:
    page.get_by_role("link", name=f"Continue with {provider}", exact=True).locator("visible=true").click()


def authorize(page: Page, subject: str) -> None:
    """Sign in at Acme."""
    page.get_by_placeholder("sub").fill(subject)
    page.get_by_role("button", name="Authorize", exact=True).click()


def expect_alert(page: Page, sentence: str) -> None:
    """The page says this, has the focus there, and its address does not."""
    alert = page.get_by_role("alert").locator("visible=true")
    expect(alert).to_contain_text(sentence)
    expect(alert).to_be_focused()
    assert "error" not in page.url
    assert "code" not in page.url


def give_password(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
