"""The ways in to an account: its password, its passkeys, its identities at providers. One has to stay."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, func, or_, select

from authapp.core.errors import Conflict
from authapp.db import transaction
from authapp.models import Identity, Passkey, User
from authapp.web.application import current_app


class LastWayIn(Conflict):
    code = "last_way_in"
    detail = "You could not sign in any more. Set a password, add a passkey or link a provider first."


def require_one(user_id: UUID) -> None:
    """Pass if an account can still be signed in to. Call it after a way in was removed; the account is locked.

    An identity of a provider that is not configured any more does not count.

    Raises:
        LastWayIn: it has no password, no passkey and no identity.
    """
    providers = list(current_app.providers)
    ways = (
        exists().where(User.id == user_id, User.has_password),
        exists().where(Passkey.user_id == user_id),
        exists().where(Identity.user_id == user_id, Identity.provider.in_(providers)),
    )
    if not transaction.scalar(select(or_(*ways))):
        raise LastWayIn


def count_beside_password(user_id: UUID) -> tuple[int, int]:
    """How many passkeys and how many identities at providers an account has."""
    counts = [
        select(func.count()).select_from(table).where(table.user_id == user_id).scalar_subquery()
        for table in (Passkey, Identity)
    ]
    passkeys, identities = transaction.execute(select(*counts)).one()
    return passkeys, identities
