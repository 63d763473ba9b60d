"""The guard of routes for other services, which ask with a service key."""

from __future__ import annotations

import hmac

from flask import request

from authapp.core.enums import ServiceRight
from authapp.core.errors import InvalidToken, MissingToken
from authapp.core.logging import log_context
from authapp.decorators.authentication import bearer_token
from authapp.decorators.guard import Guard, guard
from authapp.services import service_keys
from authapp.services.service_keys import InvalidServiceKey, MissingServiceKey, RightMissing
from authapp.web.application import current_app

SERVICE_ERRORS = (MissingServiceKey, InvalidServiceKey, RightMissing)


def require_service_key(right: ServiceRight, *, or_metrics_token: bool = False) -> Guard:
    """A service key with this right may call. It acts for no account: `current_actor` is not set.

    Args:
        right: one that the operator has given the key.
        or_metrics_token: METRICS_TOKEN serves as well, also while the database is away.
    """
    return guard(
        f"require_service_key({right}{', or_metrics_token' if or_metrics_token else ''})",
        lambda ids: check_service_key(right, or_metrics_token=or_metrics_token),
        *SERVICE_ERRORS,
    )


def check_service_key(right: ServiceRight, *, or_metrics_token: bool = False) -> None:
    """Look the service key of the request up, for a guard.

    Raises:
        the errors of `SERVICE_ERRORS`.
    """
    presented = presented_credential()
    expected = current_app.settings.metrics_token if or_metrics_token else None
    if expected and hmac.compare_digest(presented.encode(), expected.encode()):
        return
    found = service_keys.require(presented, right)
    log_context().update(service_key_id=str(found.id))


def presented_credential() -> str:
    """The token of Bearer, or the password of Basic (RFC 7617), whatever the name with it.

    Raises:
        MissingServiceKey: none was sent.
        InvalidServiceKey: the header is malformed.
    """
    scheme = request.headers.get("Authorization", "").strip().partition(" ")[0].lower()
    if scheme == "basic":
        password = request.authorization.password if request.authorization else None
        if password is None:
            raise InvalidServiceKey("malformed Basic credentials")
        return password
    try:
        return bearer_token()
    except MissingToken:
        raise MissingServiceKey from None
    except InvalidToken as error:
        raise InvalidServiceKey(error.reason) from None
