"""What a browser does at a twin of a provider: it follows one redirect."""

from __future__ import annotations

import http.client
from urllib.parse import parse_qs, urlsplit

from authapp.providers.provider import Exchange, Person, Provider

EXCHANGE = Exchange(
    "http://localhost:8000/callback", "a-state", "a-nonce", "a-code-verifier-of-43-characters-at-least-00"
)


def response_of(authorization_url: str) -> dict[str, str]:
    """The parameters that the provider sends back, behind the redirect URI."""
    url = urlsplit(authorization_url)
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    connection.request("GET", f"{url.path}?{url.query}")
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status == 302
    answer = urlsplit(response.headers["Location"])
    return {name: values[0] for name, values in parse_qs(answer.query).items()}


def sign_in(provider: Provider, exchange: Exchange = EXCHANGE) -> Person:
    """The whole sign-in at a twin."""
    response = response_of(provider.authorization_url(exchange))
    assert response["state"] == exchange.state
    return provider.authenticate(exchange, response["code"], response.get("iss"))
