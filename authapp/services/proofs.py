"""The statements that prove a credential. Each opens what its credential is good for, in the same round trip.

What is opened must be evaluated before the walls are asked. That is why each step takes its key out of the step before:
a LATERAL query with a LIMIT runs once its outer row is there, and a row is there once its `opens` was evaluated.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, bindparam, case, func, select, text, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from authapp.core.actor import UserRecord
from authapp.core.tenancy import ACCOUNT, CREDENTIAL, ORGANIZATION, opens
from authapp.models import ApiKey, Invitation, Membership, Organization, Session, User


def _account() -> CTE:
    """The account of an access token, if its session is live: two primary keys. Shows where it belongs."""
    return (
        select(*User.record(), opens(ACCOUNT, User.id).label("opened"))
        .join(Session, Session.user_id == User.id)
        .where(
            Session.id == bindparam("session_id"),
            User.id == bindparam("user_id"),
            Session.live_at(bindparam("now")),
            User.deleted_at.is_(None),
        )
        .cte("account")
        .prefix_with("MATERIALIZED")
    )


def _record(account: CTE) -> tuple[ColumnElement[Any], ...]:
    return tuple(account.c[name] for name in UserRecord._fields)


def _session() -> Select[Any]:
    account = _account()
    return select(*_record(account)).add_columns(account.c.opened)


def _session_with_memberships() -> Select[Any]:
    """The same, with everything that the account belongs to, oldest organization first."""
    account = _account()
    brief = func.json_build_object("id", Organization.id, "name", Organization.name, "slug", Organization.slug)
    membership = func.json_build_object("organization", brief, "role", Membership.role)
    memberships = (
        select(func.coalesce(func.json_agg(aggregate_order_by(membership, Organization.id)), text("'[]'::json")))
        .select_from(Membership)
        .join(Organization, and_(Organization.id == Membership.organization_id, Organization.deleted_at.is_(None)))
        .where(Membership.user_id == account.c.opened)
        .correlate(account)
        .scalar_subquery()
    )
    return select(*_record(account), memberships)


def _session_in_organization() -> Select[Any]:
    """The same, with one organization if the account belongs to it: two primary keys more. Opens that organization."""
    account = _account()
    belonging = (
        select(*Organization.record(), opens(ORGANIZATION, Organization.id).label("opened"))
        .join(Membership, Membership.organization_id == Organization.id)
        .where(
            Membership.user_id == account.c.opened,
            Membership.organization_id == bindparam("organization_id"),
            Organization.deleted_at.is_(None),
        )
        .limit(1)
        .lateral("belonging")
    )
    return select(*_record(account), *belonging.c).select_from(account.outerjoin(belonging, true()))


def _api_key_in_organization() -> Select[Any]:
    """An API key that is live, with its organization if that is the one asked for. Opens that organization."""
    presented = select(opens(CREDENTIAL, bindparam("api_key_id")).label("id")).cte("presented")
    here = ApiKey.organization_id == bindparam("organization_id")
    key = (
        select(
            ApiKey.id,
            ApiKey.last_used_at,
            ApiKey.role,
            case((here, opens(ORGANIZATION, ApiKey.organization_id))).label("opened"),
        )
        .where(
            ApiKey.id == presented.c.id,
            ApiKey.live_at(bindparam("now")),
            ApiKey.has_secret(bindparam("digest"), bindparam("now")),
        )
        .limit(1)
        .lateral("key")
    )
    organization = _organization(key.c.opened)
    return select(key.c.id, key.c.last_used_at, key.c.role, key.c.opened, *organization.c).select_from(
        presented.join(key, true()).outerjoin(organization, true())
    )


def _invitation() -> Select[Any]:
    """An invitation that may be taken up, by its token, and its organization. Opens that organization."""
    presented = select(opens(CREDENTIAL, bindparam("invitation_id")).label("id")).cte("presented")
    invitation = (
        select(
            Invitation.id.label("invitation_id"),
            Invitation.email,
            Invitation.role,
            Invitation.expires_at,
            Invitation.invited_by,
            opens(ORGANIZATION, Invitation.organization_id).label("opened"),
        )
        .where(
            Invitation.id == presented.c.id,
            Invitation.open_at(bindparam("now")),
            Invitation.token_hash == bindparam("digest"),
        )
        .limit(1)
        .lateral("invitation")
    )
    organization = _organization(invitation.c.opened)
    return select(*invitation.c, *organization.c).select_from(
        presented.join(invitation, true()).join(organization, true())
    )


def _organization(organization_id: ColumnElement[Any]) -> Any:
    """The organization that a credential has just opened, if it is not deleted."""
    return (
        select(*Organization.own_record())
        .where(Organization.id == organization_id, Organization.deleted_at.is_(None))
        .limit(1)
        .lateral("organization")
    )


SESSION = _session()
SESSION_WITH_MEMBERSHIPS = _session_with_memberships()
SESSION_IN_ORGANIZATION = _session_in_organization()
API_KEY_IN_ORGANIZATION = _api_key_in_organization()
INVITATION = _invitation()
