"""Trusted identities: list, create, delete. A job that fits one acts in its organization with its role."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.core.enums import AuditAction
from authapp.core.errors import LimitReached, NotFound
from authapp.core.job_issuers import name_of
from authapp.core.roles import Role
from authapp.db import tenancy, transaction
from authapp.db.pagination import Page, fetch
from authapp.models import Organization, TrustedIdentity
from authapp.services import audit, locks, revocations

MOST = 100  # of an organization

_SHOWN = tuple(
    TrustedIdentity.__table__.c[name] for name in ("id", "name", "issuer", "claims", "role", "created_by", "created_at")
)


class TrustedIdentityNotFound(NotFound):
    code = "trusted_identity_not_found"
    detail = "This organization has no trusted identity with this id."


def of_organization(organization_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """The trusted identities of an organization, newest first."""
    statement = select(*_SHOWN).where(TrustedIdentity.organization_id == organization_id)
    return fetch(statement, TrustedIdentity.id, limit, cursor, newest_first=True)


def of_issuer(organization_id: UUID, issuer: str) -> list[Row[Any]]:
    """Those of a live organization with this issuer, oldest first. Sets the organization as the tenant."""
    tenancy.set_tenant(organization_id)
    statement = (
        select(*_SHOWN)
        .join(Organization, Organization.id == TrustedIdentity.organization_id)
        .where(TrustedIdentity.organization_id == organization_id, TrustedIdentity.issuer == issuer)
        .where(Organization.is_live())
        .order_by(TrustedIdentity.id)
    )
    return list(transaction.execute(statement).all())


def create(
    actor: Actor, organization_id: UUID, name: str, issuer: str, claims: dict[str, Any], role: Role
) -> Row[*tuple[Any, ...]]:
    """Accept the tokens of an issuer in which all of these claims are equal.

    Raises:
        LimitReached: the organization has as many as it may.
    """
    locks.lock_as_admin(actor, organization_id)  # and count only then, as for API keys
    there_are = select(func.count()).where(TrustedIdentity.organization_id == organization_id)
    if transaction.scalar(there_are) >= MOST:
        raise LimitReached(detail=f"This organization has {MOST} trusted identities, the most it may. Delete one.")
    values = {"name": name, "issuer": issuer, "claims": claims, "role": role, "created_by": actor.id}
    row = transaction.execute(
        insert(TrustedIdentity).values(organization_id=organization_id, **values).returning(*_SHOWN)
    ).one()
    details: dict[str, Any] = {"name": name, "role": role, "issuer": name_of(issuer), "claims": claims}
    audit.record(
        AuditAction.TRUSTED_IDENTITY_CREATED, actor, target_id=row.id, organization_id=organization_id, **details
    )
    return row


def remove(actor: Actor, organization_id: UUID, trusted_identity_id: UUID) -> None:
    """Delete a trusted identity. The tokens of its jobs are dead.

    Raises:
        TrustedIdentityNotFound: there is none.
    """
    locks.lock_as_admin(actor, organization_id)
    which = (TrustedIdentity.organization_id == organization_id, TrustedIdentity.id == trusted_identity_id)
    name = transaction.scalar(delete(TrustedIdentity).where(*which).returning(TrustedIdentity.name))
    if name is None:
        raise TrustedIdentityNotFound
    revocations.end_workload(trusted_identity_id, clock.now())
    audit.record(
        AuditAction.TRUSTED_IDENTITY_DELETED,
        actor,
        target_id=trusted_identity_id,
        organization_id=organization_id,
        name=name,
    )
