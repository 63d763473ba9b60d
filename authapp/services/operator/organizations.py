"""Organizations, for an operator: list them, show one with all that it has, change its subscription."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, ScalarSelect, and_, func, or_, select, update

from authapp.core import clock
from authapp.core.enums import AuditAction, OrganizationState
from authapp.core.errors import NotFound
from authapp.db import tenancy, transaction
from authapp.db.pagination import Page, fetch
from authapp.models import ApiKey, Invitation, Membership, Organization
from authapp.schemas.fields import parse_uuid
from authapp.services import audit, locks, members

_LISTED = tuple(
    Organization.__table__.c[name]
    for name in (
        "id", "slug", "name", "plan", "subscription_status", "seats", "trial_ends_at",
        "suspended_at", "suspension_reason", "deleted_at", "created_at",
    )
)  # fmt: skip


class OrganizationNotFound(NotFound):
    code = "organization_not_found"
    detail = "There is no organization with this id."


def find(name: str, organization_id: UUID | None, *, deleted: bool = False) -> Row[Any] | None:
    """An organization by its id, or else by its slug. All organizations are visible.

    Args:
        name: the slug, which is looked at where there is no id.
        organization_id: the id.
        deleted: also one that is deleted and not purged. Of several with one slug the live one, or else the latest.
    """
    named = Organization.slug == name if organization_id is None else Organization.id == organization_id
    which = and_(named, Organization.purged_at.is_(None))
    statement = select(*_LISTED).where(which).order_by(Organization.deleted_at.desc().nulls_first()).limit(1)
    return transaction.execute(statement if deleted else statement.where(Organization.deleted_at.is_(None))).first()


def listed(limit: int, cursor: UUID | None, *, state: OrganizationState | None, search: str | None) -> Page:
    """The organizations of everybody, oldest first. Nothing else may follow in the transaction.

    Args:
        limit: how many at most.
        cursor: the id after which they start.
        state: only those in it. None: those that are not deleted.
        search: the id of an organization, or a text in the slug or the name.
    """
    tenancy.set_operator()
    statement = select(*_LISTED).where(_is_in(state))
    if search is not None:
        statement = statement.where(_matches(search))
    return fetch(statement, Organization.id, limit, cursor)


def _is_in(state: OrganizationState | None) -> ColumnElement[bool]:
    is_deleted, is_suspended = Organization.deleted_at.is_not(None), Organization.suspended_at.is_not(None)
    match state:
        case OrganizationState.DELETED:
            return is_deleted & Organization.purged_at.is_(None)
        case OrganizationState.SUSPENDED:
            return ~is_deleted & is_suspended
        case OrganizationState.ACTIVE:
            return ~is_deleted & ~is_suspended
        case None:
            return ~is_deleted


def _matches(search: str) -> ColumnElement[bool]:
    if organization_id := parse_uuid(search):
        return Organization.id == organization_id
    as_slug = "-".join(search.lower().split())
    in_name = func.strpos(Organization.name, search) > 0
    return or_(func.strpos(Organization.slug, as_slug) > 0, in_name)


def show(organization_id: UUID) -> Row[Any]:
    """The same as `overview` for any organization that is not purged.

    Raises:
        OrganizationNotFound: there is none.
    """
    require(organization_id, deleted=True)
    return overview(organization_id)


def members_of(organization_id: UUID, **query: Any) -> Page:
    """The members of any organization that is not purged.

    Raises:
        OrganizationNotFound: there is none.
    """
    require(organization_id, deleted=True)
    return members.of_organization(organization_id, **query)


def require(organization_id: UUID, *, deleted: bool = False) -> None:
    """Set an organization as the tenant.

    Args:
        organization_id: the organization.
        deleted: also one that is deleted and not purged.

    Raises:
        OrganizationNotFound: there is none.
    """
    tenancy.set_tenant(organization_id)
    if find("", organization_id, deleted=deleted) is None:
        raise OrganizationNotFound


def overview(organization_id: UUID) -> Row[Any]:
    """The organization that is set as the tenant, with the numbers of what would end with it."""

    def number(model: type[Membership | Invitation | ApiKey], *which: ColumnElement[bool]) -> ScalarSelect[int]:
        return select(func.count()).where(model.organization_id == organization_id, *which).scalar_subquery()

    now = clock.now()
    admins = Membership.active_admins(organization_id).with_only_columns(func.count())
    return transaction.execute(
        select(
            *_LISTED,
            number(Membership).label("members"),
            admins.scalar_subquery().label("active_admins"),
            number(Invitation, Invitation.open_at(now)).label("invitations"),
            number(ApiKey, ApiKey.live_at(now)).label("api_keys"),
        ).where(Organization.id == organization_id)
    ).one()


def change_subscription(organization_id: UUID, changes: dict[str, Any]) -> None:
    """Change plan, status, seats or the end of the trial of the organization that is set as the tenant.

    A value that is the present one is not a change.
    """
    locks.lock_organization(organization_id)
    columns = [Organization.__table__.c[name] for name in changes]
    present = transaction.execute(select(*columns).where(Organization.id == organization_id)).one()._mapping
    changes = {name: value for name, value in changes.items() if value != present[name]}
    if not changes:
        return
    transaction.execute(update(Organization).where(Organization.id == organization_id).values(changes))
    details = {name: _as_json(value) for name, value in changes.items()}
    audit.record(
        AuditAction.ORGANIZATION_UPDATED, None, target_id=organization_id, organization_id=organization_id, **details
    )


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
