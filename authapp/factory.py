"""The application factory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from types import MappingProxyType

from werkzeug.middleware.proxy_fix import ProxyFix

from authapp import __version__
from authapp.cli import init_cli
from authapp.cli.doctor import report_unsafe
from authapp.config import Settings, UnsafeSettings, read_settings
from authapp.core.claims import ClaimsFunction
from authapp.core.enums import actions
from authapp.core.error_reports import init_error_reports
from authapp.core.hooks import Hook, by_action
from authapp.core.roles import ROLES
from authapp.db.engine import init_database
from authapp.decorators.rate_limits import init_rate_limits
from authapp.mail.transports import mailer_of
from authapp.schemas.emails import accept_local_addresses
from authapp.schemas.fields import Request
from authapp.views import (
    accounts,
    api_keys,
    checks,
    docs,
    email_addresses,
    identities,
    introspection,
    invitations,
    members,
    mfa,
    operator,
    organizations,
    passkeys,
    passwords,
    revocations,
    sessions,
    sso,
    system,
    trusted_identities,
    webhooks,
)
from authapp.views.pages import assets, not_found, routes
from authapp.web.application import Application, read_request
from authapp.web.blueprint import Blueprint
from authapp.web.headers import init_headers
from authapp.web.https_only import init_https_only
from authapp.web.jwt_extended import init_jwt_extended
from authapp.web.openapi import API_PREFIX, TITLE, init_openapi
from authapp.web.openapi_application import add_profile
from authapp.web.parsing import LARGEST_BODY
from authapp.web.problems import init_problems
from authapp.web.request_log import init_request_log

FEATURES = (
    accounts, sessions, mfa, passkeys, sso, identities, passwords, email_addresses, organizations, members, invitations,
    api_keys, trusted_identities, introspection, revocations, checks, operator, webhooks,
)  # fmt: skip
PAGES = (docs.bp, assets.bp, routes.bp)  # what browsers open


def create_app(  # noqa: PLR0913  one for each thing that an application declares
    settings: Settings | None = None,
    blueprints: Iterable[Blueprint] = (),
    *,
    title: str = TITLE,
    version: str = __version__,
    hooks: Iterable[Hook] = (),
    claims: ClaimsFunction | None = None,
    profile: type[Request] | None = None,
    roles: Iterable[str] = ROLES,
    permissions: Mapping[str, str] = MappingProxyType({}),
    migrations: str | PathLike[str] | None = None,
) -> Application:
    """Assemble the application.

    Args:
        settings: default: the environment's.
        blueprints: your own, served below `/api/v1` and part of the OpenAPI document.
        title: of your own API, in the OpenAPI document. Default: authapp's, with its license and contact.
        version: of your own API, in the OpenAPI document. Default: authapp's.
        hooks: functions with `@on`, called in the transaction of an event.
        claims: a function that gives further claims for access tokens.
        profile: a schema of further fields of accounts.
        roles: all of them, from the lowest to the highest: `viewer` first, `admin` last, `developer` among them.
        permissions: names for `require_permission`, each with the lowest role that holds it.
        migrations: the folder of your own, a branch beside authapp's. Default: they stand among authapp's, in a clone.

    Raises:
        UnsafeSettings: naming every setting that must be changed first.
        UnguardedRoute: naming the first route without a guard.
        TakenRoute: naming the first route that repeats another.
        TakenName: naming the first view, or the schema, that has the name of another.
        InvalidDeclaration: naming the first role or permission that cannot be declared.
        UndeclaredName: naming the first route whose guard needs a role or permission that is not declared.
        WrongHook: naming the first hook that would never be called.
        UnknownRoute: naming the rate limits of routes that do not exist.
        NotADirectoryError: if the folder of migrations does not exist.
    """
    try:
        settings = settings or read_settings()
    except UnsafeSettings as error:
        report_unsafe(error.problems)
        raise
    app = Application(settings, roles, permissions)
    app.hooks, app.claims = by_action(hooks, actions()), claims
    _init(app, settings, migrations)
    api = init_openapi(app, title, version)
    for blueprint in (*(feature.bp for feature in FEATURES), *blueprints):
        api.register_blueprint(blueprint, url_prefix=f"{API_PREFIX}{blueprint.url_prefix or ''}")
    api.register_blueprint(checks.authzen)
    api.register_blueprint(system.bp)
    if profile:
        app.profile = profile()
        add_profile(api.spec, profile)
    for pages in (*PAGES, not_found.bp):
        app.register_blueprint(pages)
    init_rate_limits(app, settings)
    init_error_reports(app, settings, version)
    init_cli(app)
    return app


def _init(app: Application, settings: Settings, migrations: str | PathLike[str] | None) -> None:
    """Set up everything around the routes."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY + 1  # one byte more tells that there is more
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]

    if settings.app_env == "development":
        accept_local_addresses()

    init_headers(app, settings)
    init_request_log(app, settings)
    init_https_only(app, settings, {blueprint.name for blueprint in PAGES})
    app.before_request(read_request)
    init_problems(app)
    init_database(app, settings, migrations)
    init_jwt_extended(app)
    app.mailer = mailer_of(settings)
