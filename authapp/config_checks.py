"""What is wrong with settings: malformed anywhere, or unsafe in production. Sentences that say what to do."""

from __future__ import annotations

import json
import re
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from authapp.config import Settings

ENVIRONMENTS = ("production", "development", "testing")
CHOICES = {
    "app_env": ENVIRONMENTS,
    "algorithm": ("HS256", "ES256", "EdDSA", "RS256"),
    "password_policy": ("seed", "nist"),
    "registration_mode": ("open", "safe", "invitation", "closed"),
    "email_verification": ("optional", "required"),
    "rate_limits": ("on", "off"),
}
NUMBERS = {  # smallest, largest
    "access_token_expire_minutes": (1, 43_200),
    "refresh_token_expire_days": (1, 3_650),
    "refresh_grace_seconds": (0, 300),
    "session_absolute_days": (1, 3_650),
    "max_sessions_per_account": (1, 1_000),
    "max_organizations_per_account": (1, 10_000),
    "port": (1, 65_535),
    "web_concurrency": (1, 256),
    "web_threads": (1, 256),
    "trusted_proxies": (0, 16),
    "bcrypt_rounds": (4, 20),
    "audit_retention_days": (0, 36_500),
}
PROVIDERS = {  # the settings that one needs, all or none
    "google": ("google_client_id", "google_client_secret"),
    "github": ("github_client_id", "github_client_secret"),
    "oidc": ("oidc_discovery_url", "oidc_client_id", "oidc_client_secret"),
}
DISCOVERY_PATH = "/.well-known/openid-configuration"  # OpenID Connect Discovery section 4
SHORTEST_SECRET = 32  # bytes, RFC 7518 section 3.2
FEWEST_BCRYPT_ROUNDS = 10
PLACEHOLDERS = ("change-in-production", "changeme", "change-me", "your-secret", "placeholder", "example")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.\-]+|\[[0-9a-f:]+\])(?::\d+)?")  # RFC 6454 section 6.2
_ADDRESS = re.compile(_ORIGIN.pattern + r"(?:/[\w./~-]*)?", re.ASCII)
_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)  # RFC 6750 section 2.1
_DSN = re.compile(r"https?://\w+@[A-Za-z0-9.-]+(?::\d+)?(?:/[\w.-]+)*/\d+", re.ASCII)  # of Sentry: key, host, project
_LOGOS = (".svg", ".png")
_REDIS = ("redis://", "rediss://", "unix://")


def problems(settings: Settings) -> list[str]:
    """Every reason not to start with these settings."""
    found = [*_outside_bounds(settings), *_malformed(settings), *_incomplete_providers(settings)]
    return found + (_unsafe_secrets(settings) + _unsafe(settings) if settings.in_production else [])


def _outside_bounds(settings: Settings) -> list[str]:
    checks = [
        *(
            (getattr(settings, name) in values, f"{name.upper()}: choose one of {', '.join(values)}.")
            for name, values in CHOICES.items()
        ),
        *(
            (smallest <= getattr(settings, name) <= largest, f"{name.upper()}: choose {smallest} to {largest}.")
            for name, (smallest, largest) in NUMBERS.items()
        ),
    ]
    return _unmet(checks)


def _malformed(settings: Settings) -> list[str]:
    one_of_algorithms = settings.algorithm in CHOICES["algorithm"]
    no_addresses = [entry for entry in settings.sso_return_to if not _ADDRESS.fullmatch(entry)]
    return _unmet(
        [
            (all(map(_ORIGIN.fullmatch, settings.cors_origins)), "CORS_ORIGINS: list origins: https://app.example.com"),
            (_is_address(settings.public_url), "PUBLIC_URL: give an address: https://auth.example.com"),
            (_is_address(settings.frontend_url), "FRONTEND_URL: give an address: https://app.example.com"),
            (_is_mail_url(settings.mail_url), "MAIL_URL: give smtp://user:password@host:587, smtps://… or console:"),
            ("@" in parseaddr(settings.mail_from)[1], "MAIL_FROM: give an address: Acme <no-reply@example.com>"),
            (settings.log_level.upper() in LOG_LEVELS, f"LOG_LEVEL: choose one of {', '.join(LOG_LEVELS)}."),
            (
                not settings.database_url or settings.database_url.startswith(("postgres://", "postgresql://")),
                "DATABASE_URL: authapp needs PostgreSQL: postgres://user:password@host/name",
            ),
            (
                _is_redis_url(settings.redis_url or _REDIS[0]),
                "REDIS_URL: give an address: redis://user:password@host:6379/0",
            ),
            (
                settings.jwt_keys or settings.algorithm == "HS256" or not one_of_algorithms,
                f"JWT_KEYS: set a private JWK set for {settings.algorithm}.",
            ),
            (
                not settings.jwt_issuer or settings.jwt_audience != settings.jwt_issuer,
                "JWT_AUDIENCE: choose another than JWT_ISSUER, which is the audience of refresh tokens.",
            ),
            (
                _BEARER.fullmatch(settings.metrics_token or "x"),
                "METRICS_TOKEN: use the characters of a bearer token: A-Z a-z 0-9 - . _ ~ + /",
            ),
            (
                _DSN.fullmatch(settings.sentry_dsn or "https://key@sentry.example.com/1"),
                "SENTRY_DSN: give the DSN of a project: https://key@sentry.example.com/1",
            ),
            (_is_jwk_set(settings.jwt_keys), 'JWT_KEYS: not a JWK set; expected {"keys": [{"kty": ...}]}.'),
            (
                _is_file(settings.password_breach_file),
                "PASSWORD_BREACH_FILE: no such file. Give the path of a sorted list of SHA-1 hashes.",
            ),
            (
                not no_addresses,
                f"SSO_RETURN_TO: not an address without a query: {', '.join(no_addresses)}. "
                "List addresses: https://app.example.com/signed-in",
            ),
            (
                _is_address(settings.oidc_discovery_url)
                and (settings.oidc_discovery_url or DISCOVERY_PATH).endswith(DISCOVERY_PATH),
                f"OIDC_DISCOVERY_URL: give the address that ends with {DISCOVERY_PATH}",
            ),
            (
                _is_file(settings.operator_logo) and (settings.operator_logo or ".svg").endswith(_LOGOS),
                "OPERATOR_LOGO: no such file. Give the path of an .svg or .png file.",
            ),
        ]
    )


def _incomplete_providers(settings: Settings) -> list[str]:
    """What a provider lacks of which something is set."""
    found = []
    for names in PROVIDERS.values():
        missing = [name.upper() for name in names if not getattr(settings, name)]
        if 0 < len(missing) < len(names):
            present = next(name.upper() for name in names if getattr(settings, name))
            all_of_them = "both" if len(names) == 2 else "all three"
            found += [f"{name}: not set, but {present} is. Set {all_of_them}, or none." for name in missing]
    return found


def _unsafe_secrets(settings: Settings) -> list[str]:
    make_one = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    found = []
    for name in ("secret_key", "password_pepper", "jwt_secret_key", "metrics_token"):
        value = getattr(settings, name)
        if value is None:
            continue
        if not value:
            found.append(f"{name.upper()}: not set. {make_one}")
        elif len(value.encode()) < SHORTEST_SECRET:
            found.append(f"{name.upper()}: shorter than {SHORTEST_SECRET} bytes. {make_one}")
        elif any(word in value.lower() for word in PLACEHOLDERS) or len(set(value)) < 8:
            found.append(f"{name.upper()}: a placeholder. {make_one}")
    return found


def _unsafe(settings: Settings) -> list[str]:
    plain = [address for address in settings.sso_return_to if not address.startswith("https://")]
    return _unmet(
        [
            (settings.database_url, "DATABASE_URL: not set. Give a PostgreSQL: postgres://user:password@host/name"),
            (settings.public_url, "PUBLIC_URL: not set. Give the address of this service: https://auth.example.com"),
            (
                not settings.mail_url.startswith(("console:", "memory:")),
                "MAIL_URL: emails hold tokens, which must not be logged. Give a mail server.",
            ),
            (
                not settings.mail_url or "@localhost" not in settings.mail_from,
                "MAIL_FROM: not set. Give the sender of emails: Acme <no-reply@example.com>",
            ),
            (
                settings.bcrypt_rounds >= FEWEST_BCRYPT_ROUNDS,
                f"BCRYPT_ROUNDS: choose at least {FEWEST_BCRYPT_ROUNDS}, or passwords are guessed too fast.",
            ),
            (
                not settings.oidc_discovery_url or settings.oidc_discovery_url.startswith("https://"),
                "OIDC_DISCOVERY_URL: give an https address. Else whoever controls the network signs in to any account.",
            ),
            (
                not plain,
                f"SSO_RETURN_TO: give https addresses, not {', '.join(plain)}. Codes are sent to them.",
            ),
            (
                not (settings.sentry_dsn or "").startswith("http://"),
                "SENTRY_DSN: give an https address. Else whoever controls the network reads the reports.",
            ),
            (settings.rate_limits != "off", "RATE_LIMITS: off is for development and tests only. Remove it."),
        ]
    )


def _unmet(checks: list[tuple[Any, str]]) -> list[str]:
    return [problem for fine, problem in checks if not fine]


def _is_address(text: str | None) -> bool:
    return not text or bool(_ADDRESS.fullmatch(text))


def _is_file(path: str | None) -> bool:
    return path is None or Path(path).is_file()


def _is_redis_url(text: str) -> bool:
    try:
        return text.startswith(_REDIS) and urlsplit(text).port != 0
    except ValueError:
        return False


def _is_mail_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        is_server = url.scheme in ("smtp", "smtps") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return is_server or text in ("", "memory:") or text.startswith("console:")


def _is_jwk_set(text: str | None) -> bool:
    if text is None:
        return True
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError):
        return False
    return isinstance(keys, list) and bool(keys) and all(isinstance(key, dict) and "kty" in key for key in keys)
