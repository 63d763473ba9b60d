"""Whom an email about an organization is for."""

from __future__ import annotations

from uuid import UUID

from authapp.db import transaction
from authapp.models import Membership, User


def admin_addresses(organization_id: UUID) -> list[str]:
    """The addresses of the active admins of the organization that is set as the tenant, oldest account first."""
    admins = Membership.active_admins(organization_id).with_only_columns(User.email)
    return list(transaction.execute(admins.order_by(User.id)).scalars())
