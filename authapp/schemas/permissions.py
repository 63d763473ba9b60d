"""Fields for the roles and permissions that the application declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields
from marshmallow.validate import Length

from authapp.core.permissions import MOST_PERMISSIONS, declared_permissions, held_permissions
from authapp.core.roles import Role, declared_roles, role_of_program, shown_role


class RoleChoice(fields.Field[Role]):
    """One of the roles of the application, in its own spelling. The OpenAPI document refers to all of them by `Role`.

    A reply shows a stored role that the application does not declare as viewer, which is what it counts as.

    Args:
        highest: the highest that is possible. Default: all are.
    """

    def __init__(self, *, highest: Role = Role.ADMIN, **kwargs: Any) -> None:
        self.highest = highest
        super().__init__(**kwargs)

    def among(self, roles: tuple[Role, ...]) -> list[str]:
        """Those of the roles that are possible, highest first."""
        return [str(role) for role in reversed(roles[: roles.index(self.highest) + 1])]

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Role:
        possible = self.among(declared_roles())
        if not isinstance(value, str) or value not in possible:
            raise ValidationError(f"Choose one of {', '.join(possible)}.")
        return Role(value)

    def _serialize(self, value: Role | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        shown = shown_role(Role(value))
        return self.highest if shown.includes(self.highest) else shown


class PermissionName(fields.Field[str]):
    """The name of one of the permissions of the application. The OpenAPI document refers to them by `Permission`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in declared_permissions():
            raise ValidationError("There is no such permission.")
        return value


class Grants(fields.List[str]):
    """The names of permissions to grant, each once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(PermissionName(), validate=Length(max=MOST_PERMISSIONS), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and len(value) > MOST_PERMISSIONS:
            raise ValidationError(f"Name at most {MOST_PERMISSIONS}.")
        names = super()._deserialize(value, attr, data, **kwargs)
        if len({*names}) < len(names):
            raise ValidationError("Name each permission once.")
        return names


class HeldPermissions(fields.List[str]):
    """In the reply of an API key, the names of all permissions that its `role` and its grants give, sorted."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(PermissionName(), required=True, **kwargs)

    def get_value(self, obj: Any, attr: str, accessor: Any = None, default: Any = None) -> list[str | None]:
        return [*held_permissions(role_of_program(accessor(obj, "role", None)), accessor(obj, "permissions", ()))]
