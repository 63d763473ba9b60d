"""Passkeys, as they are sent and answered. Their JSON is that of browsers (WebAuthn section 5.1)."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields

from authapp.core import lengths
from authapp.schemas.fields import Id, Reply, Request, SingleLine, Text, Timestamp

CHALLENGE_ID = {"description": "From the options. It is used up, whatever becomes of this request."}
NAME = {"examples": ["My phone"]}


class PasskeyJson(fields.Dict):
    """What a browser answers: `PublicKeyCredential.toJSON()`. Members that this service does not know are ignored."""

    def __init__(self, **kwargs: Any) -> None:
        described = {
            "description": "What `toJSON()` of the browser's answer gives: `RegistrationResponseJSON` for new "
            "passkeys, else `AuthenticationResponseJSON`.",
            "examples": [{"id": "…", "rawId": "…", "type": "public-key", "response": {"clientDataJSON": "…"}}],
        }
        super().__init__(metadata=described, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError("Send the JSON object that the browser gives.")
        return value


class PasskeyLogin(Request):
    """The answer to the options of a sign-in, and the token of the device, if it has one."""

    challenge_id = Id(required=True, metadata=CHALLENGE_ID)
    passkey = PasskeyJson(required=True)
    device_token = Text(longest=lengths.OPAQUE_TOKEN, metadata={"description": "From the sign-in before."})


class MfaToken(Request):
    """The token of a sign-in that waits."""

    mfa_token = Text(longest=lengths.OPAQUE_TOKEN, required=True, metadata={"description": "From `mfa_required`."})


class NewPasskey(Request):
    """The answer to creation options."""

    challenge_id = Id(required=True, metadata=CHALLENGE_ID)
    passkey = PasskeyJson(required=True)
    name = SingleLine(
        longest=lengths.PASSKEY_NAME,
        load_default=None,
        allow_none=True,
        metadata={**NAME, "description": "Default: the name of its authenticator, where that is known."},
    )


class PasskeyName(Request):
    """Another name."""

    name = SingleLine(longest=lengths.PASSKEY_NAME, required=True, metadata=NAME)


class Passkey(Reply):
    """One of my passkeys."""

    id = fields.UUID(required=True)
    name = fields.String(required=True, metadata=NAME)
    created_at = Timestamp(required=True)
    last_used_at = Timestamp(required=True, allow_none=True)
    synced = fields.Boolean(
        required=True, metadata={"description": "Whether there is a copy of it beside the one on its device."}
    )


class Passkeys(Reply):
    """My passkeys, 20 at most."""

    items = fields.List(fields.Nested(Passkey), required=True)


_CREDENTIALS = fields.List(fields.Dict(), required=True, metadata={"examples": [[{"id": "…", "type": "public-key"}]]})
_TIMEOUT = fields.Integer(required=True, metadata={"description": "Milliseconds.", "examples": [300_000]})
_CHALLENGE = fields.String(required=True, metadata={"description": "In base64url."})

PasskeyRequestOptions = Reply.from_dict(
    {
        "challenge": _CHALLENGE,
        "timeout": _TIMEOUT,
        "rpId": fields.String(required=True, metadata={"examples": ["auth.example.com"]}),
        "allowCredentials": _CREDENTIALS,
        "userVerification": fields.String(required=True, metadata={"examples": ["required"]}),
    },
    name="PasskeyRequestOptions",
)
PasskeyRequestOptions.__doc__ = "What `PublicKeyCredential.parseRequestOptionsFromJSON()` takes."

PasskeyCreationOptions = Reply.from_dict(
    {
        "rp": fields.Dict(required=True, metadata={"examples": [{"id": "auth.example.com", "name": "Acme"}]}),
        "user": fields.Dict(required=True),
        "challenge": _CHALLENGE,
        "pubKeyCredParams": fields.List(fields.Dict(), required=True),
        "timeout": _TIMEOUT,
        "excludeCredentials": _CREDENTIALS,
        "authenticatorSelection": fields.Dict(required=True),
        "attestation": fields.String(required=True, metadata={"examples": ["none"]}),
    },
    name="PasskeyCreationOptions",
)
PasskeyCreationOptions.__doc__ = "What `PublicKeyCredential.parseCreationOptionsFromJSON()` takes."


class PasskeySignIn(Reply):
    """A sign-in with a passkey that has begun."""

    challenge_id = fields.UUID(required=True)
    options = fields.Nested(PasskeyRequestOptions, required=True)


class PasskeyRegistration(Reply):
    """A passkey that is to be made."""

    challenge_id = fields.UUID(required=True)
    options = fields.Nested(PasskeyCreationOptions, required=True)
