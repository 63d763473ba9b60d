"""The second factor, as it is sent and answered."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from authapp.core import lengths
from authapp.schemas.fields import Reply, Request, Text

_CODE = {"description": "Six digits from the authenticator app. Spaces are ignored.", "examples": ["492039"]}
_RECOVERY_CODE = {"description": "Each is accepted once.", "examples": ["k7wd-3hzq-9fmx-e2pt"]}


class OptionalCode(Request):
    """A code or a recovery code, or none."""

    code = Text(longest=lengths.CODE, load_default=None, allow_none=True, metadata=_CODE)
    recovery_code = Text(
        longest=lengths.CODE, load_default=None, allow_none=True, metadata={"description": "In place of `code`."}
    )

    @validates_schema(skip_on_field_errors=False)
    def refuse_both(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("code") is not None and data.get("recovery_code") is not None:
            raise ValidationError("Send code or recovery_code, not both.", "recovery_code")


class OneCode(OptionalCode):
    """A code or a recovery code."""

    @validates_schema
    def require_one(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("code") is None and data.get("recovery_code") is None:
            raise ValidationError("Send code or recovery_code.", "code")


class TotpCode(Request):
    """A code of the authenticator app."""

    code = Text(longest=lengths.CODE, required=True, metadata=_CODE)


class TotpRemoval(OneCode):
    """A code or a recovery code of the factor that goes."""


class Mfa(Reply):
    """The second factors of my account."""

    totp_enabled = fields.Boolean(required=True)
    recovery_codes_left = fields.Integer(required=True, metadata={"examples": [10]})
    passkeys = fields.Integer(required=True, metadata={"description": "How many.", "examples": [0]})


class TotpEnrolment(Reply):
    """What an authenticator app takes, as text and as a QR code."""

    secret = fields.String(required=True, metadata={"description": "In base32, to be typed."})
    otpauth_uri = fields.String(required=True, metadata={"description": "What the QR code says."})
    qr_svg = fields.String(required=True, metadata={"description": "An SVG document."})


class RecoveryCodes(Reply):
    """New recovery codes. Only this response shows them."""

    recovery_codes = fields.List(
        fields.String(metadata=_RECOVERY_CODE), required=True, metadata={"description": "To be kept somewhere safe."}
    )
