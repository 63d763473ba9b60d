"""Members, as they are sent and answered."""

from __future__ import annotations

from marshmallow import fields

from authapp.schemas.emails import EMAIL
from authapp.schemas.fields import Flattened, Reply, Request, Timestamp
from authapp.schemas.pagination import page_of, query_of
from authapp.schemas.permissions import RoleChoice


class UserBrief(Reply):
    """A person in a sentence."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata=EMAIL)
    first_name = fields.String(required=True, allow_none=True, metadata={"examples": ["Ada"]})
    last_name = fields.String(required=True, allow_none=True, metadata={"examples": ["Lovelace"]})


class Member(Reply):
    """Somebody who belongs to the organization."""

    user = Flattened(UserBrief, required=True)
    role = RoleChoice(required=True)
    joined_at = Timestamp(required=True)


MemberPage = page_of(Member, "MemberPage")
MemberQuery = query_of(MemberPage, role=RoleChoice(metadata={"description": "Only members with this role."}))


class RoleChange(Request):
    """The role to have from now on."""

    role = RoleChoice(required=True, metadata={"examples": ["viewer"]})
