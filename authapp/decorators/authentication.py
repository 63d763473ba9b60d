"""Who calls: one SELECT looks up the credential of a request, and the account or organization that it belongs to."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import g, request

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.core.enums import ActorType
from authapp.core.errors import (
    ApiKeyNotAllowed,
    ExpiredToken,
    InvalidToken,
    MissingToken,
    RevokedToken,
    WorkloadNotAllowed,
)
from authapp.core.logging import log_context
from authapp.db import credentials
from authapp.db.credentials import ApiKeyFound, SessionFound, WorkloadFound
from authapp.security.opaque_tokens import Presented
from authapp.security.tokens import Claims
from authapp.services import api_keys, session_refresh
from authapp.services.api_keys import InvalidApiKey
from authapp.web import browser_mode
from authapp.web.application import current_app
from authapp.web.cookies import read_cookie
from authapp.web.jwt_extended import verify_in_request
from authapp.web.parsing import peek_body

_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE | re.ASCII)  # RFC 6750 section 2.1


def authenticate(*, memberships: bool = False, or_refresh_token: bool = False) -> Actor:
    """The caller of an account route.

    Args:
        memberships: fill `Actor.memberships`, for a request that sends no other statement.
        or_refresh_token: where there is no access token, or an expired one, take the `refresh_token` of the body. In
            browser mode take that of the cookie, whatever else was sent: it is the session that the browser keeps.

    Raises:
        MissingToken, InvalidToken, ExpiredToken: no token, or none of ours.
        RevokedToken: the session has ended or the account is gone.
        InvalidApiKey: not an API key, though it begins like one.
        ApiKeyNotAllowed, WorkloadNotAllowed: an API key or a workload, which has no account.
        OriginNotAllowed: `or_refresh_token`, and in browser mode from a page that may not.
    """
    claims = _presented_claims(or_refresh_token)
    found = credentials.find_session(
        claims.session_id, claims.user_id, clock.now(), memberships=memberships, autocommit=memberships
    )
    return _act_as_account(claims, found)


def authenticate_in(organization_id: UUID | None, *, or_own: bool = False, autocommit: bool = False) -> Actor:
    """The caller of an organization route: a person, an API key or a workload. Sets the tenant if it belongs there.

    `Actor.organization` is None for others, whether the organization exists or not.

    Args:
        organization_id: of the path, None where that is malformed.
        or_own: without an `organization_id`, an API key acts in its own.
        autocommit: the request sends no other statement.

    Raises:
        the same as `authenticate`, except ApiKeyNotAllowed and WorkloadNotAllowed.
        InvalidApiKey: an API key that is not live, or none of ours.
    """
    token = bearer_token()
    if key := _read_api_key(token):
        return _act_as_api_key(key, organization_id, or_own, autocommit)
    claims = _verified_claims(token)
    if claims.type == ActorType.WORKLOAD:
        return _act_as_workload(claims, organization_id, or_own, autocommit)
    found = credentials.find_session_in(
        organization_id, claims.session_id, claims.user_id, clock.now(), autocommit=autocommit
    )
    return _act_as_account(claims, found)


def _presented_claims(or_refresh_token: bool) -> Claims:
    """The claims of the token that counts: access token, or refresh token of the cookie or of the body."""
    in_browser_mode = or_refresh_token and browser_mode.is_requested()
    if in_browser_mode and (cookie := read_cookie(browser_mode.COOKIES[browser_mode.REFRESH])):
        return session_refresh.read_current(cookie)
    try:
        token = bearer_token()
        if _read_api_key(token):
            raise ApiKeyNotAllowed
        claims = _verified_claims(token)
        if claims.type == ActorType.WORKLOAD:
            raise WorkloadNotAllowed
        return claims
    except (MissingToken, ExpiredToken):
        refresh_token = peek_body("refresh_token") if or_refresh_token and not in_browser_mode else None
        if refresh_token is None:
            raise
        return session_refresh.read_current(refresh_token)


def bearer_token() -> str:
    """The token of the header Authorization.

    Raises:
        MissingToken: there is no such header, or its scheme is not Bearer.
        InvalidToken: more or less than one token.
    """
    header = request.headers.get("Authorization", "").strip()
    if header.partition(" ")[0].lower() != "bearer":
        raise MissingToken
    match = _BEARER.fullmatch(header)
    if match is None:
        raise InvalidToken("not one token")
    return match[1]


def _read_api_key(token: str) -> Presented | None:
    """The API key that a token is, None where it is a JWT."""
    if not token.startswith(f"{api_keys.PREFIX}_"):  # no JWT does
        return None
    presented = current_app.opaque_tokens.read(token, api_keys.PREFIX)
    if presented is None:
        raise InvalidApiKey("not a key")
    log_context().update(api_key_id=str(presented.id))
    return presented


def _verified_claims(token: str) -> Claims:
    claims = verify_in_request(token)
    subject = "trusted_identity_id" if claims.type == ActorType.WORKLOAD else "user_id"
    log_context().update({subject: str(claims.user_id), "session_id": str(claims.session_id)})
    return claims


def _act_as_account(claims: Claims, found: SessionFound | None) -> Actor:
    if found is None:
        raise RevokedToken
    return _act_as(
        id=claims.user_id,
        type=ActorType.USER,
        account=found.account,
        session_id=claims.session_id,
        auth_time=found.auth_time,
        amr=found.amr,
        organization=found.organization,
        memberships=found.memberships,
    )


def _act_as_api_key(key: Presented, organization_id: UUID | None, or_own: bool, autocommit: bool) -> Actor:
    now = clock.now()
    found = credentials.find_api_key(organization_id, key.id, key.digest, now, or_own=or_own, autocommit=autocommit)
    if found is None:
        raise InvalidApiKey
    if found.organization and not found.organization.suspended_at:
        api_keys.record_use(found.id, found.organization.id, found.last_used_at, now)
    elif _is_deleted(found, organization_id, or_own):
        raise InvalidApiKey("its organization is deleted")
    return _act_as(id=found.id, type=ActorType.API_KEY, organization=found.organization, grants=found.permissions)


def _act_as_workload(claims: Claims, organization_id: UUID | None, or_own: bool, autocommit: bool) -> Actor:
    found = credentials.find_workload(organization_id, claims.user_id, or_own=or_own, autocommit=autocommit)
    if found is None or _is_deleted(found, organization_id, or_own):
        raise RevokedToken(detail="The trusted identity of this token, or its organization, was deleted.")
    return _act_as(
        id=claims.user_id, type=ActorType.WORKLOAD, session_id=claims.session_id, organization=found.organization
    )


def _is_deleted(found: ApiKeyFound | WorkloadFound, organization_id: UUID | None, or_own: bool) -> bool:
    """Whether it is its own organization that was asked for and not found."""
    asked_for = found.organization_id if or_own and organization_id is None else organization_id
    return found.organization is None and found.organization_id == asked_for


def _act_as(**fields: Any) -> Actor:
    """Make this the actor of the request."""
    g.actor = actor = Actor(**fields)
    if actor.organization:
        log_context().update(organization_id=str(actor.organization.id))
    return actor
