"""Hooks: functions of the application that are called in the transaction of an event of the audit log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from authapp.core.actor import Actor


class Event(NamedTuple):
    """An event, as it is in the audit log.

    Attributes:
        action: what happened.
        actor: who did it, None for an operator's command and for somebody who is not signed in.
        target_id: to what; the first word of the action says of which kind.
        user_id: the account that it concerns.
        organization_id: where it happened, None outside of organizations. It is the tenant while the hook runs.
        details: what else is known. No addresses of people: `get_account` reads the account.
    """

    action: str
    actor: Actor | None
    target_id: UUID | None
    user_id: UUID | None
    organization_id: UUID | None
    details: Mapping[str, Any]


Hook = Callable[[Event], object]
Hooks = Mapping[str, tuple[Hook, ...]]
"""The hooks of each action that has some, in their order."""
_H = TypeVar("_H", bound=Hook)


class WrongHook(RuntimeError):
    """A hook that would never be called."""


def on(*actions: str) -> Callable[[_H], _H]:
    """Call a function for each event with one of these actions, in its transaction.

    It may raise an `ApiError`, which is then the response, and nothing of the request is kept. Declare it with
    `@raises`.

    Args:
        actions: as the audit log names them, for example `organization.created`.
    """

    def decorate(hook: _H) -> _H:
        hook._authapp_actions = (*_actions_of(hook), *actions)  # type: ignore[attr-defined]
        return hook

    return decorate


def by_action(hooks: Iterable[Hook], known: Collection[str]) -> Hooks:
    """The hooks by their actions.

    Args:
        hooks: functions with `@on`.
        known: all actions that there are.

    Raises:
        WrongHook: naming the first one without an action, or with an action that is not known.
    """
    found: dict[str, dict[Hook, None]] = defaultdict(dict)
    for hook in hooks:
        if not _actions_of(hook):
            raise WrongHook(f"{name_of(hook)} has no action: decorate it with @on and an action of the audit log.")
        for action in _actions_of(hook):
            if action not in known:
                similar = get_close_matches(action, known, n=1)
                hint = f" Is it {similar[0]}?" if similar else ""
                raise WrongHook(f"{name_of(hook)}: the audit log has no action {action!r}.{hint}")
            found[action][hook] = None
    return {action: tuple(of_action) for action, of_action in found.items()}


def name_of(hook: Hook) -> str:
    """The module and the name of a hook."""
    return f"{getattr(hook, '__module__', '')}.{getattr(hook, '__qualname__', repr(hook))}"


def _actions_of(hook: Hook) -> tuple[str, ...]:
    return getattr(hook, "_authapp_actions", ())
