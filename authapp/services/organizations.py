"""Organizations: founding one, listing mine, renaming, deleting."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from slugify import slugify
from sqlalchemy import ColumnElement, Select, and_, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from uuid_utils.compat import uuid7

from authapp.core import clock, transaction
from authapp.core.actor import Actor, OrganizationRecord, Role
from authapp.core.application import settings
from authapp.core.errors import LimitReached, ValidationFailed
from authapp.core.tenancy import ORGANIZATION, open_account, opens
from authapp.models import AuditAction, Membership, Organization, User
from authapp.schemas.organizations import LONGEST_SLUG
from authapp.services import audit, authority
from authapp.services.pages import Page, fetch

# Names that a front end or this service may want as a path or host of its own.
RESERVED_SLUGS = frozenset(
    """about account accounts admin api app auth authapp billing blog contact dashboard docs health healthz help home
    invitations jwks login logout me metrics new null oauth organization organizations profile public readyz register
    root security settings signin signup sso static status support system undefined user users well-known www
    """.split()  # noqa: SIM905  a list of sixty lines reads worse
)
_NAMELESS = "organization"  # for names that have no Latin transliteration
_SUFFIX_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no look-alikes
_SUFFIX_LENGTH = 6
_LONGEST_STEM = LONGEST_SLUG - _SUFFIX_LENGTH - 1


def found(actor: Actor, name: str) -> OrganizationRecord:
    """Found an organization, as somebody who is signed in.

    Raises:
        LimitReached: the account has founded as many as it may, and none of them is deleted.
    """
    authority.hold_account(actor)  # and count only then: of simultaneous requests each counts those before it
    most = settings().max_organizations_per_account
    founded = select(func.count()).where(Organization.founded_by == actor.id, Organization.deleted_at.is_(None))
    if transaction.scalar(founded) >= most:
        raise LimitReached(detail=f"You have founded {most} organizations, the most that one account may. Delete one.")
    return create(name, actor.id)


def create(name: str, founder_id: UUID) -> OrganizationRecord:
    """Found an organization whose first admin is its founder. It is open from then on."""
    organization = next(filter(None, (_insert(name, slug, founder_id) for slug in slug_candidates(name))))
    transaction.execute(
        insert(Membership).values(user_id=founder_id, organization_id=organization.id, role=organization.role)
    )
    audit.record(
        AuditAction.ORGANIZATION_CREATED,
        target_id=organization.id,
        user_id=founder_id,
        actor_id=founder_id,
        organization_id=organization.id,
        name=name,
    )
    return organization


def _insert(name: str, slug: str, founder_id: UUID) -> OrganizationRecord | None:
    """The new organization, or None if the slug is taken. Whoever comes second waits for the first to commit."""
    row = transaction.execute(
        postgres_insert(Organization)
        .values(id=opens(ORGANIZATION, literal(str(uuid7()))), name=name, slug=slug, founded_by=founder_id)
        .on_conflict_do_nothing(index_elements=["slug"], index_where=text("deleted_at IS NULL"))
        .returning(*Organization.own_record())
    ).one_or_none()
    return OrganizationRecord._make((*row, Role.ADMIN)) if row else None


def slug_candidates(name: str) -> Iterator[str]:
    """Slugs for a name, without end: the plain one if it may be had, then ones that nobody else will hit upon."""
    stem = slugify(name, max_length=_LONGEST_STEM, word_boundary=True) or slugify(name, max_length=_LONGEST_STEM)
    if stem and stem not in RESERVED_SLUGS:
        yield stem
    while True:
        suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(_SUFFIX_LENGTH))
        yield f"{stem or _NAMELESS}-{suffix}"


def of_user(user_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """The organizations that a user belongs to, oldest first, each with the user's role."""
    return fetch(_of_user(user_id), Membership.organization_id, limit, cursor)


def of_address(email: str) -> list[OrganizationRecord] | None:
    """The same of the account with this address, all at once, for an operator. None: there is no such account."""
    user_id = transaction.scalar(select(User.id).where(User.email == email, User.deleted_at.is_(None)))
    if user_id is None:
        return None
    open_account(user_id)
    return list(map(OrganizationRecord._make, transaction.execute(_of_user(user_id).order_by(Organization.id))))


def _of_user(user_id: UUID) -> Select[*tuple[Any, ...]]:
    mine = and_(Membership.organization_id == Organization.id, Membership.user_id == user_id)
    return select(*Organization.record()).join(Membership, mine).where(Organization.deleted_at.is_(None))


def change(actor: Actor, changes: dict[str, Any]) -> OrganizationRecord:
    """Change name or slug. What is as it was is no change; no changes: no statement.

    Raises:
        ValidationFailed: the slug is reserved.
        SlugTaken: another organization has it.
    """
    organization = actor.here
    changes = {name: value for name, value in changes.items() if value != getattr(organization, name)}
    if not changes:
        return organization
    if changes.get("slug") in RESERVED_SLUGS:
        raise ValidationFailed(errors={"json": {"slug": ["This slug is reserved. Choose another."]}})
    authority.hold_office(actor)
    row = transaction.execute(
        update(Organization)
        .where(Organization.id == organization.id)
        .values(changes)
        .returning(*Organization.own_record())
    ).one()
    audit.record(AuditAction.ORGANIZATION_UPDATED, target_id=organization.id, **changes)
    return OrganizationRecord._make((*row, organization.role))


def close(actor: Actor) -> None:
    """Delete the organization of the route, as its admin."""
    authority.hold_office(actor)
    delete(actor.here.id)


def set_seats(organization_id: UUID, seats: int) -> bool:
    """Say how many members the open organization may have. Says whether there is one."""
    changed = transaction.scalar(
        update(Organization)
        .where(Organization.id == organization_id, Organization.deleted_at.is_(None))
        .values(seats=seats)
        .returning(Organization.id)
    )
    if changed is not None:
        audit.record(
            AuditAction.ORGANIZATION_UPDATED, target_id=organization_id, organization_id=organization_id, seats=seats
        )
    return changed is not None


def delete(organization_id: UUID) -> bool:
    """Delete the open organization. All that it let in stops at once, because no proof finds it. Says whether it was.

    The row stays, so that the trail can be read by whoever looks after the database.
    """
    deleted = transaction.scalar(
        update(Organization)
        .where(Organization.id == organization_id, Organization.deleted_at.is_(None))
        .values(deleted_at=clock.now())
        .returning(Organization.id)
    )
    if deleted is None:
        return False
    audit.record(AuditAction.ORGANIZATION_DELETED, target_id=organization_id, organization_id=organization_id)
    return True


def delete_all(user_id: UUID, *which: ColumnElement[bool]) -> list[UUID]:
    """Delete those open organizations that all the conditions pick, for an account that ends.

    Adds one event, however many they are. It names the organization where that is one.
    """
    deleted = list(
        transaction.execute(
            update(Organization)
            .where(*which, Organization.deleted_at.is_(None))
            .values(deleted_at=clock.now())
            .returning(Organization.id)
        ).scalars()
    )
    if deleted:
        only = deleted[0] if len(deleted) == 1 else None
        audit.record(
            AuditAction.ORGANIZATION_DELETED, target_id=only, organization_id=only, user_id=user_id, count=len(deleted)
        )
    return deleted
