"""The providers that this deployment has."""

from __future__ import annotations

from collections.abc import Callable

from authapp.config import Settings
from authapp.config_checks import DISCOVERY_PATH, PROVIDERS
from authapp.providers.github import GitHub
from authapp.providers.openid import GOOGLE, OpenIdProvider
from authapp.providers.provider import Provider


def configured(settings: Settings) -> dict[str, Provider]:
    """The providers whose settings are set, by their ids: google, github, oidc."""
    return {
        provider: _MADE_BY[provider](settings)
        for provider, names in PROVIDERS.items()
        if all(getattr(settings, name) for name in names)
    }


def _google(settings: Settings) -> Provider:
    return OpenIdProvider(
        "google",
        "Google",
        GOOGLE + DISCOVERY_PATH,
        settings.google_client_id or "",
        settings.google_client_secret or "",
        allow_private=not settings.in_production,
    )


def _github(settings: Settings) -> Provider:
    return GitHub(
        settings.github_client_id or "", settings.github_client_secret or "", allow_private=not settings.in_production
    )


def _oidc(settings: Settings) -> Provider:
    return OpenIdProvider(
        "oidc",
        settings.oidc_name,
        settings.oidc_discovery_url or "",
        settings.oidc_client_id or "",
        settings.oidc_client_secret or "",
        allow_private=not settings.in_production,
    )


_MADE_BY: dict[str, Callable[[Settings], Provider]] = {"google": _google, "github": _github, "oidc": _oidc}
