"""The OpenAPI document, and Swagger UI to explore it. Everything is served from here: the page works offline."""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, current_app, render_template, request, send_from_directory

from authapp.decorators.guards import public
from authapp.web.openapi import API_PREFIX, served_document

SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
OPENAPI_URL = f"{API_PREFIX}/openapi.json"
PUBLIC_FOR_A_WHILE = "public, max-age=300"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

bp = Blueprint("docs", __name__)


@bp.get(OPENAPI_URL)
@public
def openapi() -> Response:
    """Give the OpenAPI 3.1 document."""
    document, tag = served_document(current_app)
    response = Response(document, content_type="application/json")
    response.headers["Cache-Control"] = PUBLIC_FOR_A_WHILE
    response.set_etag(tag)
    response.make_conditional(request)
    return response


@bp.get("/docs")
@public
def docs() -> Response:
    """Show the document in Swagger UI."""
    response = Response(render_template("docs.html"), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["Cache-Control"] = PUBLIC_FOR_A_WHILE
    return response


@bp.get("/docs/start.js")
@public
def docs_start() -> Response:
    """Start Swagger UI. A file of its own, because the policy allows no inline script."""
    response = Response(render_template("docs.js", openapi_url=OPENAPI_URL), content_type="text/javascript")
    response.headers["Cache-Control"] = PUBLIC_FOR_A_WHILE
    return response


@bp.get("/docs/assets/<filename>")
@public
def docs_asset(filename: str) -> Response:
    """Give one of Swagger UI's own files."""
    return send_from_directory(SWAGGER_UI, filename, max_age=86400)
