"""Identities at providers that sign an account in: list, link, unlink."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor, UserRecord, signing_in
from authapp.core.enums import AuditAction
from authapp.core.errors import Conflict, LimitReached, NotFound
from authapp.db import transaction
from authapp.db.transaction import Stale
from authapp.mail import notices
from authapp.models import Identity, User
from authapp.providers.provider import Person
from authapp.services import audit, email_addresses, locks, ways_in
from authapp.web.application import current_app

MOST = 20  # of an account


class IdentityNotFound(NotFound):
    code = "identity_not_found"
    detail = "Your account has no linked provider with this id."


class IdentityTaken(Conflict):
    code = "identity_taken"
    detail = "This account of the provider is linked to another account here. Unlink it there first."


def of_account(actor: Actor) -> list[dict[str, Any]]:
    """The identities of the caller, oldest first."""
    mine = select(Identity.__table__).where(Identity.linked_to(actor.id)).order_by(Identity.created_at, Identity.id)
    return [dict(row) for row in transaction.execute(mine).mappings()]


def link(user: UserRecord, person: Person, *, tell: bool = True) -> None:
    """Let an identity sign an account in from now on. The account is locked.

    Args:
        user: the account.
        person: whom the provider has authenticated.
        tell: send an email about it.

    Raises:
        IdentityTaken: it signs another account in.
        LimitReached: the account has as many as it may.
    """
    if transaction.scalar(select(func.count()).where(Identity.linked_to(user.id))) >= MOST:
        detail = f"Your account has {MOST} linked providers, the most it may. Unlink one."
        raise LimitReached(detail=detail, keeps_writes=True)  # the code of a sign-in is used
    identity_id, now = uuid7(), clock.now()
    columns = {"provider": person.provider, "issuer": person.issuer, "subject": person.subject, "email": person.email}
    linked = transaction.scalar(
        insert(Identity)
        .values(id=identity_id, user_id=user.id, created_at=now, last_used_at=now, **columns)
        .on_conflict_do_nothing(index_elements=["issuer", "subject"], index_where=Identity.unlinked_at.is_(None))
        .returning(Identity.id)
    )
    if linked is None:
        if _owner(person) != user.id:
            raise IdentityTaken
        return
    transaction.execute(delete(Identity).where(*_unlinked_from(user.id, person)))
    audit.record(
        AuditAction.IDENTITY_LINKED, signing_in(user.id), target_id=identity_id, user_id=user.id,
        provider=person.provider,
    )  # fmt: skip
    if tell:
        _tell(user, "identity_linked", person.provider, person.email)
        email_addresses.ask_again(user)


def unlink(actor: Actor, identity_id: UUID) -> None:
    """Let an identity sign the caller in no more. Other sessions end: whoever uses it may have begun one.

    Raises:
        IdentityNotFound: the caller has none with this id.
        LastWayIn: the account could not be signed in to any more.
    """
    locks.lock_account(actor)
    unlinked = update(Identity).where(Identity.id == identity_id, Identity.linked_to(actor.id))
    returned = unlinked.values(unlinked_at=clock.now()).returning(Identity.provider, Identity.email)
    row = transaction.execute(returned).one_or_none()
    if row is None:
        raise IdentityNotFound
    ways_in.conclude_removal(actor)
    audit.record(AuditAction.IDENTITY_UNLINKED, actor, target_id=identity_id, user_id=actor.id, provider=row.provider)
    _tell(actor.user, "identity_unlinked", row.provider, row.email)


def was_unlinked(user_id: UUID, person: Person) -> bool:
    """Whether an account has unlinked an identity, which the same address then does not link again."""
    return bool(transaction.scalar(select(exists().where(*_unlinked_from(user_id, person)))))


def find_account(person: Person) -> UUID | None:
    """The account that an identity signs in, locked before it is asked whether it still does. None: it signs none in.

    Raises:
        Stale: it was unlinked meanwhile.
    """
    user_id = _owner(person)
    if user_id is None:
        return None
    locks.lock_user(User.id == user_id)
    used = update(Identity).where(_is(person), Identity.linked_to(user_id))
    values = {"last_used_at": clock.now(), "email": person.email}
    if transaction.scalar(used.values(values).returning(Identity.id)) is None:
        raise Stale("the identity was unlinked meanwhile")
    return user_id


def _owner(person: Person) -> UUID | None:
    owner = select(Identity.user_id).where(_is(person), Identity.unlinked_at.is_(None))
    return transaction.scalar(owner)  # type: ignore[no-any-return]


def _is(person: Person) -> ColumnElement[bool]:
    return and_(Identity.issuer == person.issuer, Identity.subject == person.subject)


def _unlinked_from(user_id: UUID, person: Person) -> tuple[ColumnElement[bool], ...]:
    return Identity.user_id == user_id, Identity.unlinked_at.is_not(None), _is(person)


def _tell(user: UserRecord, kind: str, provider_id: str, address: str | None) -> None:
    provider = current_app.providers.get(provider_id)
    name = provider.name if provider else provider_id
    notices.tell(user.email, kind, always=user.email_verified, provider=name, address_there=address)
