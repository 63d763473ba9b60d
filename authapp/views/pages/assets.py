"""What the pages load: scripts, the stylesheet, the texts for scripts, the logo of the operator."""

from __future__ import annotations

import json
from pathlib import Path

from flask import Blueprint, Response, request, send_file, send_from_directory

from authapp.core.errors import NotFound
from authapp.decorators.guards import public
from authapp.views.pages.texts import languages, texts
from authapp.web.application import current_app

FOLDER = Path(__file__).parents[2] / "static" / "pages"
REVALIDATED = "no-cache"  # by its entity tag, so that no page loads files of another version
FOR_SCRIPTS = ("script", "errors", "fields", "actions", "details")  # the sections that scripts use

bp = Blueprint("page_assets", __name__, url_prefix="/pages")


@bp.get("/<filename>")
@public
def page_asset(filename: str) -> Response:
    """Give a script or the stylesheet."""
    response = send_from_directory(FOLDER, filename)
    response.headers["Cache-Control"] = REVALIDATED
    return response


@bp.get("/texts/<language>.js")
@public
def page_texts(language: str) -> Response:
    """Give the texts that scripts show, as a module."""
    if language not in languages():
        raise NotFound
    found = {section: texts(language)[section] for section in FOR_SCRIPTS}
    response = Response(f"export default {json.dumps(found)};\n", content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = REVALIDATED
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.get("/logo")
@public
def page_logo() -> Response:
    """Give the logo of the operator."""
    path = current_app.settings.operator_logo
    if path is None:
        raise NotFound
    response = send_file(Path(path).absolute())
    response.headers["Cache-Control"] = REVALIDATED
    return response
