"""Introspection (RFC 7662): whether the guards accept a token now, by their own look-up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from authapp.core import clock
from authapp.core.actor import OrganizationRecord
from authapp.core.claims import RESERVED
from authapp.core.enums import ActorType
from authapp.core.errors import InvalidToken
from authapp.core.permissions import held_permissions
from authapp.db import credentials
from authapp.db.credentials import ApiKeyFound, WorkloadFound
from authapp.security.opaque_tokens import Presented
from authapp.security.tokens import Verified
from authapp.services import api_keys
from authapp.services.admission import EmailNotVerified, require_verified
from authapp.web.application import current_app

INACTIVE = {"active": False}


def introspect(token: str, organization_id: UUID | None = None, token_type_hint: str | None = None) -> dict[str, Any]:
    """What a token is good for now. Nothing is told of one that is not active (RFC 7662 section 2.2).

    Args:
        token: as somebody has sent it.
        organization_id: give the role and the permissions in this organization as well; none where it is no member.
        token_type_hint: ignored: a token shows what it is.
    """
    if presented := current_app.opaque_tokens.read(token, api_keys.PREFIX):
        return _api_key(presented, organization_id)
    try:
        verified = current_app.keys.for_token(token).verify(token, "access", "workload")
    except InvalidToken:
        return INACTIVE
    claims = verified.claims
    if claims.type == ActorType.WORKLOAD:
        return _workload(verified, organization_id)
    found = credentials.find_session_in(organization_id, claims.session_id, claims.user_id, clock.now())
    if found is None or not found.account.is_active:
        return INACTIVE
    organization = _in_service(found.organization)
    try:
        require_verified(found.account)
    except EmailNotVerified:  # which the guards of organizations refuse
        organization = None
    return {
        **_active(ActorType.USER, claims.user_id, organization_id, organization),
        **_of_token(verified),
        "auth_time": int(found.auth_time.timestamp()),
        "amr": found.amr,
        "own_claims": {name: value for name, value in verified.payload.items() if name not in RESERVED},
    }


def _api_key(presented: Presented, organization_id: UUID | None) -> dict[str, Any]:
    now = clock.now()
    at_home = credentials.find_api_key(None, presented.id, presented.digest, now, or_own=True)
    if at_home is None or _in_service(at_home.organization) is None:
        return INACTIVE
    api_keys.record_use(at_home.id, at_home.organization_id, at_home.last_used_at, now)
    organization = _if_asked_for(at_home, organization_id)
    return _active(ActorType.API_KEY, at_home.id, organization_id, organization, at_home.permissions)


def _workload(verified: Verified, organization_id: UUID | None) -> dict[str, Any]:
    claims = verified.claims
    at_home = credentials.find_workload(None, claims.user_id, or_own=True)
    if at_home is None or _in_service(at_home.organization) is None:
        return INACTIVE
    active = _active(ActorType.WORKLOAD, claims.user_id, organization_id, _if_asked_for(at_home, organization_id))
    return {**active, **_of_token(verified), "auth_time": verified.payload["auth_time"], "amr": claims.amr}


def _if_asked_for(at_home: ApiKeyFound | WorkloadFound, organization_id: UUID | None) -> OrganizationRecord | None:
    """The organization of a key or workload, None where another one was asked for."""
    return at_home.organization if at_home.organization_id == organization_id else None


def _of_token(verified: Verified) -> dict[str, Any]:
    return {**{name: verified.payload[name] for name in ("aud", "iat", "exp")}, "sid": verified.claims.session_id}


def _active(
    actor_type: ActorType,
    actor_id: UUID,
    organization_id: UUID | None,
    organization: OrganizationRecord | None,
    grants: tuple[str, ...] = (),
) -> dict[str, Any]:
    role = organization and organization.role
    here = {"role": role, "permissions": held_permissions(role, grants)} if organization_id else {}
    iss = current_app.settings.jwt_issuer
    return {"active": True, "token_type": "Bearer", "actor_type": actor_type, "sub": actor_id, "iss": iss, **here}


def _in_service(organization: OrganizationRecord | None) -> OrganizationRecord | None:
    """An organization, None where it is suspended: its guards refuse everybody."""
    return None if organization is None or organization.suspended_at else organization
