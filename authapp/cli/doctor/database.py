"""The checks of `doctor` of the database: server, migrations, role, row-level security, clock, secret."""

from __future__ import annotations

from sqlalchemy import func, select, text

from authapp.cli.doctor.findings import Finding, ok, warning, wrong
from authapp.cli.transaction import WRONG_SECRET
from authapp.config import Settings
from authapp.core import clock
from authapp.core.enums import KeyState
from authapp.db import readiness, row_level_security, tenancy, transaction
from authapp.models import AuditCheckpoint, SigningKey
from authapp.security.encryption import Cipher
from authapp.security.keys import SYMMETRIC
from authapp.services import encrypted_columns
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
    branches = readiness.branches()
    text = ", ".join(f"{each.name} {each.head}{'' if each.is_migrated else ' is missing'}" for each in branches)
    if all(branch.is_migrated for branch in branches):
        return ok(text)
    return wrong(f"{text}. Run: flask --app wsgi db upgrade heads")


def role(settings: Settings) -> Finding:
    name, is_superuser, bypasses = transaction.execute(_ROLE).one()
    right = "is a superuser" if is_superuser else "has BYPASSRLS" if bypasses else None
    if right:
        return wrong(f"{name} {right}: row-level security does not apply to it. Give DATABASE_URL a role without.")
    return ok(f"{name}, without SUPERUSER and BYPASSRLS")


def tenant_tables(settings: Settings) -> Finding:
    if unsecured := row_level_security.unsecured_tables(transaction.connection()):
        hint = "Any organization may see their rows. Run: flask --app wsgi db upgrade heads, or restore their policies."
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
    tenancy.set_operator()
    rows = encrypted_columns.rows_by_key()
    by_current, *by_previous = (rows.pop(key_id, 0) for key_id in _key_ids(settings))
    if number := sum(rows.values()):
        hint = "To read them, set that one as SECRET_KEY_PREVIOUS."
        is_readable = by_current or any(by_previous)
        return wrong(f"Rows that are encrypted with another secret: {number}. {hint}" if is_readable else WRONG_SECRET)
    if settings.secret_key_previous:
        left = f"Rows that are encrypted with it: {sum(by_previous)}. " if any(by_previous) else ""
        return warning(f"SECRET_KEY_PREVIOUS is set. {left}Run: flask --app wsgi rekey; it says when to remove it.")
    return ok("reads what is encrypted in the database") if by_current else _of_checkpoint()


def _key_ids(settings: Settings) -> list[str]:
    """The ids of the keys that are made of SECRET_KEY and, where it is set, of SECRET_KEY_PREVIOUS."""
    return [Cipher(secret).key_id for secret in (settings.secret_key, settings.secret_key_previous) if secret]


def _of_checkpoint() -> Finding:
    """What the newest checkpoint of the audit log tells of the secret, where nothing is encrypted."""
    newest = select(AuditCheckpoint.public_key).order_by(AuditCheckpoint.signed_at.desc()).limit(1)
    signed_by = transaction.scalar(newest)
    if signed_by is None:
        return ok("nothing is encrypted in the database yet: cannot be told")
    if bytes(signed_by) != current_app.checkpoint_key.public_key:
        hint = "Set that one; if it is being replaced, set it as SECRET_KEY_PREVIOUS."
        return wrong(f"SECRET_KEY is not the one that has signed the newest checkpoint of the audit log. {hint}")
    return ok("has signed the newest checkpoint of the audit log")


def signing_keys(settings: Settings) -> Finding:
    if settings.algorithm == SYMMETRIC:
        return ok(f"{SYMMETRIC}, derived from SECRET_KEY")
    current = (SigningKey.algorithm == settings.algorithm, SigningKey.state == KeyState.CURRENT)
    found = transaction.execute(select(SigningKey.kid, SigningKey.key_id).where(*current)).one_or_none()
    if found is None:
        return wrong("No key signs access tokens. The first start of the service makes one: look into its log.")
    if found.key_id not in _key_ids(settings):
        return wrong(f"{found.kid} signs, but is encrypted with another secret. {WRONG_SECRET}")
    return ok(f"{found.kid} signs, with {settings.algorithm}")
