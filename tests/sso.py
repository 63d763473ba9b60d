"""Sign-in with a provider, in tests: a provider without a network, and the way of a browser through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from werkzeug.test import TestResponse

from authapp.providers.provider import Exchange, Person, ProviderUnavailable, SsoFailed
from tests.factories import API, Caller, World

AUTHORIZE = "https://provider.example.com/authorize"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
EMAIL = "ada@example.com"


@dataclass
class MemoryProvider:
    """A provider in memory. A code is good for the person that it is registered with, once."""

    id: str = "oidc"
    name: str = "Acme"
    people: dict[str, Person] = field(default_factory=dict)
    is_away: bool = False

    def authorization_url(self, exchange: Exchange) -> str:
        if self.is_away:
            raise ProviderUnavailable("away")
        return f"{AUTHORIZE}?{urlencode(exchange._asdict())}"

    def authenticate(self, exchange: Exchange, code: str, issuer: str | None) -> Person:
        if self.is_away:
            raise ProviderUnavailable("away")
        if code not in self.people or issuer not in (None, self.people[code].issuer):
            raise SsoFailed("no such code")
        return self.people.pop(code)


def ada(subject: str = "1", **changes: Any) -> Person:
    """Somebody whose address the provider has verified."""
    known = Person("oidc", "https://provider.example.com", subject, EMAIL, True, "Ada", "Lovelace")
    return known._replace(**changes)


def query_of(response: TestResponse) -> dict[str, str]:
    """What the address to which a browser is sent has behind `?` or `#`."""
    assert response.status_code == 302, response.text
    address = urlsplit(response.headers["Location"])
    return {name: values[0] for name, values in parse_qs(address.query or address.fragment).items()}


def start(browser: Caller, provider: str = "oidc", **query: str) -> str:
    """Send a browser to the provider. The state."""
    response = browser.call("GET", f"/auth/sso/{provider}/authorize", query_string=query)
    assert response.headers["Location"].startswith(AUTHORIZE), response.text
    return query_of(response)["state"]


def come_back(browser: Caller, state: str, code: str = "good", provider: str = "oidc", **query: str) -> TestResponse:
    """Come back from the provider, as a browser does."""
    path = f"{API}/auth/sso/{provider}/callback"
    return browser.open(path, query_string={"state": state, "code": code, **query}, headers=BROWSER)


def code_of(browser: Caller, provider: MemoryProvider, person: Person, **query: str) -> str:
    """The code with which a browser comes back that has signed in as this person."""
    state = start(browser, provider.id, **query)
    provider.people["good"] = person
    return query_of(come_back(browser, state, provider=provider.id))["code"]


def exchange(browser: Caller, code: str, **body: Any) -> TestResponse:
    """Exchange a code for a session."""
    return browser.call("POST", "/auth/sso/exchange", {"code": code, **body})


def sign_in(world: World, provider: MemoryProvider, person: Person, browser: Caller | None = None) -> TestResponse:
    """The whole way, in a new browser by default."""
    browser = browser or world.caller()
    return exchange(browser, code_of(browser, provider, person))
