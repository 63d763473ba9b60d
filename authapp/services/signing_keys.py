"""Keys that sign access tokens, as an operator changes them: first published, then signing, then verifying, then gone.

All changes of them happen one after the other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.engine import Row

from authapp.core.enums import AuditAction, KeyState
from authapp.db import transaction
from authapp.models import SigningKey
from authapp.security.jwk import new_jwk
from authapp.security.keys import JWKS_MAX_AGE_SECONDS, SYMMETRIC
from authapp.security.tokens import LEEWAY
from authapp.services import audit
from authapp.web.application import current_app
from authapp.web.key_store import SETTLES_AFTER_SECONDS
from authapp.web.stored_keys import encrypted_jwk

_SETTLES_AFTER = timedelta(seconds=SETTLES_AFTER_SECONDS)
PUBLISHED_FOR = timedelta(seconds=JWKS_MAX_AGE_SECONDS) + _SETTLES_AFTER
"""For so long a key is published before it signs: then each process publishes it, and each cached key set has it."""

_ERASED = {"encrypted_private_jwk": None, "key_id": None}
_SHOWN = ("kid", "algorithm", "state", "published_at", "activated_at", "deactivated_at", "retired_at")


class NotPossible(Exception):
    """A sentence that says why, and what to do."""


class Generated(NamedTuple):
    """The kid of the next key, and from when it may sign."""

    kid: str
    may_sign_from: datetime


class Replaced(NamedTuple):
    """The kid of the new key, if one was needed, and those of the keys that are retired."""

    kid: str | None
    retired: list[str]


def listed() -> list[dict[str, Any]]:
    """All keys, of any algorithm and state, newest first, and from when the next step is possible."""
    columns = (SigningKey.__table__.c[name] for name in _SHOWN)
    rows = transaction.execute(select(*columns).order_by(SigningKey.published_at.desc(), SigningKey.kid))
    return [{**row._mapping, **_next_step(row)} for row in rows]


def generate() -> Generated:
    """Make the next key, which is published from now on.

    Raises:
        NotPossible: there is one already, or ALGORITHM needs none.
    """
    algorithm = _lock()
    waiting = _of_state(KeyState.NEXT)
    if waiting is not None:
        raise NotPossible(f"There is a next key already: {waiting.kid}. Let it sign with: keys rotate")
    kid = _insert(algorithm, state=KeyState.NEXT)
    audit.record(AuditAction.SIGNING_KEY_GENERATED, None, kid=kid)
    published_at = transaction.scalar(select(SigningKey.published_at).where(SigningKey.kid == kid))
    return Generated(kid, published_at + PUBLISHED_FOR)


def rotate(*, force: bool = False) -> str:
    """Let the next key sign. The one that has signed verifies from now on. Returns the kid of the new one.

    Args:
        force: also before all services know the key.

    Raises:
        NotPossible: there is no next key, or it was not published for long enough.
    """
    _lock()
    following = _of_state(KeyState.NEXT, _since(SigningKey.published_at, PUBLISHED_FOR))
    if following is None:
        raise NotPossible("There is no next key. Make one with: keys generate")
    if not following.is_over and not force:
        when = _in_words(following.published_at + PUBLISHED_FOR)
        raise NotPossible(f"The key {following.kid} may sign from {when}: until then other services may not know it.")
    before = _change(KeyState.CURRENT, state=KeyState.PREVIOUS, deactivated_at=func.now(), **_ERASED)
    _change(KeyState.NEXT, state=KeyState.CURRENT, activated_at=func.now())
    audit.record(AuditAction.SIGNING_KEY_ROTATED, None, kid=following.kid, before=before)
    return str(following.kid)


def replace_compromised(kid: str | None = None) -> Replaced:
    """Take keys out at once that somebody else has. Where one of them signs, a new one does.

    Args:
        kid: of the key. None: all keys, the next one too.

    Raises:
        NotPossible: there is no such key, or ALGORITHM needs none.
    """
    algorithm = _lock()
    which = [SigningKey.algorithm == algorithm, SigningKey.state != KeyState.RETIRED]
    which += [] if kid is None else [SigningKey.kid == kid]
    rows = transaction.execute(select(SigningKey.kid, SigningKey.state).where(*which)).all()
    if not rows:
        raise _unknown(kid)
    transaction.execute(update(SigningKey).where(*which).values(_retired()))
    retired = [row.kid for row in rows]
    signs = any(row.state == KeyState.CURRENT for row in rows)
    made = _insert(algorithm, state=KeyState.CURRENT, activated_at=func.now()) if signs else None
    audit.record(AuditAction.SIGNING_KEY_RETIRED, None, kids=retired, reason="compromised", replaced_by=made)
    return Replaced(made, retired)


def retire(kid: str, *, force: bool = False) -> None:
    """Take a key out that does not sign: it verifies nothing any more.

    Args:
        kid: of the key.
        force: also while access tokens that it has signed are in use.

    Raises:
        NotPossible: there is no such key, or it signs, or it has signed too lately.
    """
    _lock()
    is_over = _since(SigningKey.deactivated_at, verified_for())
    row = transaction.execute(select(SigningKey.__table__, is_over).where(SigningKey.kid == kid)).one_or_none()
    if row is None or row.state == KeyState.RETIRED:
        raise _unknown(kid)
    if row.state == KeyState.CURRENT:
        raise NotPossible(f"The key {kid} signs. Let another one sign first: keys rotate")
    if row.state == KeyState.PREVIOUS and not row.is_over and not force:
        when = _in_words(row.deactivated_at + verified_for())
        raise NotPossible(f"The key {kid} may be retired from {when}: access tokens that it has signed are in use.")
    transaction.execute(update(SigningKey).where(SigningKey.kid == kid).values(_retired()))
    audit.record(AuditAction.SIGNING_KEY_RETIRED, None, kids=[kid])


def verified_for() -> timedelta:
    """For so long there are access tokens of a key that has stopped to sign."""
    return timedelta(minutes=current_app.settings.access_token_expire_minutes) + LEEWAY + _SETTLES_AFTER


def _lock() -> str:
    """Let no other change of the keys in before this one ends. Returns ALGORITHM.

    Raises:
        NotPossible: it is HS256.
    """
    algorithm = current_app.settings.algorithm
    if algorithm == SYMMETRIC:
        raise NotPossible("ALGORITHM is HS256, which has no keys to rotate. To replace its key, see: rekey")
    current_app.keys.require()  # the first key, if there is none yet
    lock = func.pg_advisory_xact_lock(func.hashtextextended("authapp signing keys", 0))
    transaction.execute(select(lock))
    return algorithm


def _of_state(state: KeyState, *also: ColumnElement[Any]) -> Row[*tuple[Any, ...]] | None:
    statement = select(SigningKey.kid, SigningKey.published_at, *also).where(*_is(state))
    return transaction.execute(statement).one_or_none()


def _change(before: KeyState, **values: Any) -> str | None:
    """Change the key of this state. Returns its kid."""
    changed = update(SigningKey).where(*_is(before)).values(values).returning(SigningKey.kid)
    kid: str | None = transaction.scalar(changed)
    return kid


def _is(state: KeyState) -> tuple[ColumnElement[bool], ...]:
    return SigningKey.algorithm == current_app.settings.algorithm, SigningKey.state == state


def _insert(algorithm: str, *, state: KeyState, **values: Any) -> str:
    cipher = current_app.cipher
    made = encrypted_jwk(new_jwk(algorithm), algorithm, cipher, state)
    encrypted = {"encrypted_private_jwk": made.pop("encrypted"), "key_id": cipher.key_id}
    transaction.execute(insert(SigningKey).values(algorithm=algorithm, **made, **encrypted, **values))
    return str(made["kid"])


def _retired() -> dict[str, Any]:
    return {"state": KeyState.RETIRED, "retired_at": func.now(), **_ERASED}


def _unknown(kid: str | None) -> NotPossible:
    return NotPossible(f"There is no key {kid} that verifies. List them with: keys list")


def _since(moment: Any, duration: timedelta) -> ColumnElement[Any]:
    """Whether so much time has passed since a moment, by the clock of the database."""
    over: ColumnElement[Any] = moment + duration <= func.now()
    return over.label("is_over")


def _next_step(row: Row[*tuple[Any, ...]]) -> dict[str, datetime]:
    if row.state == KeyState.NEXT:
        return {"may_sign_from": row.published_at + PUBLISHED_FOR}
    if row.state == KeyState.PREVIOUS:
        return {"may_be_retired_from": row.deactivated_at + verified_for()}
    return {}


def _in_words(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
