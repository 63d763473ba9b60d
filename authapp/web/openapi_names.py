"""The names of schemas in the OpenAPI document: each stands for one class."""

from __future__ import annotations

from inspect import getdoc
from typing import Any, cast

from apispec.ext.marshmallow import MarshmallowPlugin, resolver
from apispec.ext.marshmallow.common import resolve_schema_cls
from marshmallow import Schema, fields

from authapp.schemas.fields import Choice
from authapp.web.application import TakenName
from authapp.web.openapi_problems import SCHEMAS


def marshmallow_plugin() -> MarshmallowPlugin:
    """The plugin that makes JSON schemas, and raises TakenName where two classes have one name."""
    named: dict[str, type[Schema]] = {}

    def name_of(schema: Any) -> str:
        cls, name = cast("type[Schema]", resolve_schema_cls(schema)), resolver(schema)
        if named.setdefault(name, cls) is not cls:
            raise _taken(name)
        return name

    return MarshmallowPlugin(schema_name_resolver=name_of)


def refer_to_enum(converter: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """A field of an enum refers to the enum, which is in the document once, under its name."""
    if not isinstance(field, Choice):
        return {}
    name, values = field.enum.__name__, [value.value for value in field.enum]
    enum = {"type": "string", "description": getdoc(field.enum), "enum": values}
    if converter.spec.components.schemas.setdefault(name, enum) != enum:
        raise _taken(name)
    schema: dict[str, Any] = {"$ref": SCHEMAS + name}
    if field.values != values:
        schema = {"allOf": [schema, {"enum": field.values}]}
    return {"anyOf": [schema, {"type": "null"}]} if field.allow_none else schema


def _taken(name: str) -> TakenName:
    return TakenName(f"Two schemas are named {name} in the OpenAPI document. Rename one of the classes.")
