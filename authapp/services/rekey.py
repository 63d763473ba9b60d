"""The replacement of SECRET_KEY: the moment from which it signs and encrypts, and what is kept of the one before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.models import KeptKey
from authapp.security.encryption import NO_ID, CannotDecrypt, Cipher
from authapp.security.key_set import kept_purpose
from authapp.security.keys import KEPT, derive
from authapp.security.peppers import new_pepper
from authapp.security.tokens import LEEWAY
from authapp.services import audit
from authapp.web.application import current_app
from authapp.web.key_store import SETTLES_AFTER_SECONDS

SETTLES_AFTER = timedelta(seconds=SETTLES_AFTER_SECONDS)


class NotPossible(Exception):
    """A sentence that says why, and what to do."""


class Switched(NamedTuple):
    """When SECRET_KEY began to sign and encrypt, and how long to wait until each process does so, in seconds."""

    at: datetime
    wait: float


def switch() -> Switched:
    """Let SECRET_KEY sign and encrypt from now on. Does nothing where it does already.

    The keys that hash what nobody can hash again are kept. Passwords get a new pepper, with which each is hashed at the
    next sign-in.

    Raises:
        NotPossible: SECRET_KEY_PREVIOUS is not set, or is not the secret of this database.
    """
    settings = current_app.settings
    if settings.secret_key_previous is None:
        hint = "Set it to the present secret and SECRET_KEY to a new one, in each process."
        raise NotPossible(f"SECRET_KEY_PREVIOUS is not set. {hint}")
    cipher = cipher_of_both()
    transaction.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("authapp rekey", 0))))
    if not _is_switched(cipher):
        _keep(_kept_of(settings.secret_key_previous), cipher)
        audit.record(AuditAction.SECRET_KEY_REPLACED, None)
    at = func.max(KeptKey.encrypted_at)
    wait = func.extract("epoch", at + SETTLES_AFTER - func.clock_timestamp())
    switched_at, seconds = transaction.execute(select(at, wait)).one()
    return Switched(switched_at, max(0.0, float(seconds)))


def cipher_of_both() -> Cipher:
    """Decrypts what either secret has encrypted. Encrypts with SECRET_KEY."""
    settings = current_app.settings
    return Cipher(settings.secret_key, *filter(None, [settings.secret_key_previous]))


def previous_is_needed_until(switched_at: datetime) -> datetime:
    """When the last token expires that was signed with the secret before."""
    settings = current_app.settings
    refresh = timedelta(days=min(settings.refresh_token_expire_days, settings.session_absolute_days))
    access = timedelta(minutes=settings.access_token_expire_minutes)
    return switched_at + SETTLES_AFTER + max(refresh, access) + LEEWAY


def _is_switched(cipher: Cipher) -> bool:
    found = select(KeptKey.purpose).where(KeptKey.key_id == cipher.key_id).limit(1)
    return transaction.scalar(found) is not None


def _kept_of(secret: str) -> dict[str, bytes]:
    """All keys that are to be kept, those of this secret and those that it has kept itself."""
    cipher = Cipher(secret)
    try:
        kept = {
            row.purpose: bytes.fromhex(cipher.decrypt(row.encrypted_key, NO_ID, kept_purpose(row.purpose)))
            for row in transaction.execute(select(KeptKey.purpose, KeptKey.encrypted_key))
        }
    except CannotDecrypt:
        raise NotPossible("SECRET_KEY_PREVIOUS is not the secret of this database.") from None
    for purpose in KEPT:
        kept.setdefault(purpose, derive(secret, purpose))
    if current_app.settings.password_pepper is None:
        purpose, pepper = new_pepper()
        kept[purpose] = pepper
    return kept


def _keep(keys: dict[str, bytes], cipher: Cipher) -> None:
    rows: list[dict[str, Any]] = [
        {
            "purpose": purpose,
            "encrypted_key": cipher.encrypt(key.hex(), NO_ID, kept_purpose(purpose)),
            "key_id": cipher.key_id,
        }
        for purpose, key in keys.items()
    ]
    stored = insert(KeptKey).values(rows)
    changed = {"encrypted_key": stored.excluded.encrypted_key, "key_id": stored.excluded.key_id}
    transaction.execute(
        stored.on_conflict_do_update(index_elements=["purpose"], set_={**changed, "encrypted_at": func.now()})
    )
