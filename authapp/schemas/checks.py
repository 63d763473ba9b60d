"""What a check asks for."""

from __future__ import annotations

from authapp.core.enums import Role
from authapp.schemas.fields import Choice, Id, Request


class CheckQuery(Request):
    """The conditions that the caller has to meet, each of them if there are several."""

    organization_id = Id(metadata={"description": "It is of this organization. Default: of its own, for an API key."})
    role = Choice(Role, metadata={"description": "It has this role there, or a higher one."})
