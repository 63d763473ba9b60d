"""The headers that every reply carries."""

from __future__ import annotations

from flask import Flask, Response

from authapp.core.requests import request_id
from config import Settings

NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

_DEFAULTS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": NOTHING_LOADS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def init_headers(app: Flask, settings: Settings) -> None:
    """Add the security headers to every reply; a view may set its own value first."""
    defaults = dict(_DEFAULTS)
    if settings.public_url.startswith("https://"):
        defaults["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in defaults.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-ID"] = request_id() or "unknown"
        return response
