"""Organizations: create, list, change, delete."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor, OrganizationRecord
from authapp.core.enums import AuditAction
from authapp.core.errors import Conflict, LimitReached, ValidationFailed
from authapp.core.roles import Role
from authapp.core.slugs import RESERVED_SLUGS, slug_candidates
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.db.tenancy import set_account, set_tenant
from authapp.models import Membership, Organization
from authapp.services import audit, locks
from authapp.web.application import current_app

GRACE = timedelta(days=30)  # in which a deletion can be undone


class SlugTaken(Conflict):
    code = "slug_taken"
    detail = "Another organization has this slug. Choose another."


def create(actor: Actor, name: str) -> OrganizationRecord:
    """Create an organization, as somebody who is signed in.

    Raises:
        LimitReached: the account has created as many as it may, and none of them is deleted.
    """
    locks.lock_account(actor)  # and count only then: of simultaneous requests each counts those before it
    most = current_app.settings.max_organizations_per_account
    founded = select(func.count()).where(Organization.founded_by == actor.id, Organization.deleted_at.is_(None))
    if transaction.scalar(founded) >= most:
        raise LimitReached(detail=f"You have created {most} organizations, the most that one account may. Delete one.")
    return create_for(actor, name)


def create_for(founder: Actor, name: str) -> OrganizationRecord:
    """Create an organization whose first admin is its founder, and set it as the tenant."""
    organization_id = uuid7()
    set_tenant(organization_id)
    slugs = slug_candidates(name)
    organization = next(filter(None, (_insert(organization_id, name, slug, founder.id) for slug in slugs)))
    transaction.execute(
        insert(Membership).values(user_id=founder.id, organization_id=organization.id, role=organization.role)
    )
    audit.record(
        AuditAction.ORGANIZATION_CREATED,
        founder,
        target_id=organization.id,
        user_id=founder.id,
        organization_id=organization.id,
        name=name,
    )
    return organization


def _insert(organization_id: UUID, name: str, slug: str, founder_id: UUID) -> OrganizationRecord | None:
    """The new organization, or None if the slug is taken. Of simultaneous requests the second waits for the first."""
    row = transaction.execute(
        postgres_insert(Organization)
        .values(id=organization_id, name=name, slug=slug, founded_by=founder_id)
        .on_conflict_do_nothing(index_elements=["slug"], index_where=text("deleted_at IS NULL"))
        .returning(*Organization.own_record())
    ).one_or_none()
    return OrganizationRecord._make((*row, Role.ADMIN)) if row else None


def of_user(user_id: UUID, limit: int, cursor: UUID | None, slug: str | None = None) -> Page:
    """The organizations that a user belongs to, oldest first, each with the user's role: all, or that with a slug."""
    statement = _of_user(user_id)
    if slug is not None:
        statement = statement.where(Organization.slug == slug)
    return fetch(statement, Membership.organization_id, limit, cursor)


def all_of_user(user_id: UUID) -> list[OrganizationRecord]:
    """The same all at once, for an operator."""
    set_account(user_id)
    return list(map(OrganizationRecord._make, transaction.execute(_of_user(user_id).order_by(Organization.id))))


def names_of_user(user_id: UUID, most: int) -> list[str]:
    """The names of the first organizations that a user belongs to, and no more of them. Unsets the tenant."""
    set_account(user_id)
    mine = _of_user(user_id).order_by(Membership.organization_id).limit(most)
    return [row.name for row in transaction.execute(mine)]


def _of_user(user_id: UUID) -> Select[*tuple[Any, ...]]:
    mine = and_(Membership.organization_id == Organization.id, Membership.user_id == user_id)
    return select(*Organization.record()).join(Membership, mine).where(Organization.deleted_at.is_(None))


def change(actor: Actor, organization_id: UUID, changes: dict[str, Any]) -> OrganizationRecord:
    """Change name or slug. A value that is the present one is not a change.

    Raises:
        ValidationFailed: the slug is reserved.
        SlugTaken: from the unique index.
    """
    organization = locks.lock_as_admin(actor, organization_id)
    changes = {name: value for name, value in changes.items() if value != getattr(organization, name)}
    if not changes:
        return organization
    if changes.get("slug") in RESERVED_SLUGS:
        raise ValidationFailed(errors={"json": {"slug": ["This slug is reserved. Choose another."]}})
    row = transaction.execute(
        update(Organization)
        .where(Organization.id == organization_id)
        .values(changes)
        .returning(*Organization.own_record())
    ).one()
    audit.record(
        AuditAction.ORGANIZATION_UPDATED, actor, target_id=organization_id, organization_id=organization_id, **changes
    )
    return OrganizationRecord._make((*row, organization.role))


def delete(actor: Actor, organization_id: UUID) -> None:
    """Delete an organization, as its admin."""
    locks.lock_as_admin(actor, organization_id)
    end(organization_id, actor)


def end(organization_id: UUID, actor: Actor | None = None) -> bool:
    """Mark an organization as deleted. No guard finds it any more. Returns whether it was not deleted before.

    The row stays, so that an operator can read its audit log.
    """
    deleted = transaction.scalar(
        update(Organization)
        .where(Organization.id == organization_id, Organization.deleted_at.is_(None))
        .values(deleted_at=clock.now())
        .returning(Organization.id)
    )
    if deleted is None:
        return False
    audit.record(AuditAction.ORGANIZATION_DELETED, actor, target_id=organization_id, organization_id=organization_id)
    return True


def end_all(actor: Actor | None, user_id: UUID, *which: ColumnElement[bool]) -> list[UUID]:
    """Mark the organizations that meet all the conditions as deleted, for an account that ends."""
    deleted = list(
        transaction.execute(
            update(Organization)
            .where(*which, Organization.deleted_at.is_(None))
            .values(deleted_at=clock.now())
            .returning(Organization.id)
        ).scalars()
    )
    audit.record_in_each(deleted, AuditAction.ORGANIZATION_DELETED, actor, user_id=user_id)
    return deleted
