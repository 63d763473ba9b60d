"""The application class: Flask, and no route without a guard, and one transaction for each request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import flask
from flask import Flask, Response, request

from authapp.config import Settings
from authapp.core.claims import ClaimsFunction
from authapp.core.email import Mailer
from authapp.core.errors import NotFound
from authapp.core.hooks import Hooks
from authapp.core.origins import origin_of
from authapp.core.permissions import declare_permissions
from authapp.core.request_context import client_is_connected
from authapp.core.roles import ROLES, declare_roles
from authapp.db import transaction
from authapp.providers.job_tokens import JobIssuers
from authapp.providers.registry import configured
from authapp.schemas.fields import Request as RequestSchema
from authapp.security.breached_passwords import BreachFile
from authapp.security.checkpoints import CheckpointKey
from authapp.security.digests import Digests
from authapp.security.encryption import Cipher
from authapp.security.opaque_tokens import OpaqueTokens
from authapp.security.passwords import Hasher
from authapp.security.tokens import Tokens
from authapp.security.webauthn import RelyingParty
from authapp.web.guard_marks import UnguardedRoute, require_guard
from authapp.web.key_store import KeyStore
from authapp.web.parsing import buffer_body

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


_DOUBLE_SLASH = re.compile(r"(?:[^/]+://[^/]*)?//")  # at the start of a path, which may come behind a scheme and host


class TakenRoute(RuntimeError):
    """A route was registered a second time."""


class TakenName(RuntimeError):
    """Two views, or two schemas, have the same name in the OpenAPI document."""


class Application(Flask):
    """The Flask application. Other blueprints may be registered on it at any time: the promises hold for them too.

    Attributes:
        settings: what it was made with.
        keys: holds the keys of this process.
        hasher: hashes and verifies passwords.
        checkpoint_key: signs the checkpoints of the audit log.
        passkeys: makes the options for passkeys, and judges their answers.
        breach_file: the passwords that were leaked, None where PASSWORD_BREACH_FILE is not set.
        providers: with which people may sign in, by their ids.
        job_issuers: whose tokens for jobs organizations accept.
        mailer: sends emails, None where MAIL_URL is not set.
        roles: from the lowest to the highest.
        permissions: those that are declared, with the lowest role that holds each.
        hooks: the functions that are called for events, by action.
        claims: gives further claims for access tokens, None where there are none.
        profile: the schema of further fields of accounts, None where there are none.
    """

    mailer: Mailer | None

    def __init__(
        self, settings: Settings, roles: Iterable[str] = ROLES, permissions: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._in_transaction = cache(_in_transaction)  # one view may have several routes
        self._guarded_views: set[Callable[..., Any]] = set()
        self._routes: set[tuple[str, str]] = set()  # rule and method
        super().__init__("authapp", static_folder=None)
        self.settings = settings
        self.roles = declare_roles(roles)
        self.permissions = declare_permissions(permissions, self.roles)
        self.keys = KeyStore(self)
        self.hasher = Hasher(settings, client_is_connected, lambda: self.keys.present.peppers)
        self.checkpoint_key = CheckpointKey.of(settings.secret_key)
        self.passkeys = _relying_party(settings)
        self.breach_file = BreachFile(settings.password_breach_file) if settings.password_breach_file else None
        self.providers = configured(settings)
        self.hooks: Hooks = {}
        self.claims: ClaimsFunction | None = None
        self.profile: RequestSchema | None = None
        self.job_issuers = JobIssuers(allow_private=not settings.in_production)
        self.ensure_sync = cache(self.ensure_sync)  # type: ignore[method-assign]  # asked for each hook of each request

    @property
    def tokens(self) -> Tokens:
        """Signs access and refresh tokens. `keys.for_token` gives what verifies one."""
        return self.keys.present.tokens

    @property
    def opaque_tokens(self) -> OpaqueTokens:
        """Makes and reads API keys and the tokens of emails."""
        return self.keys.present.opaque_tokens

    @property
    def cipher(self) -> Cipher:
        """Encrypts what is stored and read again."""
        return self.keys.present.cipher

    @property
    def digests(self) -> Digests:
        """Hashes recovery codes, and the keys under which attempts are counted."""
        return self.keys.present.digests

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        if view_func is not None and view_func not in self._guarded_views:
            require_guard(rule, view_func, {*self.roles, *self.permissions})
            view_func = self._in_transaction(view_func)
            self._guarded_views.add(view_func)
        methods = options.get("methods") or getattr(view_func, "methods", None) or ("GET",)
        wanted = {(rule, method.upper()) for method in methods}
        if wanted & self._routes:
            raise TakenRoute(f"{rule} is served already. A second view would never be called: choose another path.")
        self._routes |= wanted
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)

    def refuse_unregistered_view(self) -> None:
        """Raise UnguardedRoute for a view that was put into `view_functions` past `add_url_rule`."""
        view = self.view_functions.get(request.endpoint or "")
        if view is not None and view not in self._guarded_views:
            raise UnguardedRoute(f"{request.url_rule} was added without a guard: use add_url_rule")


def _relying_party(settings: Settings) -> RelyingParty:
    addresses = filter(None, (settings.public_url, settings.frontend_url, *settings.cors_origins))
    origins = tuple(dict.fromkeys(map(origin_of, addresses)))
    return RelyingParty(urlsplit(settings.public_url).hostname or "", settings.operator_name, origins)


def _in_transaction(view: Callable[..., Any]) -> Callable[..., Response]:
    @wraps(view)
    def respond(**path: Any) -> Response:
        return transaction.run(lambda: current_app.make_response(view(**path)))

    return respond


current_app = cast("Application", flask.current_app)
"""Flask's `current_app`, with the type of ours."""


def read_request() -> None:
    """Refuse what is ambiguous and read the body before anything is looked up."""
    _refuse_ambiguous_path(request.environ)
    current_app.refuse_unregistered_view()
    buffer_body()


def _refuse_ambiguous_path(environ: WSGIEnvironment) -> None:
    """Answer 404 to `/auth%2fme` and `//auth/me`, which Flask serves as `/auth/me` past a proxy's rules for `/auth/me`.

    waitress serves `http://host//auth/me` as `/auth/me` as well, and gunicorn, for clients at 127.0.0.1, `/x/auth/me`
    with the header `SCRIPT_NAME: /x`. gunicorn gives the path as it was sent in RAW_URI; waitress, uWSGI and mod_wsgi
    in REQUEST_URI.
    """
    if "HTTP_SCRIPT_NAME" in environ:
        raise NotFound("SCRIPT_NAME in a header")
    sent = (environ.get("RAW_URI") or environ.get("REQUEST_URI", "")).partition("?")[0]
    if "%2f" in sent.lower() or _DOUBLE_SLASH.match(sent) or environ["PATH_INFO"].startswith("//"):
        raise NotFound("encoded or double slash in the path")
