"""Names in the OpenAPI document: each schema stands for one class, and each set of values is there once."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getdoc
from typing import Any, cast

from apispec.ext.marshmallow import MarshmallowPlugin, resolver
from apispec.ext.marshmallow.common import resolve_schema_cls
from marshmallow import Schema, fields

from authapp.schemas.fields import Choice
from authapp.schemas.permissions import PermissionName, RoleChoice
from authapp.web.application import Application, TakenName
from authapp.web.openapi_problems import SCHEMAS

_ROLES = "What a member may do in an organization, highest first."
_PERMISSIONS = "A permission that the application declares."

Attributes = dict[str, Any]
AttributeFunction = Callable[..., Attributes]


def marshmallow_plugin() -> MarshmallowPlugin:
    """The plugin that makes JSON schemas, and raises TakenName where two classes have one name."""
    named: dict[str, type[Schema]] = {}

    def name_of(schema: Any) -> str:
        cls, name = cast("type[Schema]", resolve_schema_cls(schema)), resolver(schema)
        if named.setdefault(name, cls) is not cls:
            raise _taken(name)
        return name

    return MarshmallowPlugin(schema_name_resolver=name_of)


def references(app: Application) -> tuple[AttributeFunction, ...]:
    """What apispec calls with each field: the schema of one that takes a name out of a set."""

    def refer_to_enum(converter: Any, field: fields.Field[Any], **_: Any) -> Attributes:
        if not isinstance(field, Choice):
            return {}
        values = [value.value for value in field.enum]
        return _refer(converter, field, field.enum.__name__, getdoc(field.enum) or "", values, field.values)

    def refer_to_roles(converter: Any, field: fields.Field[Any], **_: Any) -> Attributes:
        if not isinstance(field, RoleChoice):
            return {}
        values = [str(role) for role in reversed(app.roles)]
        return _refer(converter, field, "Role", _ROLES, values, field.among(app.roles))

    def refer_to_permissions(converter: Any, field: fields.Field[Any], **_: Any) -> Attributes:
        if not isinstance(field, PermissionName):
            return {}
        values = [*app.permissions]
        return _refer(converter, field, "Permission", _PERMISSIONS, values, values)

    return refer_to_enum, refer_to_roles, refer_to_permissions


def _refer(
    converter: Any, field: fields.Field[Any], name: str, description: str, values: list[str], possible: list[str]
) -> Attributes:
    """The reference, and the set itself with the first one."""
    names = {"type": "string", "description": description, **({"enum": values} if values else {})}
    if converter.spec.components.schemas.setdefault(name, names) != names:
        raise _taken(name)
    schema: Attributes = {"$ref": SCHEMAS + name}
    if possible != values:
        schema = {"allOf": [schema, {"enum": possible}]}
    return {"anyOf": [schema, {"type": "null"}]} if field.allow_none else schema


def _taken(name: str) -> TakenName:
    return TakenName(f"Two schemas are named {name} in the OpenAPI document. Rename one of the classes.")
