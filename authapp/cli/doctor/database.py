"""The checks of `doctor` of the database: server, migrations, role, row-level security, clock, secret."""

from __future__ import annotations

from sqlalchemy import func, select, text

from authapp.cli.doctor.findings import Finding, ok, warning, wrong
from authapp.config import Settings
from authapp.core import clock
from authapp.core.enums import KeyState
from authapp.core.errors import ServiceUnavailable
from authapp.db import readiness, row_level_security, transaction
from authapp.models import SigningKey, TotpFactor
from authapp.security.encryption import Cipher
from authapp.security.keys import SYMMETRIC
from authapp.web.application import current_app

OLDEST_SERVER = 15
MOST_SECONDS_APART = 2  # tokens and codes are valid for moments
_SERVER = text("SELECT current_setting('server_version_num')::int / 10000, current_setting('transaction_read_only')")
_ROLE = text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")


def server(settings: Settings) -> Finding:
    version, read_only = transaction.execute(_SERVER).one()
    if version < OLDEST_SERVER:
        return wrong(f"PostgreSQL {version}. authapp needs {OLDEST_SERVER} or newer: upgrade the server.")
    if read_only == "on":
        hint = "DATABASE_URL: name the primary too, and target_session_attrs=read-write."
        return wrong(f"The server takes no writes. {hint}")
    return ok(f"PostgreSQL {version}")


def migrations(settings: Settings) -> Finding:
    try:
        readiness.check()
    except ServiceUnavailable as error:
        return wrong(f"{error}. Run: flask --app wsgi db upgrade")
    return ok("all that this code needs")


def role(settings: Settings) -> Finding:
    name, is_superuser, bypasses = transaction.execute(_ROLE).one()
    right = "is a superuser" if is_superuser else "has BYPASSRLS" if bypasses else None
    if right:
        return wrong(f"{name} {right}: row-level security does not apply to it. Give DATABASE_URL a role without.")
    return ok(f"{name}, without SUPERUSER and BYPASSRLS")


def tenant_tables(settings: Settings) -> Finding:
    if unsecured := row_level_security.unsecured_tables(transaction.connection()):
        hint = "Any organization may see their rows. Run: flask --app wsgi db upgrade, or restore their policies."
        return wrong(f"Not forced on {', '.join(unsecured)}. {hint}")
    return ok("forced on every table with rows of organizations")


def time(settings: Settings) -> Finding:
    before = clock.now()
    there = transaction.scalar(select(func.clock_timestamp()))
    here = before + (clock.now() - before) / 2
    apart = abs((there - here).total_seconds())
    if apart > MOST_SECONDS_APART:
        hint = "Tokens and codes are refused for it. Let both keep the time with NTP."
        return wrong(f"This machine and the database are {apart:.0f} seconds apart. {hint}")
    return ok(f"{apart * 1000:.0f} ms between this machine and the database")


def secret(settings: Settings) -> Finding:
    counted = select(TotpFactor.key_id, func.count().label("number")).group_by(TotpFactor.key_id)
    numbers = {row.key_id: row.number for row in transaction.execute(counted)}
    numbers.pop(current_app.cipher.key_id, None)
    previous = settings.secret_key_previous
    by_previous = numbers.pop(Cipher(previous).key_id, 0) if previous else 0
    if number := sum(numbers.values()):
        hint = "Set the one that this database was used with."
        return wrong(f"SECRET_KEY is not that with which {number} authenticator apps were encrypted. {hint}")
    if previous:
        left = f"{by_previous} authenticator apps are encrypted with it. " if by_previous else ""
        return warning(f"SECRET_KEY_PREVIOUS is set. {left}Run: flask --app wsgi rekey; it says when to remove it.")
    return ok("reads what is encrypted in the database")


def signing_keys(settings: Settings) -> Finding:
    if settings.algorithm == SYMMETRIC:
        return ok(f"{SYMMETRIC}, derived from SECRET_KEY")
    current = (SigningKey.algorithm == settings.algorithm, SigningKey.state == KeyState.CURRENT)
    kid = transaction.scalar(select(SigningKey.kid).where(*current))
    if kid is None:
        return wrong("No key signs access tokens. The first start of the service makes one: look into its log.")
    return ok(f"{kid} signs, with {settings.algorithm}")
