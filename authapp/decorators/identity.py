"""One SELECT answers who calls, whether they may, and as what. The request's transaction begins with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import g, request

from authapp.core import clock
from authapp.core.actor import Actor, ActorType, OrganizationRecord, Role, UserRecord
from authapp.core.errors import ApiKeyNotAllowed, InvalidApiKey, InvalidToken, MissingToken, RevokedToken
from authapp.core.logging import facts
from authapp.security import opaque
from authapp.security.tokens import Claims, tokens
from authapp.services import api_keys, proofs

_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE | re.ASCII)  # RFC 6750 section 2.1
_USER = slice(0, len(UserRecord._fields))


def identify() -> Actor:
    """The caller of an account route.

    Raises:
        MissingToken, InvalidToken, ExpiredToken: no token, or none of ours.
        RevokedToken: the session has ended or the account is gone.
        ApiKeyNotAllowed: an API key, which has no account.
    """
    claims = _claims_of_person()
    return _person(claims, proofs.prove(proofs.SESSION, _keys(claims)))


def identify_with_memberships() -> Actor:
    """The same for a view that needs no other statement: one round trip, outside of the request's transaction."""
    claims = _claims_of_person()
    row = proofs.prove(proofs.SESSION_WITH_MEMBERSHIPS, _keys(claims), alone=True)
    return _person(claims, row, memberships=row[-1] if row else None)


def identify_in(organization_id: UUID | None, *, alone: bool = False) -> Actor:
    """The caller of an organization route, a person or an API key. Opens the organization for whoever belongs to it.

    `Actor.organization` is None for whoever does not, whether it exists or not. `alone`: see `proofs.prove`.

    Raises:
        the same as `identify`.
        InvalidApiKey: an API key that is not live, or none of ours.
    """
    token = _bearer_token()
    if _is_api_key(token):
        return _api_key(token, organization_id, alone)
    claims = _verified_claims(token)
    parameters = {**_keys(claims), "organization_id": organization_id}
    row = proofs.prove(proofs.SESSION_IN_ORGANIZATION, parameters, alone=alone)
    return _person(claims, row, organization=_organization(row[len(UserRecord._fields) :]) if row else None)


def _bearer_token() -> str:
    header = request.headers.get("Authorization", "").strip()
    if header.partition(" ")[0].lower() != "bearer":
        raise MissingToken
    match = _BEARER.fullmatch(header)
    if match is None:
        raise InvalidToken("not one token")
    return match[1]


def _is_api_key(token: str) -> bool:
    return token.startswith(f"{api_keys.PREFIX}_")  # no JWT does


def _claims_of_person() -> Claims:
    token = _bearer_token()
    if _is_api_key(token):
        raise ApiKeyNotAllowed
    return _verified_claims(token)


def _verified_claims(token: str) -> Claims:
    claims = tokens.verify_in_request(token)
    facts().update(user_id=str(claims.user_id), session_id=str(claims.session_id))
    return claims


def _keys(claims: Claims) -> dict[str, Any]:
    return {"session_id": claims.session_id, "user_id": claims.user_id, "now": clock.now()}


def _person(claims: Claims, row: Sequence[Any] | None, **rest: Any) -> Actor:
    """Let the request act as the account of its access token."""
    if row is None:
        raise RevokedToken
    return _become(
        Actor(
            id=claims.user_id,
            type=ActorType.USER,
            account=UserRecord._make(row[_USER]),
            session_id=claims.session_id,
            auth_time=claims.auth_time,
            **rest,
        )
    )


def _api_key(token: str, organization_id: UUID | None, alone: bool) -> Actor:
    """Let the request act as an API key."""
    presented = opaque.read(token, api_keys.PREFIX)
    if presented is None:
        raise InvalidApiKey("not a key")
    facts().update(api_key_id=str(presented.id))
    now = clock.now()
    parameters = {
        "api_key_id": presented.id,
        "digest": presented.digest,
        "now": now,
        "organization_id": organization_id,
    }
    row = proofs.prove(proofs.API_KEY_IN_ORGANIZATION, parameters, alone=alone)
    if row is None:
        raise InvalidApiKey
    key_id, last_used_at, home_id, *fields = row
    organization = _organization(fields)
    if organization:
        api_keys.note_use(key_id, organization.id, last_used_at, now)
    elif home_id == organization_id:
        raise InvalidApiKey("its organization is deleted")
    return _become(Actor(id=key_id, type=ActorType.API_KEY, organization=organization))


def _organization(fields: Sequence[Any]) -> OrganizationRecord | None:
    """The organization that a proof has opened, None if there is none: then its fields are empty."""
    *own, role = fields
    return OrganizationRecord._make((*own, Role(role))) if own[0] else None


def _become(actor: Actor) -> Actor:
    g.actor = actor
    if actor.organization:
        facts().update(organization_id=str(actor.organization.id))
    return actor
