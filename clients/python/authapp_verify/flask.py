"""Guards as decorators of Flask's views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Response, current_app, g, json, request

from authapp_verify.errors import Refused

if TYPE_CHECKING:
    from authapp_verify.client import Authapp, Guard

View = Callable[..., Any]


class FlaskGuards:
    """Makes decorators. The view finds the `Member` in `g.member`."""

    def __init__(self, auth: Authapp) -> None:
        self._auth = auth

    def member(
        self,
        role: str = "",
        *,
        permission: str = "",
        max_age: float = 0.0,
        organization: str = "organization_id",
    ) -> Callable[[View], View]:
        """As `Authapp.member`, in the organization that this parameter of the path names."""
        return _decorator(self._auth.member(role, permission=permission, max_age=max_age), organization)

    def user(self, *, max_age: float | None = 0.0) -> Callable[[View], View]:
        """As `Authapp.user`."""
        return _decorator(self._auth.user(max_age=max_age), "")


def _decorator(guard: Guard, organization: str) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            here = str(kwargs[organization]) if organization else ""
            try:
                g.member = guard.check(request.headers.get("Authorization"), here)
            except Refused as refused:
                return Response(json.dumps(refused.document()), refused.status, refused.headers)
            return current_app.ensure_sync(view)(*args, **kwargs)

        return guarded

    return decorate
