"""Calls the hooks of an application, after an event is added to the audit log and in its transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from authapp.core.actor import Actor
from authapp.core.error_reports import report
from authapp.core.errors import ApiError
from authapp.core.hooks import Event, Hook, name_of
from authapp.db import tenancy, transaction
from authapp.db.errors import is_transient
from authapp.web.application import current_app

_REFUSED = (".refused", ".reused")  # what is recorded of a request that is answered with an error, and kept

log = structlog.get_logger("authapp")


def run(action: str, actor: Actor | None, events: Iterable[Mapping[str, Any]]) -> None:
    """Call the hooks of an action, if it has some, for each event.

    Each call has the event's organization as the tenant, and sees no other rows. Afterwards the tenant context is as
    it was.

    Args:
        action: of all the events.
        actor: of all the events.
        events: their columns.
    """
    hooks = current_app.hooks.get(action)
    if not hooks:
        return
    call = _call_apart if action.endswith(_REFUSED) else _call
    with tenancy.preserved():
        for each in events:
            event = Event(
                action,
                actor,
                target_id=each.get("target_id"),
                user_id=each.get("user_id"),
                organization_id=each.get("organization_id"),
                details=each.get("details") or {},
            )
            for hook in hooks:
                tenancy.set_nothing_but(event.organization_id)
                with transaction.left_open():
                    call(hook, event)


def _call(hook: Hook, event: Event) -> None:
    """Call a hook, whose error ends the request. Nothing is kept then, whoever catches the error."""
    try:
        hook(event)
        transaction.flush()
    except ApiError as error:
        error.keeps_writes = False
        transaction.rollback()
        raise
    except Exception as error:
        error.add_note(f"in the hook {name_of(hook)} for {event.action}")
        raise


def _call_apart(hook: Hook, event: Event) -> None:
    """Call a hook for a request that is refused. The response and what is kept stay as they are, if the hook fails."""
    try:
        with transaction.savepoint():
            hook(event)
    except Exception as error:
        if is_transient(error):
            raise
        log.exception("hook.failed", hook=name_of(hook), action=event.action)
        report(error, hook=name_of(hook))
