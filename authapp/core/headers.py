"""The headers that every reply carries."""

from __future__ import annotations

from http.client import NO_CONTENT

from flask import Flask, Response
from flask_cors import CORS

from authapp.core.requests import request_id
from config import Settings

NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

DEFAULTS = {
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
    if settings.cors_origins:
        CORS(
            app,
            origins=list(settings.cors_origins),
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["Retry-After", "WWW-Authenticate", "X-Request-ID"],
            max_age=600,  # seconds
        )
    defaults = dict(DEFAULTS)
    if settings.public_url.startswith("https://"):
        defaults["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    @app.after_request
    def add_headers(response: Response) -> Response:
        own = {name.lower() for name, _ in response.headers}
        response.headers.extend((name, value) for name, value in defaults.items() if name.lower() not in own)
        if response.status_code == NO_CONTENT:
            del response.headers["Content-Type"]
        response.headers["X-Request-ID"] = request_id()
        return response
