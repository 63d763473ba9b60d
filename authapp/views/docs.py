"""The OpenAPI document, and Swagger UI to explore it. Everything is served from here: the page works offline."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import flask_swagger_ui
from flask import Blueprint, Response, jsonify, redirect, render_template, request, send_from_directory

from authapp.decorators.guards import public
from authapp.web.application import current_app
from authapp.web.openapi import API_PREFIX, served_document

SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
OPENAPI_URL = f"{API_PREFIX}/openapi.json"
START = {"docs": "/docs", "openapi": OPENAPI_URL, "health": "/healthz", "ready": "/readyz"}
PUBLIC_FOR_A_WHILE = "public, max-age=300"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

bp = Blueprint("docs", __name__)


@bp.get("/")
@public
def index() -> Response:
    """Say where to start: browsers go to the docs page, programs get addresses."""
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        response = cast("Response", redirect("/docs"))
    else:
        response = jsonify(START)
    response.vary.add("Accept")
    return response


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


@bp.get("/docs", strict_slashes=False)
@public
def docs() -> Response:
    """Show the document in Swagger UI."""
    response = _file("docs.html", "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


@bp.get("/docs/start.js")
@public
def docs_start() -> Response:
    """Start Swagger UI. A file of its own, because the policy allows no inline script."""
    return _file("docs.js", "text/javascript")


@bp.get("/docs/page.css")
@public
def docs_style() -> Response:
    """Give the styles that Swagger UI lacks: it overflows on a narrow screen."""
    return _file("docs.css", "text/css")


@bp.get("/docs/assets/<filename>")
@public
def docs_asset(filename: str) -> Response:
    """Give one of Swagger UI's own files."""
    return send_from_directory(SWAGGER_UI, filename, max_age=86400)


def _file(template: str, content_type: str) -> Response:
    response = Response(render_template(template, openapi_url=OPENAPI_URL), content_type=content_type)
    response.headers["Cache-Control"] = PUBLIC_FOR_A_WHILE
    return response
