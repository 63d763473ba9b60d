"""The answer to an unknown address: a page for a browser, else the problem document."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound as NoSuchRoute

from authapp.core.errors import NotFound
from authapp.views.pages.render import page
from authapp.web.openapi import API_PREFIX
from authapp.web.problems import prefers_html, problem_response

bp = Blueprint("not_found", __name__)


@bp.app_errorhandler(NoSuchRoute)
def answer_no_such_route(_: NoSuchRoute) -> Response:
    """Show a page where HTML is preferred, except below `/api/v1`."""
    response = problem_response(NotFound())
    if not request.path.startswith(f"{API_PREFIX}/"):
        if prefers_html():
            response = page("not_found")
            response.status_code = NotFound.status
        response.vary.add("Accept")
    return response
