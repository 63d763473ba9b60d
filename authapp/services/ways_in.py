"""The ways in which an account can sign in. One is always left."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, or_, select

from authapp.core.actor import Actor
from authapp.core.errors import Conflict
from authapp.db import transaction
from authapp.models import Identity, Passkey, TotpFactor, User
from authapp.services import mfa_challenges, sessions
from authapp.web.application import current_app


class LastWayIn(Conflict):
    code = "last_way_in"
    detail = "Nobody could sign in to your account any more. Set a password, add a passkey or link a provider first."


class BesidePassword(NamedTuple):
    """How many passkeys and linked identities an account has, and whether it has an authenticator app."""

    passkeys: int
    identities: int
    has_app: bool


NOTHING = BesidePassword(0, 0, has_app=False)
"""What an account has that has just registered with a password."""


def conclude_removal(actor: Actor) -> None:
    """Do what follows when the caller has removed a way in. The account is locked.

    Another one has to be left. Other sessions end, and sign-ins that wait for a second factor: whoever has stolen what
    was removed may have begun them.

    Raises:
        LastWayIn: none is left. The removal is rolled back.
    """
    _require_another(actor.id)
    sessions.end_others(actor)
    mfa_challenges.void(actor.id)


def _require_another(user_id: UUID) -> None:
    """Pass if an account can still sign in. An identity counts while its provider is configured."""
    configured = Identity.provider.in_(list(current_app.providers))
    ways = or_(
        exists().where(User.id == user_id, User.password_hash.is_not(None)),
        exists().where(Passkey.user_id == user_id),
        exists().where(Identity.linked_to(user_id), configured),
    )
    if not transaction.scalar(select(ways)):
        raise LastWayIn


def beside_password(user_id: UUID) -> BesidePassword:
    """What an account has to sign in with beside its password."""
    passkeys = select(func.count()).where(Passkey.user_id == user_id)
    identities = select(func.count()).where(Identity.linked_to(user_id))
    has_app = exists().where(TotpFactor.user_id == user_id, TotpFactor.confirmed_at.is_not(None))
    row = transaction.execute(select(passkeys.scalar_subquery(), identities.scalar_subquery(), has_app)).one()
    return BesidePassword._make(row)
