"""The tenant context: settings of the transaction that the row-level security policies read.

They end with the transaction, so a pooler in transaction mode passes none of them on. The look-up of a credential sets
the tenant that the credential belongs to, in the same statement; see `credentials.sql`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import func, select

from authapp.db import transaction

ORGANIZATION = "authapp.organization_id"  # rows of this organization are visible and writable
ACCOUNT = "authapp.user_id"  # while no organization is set: rows about this account are visible
ALL_ORGANIZATIONS = "authapp.all_organizations"  # and the rows of every organization of that account are writable
OPERATOR = "authapp.operator"  # all rows are visible and writable
AS_OPERATOR = f"SELECT set_config('{OPERATOR}', 'on', true); "  # before a statement that is its own transaction
CREDENTIAL = "authapp.credential_id"  # while no organization is set: this one API key or invitation is visible
_ALL = (ORGANIZATION, ACCOUNT, ALL_ORGANIZATIONS, OPERATOR, CREDENTIAL)


def set_tenant(organization_id: UUID) -> None:
    """Make the rows of an organization visible. For steps whose right to it was checked otherwise."""
    _set({ORGANIZATION: str(organization_id)})


def set_account(user_id: UUID, *, all_organizations: bool = False) -> None:
    """Make visible where an account is a member, and unset the organization.

    Args:
        user_id: the account.
        all_organizations: make the rows of all its organizations visible and writable as well.
    """
    _set({ORGANIZATION: "", ALL_ORGANIZATIONS: "on" if all_organizations else "", ACCOUNT: str(user_id)})


def set_operator() -> None:
    """Make the rows of all organizations visible and writable, for commands, jobs and the operator's list."""
    _set({ORGANIZATION: "", OPERATOR: "on"})


def set_credential(credential_id: UUID) -> None:
    """Make one API key or invitation visible, and unset the organization."""
    _set({ORGANIZATION: "", CREDENTIAL: str(credential_id)})


def set_nothing_but(organization_id: UUID | None) -> None:
    """Make visible the rows of an organization, or where None is given of none, and unset everything else."""
    _set({**dict.fromkeys(_ALL, ""), ORGANIZATION: str(organization_id or "")})


@contextmanager
def preserved() -> Iterator[None]:
    """Set the tenant context again as it was before the block. After an error it is left to the rollback."""
    before = transaction.execute(select(*(func.current_setting(name, True).label(name) for name in _ALL))).one()
    yield
    _set({name: value or "" for name, value in zip(_ALL, before, strict=True)})


def _set(values: dict[str, str]) -> None:
    transaction.flush()  # objects of the ORM that were added so far belong to the context so far
    transaction.execute(select(*(func.set_config(name, value, True) for name, value in values.items())))
