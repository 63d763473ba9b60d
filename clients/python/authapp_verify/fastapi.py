"""Guards as dependencies of FastAPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer

from authapp_verify.checks import Member
from authapp_verify.errors import Refused

if TYPE_CHECKING:
    from authapp_verify.client import Authapp, Guard

_documented = HTTPBearer(auto_error=False)  # for the OpenAPI document


class Problem(HTTPException):
    """An error. Without `install`, FastAPI answers it with the same status and headers, and a body of its own."""

    def __init__(self, refused: Refused) -> None:
        headers = {name: value for name, value in refused.headers.items() if name != "Content-Type"}
        super().__init__(refused.status, refused.detail, headers)
        self.refused = refused


class FastAPIGuards:
    """Makes dependencies, each of which gives the `Member`."""

    def __init__(self, auth: Authapp) -> None:
        self._auth = auth

    def install(self, app: FastAPI) -> None:
        """Answer errors with problem documents."""
        app.add_exception_handler(Problem, _respond)

    def member(
        self,
        role: str = "",
        *,
        permission: str = "",
        max_age: float = 0.0,
        organization: str = "organization_id",
    ) -> Callable[..., Awaitable[Member]]:
        """As `Authapp.member`, in the organization that this parameter of the path names."""
        return _dependency(self._auth.member(role, permission=permission, max_age=max_age), organization)

    def user(self, *, max_age: float | None = 0.0) -> Callable[..., Awaitable[Member]]:
        """As `Authapp.user`."""
        return _dependency(self._auth.user(max_age=max_age), "")


def _dependency(guard: Guard, organization: str) -> Callable[..., Awaitable[Member]]:
    async def authenticate(request: Request, _: Annotated[Any, Depends(_documented)]) -> Member:
        sent = request.headers.getlist("Authorization")
        try:
            here = str(request.path_params[organization]) if organization else ""
            return await guard.acheck(sent[0] if len(sent) == 1 else None, here)
        except Refused as refused:
            raise Problem(refused) from None

    return authenticate


async def _respond(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101  # it is registered for this class alone
    refused = error.refused
    return JSONResponse(refused.document(), refused.status, refused.headers)
