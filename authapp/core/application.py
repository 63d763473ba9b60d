"""Flask with two promises added: no route without a guard, and one transaction for each request."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue

from authapp.core import transaction
from authapp.core.errors import NotFound
from authapp.core.strict import buffer_body
from config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

View = TypeVar("View", bound=Callable[..., Any])


class UnguardedRoute(RuntimeError):
    """A route was registered whose view carries no guard, or carries it too far down."""


class TakenRoute(RuntimeError):
    """A route was registered a second time."""


class Application(Flask):
    """The Flask application. Other people's blueprints may be registered on it at any time: the promises hold."""

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__("authapp", static_folder=None)
        self.settings = settings
        self.ensure_sync = cache(self.ensure_sync)  # type: ignore[method-assign]  # asked for each hook of each request

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        if view_func is not None:
            _refuse_unguarded(rule, view_func)
        methods = options.get("methods") or getattr(view_func, "methods", None) or ("GET",)
        wanted = {method.upper() for method in methods}
        if any(known.rule == rule and wanted & (known.methods or set()) for known in self.url_map.iter_rules()):
            raise TakenRoute(f"{rule} is served already. A second view would never be called: choose another path.")
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)

    def dispatch_request(self) -> ResponseReturnValue:
        _refuse_ambiguous_path(request.environ)
        buffer_body()
        return transaction.run(self._respond)

    def _respond(self) -> Response:
        return self.make_response(super().dispatch_request())


def _refuse_ambiguous_path(environ: WSGIEnvironment) -> None:
    """Answer 404 to `/auth%2fme` and `//auth/me`, which Flask serves as `/auth/me` past a proxy's rules for `/auth/me`.

    gunicorn gives the path as it was sent in RAW_URI; waitress, uWSGI and mod_wsgi in REQUEST_URI.
    """
    sent = (environ.get("RAW_URI") or environ.get("REQUEST_URI", "")).partition("?")[0]
    if "%2f" in sent.lower() or "//" in (sent[:2], environ["PATH_INFO"][:2]):
        raise NotFound("encoded or double slash in the path")


def _refuse_unguarded(rule: str, view: Callable[..., Any]) -> None:
    if guard_of(view) is None:
        raise UnguardedRoute(
            f"{rule} has no guard. Put one of authapp.decorators.access on {view.__name__}, "
            "below the route: @public if anyone may call it."
        )
    if view._authapp_guarded is not view:  # type: ignore[attr-defined]
        raise UnguardedRoute(
            f"{rule}: a decorator stands above the guard of {view.__name__} and would let callers in first. "
            "Put the guard right below the route."
        )
    for needed in view._authapp_path_ids:
        if f"<{needed}>" not in rule:
            raise UnguardedRoute(f"{rule} is guarded by its {needed} and has none. Put <{needed}> into the path.")


def settings() -> Settings:
    """The settings of the application that is serving."""
    return cast("Application", current_app).settings


def mark_guarded(view: View, guard: str, path_ids: tuple[str, ...] = ()) -> View:
    """Leave the name of its guard on a view, and which ids the guard needs from the path."""
    view._authapp_guard = guard  # type: ignore[attr-defined]
    view._authapp_guarded = view  # type: ignore[attr-defined]  # a wrapper gets a copy of this, and is not it
    view._authapp_path_ids = path_ids  # type: ignore[attr-defined]
    return view


def guard_of(view: Callable[..., Any]) -> str | None:
    """The name of the guard on a view, None if it has none."""
    return getattr(view, "_authapp_guard", None)
