"""The guard of the operator's routes."""

from __future__ import annotations

from typing import overload

from authapp.decorators.authentication import authenticate
from authapp.decorators.guard import Guard, PathIds, guard
from authapp.decorators.guards import ACCOUNT_ERRORS, require_active
from authapp.services.admission import OperatorOnly, ReauthenticationRequired, require_as_operator, require_recent
from authapp.web.guard_marks import View


@overload
def require_operator(view: View) -> View: ...
@overload
def require_operator(*, recent: bool = False) -> Guard: ...
def require_operator(view: View | None = None, *, recent: bool = False) -> View | Guard:
    """An operator may call, in a session that has authenticated with a second factor.

    It makes no rows of organizations visible: services set the one that they read or change.

    Args:
        view: the view, where the guard is written without parentheses.
        recent: only within 5 minutes of a sign-in. For every view that changes something.
    """

    def check(ids: PathIds) -> None:
        actor = authenticate()
        require_active(actor.user)
        require_as_operator(actor)
        if recent:
            require_recent(actor)

    errors = (*ACCOUNT_ERRORS, OperatorOnly, ReauthenticationRequired)
    made = guard(f"require_operator{'(recent)' if recent else ''}", check, *errors)
    return made(view) if view else made
