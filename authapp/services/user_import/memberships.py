"""The memberships of a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, tuple_

from authapp.core.enums import AuditAction
from authapp.core.roles import Role
from authapp.db import transaction
from authapp.models import Membership
from authapp.models.columns import as_table, is_one_of
from authapp.services import audit
from authapp.services.user_import import accounts, organizations
from authapp.services.user_import.lines import Wanted
from authapp.services.user_import.outcome import Outcome

_PAIR = ("user_id", "organization_id")
NOT_VERIFIED = (
    "organizations: The account is there already, and nobody has verified its address: anybody may have registered it. "
    "Its owner has to verify it, with the email of POST /auth/password/forgot for example. Then import this line again."
)
UNKNOWN = "organizations: There is no organization {slug}, and no line before this one names it."
FOREIGN = f"organizations: {organizations.FOREIGN}"
FULL = "organizations: Every seat of {slug} is taken."


class _Both(NamedTuple):
    """A membership that is wanted, with its account and its organization."""

    wanted: Wanted
    user_id: UUID
    organization: organizations.Known

    @property
    def pair(self) -> tuple[UUID, UUID]:
        return self.user_id, self.organization.id


def add(wanted: Sequence[Wanted], known: dict[str, accounts.Known], into: Collection[str], outcome: Outcome) -> None:
    """Create the memberships that are missing, and the organizations of which one is the first admin.

    Args:
        wanted: the memberships.
        known: their accounts by email, as `accounts.lock` has them.
        into: as in `organizations.await_admins`.
        outcome: is added to.
    """
    # admins come first: an organization that is created here needs one, however few seats it has
    of_owners = sorted(_of_owners(wanted, known, outcome), key=lambda each: not _is_admin(each, known))
    if not of_owners:
        return
    founded = {each.slug for each in of_owners if _is_admin(each, known)} & outcome.waiting.keys()
    organizations.create(sorted(founded), outcome)
    found = organizations.lock((each.slug for each in of_owners), into)
    both = [
        _Both(each, known[each.email].id, found[each.slug])
        for each in of_owners
        if _is_for_now(each, found.get(each.slug), outcome)
    ]
    _insert(list(_seated(both, outcome)))


def _is_admin(wanted: Wanted, known: dict[str, accounts.Known]) -> bool:
    return wanted.role == Role.ADMIN and known[wanted.email].is_active


def _of_owners(wanted: Sequence[Wanted], known: dict[str, accounts.Known], outcome: Outcome) -> Iterator[Wanted]:
    for each in wanted:
        if each.email in known and known[each.email].is_of_owner(each):
            yield each
        else:
            outcome.refused.append((each.line, NOT_VERIFIED))


def _is_for_now(wanted: Wanted, organization: organizations.Known | None, outcome: Outcome) -> bool:
    """Whether there is the organization of a membership. If not, it is kept until that has an admin, or is refused."""
    if organization and not organization.is_foreign:
        return True
    if organization is None and wanted.slug in outcome.waiting:
        outcome.postponed.append(wanted)
    else:
        reason = FOREIGN if organization else UNKNOWN
        outcome.refused.append((wanted.line, reason.format(slug=wanted.slug)))
    return False


def _seated(both: Sequence[_Both], outcome: Outcome) -> Iterator[_Both]:
    """Those that are missing, as far as there are seats."""
    present = _present(both)
    taken = _taken_seats({each.organization.id for each in both if each.organization.seats is not None})
    for each in both:
        organization = each.organization
        if each.pair in present:
            outcome.counts["memberships_present"] += 1
        elif organization.seats is not None and taken[organization.id] >= organization.seats:
            outcome.refused.append((each.wanted.line, FULL.format(slug=organization.slug)))
        else:
            present.add(each.pair)
            taken[organization.id] += 1
            outcome.counts["memberships_created"] += 1
            yield each


def _present(both: Sequence[_Both]) -> set[tuple[UUID, UUID]]:
    pairs = as_table(Membership, _PAIR, [dict(zip(_PAIR, each.pair, strict=True)) for each in both])
    columns = (Membership.user_id, Membership.organization_id)
    found = transaction.execute(select(*columns).where(tuple_(*columns).in_(select(*pairs.c))))
    return {(row.user_id, row.organization_id) for row in found}


def _taken_seats(organization_ids: set[UUID]) -> Counter[UUID]:
    if not organization_ids:
        return Counter()
    members = select(Membership.organization_id, func.count().label("members")).group_by(Membership.organization_id)
    rows = transaction.execute(members.where(is_one_of(Membership.organization_id, organization_ids)))
    return Counter({row.organization_id: row.members for row in rows})


def _insert(both: Sequence[_Both]) -> None:
    if not both:
        return
    rows = [{**dict(zip(_PAIR, each.pair, strict=True)), "role": each.wanted.role} for each in both]
    transaction.connection().execute(insert(Membership), rows)
    audit.record_all(
        AuditAction.MEMBER_JOINED,
        [
            {
                "target_id": each.user_id,
                "user_id": each.user_id,
                "organization_id": each.organization.id,
                "details": {"role": each.wanted.role},
            }
            for each in both
        ],
    )
