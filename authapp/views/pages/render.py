"""A page as it is answered: a template in `templates/pages/`, in the language of the reader."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from authapp.security.password_policy import SHORTEST
from authapp.views.pages.texts import preferred_language, texts
from authapp.web.application import current_app
from authapp.web.openapi import API_PREFIX

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("authapp", "templates/pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _providers() -> list[dict[str, str]]:
    """The providers to sign in with, and where each begins."""
    start = f"{API_PREFIX}/auth/sso"
    return [
        {"id": id_, "label": provider.name, "href": f"{start}/{id_}/authorize"}
        for id_, provider in current_app.providers.items()
    ]


def page(name: str, **context: Any) -> Response:
    """Render `NAME.html`, which loads the script `NAME.js`."""
    settings, language = current_app.settings, preferred_language()
    html = (
        _environment()
        .get_template(f"{name}.html")
        .render(
            script=name.replace("_", "-"),
            language=language,
            t=texts(language),
            operator=settings.operator_name,
            has_logo=settings.operator_logo is not None,
            app_address=settings.frontend_url,
            registration=settings.registration_mode,
            password_policy=settings.password_policy,
            shortest_password=SHORTEST[settings.password_policy],
            providers=_providers(),
            roles=current_app.roles[::-1],
            permissions=current_app.permissions,
            front_ends=" ".join(current_app.passkeys.origins),  # the same origins are trusted with passkeys
            **context,
        )
    )
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return response
