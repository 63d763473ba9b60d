"""The permissions that an application declares, with the lowest role that holds each."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import cast

from flask import current_app

from authapp.core import lengths
from authapp.core.roles import InvalidDeclaration, Role

MOST_PERMISSIONS = 200  # `GET /auth/me` names those of 100 memberships
_PERMISSION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", re.ASCII)


def declare_permissions(permissions: Mapping[str, str], roles: tuple[Role, ...]) -> Mapping[str, Role]:
    """The permissions of an application, sorted by name and read only.

    Raises:
        InvalidDeclaration: naming the first that cannot be declared.
    """
    if len(permissions) > MOST_PERMISSIONS:
        raise InvalidDeclaration(f"{len(permissions)} permissions: declare at most {MOST_PERMISSIONS}.")
    for name, role in permissions.items():
        if not _PERMISSION.fullmatch(name) or len(name) > lengths.PERMISSION:
            raise InvalidDeclaration(
                f"The permission {name!r}: write a subject, a dot and a verb, as in models.deploy, of a-z, 0-9 and _, "
                f"at most {lengths.PERMISSION} characters."
            )
        if role not in roles:
            raise InvalidDeclaration(f"The permission {name}: {role!r} is none of the roles {', '.join(roles)}.")
    return MappingProxyType({name: Role(permissions[name]) for name in sorted(permissions)})


def declared_permissions() -> Mapping[str, Role]:
    """The permissions of the current application, each with the lowest role that holds it."""
    return cast("Mapping[str, Role]", current_app.permissions)  # type: ignore[attr-defined]


def holds_permission(name: str, role: Role | None, grants: Container[str] = ()) -> bool:
    """Whether a member with this role, or an API key with these grants beside it, holds a permission.

    Nobody holds one that the application does not declare, whatever was granted once.
    """
    lowest = declared_permissions().get(name)
    return lowest is not None and role is not None and (role.includes(lowest) or name in grants)


def held_permissions(role: Role | None, grants: Container[str] = ()) -> list[str]:
    """The names of all that such a member or API key holds, sorted."""
    return [name for name in declared_permissions() if holds_permission(name, role, grants)]
