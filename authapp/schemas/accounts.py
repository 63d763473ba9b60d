"""Accounts, as they are sent and answered."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from authapp.core import lengths
from authapp.schemas.emails import EMAIL, Email
from authapp.schemas.fields import Password, Reply, Request, SingleLine, Text, Timestamp
from authapp.schemas.organizations import OrganizationBrief
from authapp.schemas.permissions import PermissionName, RoleChoice

MOST_MEMBERSHIPS = 100  # shown with an account; the function authapp_memberships reads one more


class User(Reply):
    """A person's account."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata=EMAIL)
    email_verified = fields.Boolean(required=True)
    first_name = fields.String(required=True, allow_none=True, metadata={"examples": ["Ada"]})
    last_name = fields.String(required=True, allow_none=True, metadata={"examples": ["Lovelace"]})
    is_active = fields.Boolean(required=True, metadata={"examples": [True]})
    mfa_enabled = fields.Boolean(required=True)
    has_password = fields.Boolean(required=True, metadata={"examples": [True]})
    last_login_at = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
    profile = fields.Dict()  # where the application has a schema for it


class MembershipOfMine(Reply):
    """One of my organizations, my role there and the permissions that it holds."""

    organization = fields.Nested(OrganizationBrief, required=True)
    role = RoleChoice(required=True)
    permissions = fields.List(PermissionName(), required=True)


class Me(User):
    """My account and where I belong."""

    memberships = fields.List(
        fields.Nested(MembershipOfMine),
        required=True,
        metadata={"description": f"At most {MOST_MEMBERSHIPS}; `GET /organizations` lists all of them in pages."},
    )
    memberships_truncated = fields.Boolean(
        required=True, metadata={"description": "Whether there are more than these."}
    )


class Registration(Request):
    """A new account, and if wanted an organization to create or to join."""

    email = Email(required=True)
    password = Password(
        required=True,
        metadata={
            "description": "PASSWORD_POLICY=seed: at least 8 characters with letters and digits; nist: at least 15. "
            "Nothing that is easy to guess, and not email or name with little added."
        },
    )
    first_name = SingleLine(
        longest=lengths.PERSON_NAME, load_default=None, allow_none=True, metadata={"examples": ["Ada"]}
    )
    last_name = SingleLine(
        longest=lengths.PERSON_NAME, load_default=None, allow_none=True, metadata={"examples": ["Lovelace"]}
    )
    organization_name = SingleLine(
        longest=lengths.ORGANIZATION_NAME, load_default=None, allow_none=True, metadata={"examples": ["Acme Research"]}
    )
    invitation_token = Text(
        longest=lengths.OPAQUE_TOKEN,
        load_default=None,
        allow_none=True,
        metadata={"description": "From the email. In place of `organization_name`.", "examples": [None]},
    )

    profile = fields.Raw(allow_none=True)  # the schema of the application checks it

    @validates_schema
    def refuse_both(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("organization_name") and data.get("invitation_token"):
            raise ValidationError("Send organization_name or invitation_token, not both.", "invitation_token")


class AccountDeletion(Request):
    """The password of the account, if it has one."""

    password = Password(load_default=None, allow_none=True)


class ProfileChange(Request):
    """Names to change. What is left out stays."""

    first_name = SingleLine(
        longest=lengths.PERSON_NAME, allow_none=True, metadata={"examples": ["Ada"], "description": "null clears it."}
    )
    last_name = SingleLine(
        longest=lengths.PERSON_NAME,
        allow_none=True,
        metadata={"examples": ["Lovelace"], "description": "null clears it."},
    )
    profile = fields.Raw(allow_none=True)
