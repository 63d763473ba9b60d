"""Claims that an application adds to its access tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from authapp.core.actor import UserRecord

LARGEST = 1024  # bytes of JSON, so that a token stays below `lengths.JWT`

# Claims of authapp, those that RFC 7519, 7662, 8693, 9068 and OpenID Connect give a meaning, and roles, which are
# read from the database on each request.
RESERVED = {
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "typ", "type", "sid", "auth_time", "amr", "acr", "azp",
    "nonce", "cnf", "act", "may_act", "scope", "scp", "client_id", "active", "token_type", "username", "actor_type",
    "organization_id", "role", "roles", "permissions", "groups", "entitlements",
}  # fmt: skip


class TokenSubject(NamedTuple):
    """For whom an access token is issued: a session and its account."""

    user_id: UUID
    session_id: UUID
    account: UserRecord
    auth_time: datetime
    amr: list[str]


ClaimsFunction = Callable[[TokenSubject], Mapping[str, Any]]


class WrongClaims(RuntimeError):
    """The function for claims has returned what cannot be in a token."""


def checked(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The claims, if a token can have them.

    Raises:
        WrongClaims: saying why not.
    """
    if not isinstance(claims, Mapping) or not all(isinstance(name, str) for name in claims):
        raise WrongClaims("The function for claims has to return a dict with strings as names.")
    if taken := sorted(RESERVED & claims.keys()):
        raise WrongClaims(f"The function for claims may not return {', '.join(taken)}: choose other names.")
    try:
        size = len(json.dumps(dict(claims), allow_nan=False, separators=(",", ":")))
    except (TypeError, ValueError, RecursionError) as error:
        raise WrongClaims(f"The function for claims has returned what is not JSON: {error}") from None
    if size > LARGEST:
        raise WrongClaims(f"The function for claims has returned {size} bytes of JSON, more than {LARGEST}.")
    return dict(claims)
