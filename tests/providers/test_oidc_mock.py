"""The whole sign-in with a provider that somebody else has written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from authapp.providers.openid import OpenIdProvider
from authapp.providers.provider import Person, SsoFailed
from tests.providers.browser import EXCHANGE
from tests.providers.oidc_mock import OidcMock, oidc_mock


@pytest.fixture(scope="module")
def mock() -> Iterator[OidcMock]:
    with oidc_mock() as server:
        yield server


def test_a_person_signs_in_with_an_openid_provider(mock: OidcMock) -> None:
    claims = {"email": "Ada@Example.com", "email_verified": True, "given_name": "Ada", "family_name": "Lovelace"}
    mock.put("ada", **claims)
    provider = OpenIdProvider("oidc", "Mock", mock.discovery_url, "a-client", "a-secret", allow_private=True)
    code = mock.sign_in(provider.authorization_url(EXCHANGE), "ada")["code"]
    assert provider.authenticate(EXCHANGE, code, None) == Person(
        "oidc", mock.issuer, "ada", "ada@example.com", True, "Ada", "Lovelace"
    )
    with pytest.raises(SsoFailed, match="invalid_grant"):
        provider.authenticate(EXCHANGE, code, None)
