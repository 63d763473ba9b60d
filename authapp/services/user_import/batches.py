"""A batch of lines, in the transaction of the caller, who is an operator."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from authapp.services.user_import import accounts, memberships, organizations
from authapp.services.user_import.lines import AccountLine, OrganizationLine, Wanted
from authapp.services.user_import.outcome import Outcome

NO_ADMIN = "No line makes an active account an admin of {slug}."


def add(
    lines: Sequence[AccountLine | OrganizationLine],
    waiting: Mapping[str, OrganizationLine],
    into: Collection[str] = (),
) -> Outcome:
    """Import a batch of lines.

    Args:
        lines: the batch.
        waiting: the organizations of earlier batches that wait for an admin, by slug.
        into: the slugs of organizations that get members though no import has created them.
    """
    outcome = Outcome(dict(waiting))
    organizations.await_admins([line for line in lines if isinstance(line, OrganizationLine)], into, outcome)
    of_accounts = [line for line in lines if isinstance(line, AccountLine)]
    if of_accounts:
        known = accounts.add(of_accounts, outcome)
        wanted = [each for line in of_accounts if line.columns["email"] in known for each in line.memberships]
        memberships.add(wanted, known, into, outcome)
    return outcome


def add_postponed(wanted: Sequence[Wanted], waiting: Mapping[str, OrganizationLine], into: Collection[str]) -> Outcome:
    """Import memberships that earlier batches have postponed: their organizations have an admin now, or never will.

    Args:
        wanted: the memberships.
        waiting: the organizations that have none after the last batch.
        into: as in `add`.
    """
    outcome = Outcome(dict(waiting))
    memberships.add(wanted, accounts.lock(each.email for each in wanted), into, outcome)
    outcome.refused += [(each.line, NO_ADMIN.format(slug=each.slug)) for each in outcome.postponed]
    return outcome
