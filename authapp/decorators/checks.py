"""The guard whose conditions are in the query, for proxies that ask before they let a request through."""

from __future__ import annotations

from typing import Any

from flask import request

from authapp.core.errors import PermissionMissing, RoleTooLow, ValidationFailed
from authapp.decorators.access import ORGANIZATION_ERRORS, require_active, require_conditions, require_in_organization
from authapp.decorators.authentication import authenticate_in
from authapp.decorators.guard import PathIds, guard
from authapp.schemas.checks import CheckQuery
from authapp.services.checks import InvalidCheck
from authapp.web.blueprint import Blueprint

_QUERY = CheckQuery()


def check_query(ids: PathIds) -> None:
    """Look the caller up and compare it with the query, in one statement. A denial is not recorded: proxies ask often.

    Raises:
        the errors of `ORGANIZATION_ERRORS`, RoleTooLow, PermissionMissing.
        InvalidCheck: the query is malformed, or names no organization in which an account has to have a role.
    """
    wanted, mistake = _read_query()
    organization_id = wanted.get("organization_id")
    actor = authenticate_in(organization_id, or_own=not mistake, autocommit=True)
    if actor.account:
        require_active(actor.account)
    if mistake:
        raise InvalidCheck(mistake, detail=f"{InvalidCheck.detail} {mistake}")
    if actor.account and organization_id is None:
        if wanted:
            raise InvalidCheck("no organization", detail="Name the organization_id: an account may be in several.")
        return
    require_conditions(actor, verified=actor.account is not None)
    require_in_organization(actor)
    role = wanted.get("role")
    if role and not actor.here.role.includes(role):
        raise RoleTooLow(f"{actor.here.role} where {role} is needed")
    permission = wanted.get("permission")
    if permission and not actor.has_permission(permission):
        raise PermissionMissing(f"{actor.here.role} without {permission}")


def _read_query() -> tuple[dict[str, Any], str]:
    """The conditions, or none and a mistake in them."""
    if "#" in (request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI", "")):
        return {}, "A proxy has sent a #, and what follows it would not be asked for."
    try:
        return Blueprint.ARGUMENTS_PARSER.parse(_QUERY, request, location="query"), ""
    except ValidationFailed as error:
        name, messages = next(iter((error.errors or {})["query"].items()))
        return {}, f"{name}: {messages[0]}"


require_query_conditions = guard(
    "require_query_conditions", check_query, *ORGANIZATION_ERRORS, RoleTooLow, PermissionMissing, InvalidCheck
)
"""Whoever meets the conditions of the query may call, an API key too."""
