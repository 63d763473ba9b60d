"""Sign-in with a provider, as it is sent and answered."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import Regexp

from authapp.core import lengths
from authapp.schemas.fields import Reply, Request, Text


class Base64Url(Text):
    """Characters that need no escape in an address, as those of a `code_challenge` and a `code_verifier`."""

    def __init__(self, *, longest: int, **kwargs: object) -> None:
        super().__init__(longest=longest, shortest=lengths.CODE_CHALLENGE, **kwargs)
        self.validators.append(Regexp(r"[A-Za-z0-9._~-]*\Z", error="Use A-Z, a-z, 0-9 and - . _ ~ (RFC 7636)."))


class SsoStart(Request):
    """Where the code goes, and who may exchange it."""

    return_to = Text(
        longest=lengths.ADDRESS,
        load_default=None,
        metadata={
            "description": "One of SSO_RETURN_TO, exactly. Without it the hosted sign-in page exchanges the code."
        },
    )
    code_challenge = Base64Url(
        longest=lengths.CODE_CHALLENGE,
        load_default=None,
        metadata={
            "description": "S256 of a code_verifier (RFC 7636). Required where return_to has another origin than "
            "PUBLIC_URL."
        },
    )


class SsoExchange(Request):
    """The code that the browser was sent back with."""

    code = Text(longest=lengths.OPAQUE_TOKEN, required=True)
    code_verifier = Base64Url(
        longest=lengths.CODE_VERIFIER,
        load_default=None,
        allow_none=True,
        metadata={"description": "Where there was a code_challenge. Else the cookie of the browser has to come along."},
    )
    device_token = Text(longest=lengths.OPAQUE_TOKEN, metadata={"description": "As at sign-in."})


class SsoProvider(Reply):
    """A provider to sign in with."""

    provider = fields.String(required=True, metadata={"examples": ["github"]})
    name = fields.String(required=True, metadata={"examples": ["GitHub"]})
    authorize_url = fields.String(required=True, metadata={"description": "Send the browser there."})


class SsoProviders(Reply):
    """The providers that are configured."""

    items = fields.List(fields.Nested(SsoProvider), required=True)
