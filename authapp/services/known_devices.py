"""Known devices: whoever signs in gets a device token, and presents it at the next sign-in."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.db import transaction
from authapp.models import KnownDevice, Session, User
from authapp.web.application import current_app

PREFIX = "dt"
LIFETIME = timedelta(days=180)  # since the last sign-in
MOST = 100  # of an account; the one that has not been used for longest goes first

_FIND = transaction.compiled(
    select(KnownDevice.id)
    .join(User, User.id == KnownDevice.user_id)
    .where(
        KnownDevice.id == bindparam("device_id"),
        KnownDevice.token_hash == bindparam("digest"),
        KnownDevice.expires_at > bindparam("now"),
        User.email == bindparam("email"),
        User.deleted_at.is_(None),
    )
)


class Device(NamedTuple):
    """A known device, and the token that it holds from now on."""

    id: UUID
    token: str


def find(device_token: str | None, email: str, *, in_transaction: bool = False) -> UUID | None:
    """The device of a token, None where it is none of the account with this address.

    Args:
        device_token: as it was sent.
        email: in its canonical form.
        in_transaction: the request's transaction has begun.
    """
    presented = current_app.opaque_tokens.read(device_token, PREFIX) if device_token else None
    if presented is None:
        return None
    parameters = {"device_id": presented.id, "digest": presented.digest, "now": clock.now(), "email": email}
    fetch = transaction.fetch_one if in_transaction else transaction.fetch_autocommit
    row = fetch(_FIND, parameters)
    return row[0] if row else None


def of_account(user_id: UUID, device_token: str | None) -> UUID | None:
    """The device of a token, None where it is none of this account."""
    presented = current_app.opaque_tokens.read(device_token, PREFIX) if device_token else None
    if presented is None:
        return None
    known = (KnownDevice.id == presented.id, KnownDevice.token_hash == presented.digest)
    live = (KnownDevice.user_id == user_id, KnownDevice.expires_at > clock.now())
    return transaction.scalar(select(KnownDevice.id).where(*known, *live))  # type: ignore[no-any-return]


def of_session(session_id: UUID) -> UUID | None:
    """The device that a session was started from, if it is still known."""
    started = (Session.id == session_id, KnownDevice.expires_at > clock.now())
    return transaction.scalar(  # type: ignore[no-any-return]
        select(KnownDevice.id).join(Session, Session.device_id == KnownDevice.id).where(*started)
    )


def remember(user_id: UUID, device_id: UUID | None) -> Device:
    """Give a device a new token, and know it from now on. The account is locked.

    Args:
        user_id: the account.
        device_id: the device, None for one that the account does not know yet.
    """
    new_id = device_id or uuid7()
    token, token_hash = current_app.opaque_tokens.make(PREFIX, new_id)
    values = {"token_hash": token_hash, "expires_at": clock.now() + LIFETIME}
    if device_id is None:
        _make_room(user_id)
    transaction.execute(
        insert(KnownDevice)
        .values(id=new_id, user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values, where=KnownDevice.user_id == user_id)
    )
    return Device(new_id, token)


def _make_room(user_id: UUID) -> None:
    mine = KnownDevice.user_id == user_id
    kept = select(KnownDevice.id).where(mine).order_by(KnownDevice.expires_at.desc()).offset(MOST - 1)
    gone = or_(KnownDevice.expires_at <= clock.now(), KnownDevice.id.in_(kept))
    transaction.execute(delete(KnownDevice).where(mine, gone))
