"""The walls between organizations. PostgreSQL holds them: a transaction sees what it has opened, and nothing else.

What is open stands in settings that end with the transaction, so a pooler in transaction mode leaks none of it. The
statement that proves a credential is the one that opens what the credential is good for; see migration 0003.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Text, Uuid, cast, func, literal, select, text
from sqlalchemy.orm import Mapped, mapped_column

from authapp.core import transaction
from authapp.core.extensions import Model

ORGANIZATION = "authapp.organization_id"  # shows and takes the rows of this organization
ACCOUNT = "authapp.user_id"  # shows where this account belongs, while no organization is open
ALL_ORGANIZATIONS = "authapp.all_organizations"  # with it, reaches the rows of every organization of that account
CREDENTIAL = "authapp.credential_id"  # shows this one API key or invitation, while no organization is open


class TenantModel(Model):
    """A table behind the walls. `flask db migrate` writes its policy; the open organization fills `organization_id`."""

    __abstract__ = True

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id"), index=True, server_default=text("authapp_organization_id()")
    )


def opens(setting: str, value: Any) -> ColumnElement[UUID]:
    """The value as an expression that opens it for the rest of the transaction, once it is evaluated."""
    return cast(func.set_config(setting, cast(value, Text), True), Uuid)


def open_organization(organization_id: UUID) -> None:
    """Open an organization without the caller's proof: for the steps of an act that is proved otherwise."""
    transaction.execute(select(opens(ORGANIZATION, literal(str(organization_id)))))


def open_account(user_id: UUID, *, all_organizations: bool = False) -> None:
    """Show where an account belongs, and close what organization was open.

    Args:
        user_id: the account.
        all_organizations: open all of its organizations as well, for an act on them that takes one statement for all.
    """
    closed = func.set_config(ORGANIZATION, "", True)
    reach = func.set_config(ALL_ORGANIZATIONS, "on" if all_organizations else "", True)
    transaction.execute(select(closed, reach, opens(ACCOUNT, literal(str(user_id)))))
