"""Roles: the built-in ones, and those that an application declares beside them, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, cast

from flask import current_app

from authapp.core import lengths

_ROLE = re.compile(rf"[a-z][a-z0-9_]{{0,{lengths.ROLE - 1}}}", re.ASCII)


class InvalidDeclaration(ValueError):
    """A role or permission that `create_app` was given has no valid name or place."""


class Role(str):
    """What a member may do in an organization: the name of a role, which has its place in the application's order.

    Compare with `==`. The name may be one that the application does not declare, where an earlier version has stored
    it. It counts as viewer then, which is the lowest and so was included in it.
    """

    __slots__ = ()

    ADMIN: ClassVar[Role]
    DEVELOPER: ClassVar[Role]
    VIEWER: ClassVar[Role]

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that the other may, in the current application."""
        roles = declared_roles()
        own = roles.index(self) if self in roles else 0
        return other in roles and own >= roles.index(other)


Role.ADMIN, Role.DEVELOPER, Role.VIEWER = Role("admin"), Role("developer"), Role("viewer")
ROLES = (Role.VIEWER, Role.DEVELOPER, Role.ADMIN)  # lowest first


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


def declared_roles() -> tuple[Role, ...]:
    """The roles of the current application, lowest first."""
    return cast("tuple[Role, ...]", current_app.roles)  # type: ignore[attr-defined]


def shown_role(role: Role) -> Role:
    """The role as replies show it: one that the application does not declare counts as viewer."""
    return role if role in declared_roles() else Role.VIEWER


def role_of_program(role: Role) -> Role:
    """The role of an API key or a workload: developer at most, also where an earlier order had its role below that."""
    return Role.DEVELOPER if role.includes(Role.DEVELOPER) else role
