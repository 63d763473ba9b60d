"""One SELECT answers who calls, whether they may, and as what."""

from __future__ import annotations

import re
from typing import Any, cast
from uuid import UUID

from flask import g, request
from flask_jwt_extended import get_jwt, verify_jwt_in_request
from sqlalchemy import Row, Select, and_, bindparam, func, join, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from structlog.contextvars import bind_contextvars

from authapp.core import clock
from authapp.core.actor import Actor, OrganizationRecord, UserRecord
from authapp.core.errors import InvalidToken, MissingToken, RevokedToken
from authapp.core.extensions import autocommit_engine, db
from authapp.models import Membership, Organization, Session, User
from authapp.security.tokens import Claims, claims_of

_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE | re.ASCII)  # RFC 6750 section 2.1
_USER = slice(0, len(UserRecord._fields))
_REST = slice(len(UserRecord._fields), None)


def _account() -> Select[Any]:
    """The account of a token, if its session is live: two primary keys."""
    return (
        select(*User.record())
        .join(Session, Session.user_id == User.id)
        .where(
            Session.id == bindparam("session_id"),
            User.id == bindparam("user_id"),
            Session.live_at(bindparam("now")),
            User.deleted_at.is_(None),
        )
    )


def _account_with_memberships() -> Select[Any]:
    """The same, with everything that the account belongs to, oldest organization first."""
    brief = func.json_build_object("id", Organization.id, "name", Organization.name, "slug", Organization.slug)
    membership = func.json_build_object("organization", brief, "role", Membership.role)
    memberships = (
        select(func.coalesce(func.json_agg(aggregate_order_by(membership, Organization.id)), text("'[]'::json")))
        .select_from(Membership)
        .join(Organization, and_(Organization.id == Membership.organization_id, Organization.deleted_at.is_(None)))
        .where(Membership.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )
    return _account().add_columns(memberships)


def _account_in_organization() -> Select[Any]:
    """The same, with one organization if the account belongs to it: two primary keys more."""
    belonging = join(
        Membership,
        Organization,
        and_(Organization.id == Membership.organization_id, Organization.deleted_at.is_(None)),
    )
    return (
        _account()
        .add_columns(*Organization.record())
        .outerjoin(
            belonging,
            and_(Membership.user_id == User.id, Membership.organization_id == bindparam("organization_id")),
        )
    )


ACCOUNT = _account()
ACCOUNT_WITH_MEMBERSHIPS = _account_with_memberships()
ACCOUNT_IN_ORGANIZATION = _account_in_organization()


def identify(*, memberships: bool = False) -> Actor:
    """The caller of an account route: one statement, one round trip.

    Raises:
        MissingToken, InvalidToken, ExpiredToken: no token, or none of ours.
        RevokedToken: the session has ended or the account is gone.
    """
    claims = _verified_claims()
    statement = ACCOUNT_WITH_MEMBERSHIPS if memberships else ACCOUNT
    with autocommit_engine().connect() as connection:
        row = connection.execute(statement, _keys(claims)).one_or_none()
    user = _known(row)
    return _become(claims, user, memberships=_rest(row)[0] if memberships else None)


def identify_in(organization_id: UUID | None) -> Actor:
    """The caller of an organization route. The statement opens the request's transaction.

    `Actor.organization` is None for whoever is no member of it, whether it exists or not.

    Raises:
        the same as `identify`.
    """
    claims = _verified_claims()
    parameters = {**_keys(claims), "organization_id": organization_id}
    row = db.session.execute(ACCOUNT_IN_ORGANIZATION, parameters).one_or_none()
    user = _known(row)
    organization = OrganizationRecord._make(_rest(row))
    return _become(claims, user, organization=organization if organization.role else None)


def _verified_claims() -> Claims:
    header = request.headers.get("Authorization", "").strip()
    if header.partition(" ")[0].lower() != "bearer":
        raise MissingToken
    match = _BEARER.fullmatch(header)
    if match is None:
        raise InvalidToken("not one token")
    # RFC 9110 section 11.1: the scheme is case-insensitive. Flask-JWT-Extended knows this one spelling.
    request.environ["HTTP_AUTHORIZATION"] = f"Bearer {match[1]}"
    verify_jwt_in_request()
    claims = claims_of(get_jwt())
    bind_contextvars(user_id=str(claims.user_id), session_id=str(claims.session_id))
    return claims


def _keys(claims: Claims) -> dict[str, Any]:
    return {"session_id": claims.session_id, "user_id": claims.user_id, "now": clock.now()}


def _known(row: Row[Any] | None) -> UserRecord:
    if row is None:
        raise RevokedToken
    return UserRecord._make(row[_USER])


def _rest(row: Row[Any] | None) -> tuple[Any, ...]:
    return cast("tuple[Any, ...]", row[_REST]) if row is not None else ()


def _become(claims: Claims, user: UserRecord, **rest: Any) -> Actor:
    """Let the request act as this user."""
    g.actor = Actor(user=user, session_id=claims.session_id, auth_time=claims.auth_time, **rest)
    if g.actor.organization:
        bind_contextvars(organization_id=str(g.actor.organization.id))
    return cast("Actor", g.actor)
