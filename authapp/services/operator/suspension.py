"""Suspended organizations: guards refuse every credential of them until an operator restores them.

An organization is suspended by an operator, or with the account of its last active admin, which is deactivated. It is
restored by an operator, and in the second case with that account too.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, select, update

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.core.enums import AuditAction, SuspensionReason
from authapp.core.roles import Role
from authapp.db import transaction
from authapp.models import Membership, Organization
from authapp.models.columns import is_one_of
from authapp.services import audit, members

_NAMED = (Organization.id, Organization.slug, Organization.name)
_NOT_SUSPENDED: dict[str, Any] = {"suspended_at": None, "suspension_reason": None}

Named = Row[tuple[UUID, str, str]]
"""An organization as a command shows it: `id`, `slug` and `name`."""


def suspend(organization_id: UUID, actor: Actor | None = None) -> bool:
    """Suspend the organization that is set as the tenant. Returns whether that is a change.

    One that is suspended for want of an admin is not restored with an account any more.

    Args:
        organization_id: the organization.
        actor: the operator, None for a command. It is the same in the functions below.
    """
    by_operator = {
        "suspended_at": func.coalesce(Organization.suspended_at, clock.now()),
        "suspension_reason": SuspensionReason.OPERATOR,
    }
    by_another = Organization.suspension_reason.is_distinct_from(SuspensionReason.OPERATOR)
    found = _change(by_operator, Organization.id == organization_id, by_another)
    _record(AuditAction.ORGANIZATION_SUSPENDED, found, actor, reason=SuspensionReason.OPERATOR)
    return bool(found)


def restore(organization_id: UUID, actor: Actor | None = None) -> bool:
    """Restore the organization that is set as the tenant. Returns whether it was suspended.

    Raises:
        LastAdmin: it has no active admin.
    """
    found = _change(_NOT_SUSPENDED, Organization.id == organization_id, Organization.suspended_at.is_not(None))
    if found and not transaction.scalar(select(Membership.active_admins(organization_id).exists())):
        raise members.LastAdmin  # the update has locked the row, as whoever takes an admin away does
    _record(AuditAction.ORGANIZATION_RESTORED, found, actor)
    return bool(found)


def suspend_without(user_id: UUID, actor: Actor | None = None) -> list[Named]:
    """Suspend the organizations whose only active admin is this account, which is locked and about to be inactive."""
    alone = members.administered_alone(user_id)
    reason = SuspensionReason.NO_ADMIN
    values = {"suspended_at": clock.now(), "suspension_reason": reason}
    found = _change(values, is_one_of(Organization.id, alone)) if alone else []
    _record(AuditAction.ORGANIZATION_SUSPENDED, found, actor, reason=reason)
    return found


def restore_with(user_id: UUID, actor: Actor | None = None) -> list[Named]:
    """Restore the organizations that had no active admin and have this one now, an account that is locked."""
    members.lock_all(user_id)
    for_want_of_admin = Organization.suspension_reason == SuspensionReason.NO_ADMIN
    found = _change(_NOT_SUSPENDED, _is_administered_by(user_id), for_want_of_admin)
    _record(AuditAction.ORGANIZATION_RESTORED, found, actor)
    return found


def still_suspended(user_id: UUID) -> list[Named]:
    """The suspended organizations that this account administers. All that it is a member of are visible."""
    suspended = select(*_NAMED).where(_is_administered_by(user_id), Organization.suspended_at.is_not(None))
    found = suspended.where(Organization.deleted_at.is_(None)).order_by(Organization.id)
    return list(transaction.execute(found))


def _change(values: dict[str, Any], *which: ColumnElement[bool]) -> list[Named]:
    changed = update(Organization).where(Organization.deleted_at.is_(None), *which).values(values)
    return sorted(transaction.execute(changed.returning(*_NAMED)))


def _record(action: AuditAction, found: list[Named], actor: Actor | None, **details: Any) -> None:
    """Add an event to each of the organizations: their admins read it once they are restored."""
    audit.record_in_each([row.id for row in found], action, actor, **details, **audit.by_operator(actor))


def _is_administered_by(user_id: UUID) -> ColumnElement[bool]:
    membership = and_(Membership.user_id == user_id, Membership.role == Role.ADMIN)
    return Organization.id.in_(select(Membership.organization_id).where(membership))
