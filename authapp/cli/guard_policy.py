"""Comparing the guards of all routes with those of a file: who gains what, and who loses what."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from authapp.core.permissions import declared_permissions
from authapp.core.roles import Role, declared_roles

Policy = Mapping[tuple[str, str], str]
"""The guard of each method and route."""

ANYONE = "anyone"
REFRESH_TOKEN = "whoever has a refresh token only"  # noqa: S105
NOT_A_MEMBER = "an account that is not a member"
OWN_ID = "a member whose id is in the path"
FOREIGN_API_KEY = "an API key of another organization"
NOT_RECENT, NOT_VERIFIED = "whoever has not signed in recently", "whoever has not verified the email"
_GUARD = re.compile(r"(\w+)(?:\((.*)\))?")
_COLUMNS = ("method", "route", "guard")


class UnreadablePolicy(ValueError):
    """A file that is not the output of `guards --csv` or `guards --json`."""


class Difference(NamedTuple):
    """A route whose guard is another one, or that is there on one side only."""

    method: str
    route: str
    before: str | None
    after: str | None
    gain: list[str]
    lose: list[str]


def members() -> dict[Role, str]:
    """The members by their roles, lowest first."""
    return {role: f"{'an' if role[0] in 'aeiou' else 'a'} {role}" for role in declared_roles()}


def api_keys() -> dict[Role, str]:
    """The API keys by their roles, lowest first."""
    return {role: f"an API key with the role {role}" for role in declared_roles() if Role.DEVELOPER.includes(role)}


def granted_api_keys() -> dict[str, str]:
    """The API keys that have no more than the lowest role and one permission, by that."""
    return {name: f"an API key that is granted {name}" for name in declared_permissions()}


def all_callers() -> tuple[str, ...]:
    """All that the guards tell apart, in the order in which they are printed."""
    organization = (*members().values(), OWN_ID, *api_keys().values(), *granted_api_keys().values(), FOREIGN_API_KEY)
    return (ANYONE, REFRESH_TOKEN, NOT_A_MEMBER, *organization, NOT_RECENT, NOT_VERIFIED)


def callers_of(guard: str) -> frozenset[str]:
    """Who is let in by a guard. Of a guard or parameter that is not known here, only its name is compared."""
    match = _GUARD.fullmatch(guard)
    name, arguments = (match[1], tuple(match[2].split(", ")) if match[2] else ()) if match else (guard, ())
    found = _KNOWN.get(name, _unknown)(*arguments)
    return frozenset({f"whom {guard} lets in"}) if found is None else found


def _unknown(*arguments: str) -> None:
    return None


def _public(*arguments: str) -> frozenset[str] | None:
    return None if arguments else frozenset(all_callers())


def _active_user(*arguments: str) -> frozenset[str] | None:
    found = {NOT_A_MEMBER, *members().values(), OWN_ID, NOT_RECENT, NOT_VERIFIED}
    return _within(found | ({REFRESH_TOKEN} if "or_refresh_token" in arguments else set()), arguments)


def _query_conditions(*arguments: str) -> frozenset[str] | None:
    """Without a query, whoever has a token or key that is accepted."""
    return None if arguments else frozenset({*all_callers()} - {ANYONE, REFRESH_TOKEN})


def _organization(lowest: str = Role.VIEWER, *arguments: str) -> frozenset[str] | None:
    if lowest not in declared_roles():
        return None
    granted = {*granted_api_keys().values()} if lowest == Role.VIEWER else set()
    return _within(_from_role(Role(lowest)) | granted, arguments)


def _permission(name: str = "", *arguments: str) -> frozenset[str] | None:
    lowest = declared_permissions().get(name)
    return None if lowest is None else _within(_from_role(lowest) | {granted_api_keys()[name]}, arguments)


def _from_role(lowest: Role) -> set[str]:
    found = {name for names in (members(), api_keys()) for role, name in names.items() if role.includes(lowest)}
    return found | ({OWN_ID} if lowest == Role.VIEWER else set()) | {NOT_RECENT}


def _organization_or_self(*arguments: str) -> frozenset[str] | None:
    found = _organization(*arguments)
    return None if found is None else found | {OWN_ID}


def _within(callers: set[str], arguments: tuple[str, ...]) -> frozenset[str] | None:
    """Those of the callers that the further parameters of a guard let in."""
    keys = {*api_keys().values(), *granted_api_keys().values()}
    shut_out = {"recent": {NOT_RECENT, *keys}, "verified": {NOT_VERIFIED}, "or_refresh_token": set()}
    if not {*arguments} <= shut_out.keys():
        return None
    return frozenset(callers.difference(*(shut_out[each] for each in arguments)))


_KNOWN: dict[str, Callable[..., frozenset[str] | None]] = {
    "public": _public,
    "require_active_user": _active_user,
    "require_organization_access": _organization,
    "require_organization_role": _organization,
    "require_organization_role_or_self": _organization_or_self,
    "require_permission": _permission,
    "require_query_conditions": _query_conditions,
}


def read(text: str) -> dict[tuple[str, str], str]:
    """The policy that a file has.

    Raises:
        UnreadablePolicy: it is of another form, or names a route twice.
    """
    try:
        rows = json.loads(text) if text.lstrip().startswith("[") else _csv_rows(text)
        found = [tuple(str(row[name]) for name in _COLUMNS) for row in rows]
    except (ValueError, TypeError, KeyError, RecursionError, csv.Error):
        raise UnreadablePolicy("It has to be what guards --csv or guards --json has printed.") from None
    policy = {(method, route): guard for method, route, guard in found}
    if len(policy) < len(found):
        raise UnreadablePolicy("It has a route twice.")
    return policy


def _csv_rows(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(text.splitlines())
    if not {*_COLUMNS} <= {*(reader.fieldnames or ())}:
        raise ValueError
    return list(reader)


def compare(before: Policy, after: Policy) -> list[Difference]:
    """Every route on which somebody gains or loses something, or whose guard has another name."""
    return [
        _difference(key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys(), key=lambda key: key[::-1])
        if before.get(key) != after.get(key)
    ]


def is_widened(differences: Iterable[Difference]) -> bool:
    """Whether somebody may call what the policy before did not let them call."""
    return any(difference.gain for difference in differences)


def as_json(differences: list[Difference]) -> dict[str, Any]:
    return {"widened": is_widened(differences), "routes": [difference._asdict() for difference in differences]}


def _difference(key: tuple[str, str], before: str | None, after: str | None) -> Difference:
    then, now = (callers_of(guard) if guard else frozenset() for guard in (before, after))
    return Difference(*key, before, after, _in_brief(now - then), _in_brief(then - now))


def _in_brief(callers: frozenset[str]) -> list[str]:
    """Whoever anyone includes is not named beside anyone, nor a key with a grant beside all keys."""
    if ANYONE in callers:
        return [ANYONE]
    if api_keys()[Role.VIEWER] in callers:
        callers = callers.difference(granted_api_keys().values())
    order = {caller: number for number, caller in enumerate(all_callers())}
    return sorted(callers, key=lambda caller: (order.get(caller, len(order)), caller))
