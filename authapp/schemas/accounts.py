"""Accounts, as the API speaks of them."""

from __future__ import annotations

from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from authapp.core.actor import Role
from authapp.schemas.fields import EMAIL, Email, Line, Password, Request, Timestamp
from authapp.schemas.organizations import LONGEST_NAME as LONGEST_ORGANIZATION_NAME
from authapp.schemas.organizations import OrganizationBrief

LONGEST_NAME = 100


class User(Schema):
    """A person's account."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata=EMAIL)
    email_verified = fields.Boolean(required=True)
    first_name = fields.String(required=True, allow_none=True, metadata={"examples": ["Ada"]})
    last_name = fields.String(required=True, allow_none=True, metadata={"examples": ["Lovelace"]})
    is_active = fields.Boolean(required=True)
    mfa_enabled = fields.Boolean(required=True)
    last_login_at = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class MembershipOfMine(Schema):
    """One of my organizations, and my role there."""

    organization = fields.Nested(OrganizationBrief, required=True)
    role = fields.String(required=True, validate=OneOf(list(Role)))


class Me(User):
    """My account and where I belong."""

    memberships = fields.List(fields.Nested(MembershipOfMine), required=True)


class Registration(Request):
    """A new account and, if wanted, its organization."""

    email = Email(required=True)
    password = Password(
        required=True,
        metadata={
            "description": "PASSWORD_POLICY=seed: at least 8 characters with letters and digits; nist: at least 15. "
            "No common password, and not the own email or name."
        },
    )
    first_name = Line(longest=LONGEST_NAME, load_default=None, allow_none=True, metadata={"examples": ["Ada"]})
    last_name = Line(longest=LONGEST_NAME, load_default=None, allow_none=True, metadata={"examples": ["Lovelace"]})
    organization_name = Line(
        longest=LONGEST_ORGANIZATION_NAME, load_default=None, allow_none=True, metadata={"examples": ["Acme Research"]}
    )


class ProfileChange(Request):
    """Names to change. What is left out stays."""

    first_name = Line(
        longest=LONGEST_NAME, allow_none=True, metadata={"examples": ["Ada"], "description": "null clears it."}
    )
    last_name = Line(
        longest=LONGEST_NAME, allow_none=True, metadata={"examples": ["Lovelace"], "description": "null clears it."}
    )
