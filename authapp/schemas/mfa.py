"""The second factor, as it is sent and answered."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from authapp.core import lengths
from authapp.schemas.fields import Reply, Request, Text
from authapp.schemas.passkeys import PasskeyJson

_CODE = {"description": "Six digits from the authenticator app. Spaces are ignored.", "examples": ["492039"]}
_RECOVERY_CODE = {"description": "Each is accepted once.", "examples": ["k7wd-3hzq-9fmx-e2pt"]}


ANSWERS = ("code", "recovery_code", "passkey")


def answers_in(data: dict[str, Any]) -> list[str]:
    """Which answers for a second factor are given."""
    return [name for name in ANSWERS if data.get(name) is not None]


class OptionalCode(Request):
    """A code or a recovery code, or none."""

    code = Text(longest=lengths.CODE, load_default=None, allow_none=True, metadata=_CODE)
    recovery_code = Text(
        longest=lengths.CODE, load_default=None, allow_none=True, metadata={"description": "In place of `code`."}
    )

    @validates_schema(skip_on_field_errors=False)
    def refuse_several(self, data: dict[str, Any], **kwargs: Any) -> None:
        given = answers_in(data)
        if len(given) > 1:
            raise ValidationError(f"Send {' or '.join(given)}, not both.", given[-1])


class OneCode(OptionalCode):
    """A code or a recovery code."""

    @validates_schema
    def require_one(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not answers_in(data):
            raise ValidationError(f"Send {' or '.join(name for name in ANSWERS if name in self.fields)}.", "code")


class OptionalAnswer(OptionalCode):
    """A code, a recovery code or a passkey, or none."""

    passkey = PasskeyJson(load_default=None, allow_none=True)


class OneAnswer(OneCode, OptionalAnswer):
    """A code, a recovery code or a passkey."""


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
