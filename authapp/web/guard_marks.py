"""The mark that a guard leaves on its view. A route without one is not registered."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


class UnguardedRoute(RuntimeError):
    """A route was registered whose view has no guard, or has a decorator above its guard."""


class UndeclaredName(RuntimeError):
    """A guard names a role or permission that the application does not declare."""


def mark_guarded(view: View, guard: str, path_ids: tuple[str, ...] = (), needs: str | None = None) -> View:
    """Set the name of its guard on a view, the ids that the guard needs from the path, and the role or permission."""
    view._authapp_guard = guard  # type: ignore[attr-defined]
    view._authapp_guarded = view  # type: ignore[attr-defined]  # a wrapper gets a copy of this, and is not it
    view._authapp_path_ids = path_ids  # type: ignore[attr-defined]
    view._authapp_needs = needs  # type: ignore[attr-defined]
    return view


def guard_of(view: Callable[..., Any]) -> str | None:
    """The name of the guard on a view, None if it has none."""
    return getattr(view, "_authapp_guard", None)


def require_guard(rule: str, view: Callable[..., Any], declared: Container[str]) -> None:
    """Pass if a view may be served at this rule.

    Args:
        rule: its path.
        view: with the marks of its guard.
        declared: the names of the roles and permissions of the application.

    Raises:
        UnguardedRoute: saying what to change.
        UndeclaredName: naming the role or permission.
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
    if (name := view._authapp_needs) is not None and name not in declared:
        argument = f'permissions={{"{name}": Role.ADMIN}}' if "." in name else f'roles=[…, "{name}", …]'
        raise UndeclaredName(
            f"{rule} is guarded by {guard_of(view)}, and {name} is not declared. Add it: create_app({argument})."
        )
