"""What an application adds to the OpenAPI document: the errors of its hooks, and its schema for accounts."""

from __future__ import annotations

from typing import Any

from apispec import APISpec
from apispec.exceptions import DuplicateComponentNameError

from authapp.core.errors import ApiError
from authapp.schemas.fields import Request
from authapp.web.application import Application, TakenName
from authapp.web.blueprint import errors_of
from authapp.web.openapi_problems import SCHEMAS

READS_THAT_RECORD = ("export_me", "receive_sso")  # GET, and an event all the same
_PROFILE = "profile"
_PLACES = ("User", "Me", "ExportedUser", "ProfileChange", "Registration")
_SHOWN = "What is stored. Only in the answers of `GET /auth/me` and `PATCH /auth/me`."
_CHANGED = "The fields to change. What is left out stays, null removes."


def errors_of_hooks(app: Application, method: str, operation_id: str) -> set[type[ApiError]]:
    """What the hooks may raise in an operation: in each that may record an event."""
    if method == "GET" and operation_id not in READS_THAT_RECORD:
        return set()
    return {error for hooks in app.hooks.values() for hook in hooks for error in errors_of(hook)}


def add_profile(spec: APISpec, profile: type[Request]) -> None:
    """Add the schema of further fields of accounts to the document.

    Raises:
        TakenName: another schema has its name.
    """
    try:
        spec.components.schema(_name_of(profile), schema=profile(partial=True))
    except DuplicateComponentNameError:
        raise TakenName(f"Two schemas are named {_name_of(profile)} in the OpenAPI document. Rename one.") from None


def complete_profile(app: Application, schemas: dict[str, Any]) -> None:
    """Describe the member `profile` where it is, or remove it where the application has none."""
    for name in _PLACES:
        properties = schemas[name]["properties"]
        if app.profile is None:
            del properties[_PROFILE]
            continue
        reference: dict[str, Any] = {"$ref": SCHEMAS + _name_of(type(app.profile))}
        if name == "Registration":
            required = sorted(field.data_key or key for key, field in app.profile.load_fields.items() if field.required)
            properties[_PROFILE] = {"allOf": [reference, {"required": required}]} if required else reference
        else:
            properties[_PROFILE] = {**reference, "description": _CHANGED if name == "ProfileChange" else _SHOWN}


def _name_of(profile: type[Request]) -> str:
    """As flask-smorest names schemas."""
    return profile.__name__.removesuffix("Schema") or profile.__name__
