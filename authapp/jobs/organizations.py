"""Organizations for jobs: the tenant context of one of them, and the ids of all that are live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import select

from authapp.db import transaction
from authapp.db.tenancy import set_tenant
from authapp.models import Organization

AT_ONCE = 1000
_EACH = "SELECT authapp_live_organizations(%(after)s, %(most)s)"  # see organizations.sql


class OrganizationUnavailable(Exception):
    """No job works in this organization."""


class UnknownOrganization(OrganizationUnavailable):
    """There is no organization with this id."""


class DeletedOrganization(OrganizationUnavailable):
    """The organization is deleted. It may be purged."""


class SuspendedOrganization(OrganizationUnavailable):
    """The organization is suspended. It may be restored."""


@contextmanager
def organization(organization_id: UUID) -> Iterator[None]:
    """Run a block of a job in a transaction of its own, with an organization as the tenant.

    The end of the block commits, an exception rolls back. The organization may be deleted or suspended meanwhile: what
    the block writes is then as if it had been written before. It is purged only after the block.

    Args:
        organization_id: of the organization.

    Raises:
        UnknownOrganization, DeletedOrganization, SuspendedOrganization: before the block.
        RuntimeError: a transaction is open already, as in such a block or in a view; or it has ended in the block.
    """
    with transaction.begin():
        set_tenant(organization_id)
        state = select(Organization.deleted_at, Organization.suspended_at).where(Organization.id == organization_id)
        # KEY SHARE: rows can be written, members can change, and a purge, which locks FOR UPDATE, waits
        found = transaction.execute(state.with_for_update(read=True, key_share=True)).one_or_none()
        if found is None:
            raise UnknownOrganization(f"there is no organization {organization_id}")
        if found.deleted_at:
            raise DeletedOrganization(f"organization {organization_id} is deleted")
        if found.suspended_at:
            raise SuspendedOrganization(f"organization {organization_id} is suspended")
        yield


def each() -> Iterator[UUID]:
    """The ids of all organizations that are neither deleted nor suspended, oldest first.

    They are read `AT_ONCE` at a time, and no transaction is open between them. One that is deleted or suspended
    meanwhile may be among them: `organization` refuses it.
    """
    after: UUID | None = None
    while True:
        row = transaction.fetch_autocommit(_EACH, {"after": after, "most": AT_ONCE})
        batch: list[UUID] = row[0] if row else []
        yield from batch
        if len(batch) < AT_ONCE:
            return
        after = batch[-1]
