"""What a provider is asked and answers, whatever its protocol."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from authapp.core.errors import ApiError, Unauthorized


class ProviderUnavailable(ApiError):
    status = 503
    code = "provider_unavailable"
    detail = "The provider does not answer. Try again in a minute, or sign in in another way."
    retry_after = 60


class SsoFailed(Unauthorized):
    code = "sso_failed"
    detail = "The sign-in with the provider failed, or was started in another browser. Start it again."


class Person(NamedTuple):
    """Whom a provider has authenticated.

    Attributes:
        provider: the id of the provider.
        issuer: who has authenticated the person; `subject` is unique there, and never given to anybody else.
        subject: what the issuer calls the person.
        email: in its canonical form, None where the provider tells none that is valid.
        email_verified: whether the provider is to be believed that the address belongs to the person.
        first_name: as far as the provider tells it.
        last_name: the same.
    """

    provider: str
    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    first_name: str | None = None
    last_name: str | None = None


class Exchange(NamedTuple):
    """What binds the answer of a provider to the request.

    Attributes:
        redirect_uri: where the provider sends the person back to.
        state: opaque, behind the request and the answer.
        nonce: behind the request and in the id_token.
        code_verifier: its S256 code_challenge is behind the request (RFC 7636).
    """

    redirect_uri: str
    state: str
    nonce: str
    code_verifier: str


class Provider(Protocol):
    """A provider, as it is configured."""

    id: str
    name: str

    def authorization_url(self, exchange: Exchange) -> str:
        """Where the person is sent to.

        Raises:
            ProviderUnavailable: the provider does not tell where that is.
        """

    def authenticate(self, exchange: Exchange, code: str, issuer: str | None) -> Person:
        """Redeem the authorization code of an answer.

        Args:
            exchange: as the request was made with.
            code: the authorization code.
            issuer: the `iss` parameter of the answer, if it had one (RFC 9207).

        Raises:
            ProviderUnavailable: the provider does not answer in time, or not as the protocol says.
            SsoFailed: the code, or what the provider answers to it, is not valid.
        """
