"""The security headers of every response."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_cors import CORS

from authapp.config import Settings
from authapp.core.request_context import request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NO_SOURCES = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

DEFAULTS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": NO_SOURCES,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def security_headers(settings: Settings) -> dict[str, str]:
    """The headers of a reply that sets none of its own."""
    if settings.public_url.startswith("https://"):
        return {**DEFAULTS, "Strict-Transport-Security": "max-age=63072000; includeSubDomains"}
    return DEFAULTS


def init_headers(app: Flask, settings: Settings) -> None:
    """Add the security headers to every reply; a view may set its own value first."""
    if settings.cors_origins:
        CORS(
            app,
            origins=[re.compile(re.escape(origin) + r"\Z") for origin in settings.cors_origins],  # exactly these
            allow_headers=["Authapp-Client", "Authorization", "Content-Type", "traceparent", "X-Request-ID"],
            expose_headers=["RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Request-ID"],
            supports_credentials=True,  # the cookies of browser mode
            max_age=600,  # seconds
            always_send=False,  # nothing to a request without an Origin
            vary_header=False,  # flask-cors leaves it out where a single origin is listed
        )
    vary = [("Vary", "Origin")] if settings.cors_origins else []
    defaults = {name.lower(): (name, value) for name, value in security_headers(settings).items()}
    serve = app.wsgi_app

    def serve_with_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ.pop("HTTP_UPGRADE", None)  # not offered here (RFC 9110 section 7.8); werkzeug would answer 405

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            own = {name.lower() for name, _ in headers}
            added = [header for name, header in defaults.items() if name not in own]
            if status.startswith("204"):
                headers = [header for header in headers if header[0] != "Content-Type"]
            identified = [] if "x-request-id" in own else [("X-Request-ID", request_id())]
            return start_response(status, [*headers, *added, *vary, *identified], *error)

        return serve(environ, start)

    # Around Flask, not in a hook of it: werkzeug would look into each of these constants twice for every reply.
    app.wsgi_app = serve_with_headers  # type: ignore[method-assign]
