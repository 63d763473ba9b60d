"""What OAuth 2 has in common, with OpenID Connect and without: the way to a provider, and the tokens that it gives."""

from __future__ import annotations

import re
from typing import Any

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from authapp.providers.fetch import Answer
from authapp.providers.provider import Exchange, ProviderUnavailable, SsoFailed

_ACCESS_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")  # RFC 6749 appendix A.12, as a header may have it


def authorization_url(endpoint: str, client_id: str, scope: str, exchange: Exchange, **parameters: str) -> str:
    """Where a person is sent to, with PKCE (RFC 7636).

    Args:
        endpoint: the authorization endpoint.
        client_id: ours.
        scope: what is asked for.
        exchange: what binds the answer to the request.
        parameters: further ones of the protocol.
    """
    address: str = prepare_grant_uri(
        endpoint,
        client_id,
        "code",
        exchange.redirect_uri,
        scope,
        exchange.state,
        **parameters,
        code_challenge=create_s256_code_challenge(exchange.code_verifier),
        code_challenge_method="S256",
    )
    return address


def tokens_of(answer: Answer) -> dict[str, Any]:
    """The tokens that a token endpoint gives, with an access token for a header (RFC 6749 section 5).

    Raises:
        ProviderUnavailable: the answer is not JSON.
        SsoFailed: it refuses the code.
    """
    tokens = answer.json()  # no more of it is logged than the error: it may have tokens
    if not isinstance(tokens, dict):
        raise ProviderUnavailable("the token endpoint gives no JSON object")
    if answer.is_error or "error" in tokens:  # GitHub has it with status 200
        raise SsoFailed(f"the token endpoint refuses the code: {answer.status} {tokens.get('error')!a:.200}")
    access_token = tokens.get("access_token")
    if not isinstance(access_token, str) or not _ACCESS_TOKEN.fullmatch(access_token):
        raise SsoFailed("the token endpoint gives no access token")
    return tokens


def bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}"}
