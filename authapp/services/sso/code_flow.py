"""Sign-in with a provider: the way there, the answer, and the code that is exchanged for a session."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from authapp.core.actor import Actor
from authapp.core.enums import ActorType
from authapp.core.errors import ApiError, LimitReached, NotFound, Unauthorized, ValidationFailed
from authapp.core.origins import origin_of
from authapp.db import transaction
from authapp.db.transaction import Stale
from authapp.models import User
from authapp.providers.provider import Person, Provider, ProviderUnavailable, SsoFailed
from authapp.services import identities, known_devices, locks, sessions
from authapp.services.identities import IdentityTaken
from authapp.services.session_tokens import SignedIn
from authapp.services.sso import accounts, codes, states
from authapp.web.application import current_app
from authapp.web.openapi import API_PREFIX

FEDERATED = ["fed"]  # no name of RFC 8176, but the usual one for a sign-in with a provider
SIGN_IN, ACCOUNT = "/sign-in", "/account"  # hosted pages


class ProviderNotFound(NotFound):
    code = "provider_not_found"
    detail = "This provider is not configured. GET /api/v1/auth/sso lists those that are."


class SsoDenied(Unauthorized):
    code = "sso_denied"
    detail = "You have not signed in at the provider, or not agreed. Start again if you want to."


class Listed(NamedTuple):
    """A provider as it is offered."""

    provider: str
    name: str
    authorize_url: str


class Landing(NamedTuple):
    """Where a browser goes on, and the error that it brings there, if it does."""

    address: str
    error: ApiError | None = None


def listed() -> list[Listed]:
    """The providers that are configured."""
    start = f"{current_app.settings.public_url}{API_PREFIX}/auth/sso"
    return [Listed(id_, provider.name, f"{start}/{id_}/authorize") for id_, provider in current_app.providers.items()]


def begin(provider_id: str, return_to: str | None, code_challenge: str | None, browser_hash: bytes) -> Landing:
    """Send somebody to a provider, to sign in.

    Args:
        provider_id: of a provider that is configured.
        return_to: where the code is sent to, an address of SSO_RETURN_TO. None: to the hosted sign-in page.
        code_challenge: S256, of the code_verifier that the exchange will have (RFC 7636).
        browser_hash: of the browser that is sent.

    Raises:
        ProviderNotFound.
        ValidationFailed: `return_to` is not allowed, or needs a `code_challenge`.
    """
    provider = _provider(provider_id)
    _require_allowed(return_to, code_challenge)
    request = states.make(provider_id)
    try:
        address = provider.authorization_url(request.exchange)
    except ProviderUnavailable as failure:
        return landing_of(failure, return_to)
    states.store(request, provider_id, browser_hash, return_to=return_to, code_challenge=code_challenge)
    return Landing(address)


def begin_link(actor: Actor, provider_id: str, browser_hash: bytes) -> str:
    """Send the caller to a provider, to link an identity. Afterwards the browser goes to the account page.

    Returns:
        the address at the provider.

    Raises:
        ProviderNotFound, ProviderUnavailable.
        Stale: as `locks.lock_account`.
    """
    provider = _provider(provider_id)
    request = states.make(provider_id)
    with transaction.paused():
        address = provider.authorization_url(request.exchange)
    locks.lock_account(actor)
    states.store(request, provider_id, browser_hash, actor=actor)
    return address


def receive(
    provider_id: str,
    browser_hash: bytes | None,
    *,
    state: str | None,
    code: str | None,
    error: str | None,
    iss: str | None,
) -> Landing:
    """Take the answer of a provider. The browser goes on with a code for a session, or a linked identity, or an error.

    Args:
        provider_id: who answers.
        browser_hash: of the browser that brings it.
        state: of the answer, None where it has none, as all that follow.
        code: the authorization code.
        error: why there is none.
        iss: who says that he answers (RFC 9207).

    Raises:
        ProviderNotFound.
    """
    provider = _provider(provider_id)
    answered = states.use(provider_id, state, browser_hash)
    if answered is None:
        return landing_of(SsoFailed("no request from this browser waits for it"))
    try:
        if code is None:
            raise SsoDenied if error == "access_denied" else SsoFailed((error or "no code")[:100])
        person = provider.authenticate(answered.exchange, code, iss)
        if answered.user_id:
            _link(answered.user_id, answered.session_id, person)
            return Landing(f"{ACCOUNT}#{urlencode({'linked': provider_id})}")
        return Landing(_sign_in_address(answered.return_to, code=codes.issue(person, answered)))
    except (SsoFailed, SsoDenied, ProviderUnavailable, IdentityTaken, LimitReached) as failure:
        return landing_of(failure, answered.return_to, linking=answered.user_id is not None)


def landing_of(failure: ApiError, return_to: str | None = None, *, linking: bool = False) -> Landing:
    """Where a browser goes that cannot sign in, or link. The page gets the code of the error."""
    if linking:
        return Landing(f"{ACCOUNT}#{urlencode({'error': failure.code})}", failure)
    return Landing(_sign_in_address(return_to, error=failure.code), failure)


def exchange(
    code: str, code_verifier: str | None, browser_hash: bytes | None, device_token: str | None = None
) -> SignedIn:
    """Exchange the code of an answer for a session, once. A person who has no account gets one.

    Args:
        code: from `receive`.
        code_verifier: of the `code_challenge` that the request had, None where it had none.
        browser_hash: of this browser. A code without a `code_challenge` is for the one that was sent to the provider.
        device_token: as at every sign-in.

    Raises:
        InvalidSsoCode: it is not valid, or another request was first.
        LinkRequired, SsoEmailRequired, RegistrationClosed, EmailTaken, LimitReached: as `accounts.find_or_create`.
        InactiveAccount, WrongCredentials, MfaRequired: as `sessions.start`.
    """
    person = codes.use(code, code_verifier, browser_hash)
    found = accounts.find_or_create(person)
    device_id = known_devices.of_account(found.user_id, device_token)
    return sessions.start(found.user_id, FEDERATED, device_id=device_id, registering=found.is_new)


def _provider(provider_id: str) -> Provider:
    provider = current_app.providers.get(provider_id)
    if provider is None:
        raise ProviderNotFound
    return provider


def _require_allowed(return_to: str | None, code_challenge: str | None) -> None:
    """Pass if a code may go to this address.

    Raises:
        ValidationFailed: it is none of SSO_RETURN_TO, or of another origin and without a `code_challenge`: whoever has
            the cookie of this origin need not be whoever gets the code there.
    """
    settings = current_app.settings
    if return_to is None:
        return
    if return_to not in settings.sso_return_to:
        raise ValidationFailed(
            errors={"query": {"return_to": ["Give one of the addresses of SSO_RETURN_TO, exactly."]}}
        )
    if code_challenge is None and origin_of(return_to) != origin_of(settings.public_url):
        raise ValidationFailed(errors={"query": {"code_challenge": ["Give one: return_to has another origin."]}})


def _link(user_id: UUID, session_id: UUID | None, person: Person) -> None:
    """Link an identity to the account that has asked for it.

    Raises:
        IdentityTaken, LimitReached: as `identities.link`.
        Stale: the session has ended. The answer is taken again, which then fails, because its state is used.
    """
    signed_in = Actor(id=user_id, type=ActorType.USER, session_id=session_id)
    locks.lock_account(signed_in)
    user = locks.lock_user(User.id == user_id)
    if user is None:
        raise Stale("the account was deleted meanwhile")
    identities.link(user, person)


def _sign_in_address(return_to: str | None, **parameters: str) -> str:
    """The address with what a browser brings. Ours has it behind the #, which no server logs."""
    return f"{return_to}?{urlencode(parameters)}" if return_to else f"{SIGN_IN}#{urlencode(parameters)}"
