"""Settings: the environment, read once, typed, and refused when unsafe. The only place that reads os.environ."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from dotenv import dotenv_values

from authapp import instance

ENVIRONMENTS = ("production", "development", "testing")
CHOICES = {
    "app_env": ENVIRONMENTS,
    "algorithm": ("HS256", "ES256", "EdDSA", "RS256"),
    "password_policy": ("seed", "nist"),
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
}
SHORTEST_SECRET = 32  # bytes, RFC 7518 section 3.2
FEWEST_BCRYPT_ROUNDS = 10
PLACEHOLDERS = ("change-in-production", "changeme", "change-me", "your-secret", "placeholder", "example")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.\-]+|\[[0-9a-f:]+\])(?::\d+)?")  # RFC 6454 section 6.2
_ADDRESS = re.compile(_ORIGIN.pattern + r"(?:/[\w./~-]*)?", re.ASCII)


class UnsafeSettings(SystemExit):
    """The settings cannot be served with. Writes every reason to stderr and ends the process without a traceback."""

    EXIT_STATUS = 3  # gunicorn stops at this one; after another one it starts the worker again, for ever

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        reasons = "".join(f"  - {problem}\n" for problem in problems)
        hint = "Production is the default; in a clone for development, set APP_ENV=development."
        message = f"authapp does not start with these settings:\n{reasons}{'' if 'APP_ENV' in os.environ else hint}"
        super().__init__(message.rstrip())
        self.code = self.EXIT_STATUS
        sys.stderr.write(f"{self}\n")  # Python writes no message where the status is a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set. Names are the environment variables in lower case; see `.env.example`."""

    app_env: str = "production"
    secret_key: str = ""
    password_pepper: str | None = None
    jwt_secret_key: str | None = None
    jwt_keys: str | None = None
    algorithm: str = "HS256"
    jwt_issuer: str = ""
    jwt_audience: str = "authapp"
    access_token_expire_minutes: int = 30
    refresh_token_expire_days: int = 7
    refresh_grace_seconds: int = 10
    session_absolute_days: int = 30
    max_sessions_per_account: int = 100
    max_organizations_per_account: int = 50
    database_url: str = ""
    port: int = 8000
    web_concurrency: int = 2
    web_threads: int = 8
    public_url: str = ""
    frontend_url: str | None = None
    mail_url: str = ""
    mail_from: str = "authapp <no-reply@localhost>"
    trusted_proxies: int = 0
    cors_origins: tuple[str, ...] = ()
    bcrypt_rounds: int = 12
    password_policy: str = "seed"  # noqa: S105
    log_level: str = "INFO"

    @property
    def in_production(self) -> bool:
        return self.app_env == "production"

    def problems(self) -> list[str]:
        """Every reason not to start, as sentences that say what to do."""
        checks = [
            *(
                (getattr(self, name) in values, f"{name.upper()}: choose one of {', '.join(values)}.")
                for name, values in CHOICES.items()
            ),
            *(
                (smallest <= getattr(self, name) <= largest, f"{name.upper()}: choose {smallest} to {largest}.")
                for name, (smallest, largest) in NUMBERS.items()
            ),
            (all(map(_ORIGIN.fullmatch, self.cors_origins)), "CORS_ORIGINS: list origins: https://app.example.com"),
            (
                not self.public_url or _ADDRESS.fullmatch(self.public_url),
                "PUBLIC_URL: give an address: https://auth.example.com",
            ),
            (
                not self.frontend_url or _ADDRESS.fullmatch(self.frontend_url),
                "FRONTEND_URL: give an address: https://app.example.com",
            ),
            (_is_mail_url(self.mail_url), "MAIL_URL: give smtp://user:password@host:587, smtps://… or console:"),
            ("@" in parseaddr(self.mail_from)[1], "MAIL_FROM: give an address: Acme <no-reply@example.com>"),
            (self.log_level.upper() in LOG_LEVELS, f"LOG_LEVEL: choose one of {', '.join(LOG_LEVELS)}."),
            (
                not self.database_url or self.database_url.startswith(("postgres://", "postgresql://")),
                "DATABASE_URL: authapp needs PostgreSQL: postgres://user:password@host/name",
            ),
            (
                self.jwt_keys or self.algorithm == "HS256" or self.algorithm not in CHOICES["algorithm"],
                f"JWT_KEYS: set a private JWK set for {self.algorithm}.",
            ),
            (
                not self.jwt_issuer or self.jwt_audience != self.jwt_issuer,
                "JWT_AUDIENCE: choose another than JWT_ISSUER, which is the audience of refresh tokens.",
            ),
            (_is_jwk_set(self.jwt_keys), 'JWT_KEYS: not a JWK set; expected {"keys": [{"kty": ...}]}.'),
        ]
        problems = [problem for fine, problem in checks if not fine]
        return problems + (self._problems_in_production() if self.in_production else [])

    def _problems_in_production(self) -> list[str]:
        make_one = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        problems = []
        for name in ("secret_key", "password_pepper", "jwt_secret_key"):
            value = getattr(self, name)
            if value is None:
                continue
            if not value:
                problems.append(f"{name.upper()}: not set. {make_one}")
            elif len(value.encode()) < SHORTEST_SECRET:
                problems.append(f"{name.upper()}: shorter than {SHORTEST_SECRET} bytes. {make_one}")
            elif any(word in value.lower() for word in PLACEHOLDERS) or len(set(value)) < 8:
                problems.append(f"{name.upper()}: a placeholder. {make_one}")
        checks = [
            (self.database_url, "DATABASE_URL: not set. Give a PostgreSQL: postgres://user:password@host/name"),
            (
                self.public_url,
                "PUBLIC_URL: not set. Give the address of this service: https://auth.example.com",
            ),
            (
                not self.mail_url.startswith(("console:", "memory:")),
                "MAIL_URL: emails hold tokens, which must not be logged. Give a mail server.",
            ),
            (
                not self.mail_url or "@localhost" not in self.mail_from,
                "MAIL_FROM: not set. Give the sender of emails: Acme <no-reply@example.com>",
            ),
            (
                self.bcrypt_rounds >= FEWEST_BCRYPT_ROUNDS,
                f"BCRYPT_ROUNDS: choose at least {FEWEST_BCRYPT_ROUNDS}, or passwords are guessed too fast.",
            ),
        ]
        return problems + [problem for fine, problem in checks if not fine]


_DEFAULTS = Settings()


def read_settings() -> Settings:
    """Read the environment, and below it the file `.env`. An empty variable counts as not set.

    Raises:
        UnsafeSettings: naming every variable that is missing, malformed or unsafe.
    """
    variables = {**dotenv_values(instance.ROOT / ".env"), **os.environ}
    given: dict[str, Any] = {}
    malformed = []
    for name, kind in get_type_hints(Settings).items():
        if text := variables.get(name.upper()):
            try:
                given[name] = _READERS[kind](text)
            except ValueError:
                malformed.append(f"{name.upper()}: give a whole number.")
    settings = Settings(**_with_derived(given))
    if problems := [*malformed, *settings.problems()]:
        raise UnsafeSettings(problems)
    return settings


def _with_derived(given: dict[str, Any]) -> dict[str, Any]:
    """Add the values that follow from others."""
    found = {**given}
    if given.get("app_env") in ENVIRONMENTS[1:]:
        port = found.get("port", _DEFAULTS.port)
        found.setdefault("public_url", f"http://localhost:{port if port > 0 else _DEFAULTS.port}")
        found.setdefault("mail_url", f"console:{instance.emails_folder()}")
        if "secret_key" not in given:
            found["secret_key"] = instance.secret_key()
        if "database_url" not in given:
            found["database_url"] = instance.database_url()
    for name in {"public_url", "frontend_url"} & found.keys():
        found[name] = found[name].rstrip("/")
    found.setdefault("jwt_issuer", found.get("public_url", ""))
    return found


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", text, re.ASCII):
        raise ValueError
    return int(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


# How a variable is read follows from the type of its field.
_READERS: dict[Any, Callable[[str], Any]] = {int: _whole_number, str: str, str | None: str, tuple[str, ...]: _list}


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
