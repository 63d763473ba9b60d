"""What an application declares: its roles in their order, and its permissions with the lowest role that holds each."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType
from typing import cast

from flask import current_app

from authapp.core import lengths
from authapp.core.enums import ROLES, Role

MOST_PERMISSIONS = 200  # `GET /auth/me` names those of 100 memberships
_PERMISSION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", re.ASCII)
_ROLE = re.compile(rf"[a-z][a-z0-9_]{{0,{lengths.ROLE - 1}}}", re.ASCII)


class InvalidDeclaration(ValueError):
    """A role or permission that `create_app` was given has no valid name or place."""


def declare_roles(roles: Iterable[str]) -> tuple[Role, ...]:
    """The roles of an application, lowest first.

    Raises:
        InvalidDeclaration: a name is malformed or repeated, or the built-in roles are missing or in another order.
    """
    declared = tuple(map(Role, roles))
    for role in declared:
        if not _ROLE.fullmatch(role):
            raise InvalidDeclaration(
                f"The role {str(role)!r}: write a-z, 0-9 and _, beginning with a-z, at most {lengths.ROLE} characters."
            )
    built_in = tuple(role for role in declared if role in ROLES)
    ends = declared[:1] + declared[-1:]
    if built_in != ROLES or ends != (Role.VIEWER, Role.ADMIN) or len({*declared}) < len(declared):
        raise InvalidDeclaration(
            f"The roles {', '.join(declared)}: name each once, from the lowest to the highest. The first is viewer, "
            "developer comes somewhere after it, and the last is admin."
        )
    return declared


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


def declared_roles() -> tuple[Role, ...]:
    """The roles of the current application, lowest first."""
    return cast("tuple[Role, ...]", current_app.roles)  # type: ignore[attr-defined]


def shown_role(role: Role) -> Role:
    """The role as replies show it: one that the application does not declare counts as viewer."""
    return role if role in declared_roles() else Role.VIEWER


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
