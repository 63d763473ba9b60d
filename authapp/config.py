"""Settings: the environment, read once, typed, and refused when unsafe. The only place that reads os.environ."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from dotenv import dotenv_values

from authapp import instance
from authapp.config_checks import ENVIRONMENTS, problems


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
    password_breach_file: str | None = None
    registration_mode: str = "open"
    email_verification: str = "optional"
    google_client_id: str | None = None
    google_client_secret: str | None = None
    github_client_id: str | None = None
    github_client_secret: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = None
    oidc_discovery_url: str | None = None
    oidc_name: str = "OpenID"
    sso_return_to: tuple[str, ...] = ()
    rate_limits: str = "on"
    redis_url: str | None = None
    audit_retention_days: int = 0
    operator_name: str = "authapp"
    operator_logo: str | None = None
    log_level: str = "INFO"
    metrics_token: str | None = None
    sentry_dsn: str | None = None

    @property
    def in_production(self) -> bool:
        return self.app_env == "production"


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
    if found := [*malformed, *problems(settings)]:
        raise UnsafeSettings(found)
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
