"""Requests that were sent to a provider. Each is answered once, in the browser that was sent there."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.actor import Actor
from authapp.db import transaction
from authapp.models import SsoState
from authapp.providers.provider import Exchange
from authapp.web.application import current_app
from authapp.web.openapi import API_PREFIX

PREFIX = "st"
LIFETIME = timedelta(minutes=10)

# A transaction of its own: the state is used whatever the provider answers, and no connection is held meanwhile.
_USE = transaction.compiled(
    delete(SsoState)
    .where(
        SsoState.id == bindparam("state_id"),
        SsoState.token_hash == bindparam("digest"),
        SsoState.provider == bindparam("provider"),
        SsoState.browser_hash == bindparam("browser_hash"),
        SsoState.expires_at > bindparam("now"),
    )
    .returning(SsoState.return_to, SsoState.code_challenge, SsoState.user_id, SsoState.session_id)
)


class Request(NamedTuple):
    """A request to a provider that is not stored yet."""

    id: UUID
    token_hash: bytes
    exchange: Exchange


class Answered(NamedTuple):
    """A request that is answered now."""

    exchange: Exchange
    browser_hash: bytes
    return_to: str | None
    code_challenge: str | None
    user_id: UUID | None
    session_id: UUID | None


def make(provider_id: str) -> Request:
    """A request to a provider."""
    state_id = uuid7()
    token, token_hash = current_app.opaque_tokens.make(PREFIX, state_id)
    return Request(state_id, token_hash, _exchange(provider_id, token))


def store(
    request: Request,
    provider_id: str,
    browser_hash: bytes,
    *,
    return_to: str | None = None,
    code_challenge: str | None = None,
    actor: Actor | None = None,
) -> None:
    """Let a request wait for its answer.

    Args:
        request: to be stored.
        provider_id: who may answer.
        browser_hash: of the browser that is sent to the provider.
        return_to: where the browser goes afterwards. None: to a page of ours.
        code_challenge: of whoever will exchange the code (RFC 7636).
        actor: the account that links an identity. None: somebody signs in.
    """
    transaction.execute(
        insert(SsoState).values(
            id=request.id,
            provider=provider_id,
            token_hash=request.token_hash,
            browser_hash=browser_hash,
            return_to=return_to,
            code_challenge=code_challenge,
            user_id=actor and actor.id,
            session_id=actor and actor.session_id,
            expires_at=clock.now() + LIFETIME,
        )
    )


def use(provider_id: str, state: str | None, browser_hash: bytes | None) -> Answered | None:
    """Use the state of an answer, once. None: no request to this provider from this browser waits for it."""
    presented = current_app.opaque_tokens.read(state, PREFIX) if state else None
    if state is None or presented is None or browser_hash is None:
        return None
    parameters = {
        "state_id": presented.id,
        "digest": presented.digest,
        "provider": provider_id,
        "browser_hash": browser_hash,
        "now": clock.now(),
    }
    row = transaction.fetch_autocommit(_USE, parameters)
    return Answered(_exchange(provider_id, state), browser_hash, *row) if row else None


def _exchange(provider_id: str, state: str) -> Exchange:
    """What follows from the state: nonce and code_verifier are keyed hashes of it, so that no row has to keep them."""
    digests = current_app.digests
    redirect_uri = f"{current_app.settings.public_url}{API_PREFIX}/auth/sso/{provider_id}/callback"
    return Exchange(redirect_uri, state, digests.sso("nonce", state), digests.sso("code_verifier", state))
