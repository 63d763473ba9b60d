"""Signing in and staying signed in, as they are sent and answered."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema
from marshmallow.validate import OneOf

from authapp.core import lengths
from authapp.schemas.accounts import User
from authapp.schemas.emails import Email
from authapp.schemas.fields import Password, Reply, Request, StrictBoolean, Text, Timestamp
from authapp.schemas.mfa import OneAnswer, OptionalAnswer
from authapp.schemas.organizations import Organization
from authapp.schemas.pagination import page_of, query_of

IN_COOKIE = "In browser mode it is in a cookie, and absent here."


class Login(Request):
    """An email and its password, and the token of the device, if it has one."""

    email = Email(required=True)
    password = Password(required=True)
    device_token = Text(
        longest=lengths.OPAQUE_TOKEN,
        metadata={"description": "From the sign-in before. Other people's wrong guesses do not slow this device down."},
    )


class MfaLogin(OneAnswer):
    """The token of a sign-in that waits, and a code, a recovery code or a passkey."""

    mfa_token = Text(longest=lengths.OPAQUE_TOKEN, required=True, metadata={"description": "From `mfa_required`."})


class Reauthentication(OptionalAnswer):
    """The password of the account, with one of the others where it has a second factor; or a passkey alone."""

    password = Password()

    @validates_schema
    def require_password_or_passkey(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "password" not in data and data.get("passkey") is None:
            raise ValidationError("Send the password, or a passkey.", "password")


class Reauthenticated(Reply):
    """When and how this session has authenticated."""

    auth_time = Timestamp(required=True)
    amr = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The methods, as RFC 8176 names them.", "examples": [["pwd", "otp", "mfa"]]},
    )


class Refresh(Request):
    """The refresh token to use."""

    refresh_token = Text(longest=lengths.JWT, metadata={"description": f"Required. {IN_COOKIE}"})


class Logout(Request):
    """Which sessions to end, and what to sign out with."""

    everywhere = StrictBoolean(
        load_default=False,
        metadata={"description": "Every session of the account, not only this one.", "examples": [False]},
    )
    refresh_token = Text(
        longest=lengths.JWT,
        metadata={"description": f"In place of an access token that has expired, or is lost. {IN_COOKIE}"},
    )


class Session(Reply):
    """A token response (RFC 6749 section 5.1) plus the account."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=OneOf(["Bearer"]))
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds.", "examples": [1800]})
    refresh_token = fields.String(metadata={"description": IN_COOKIE})
    refresh_expires_in = fields.Integer(required=True, metadata={"description": "Seconds.", "examples": [604800]})
    device_token = fields.String(
        allow_none=True,
        metadata={"description": "For the next sign-in, in place of the one before. null at refresh. " + IN_COOKIE},
    )
    user = fields.Nested(User, required=True)
    organization = fields.Nested(
        Organization,
        required=True,
        allow_none=True,
        metadata={"description": "The one made by this very call, or null."},
    )


class LiveSession(Reply):
    """One of my signed-in sessions."""

    id = fields.UUID(required=True)
    created_at = Timestamp(required=True)
    last_used_at = Timestamp(required=True, metadata={"description": "When its tokens were last refreshed."})
    expires_at = Timestamp(required=True)
    ip_address = fields.String(required=True, allow_none=True)
    user_agent = fields.String(required=True, allow_none=True)
    current = fields.Boolean(required=True, metadata={"description": "Whether this very request came from it."})


LiveSessionPage = page_of(LiveSession, "LiveSessionPage")
LiveSessionQuery = query_of(LiveSessionPage)
