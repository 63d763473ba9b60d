"""The guard of `GET /metrics`."""

from __future__ import annotations

import hmac

from authapp.core.errors import InvalidToken, MissingToken
from authapp.decorators.authentication import bearer_token
from authapp.decorators.guard import Guard, PathIds, guard
from authapp.web.application import current_app


def check_metrics_token(ids: PathIds) -> None:
    """Pass if the bearer token is METRICS_TOKEN. Where that is not set, nothing passes.

    Raises:
        MissingToken, InvalidToken: it is not.
    """
    expected, presented = current_app.settings.metrics_token, bearer_token()
    if not expected or not hmac.compare_digest(presented.encode(), expected.encode()):
        raise InvalidToken("not METRICS_TOKEN")


require_metrics_token: Guard = guard("require_metrics_token", check_metrics_token, MissingToken, InvalidToken)
"""A monitoring system may call, with METRICS_TOKEN."""
