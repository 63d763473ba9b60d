"""Workloads: a job exchanges the token that its issuer gave it for an access token (RFC 8693)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.core.enums import ActorType, AuditAction
from authapp.core.errors import ApiError, ServiceUnavailable
from authapp.core.job_issuers import name_of
from authapp.core.roles import shown_role
from authapp.db import tenancy, transaction
from authapp.models import TrustedIdentity, UsedJobToken
from authapp.providers.job_tokens import InvalidJobToken, JobToken, read_job_token
from authapp.providers.provider import ProviderUnavailable, SsoFailed
from authapp.schemas.fields import parse_uuid
from authapp.schemas.trusted_identities import ACCESS_TOKEN, ID_TOKEN, TOKEN_EXCHANGE
from authapp.services import audit, trusted_identities
from authapp.services.workload_claims import shown
from authapp.web.application import current_app

LIFETIME = timedelta(minutes=15)


class TokenRequestError(ApiError):
    """400, with the error of RFC 6749 section 5.2 as a member, for clients that look for it."""

    status = 400
    code = "invalid_request"
    detail = "Send the form of a token exchange, RFC 8693 section 2.1: see the description of this route."
    members = {"error": {"type": "string", "examples": ["invalid_request"]}}  # noqa: RUF012  as in ApiError

    def __init__(self, reason: str = "", **options: Any) -> None:
        super().__init__(reason, extensions={"error": self.members["error"]["examples"][0]}, **options)


class UnsupportedGrantType(TokenRequestError):
    code = "unsupported_grant_type"
    detail = f"The grant_type has to be {TOKEN_EXCHANGE}."
    members = {"error": {"type": "string", "examples": ["unsupported_grant_type"]}}  # noqa: RUF012


class InvalidTarget(TokenRequestError):
    code = "invalid_target"
    detail = "The audience has to be the id of an organization."
    members = {"error": {"type": "string", "examples": ["invalid_target"]}}  # noqa: RUF012


class InvalidSubjectToken(TokenRequestError):
    code = "invalid_subject_token"
    detail = "This organization does not accept this token. Its admins see in the history what has come."


class IssuerUnavailable(ServiceUnavailable):
    code = "issuer_unavailable"
    detail = "The issuer of this token does not tell its keys. Try again in a minute, with a new token."
    retry_after = 60


def exchange(form: dict[str, str]) -> dict[str, Any]:
    """Give an access token for the token of a job.

    Nobody learns what an organization trusts: a token is compared with its rules once its signature is verified.

    Raises:
        TokenRequestError, UnsupportedGrantType, InvalidTarget: the request is no such exchange.
        InvalidSubjectToken: the token is not valid, was used, or fits no trusted identity of the organization.
        IssuerUnavailable: the signature cannot be verified.
    """
    organization_id = _require_exchange(form)
    try:
        token = read_job_token(form["subject_token"], str(organization_id))
    except InvalidJobToken as error:
        raise InvalidSubjectToken(detail=str(error)) from None
    trusted = trusted_identities.of_issuer(organization_id, token.issuer)
    if not trusted:
        raise InvalidSubjectToken("no trusted identity with this issuer")
    with transaction.paused():
        _verify(token)
    tenancy.set_tenant(organization_id)
    identity = best_match(trusted, token.claims)
    if identity is None or not _lock(identity.id):
        _refuse(organization_id, token, trusted, "no_match")
    if not _use(organization_id, token):
        _refuse(organization_id, token, trusted, "used_before")
    return _issue(organization_id, token, identity, trusted)


def best_match(trusted: Iterable[Row[Any]], claims: dict[str, Any]) -> Row[Any] | None:
    """The trusted identity of which all claims are equal. Of several the one with the highest role, then the oldest."""
    best = None
    for identity in trusted:
        is_match = all(name in claims and _equals(claims[name], value) for name, value in identity.claims.items())
        if is_match and (best is None or not best.role.includes(shown_role(identity.role))):
            best = identity
    return best


def _equals(claim: Any, value: Any) -> bool:
    """Equal as JSON: for Python 1, 1.0 and true are equal."""
    return type(claim) is type(value) and claim == value


def _require_exchange(form: dict[str, str]) -> UUID:
    """The organization of a request that is a token exchange of the kind that we do."""
    if "grant_type" in form and form["grant_type"] != TOKEN_EXCHANGE:
        raise UnsupportedGrantType
    for name in ("grant_type", "subject_token", "subject_token_type", "audience"):
        if not form.get(name):
            raise TokenRequestError(detail=f"The form needs {name}.")
    if form["subject_token_type"] != ID_TOKEN:
        raise TokenRequestError(detail=f"The subject_token_type has to be {ID_TOKEN}.")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise TokenRequestError(detail=f"The requested_token_type has to be {ACCESS_TOKEN}.")
    organization_id = parse_uuid(form["audience"])
    if organization_id is None:
        raise InvalidTarget
    return organization_id


def _verify(token: JobToken) -> None:
    try:
        current_app.job_issuers.find(token.issuer).verify(token)
    except ProviderUnavailable as error:
        raise IssuerUnavailable(error.reason) from None
    except (SsoFailed, InvalidJobToken) as error:
        raise InvalidSubjectToken(str(error)) from None


def _lock(identity_id: UUID) -> bool:
    """Keep a trusted identity until the token is issued. Whoever deletes it then revokes that as well."""
    row = select(TrustedIdentity.id).where(TrustedIdentity.id == identity_id)
    return transaction.scalar(row.with_for_update(key_share=True, read=True)) is not None


def _use(organization_id: UUID, token: JobToken) -> bool:
    """Use a token, once. False: it is used."""
    text = json.dumps([str(organization_id), token.issuer, token.claims["jti"]])
    used = insert(UsedJobToken).values(digest=sha256(text.encode()).digest(), expires_at=token.expires_at)
    return transaction.scalar(used.on_conflict_do_nothing().returning(UsedJobToken.digest)) is not None


def _refuse(organization_id: UUID, token: JobToken, trusted: list[Row[Any]], reason: str) -> NoReturn:
    """Let the admins of the organization see which claims came, and nobody else."""
    audit.record_denial(
        AuditAction.WORKLOAD_REFUSED,
        None,
        organization_id,
        reason=reason,
        issuer=name_of(token.issuer),
        claims=shown(token.claims, trusted),
    )
    raise InvalidSubjectToken(reason, keeps_writes=True)


def _issue(organization_id: UUID, token: JobToken, identity: Row[Any], trusted: list[Row[Any]]) -> dict[str, Any]:
    """Sign an access token, which is valid no longer than that of the job."""
    now, sign_in_id = clock.now(), uuid7()
    longest = timedelta(minutes=current_app.settings.access_token_expire_minutes)
    expires_at = min(now + LIFETIME, now + longest, token.expires_at)
    actor = Actor(id=identity.id, type=ActorType.WORKLOAD, session_id=sign_in_id)
    audit.record(
        AuditAction.WORKLOAD_SIGNED_IN,
        actor,
        target_id=identity.id,
        organization_id=organization_id,
        name=identity.name,
        role=identity.role,
        claims=shown(token.claims, trusted),
    )
    claims = {"sub": str(identity.id), "sid": str(sign_in_id), "auth_time": int(now.timestamp()), "amr": []}
    return {
        "access_token": current_app.tokens.issue("workload", claims, now, expires_at),
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": int((expires_at - now).total_seconds()),
    }
