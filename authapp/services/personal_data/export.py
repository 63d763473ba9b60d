"""Everything that the database has of an account or an organization, but for secrets, as the inventory names them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, LargeBinary, Row, Select, Table, func, select, text

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.core.enums import AuditAction
from authapp.db import transaction
from authapp.db.engine import db
from authapp.db.tenancy import set_account
from authapp.db.tenant_model import TENANT
from authapp.models import (
    ApiKey,
    AuditEvent,
    Identity,
    Invitation,
    KnownDevice,
    Membership,
    Organization,
    OutboxMessage,
    Passkey,
    Session,
    TotpFactor,
    User,
)
from authapp.services import audit
from authapp.services.personal_data.inventory import Level
from authapp.services.personal_data.tables import BY_NAME

MOST = 2000  # rows of each list in a reply; the command exports all
AT_ONCE = 1000  # rows that a command reads from the server

Lists = dict[str, Select[*tuple[Any, ...]]]
"""The lists of an export by name, each as its statement, newest first."""


def mine(actor: Actor) -> dict[str, Any]:
    """All that is known of the caller's account, at most `MOST` rows of each list, and which lists have more."""
    set_account(actor.id, all_organizations=True)  # invitations are visible by it
    audit.record(AuditAction.USER_EXPORTED, actor, target_id=actor.id, user_id=actor.id)
    user, truncated = account(actor.id), []
    exported: dict[str, Any] = {"exported_at": clock.now(), "user": user}
    for name, statement in lists_of_account(user).items():
        rows = transaction.execute(statement.limit(MOST + 1)).all()
        exported[name] = rows[:MOST]
        if len(rows) > MOST:
            truncated.append(name)
    return {**exported, "truncated": truncated}


def use_snapshot() -> None:
    """Let the transaction, which begins with this, read the database as it is now, however long it takes."""
    transaction.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def account(user_id: UUID) -> Row[Any]:
    """The row of an account."""
    return transaction.execute(_rows(User, User.id == user_id)).one()


def organization(organization_id: UUID) -> Row[Any]:
    """The row of an organization, which is visible."""
    return transaction.execute(_rows(Organization, Organization.id == organization_id)).one()


def lists_of_account(user: Row[Any]) -> Lists:
    """The lists of an account, whose organizations are all visible."""
    user_id = user.id
    of_organization = (Organization.name.label("organization_name"), Organization.slug.label("organization_slug"))
    memberships = _rows(Membership, Membership.user_id == user_id).add_columns(*of_organization)
    emails = (OutboxMessage.recipient == user.email, OutboxMessage.created_at >= _address_since(user))
    return {
        "memberships": memberships.join(Organization, Organization.id == Membership.organization_id),
        "sessions": _rows(Session, Session.user_id == user_id),
        "known_devices": _rows(KnownDevice, KnownDevice.user_id == user_id),
        "passkeys": _rows(Passkey, Passkey.user_id == user_id),
        "identities": _rows(Identity, Identity.user_id == user_id),
        "second_factors": _rows(TotpFactor, TotpFactor.user_id == user_id),
        "invitations_received": _rows(Invitation, Invitation.email == user.email, user.email_verified),
        "invitations_sent": _rows(Invitation, Invitation.invited_by == user_id),
        "api_keys_created": _rows(ApiKey, ApiKey.created_by == user_id, ApiKey.revoked_at.is_(None)),
        "organizations_founded": _rows(
            Organization, Organization.founded_by == user_id, Organization.deleted_at.is_(None)
        ),
        "emails": _rows(OutboxMessage, *emails),
        "audit_events": audit.about_account(user_id).order_by(AuditEvent.id.desc()),
    }


def lists_of_organization(organization_id: UUID) -> Lists:
    """The lists of an organization, which is set as the tenant: those of authapp, and of tables of somebody's own."""
    people = (User.email, User.first_name, User.last_name)
    members = _rows(Membership, Membership.organization_id == organization_id).add_columns(*people)
    tables = [table for table in db.metadata.sorted_tables if TENANT in table.c and table is not Membership.__table__]
    return {
        "memberships": members.join(User, User.id == Membership.user_id),
        **{table.name: _in_order(table).where(table.c[TENANT] == organization_id) for table in tables},
    }


def shown(table: Table) -> list[ColumnElement[Any]]:
    """The columns of a table that are exported: all of a table of somebody's own but for binary values."""
    if table.name not in BY_NAME:
        return [column for column in table.c if not isinstance(column.type, LargeBinary)]
    levels = BY_NAME[table.name].levels
    return [column for column in table.c if levels[column.name] is not Level.CREDENTIAL]


def _address_since(user: Row[Any]) -> ColumnElement[datetime]:
    """Since when an account has its address. The emails to it before that may have been somebody else's."""
    changes = (AuditAction.USER_EMAIL_CHANGED, AuditAction.USER_EMAIL_CHANGE_UNDONE)
    which = (AuditEvent.user_id == user.id, AuditEvent.action.in_(changes))
    last = select(func.max(AuditEvent.created_at)).where(*which).scalar_subquery()
    return func.coalesce(last, user.created_at)


def _rows(model: Any, *which: Any) -> Select[*tuple[Any, ...]]:
    return _in_order(model.__table__).where(*which)


def _in_order(table: Table) -> Select[*tuple[Any, ...]]:
    """The exported columns of a table, newest first."""
    return select(*shown(table)).order_by(*(column.desc() for column in table.primary_key))
