"""The application factory."""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.middleware.proxy_fix import ProxyFix

from authapp.commands import init_commands
from authapp.core.application import Application
from authapp.core.extensions import init_database
from authapp.core.headers import init_headers
from authapp.core.logging import init_logging
from authapp.core.mail import init_mail
from authapp.core.openapi import API_PREFIX, Blueprint, init_openapi
from authapp.core.problems import init_problems
from authapp.core.strict import LARGEST_BODY
from authapp.security.opaque import init_opaque
from authapp.security.passwords import passwords
from authapp.security.sealing import init_sealing
from authapp.security.tokens import tokens
from authapp.views import accounts, api_keys, docs, invitations, members, organizations, sessions, system
from config import Settings, read_settings

STORIES = (accounts, sessions, organizations, members, invitations, api_keys)


def create_app(settings: Settings | None = None, blueprints: Iterable[Blueprint] = ()) -> Application:
    """Assemble the application.

    Args:
        settings: default: the environment's.
        blueprints: your own, served below `/api/v1` and part of the OpenAPI document.

    Raises:
        UnsafeSettings: naming every setting that cannot be served with.
        UnguardedRoute: naming the first route without a guard.
        TakenRoute: naming the first route that repeats another.
    """
    settings = settings or read_settings()
    app = Application(settings)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY + 1  # one byte more tells that there is more
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]

    init_headers(app, settings)
    init_logging(app, settings)
    init_problems(app)
    init_database(app, settings)
    passwords.init_app(app, settings)
    tokens.init_settings(app, settings)
    init_opaque(app, settings)
    init_sealing(app, settings)
    init_mail(app, settings)

    api = init_openapi(app)
    for blueprint in (*(story.bp for story in STORIES), *blueprints):
        api.register_blueprint(blueprint, url_prefix=f"{API_PREFIX}{blueprint.url_prefix or ''}")
    api.register_blueprint(system.bp)
    app.register_blueprint(docs.bp)
    init_commands(app)
    return app
