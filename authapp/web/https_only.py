"""Requests that have come to a trusted proxy in plain HTTP, where PUBLIC_URL is https."""

from __future__ import annotations

from collections.abc import Set
from urllib.parse import quote

from flask import Flask, Response, redirect, request

from authapp.config import Settings
from authapp.core.errors import Forbidden

ANSWERED = ("/healthz", "/readyz")  # for health checks inside of the network
_PATH, _QUERY = "/:@!$&'()*+,;=~", "/:@!$&'()*+,;=~?%"  # RFC 3986 section 3: what stays as it is


class HttpsRequired(Forbidden):
    code = "https_required"
    detail = "Send this over HTTPS. Others may have read what was sent: replace the credentials that were in it."


def init_https_only(app: Flask, settings: Settings, pages: Set[str]) -> None:
    """Redirect to HTTPS whoever opens a page, and refuse the rest: a redirect would take credentials along unnoticed.

    A request that no proxy has forwarded, inside of the network, is served as it comes.

    Args:
        app: the application.
        settings: only in production, behind a proxy, with a PUBLIC_URL that is https.
        pages: the names of the blueprints that browsers open.
    """
    if not (settings.in_production and settings.trusted_proxies and settings.public_url.startswith("https://")):
        return

    @app.before_request
    def require_https() -> Response | None:
        came_in_plain = request.scheme.lower() != "https" and "X-Forwarded-Proto" in request.headers
        if not came_in_plain or request.path in ANSWERED:
            return None
        is_read = request.method in ("GET", "HEAD") and "Authorization" not in request.headers
        if is_read and request.blueprint in pages:
            return redirect(f"{settings.public_url}{_target()}", 308)  # type: ignore[return-value]
        raise HttpsRequired


def _target() -> str:
    query = quote(request.query_string, _QUERY)
    return quote(request.path, _PATH) + (f"?{query}" if query else "")
