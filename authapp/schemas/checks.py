"""What a check asks for."""

from __future__ import annotations

from marshmallow import ValidationError, fields

from authapp.core.enums import Role
from authapp.core.permissions import declared_permissions
from authapp.schemas.fields import Choice, Id, Request


def require_declared(permission: str) -> None:
    """Pass if the application declares this permission."""
    if permission not in declared_permissions():
        raise ValidationError("No permission that is declared.")


class CheckQuery(Request):
    """The conditions that the caller has to meet, each of them if there are several."""

    organization_id = Id(metadata={"description": "It is of this organization. Default: of its own, for an API key."})
    role = Choice(Role, metadata={"description": "It has this role there, or a higher one."})
    permission = fields.String(
        validate=require_declared, metadata={"description": "It holds this permission there, by role or by grant."}
    )
