"""The mark that a guard leaves on its view. A route without one is not registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


class UnguardedRoute(RuntimeError):
    """A route was registered whose view has no guard, or has a decorator above its guard."""


def mark_guarded(view: View, guard: str, path_ids: tuple[str, ...] = ()) -> View:
    """Set the name of its guard on a view, and the ids that the guard needs from the path."""
    view._authapp_guard = guard  # type: ignore[attr-defined]
    view._authapp_guarded = view  # type: ignore[attr-defined]  # a wrapper gets a copy of this, and is not it
    view._authapp_path_ids = path_ids  # type: ignore[attr-defined]
    return view


def guard_of(view: Callable[..., Any]) -> str | None:
    """The name of the guard on a view, None if it has none."""
    return getattr(view, "_authapp_guard", None)


def require_guard(rule: str, view: Callable[..., Any]) -> None:
    """Pass if a view may be served at this rule.

    Raises:
        UnguardedRoute: saying what to change.
    """
    if guard_of(view) is None:
        raise UnguardedRoute(
            f"{rule} has no guard. Put one of authapp.decorators.guards on {view.__name__}, "
            "below the route: @public if anyone may call it."
        )
    if view._authapp_guarded is not view:  # type: ignore[attr-defined]
        raise UnguardedRoute(
            f"{rule}: a decorator stands above the guard of {view.__name__} and would run before it. "
            "Put the guard right below the route."
        )
    for needed in view._authapp_path_ids:
        if f"<{needed}>" not in rule:
            raise UnguardedRoute(f"{rule} is guarded by its {needed} and has none. Put <{needed}> into the path.")
