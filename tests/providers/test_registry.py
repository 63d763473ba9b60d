"""Which providers a deployment has."""

from __future__ import annotations

import dataclasses

import pytest

from authapp.config import Settings
from authapp.providers.provider import ProviderUnavailable
from authapp.providers.registry import configured
from authapp.web.application import Application
from tests.providers.browser import EXCHANGE, sign_in
from tests.providers.openid_server import CLIENT_ID, CLIENT_SECRET, OpenIdServer

ALL = Settings(
    app_env="production",
    oidc_discovery_url="https://localhost/.well-known/openid-configuration",
    oidc_client_id="id",
    oidc_client_secret="secret",
    oidc_name="Acme",
    github_client_id="id",
    github_client_secret="secret",
    google_client_id="id",
    google_client_secret="secret",
)


def test_a_provider_exists_when_all_its_settings_are_set(app: Application) -> None:
    assert [(id_, provider.id, provider.name) for id_, provider in configured(ALL).items()] == [
        ("google", "google", "Google"),
        ("github", "github", "GitHub"),
        ("oidc", "oidc", "Acme"),
    ]
    assert list(configured(dataclasses.replace(ALL, github_client_secret=None, google_client_id=""))) == ["oidc"]
    assert app.providers == {}


def test_a_provider_at_a_private_address_is_for_development(openid: OpenIdServer) -> None:
    local = dataclasses.replace(
        ALL,
        oidc_discovery_url=f"{openid.issuer}/.well-known/openid-configuration",
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
    )
    assert sign_in(configured(dataclasses.replace(local, app_env="development"))["oidc"]).subject == "ada-1815"
    with pytest.raises(ProviderUnavailable, match="no public address"):
        configured(ALL)["oidc"].authorization_url(EXCHANGE)
    with pytest.raises(ProviderUnavailable, match="not an https address"):
        configured(local)["oidc"].authorization_url(EXCHANGE)
