"""The ways in which an account can sign in. One is always left."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, func, or_, select

from authapp.core.errors import Conflict
from authapp.db import transaction
from authapp.models import Identity, Passkey, User
from authapp.web.application import current_app


class LastWayIn(Conflict):
    code = "last_way_in"
    detail = "Nobody could sign in to your account any more. Set a password, add a passkey or link a provider first."


def require_another(user_id: UUID) -> None:
    """Pass if an account can still sign in. Call it once a way in is removed, while the account is locked.

    An identity counts while its provider is configured.

    Raises:
        LastWayIn: it can not. The removal is rolled back.
    """
    configured = Identity.provider.in_(list(current_app.providers))
    ways = or_(
        exists().where(User.id == user_id, User.password_hash.is_not(None)),
        exists().where(Passkey.user_id == user_id),
        exists().where(Identity.user_id == user_id, Identity.unlinked_at.is_(None), configured),
    )
    if not transaction.scalar(select(ways)):
        raise LastWayIn


def count_beside_password(user_id: UUID) -> tuple[int, int]:
    """How many passkeys and how many identities at providers an account has."""
    passkeys = select(func.count()).where(Passkey.user_id == user_id)
    identities = select(func.count()).where(Identity.user_id == user_id, Identity.unlinked_at.is_(None))
    row = transaction.execute(select(passkeys.scalar_subquery(), identities.scalar_subquery())).one()
    return row[0], row[1]
