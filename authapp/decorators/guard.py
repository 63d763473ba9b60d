"""What makes a guard: the mark of the route, the check before the view, and the ids of the path as UUIDs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol
from uuid import UUID

from flask import current_app, request

from authapp.core.errors import ApiError, NotFound, ValidationFailed
from authapp.schemas.fields import parse_uuid
from authapp.web.blueprint import ELSEWHERE, raises, takes_no_query
from authapp.web.guard_marks import View, mark_guarded
from authapp.web.parsing import refuse_query

PathIds = dict[str, UUID | None]
"""The ids of the path by name, None where one is malformed."""


class Guard(Protocol):
    """A decorator of views."""

    def __call__(self, view: View, /) -> View: ...


def guard(
    name: str,
    check: Callable[[PathIds], object],
    *errors: type[ApiError],
    path_ids: tuple[str, ...] = (),
    needs: str | None = None,
) -> Guard:
    """Make a guard: the check first, then the ids of the path as UUIDs, then the view.

    Args:
        name: as `flask guards` and the OpenAPI document show it.
        check: called before the view. It returns if the caller may call, and raises an `ApiError` if not.
        errors: those that the check raises, for the OpenAPI document.
        path_ids: the ids that the check needs. A route without them is not registered.
        needs: the role or permission that the check needs. An application that does not declare it does not start.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not hasattr(current_app, "settings"):
                raise RuntimeError(ELSEWHERE.format(what=f"The guard {name}", app=current_app.name))
            ids = {key: parse_uuid(str(value)) for key, value in kwargs.items() if key.endswith("_id")}
            check(ids)
            require_well_formed(ids)
            if takes_no_query(guarded):
                refuse_query(request)
            if any("\x00" in value for value in kwargs.values() if isinstance(value, str)):
                raise NotFound  # PostgreSQL cannot store it, so nothing has such a name
            return current_app.ensure_sync(view)(*args, **{**kwargs, **ids})

        return raises(*errors)(mark_guarded(guarded, name, path_ids, needs))  # type: ignore[return-value]

    return decorate


public: Guard = guard("public", lambda ids: None)
"""Anyone may call."""


def require_well_formed(ids: PathIds) -> None:
    """Raise ValidationFailed where an id of the path is no UUID."""
    malformed = [name for name, value in ids.items() if value is None]
    if malformed:
        raise ValidationFailed(errors={"path": {name: ["Not a valid UUID."] for name in malformed}})
