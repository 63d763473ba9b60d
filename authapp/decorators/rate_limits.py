"""Rate limits: one table of routes, counted for each client network before the guard of the route."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from flask import Response, after_this_request, request

from authapp.config import Settings
from authapp.core import clock
from authapp.core.errors import ApiError
from authapp.core.metrics import RATE_LIMITED
from authapp.core.request_context import client_network
from authapp.db.counters import Counters
from authapp.web.application import Application, current_app
from authapp.web.blueprint import mark_limited
from authapp.web.openapi import API_PREFIX, routes

RATE_LIMITS = {
    "POST /auth/register": "300 per hour",
    "POST /auth/login": "120 per minute",
    "POST /auth/refresh": "600 per minute",
    "POST /auth/login/mfa": "60 per minute",
    "POST /auth/login/mfa/passkey": "60 per minute",
    "POST /auth/login/passkey/options": "240 per minute",
    "POST /auth/login/passkey": "120 per minute",
    "POST /auth/reauthenticate": "30 per minute",
    "POST /auth/introspect": "60000 per minute",
    "GET /auth/sso/<provider>/authorize": "60 per minute",
    "GET /auth/sso/<provider>/callback": "60 per minute",
    "POST /auth/sso/exchange": "60 per minute",
    "POST /auth/identities/<provider>/link": "30 per minute",
    "DELETE /auth/identities/<identity_id>": "30 per minute",
    "POST /auth/password/forgot": "30 per hour",
    "POST /auth/password/reset": "30 per minute",
    "POST /auth/password/change": "30 per minute",
    "POST /auth/email/verify": "60 per minute",
    "POST /auth/email/resend": "30 per hour",
    "POST /auth/email/change": "30 per hour",
    "POST /auth/email/undo": "30 per minute",
    "DELETE /auth/me": "10 per minute",
    "GET /auth/me/export": "20 per hour",
    "POST /auth/mfa/totp": "30 per minute",
    "POST /auth/mfa/totp/confirm": "30 per minute",
    "DELETE /auth/mfa/totp": "30 per minute",
    "POST /auth/mfa/recovery-codes": "30 per minute",
    "POST /auth/passkeys/options": "30 per minute",
    "POST /auth/passkeys": "30 per minute",
    "DELETE /auth/passkeys/<passkey_id>": "30 per minute",
    "POST /organizations/<organization_id>/invitations": "60 per minute",
    "POST /organizations/<organization_id>/invitations/<invitation_id>/resend": "60 per hour",
    "POST /invitations/preview": "60 per minute",
    "POST /invitations/accept": "60 per minute",
    "POST /invitations/decline": "60 per minute",
    "POST /organizations/<organization_id>/api-keys": "30 per minute",
    "POST /organizations/<organization_id>/api-keys/<api_key_id>/rotate": "30 per minute",
    "POST /organizations/<organization_id>/trusted-identities": "30 per minute",
    "POST /auth/token": "600 per minute",
    "POST /operator/outbox/<message_id>/retry": "60 per minute",
}
"""The limit of each route below /api/v1, for each client network. The same table is in docs/rate-limits.md."""

_FORM = re.compile(r"(\d+) per (\w+)")
WINDOWS = {"minute": 60, "hour": 3600, "day": 86400}  # seconds
_COUNTERS = "authapp.counters"


class UnknownRoute(RuntimeError):
    """The table has a limit for a route that does not exist."""


class RateLimited(ApiError):
    status = 429
    code = "rate_limited"
    detail = "Too many requests from your network. Try again after the seconds that Retry-After names."
    retry_after = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of a route: so many requests in a time window.

    Attributes:
        name: of the view, and of the policy in the headers.
        amount: how many requests.
        seconds: how long the window lasts. Windows begin at multiples of it since 1970, in all processes alike.
    """

    name: str
    amount: int
    seconds: int

    def count(self, counters: Counters) -> None:
        """Count this request, and put the headers of draft-ietf-httpapi-ratelimit-headers-10 on its response.

        Raises:
            RateLimited: it is one too many.
        """
        window, passed = divmod(clock.now().timestamp(), self.seconds)
        count = counters.add(self.name, client_network(), int(window), self.seconds)
        reset = math.ceil(self.seconds - passed)

        @after_this_request
        def add_headers(response: Response) -> Response:
            response.headers.add("RateLimit-Policy", f'"{self.name}";q={self.amount};w={self.seconds}')
            response.headers.add("RateLimit", f'"{self.name}";r={max(0, self.amount - count)};t={reset}')
            return response

        if count > self.amount:
            RATE_LIMITED.labels(self.name).inc()
            raise RateLimited(retry_after=reset)


def init_rate_limits(app: Application, settings: Settings) -> None:
    """Document the limits of the table and, unless RATE_LIMITS is off, count the requests of its routes.

    Raises:
        UnknownRoute: naming the lines of the table that limit nothing.
    """
    limits = _limits_by_endpoint(app)
    if settings.rate_limits == "off":
        return
    counters = app.extensions[_COUNTERS] = Counters(settings.redis_url)

    @app.before_request
    def count_request() -> None:
        limit = limits.get(request.endpoint or "")
        if limit and request.method != "OPTIONS":  # which Flask answers, at the endpoint of the view
            limit.count(counters)


def redis_status() -> dict[str, str]:
    """Whether the Redis that counts is `up` or `away`. Empty where there is none."""
    counters: Counters | None = current_app.extensions.get(_COUNTERS)
    status = counters.redis_status() if counters else None
    return {"redis": status} if status else {}


def _limits_by_endpoint(app: Application) -> dict[str, Limit]:
    waiting, found = dict(RATE_LIMITS), {}
    for rule, method, view in routes(app):
        text = waiting.pop(f"{method} {rule.rule.removeprefix(API_PREFIX)}", None)
        if text:
            mark_limited(view, text, RateLimited)
            found[rule.endpoint] = _limit(rule.endpoint.rpartition(".")[2], text)
    if waiting:
        raise UnknownRoute(f"RATE_LIMITS has limits for routes that do not exist: {', '.join(waiting)}")
    return found


def _limit(name: str, text: str) -> Limit:
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"not a rate limit: {text}")
    return Limit(name, int(match[1]), WINDOWS[match[2]])
