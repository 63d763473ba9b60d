"""Browser mode: the refresh token comes and goes in a cookie that no script can read (RFC 10017).

A request asks for it with the header `Authapp-Client: browser`, which a page of another origin cannot send without a
preflight. Without the header, cookies are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache, wraps
from typing import Any, cast

from flask import request
from marshmallow import Schema

from authapp.core.errors import Forbidden, MissingToken, Unauthorized, ValidationFailed
from authapp.core.origins import origin_of
from authapp.web.application import current_app
from authapp.web.blueprint import Blueprint, raises
from authapp.web.cookies import dumped_cookie, read_cookie
from authapp.web.guard_marks import View

HEADER = "Authapp-Client"
REFRESH, DEVICE = "refresh_token", "device_token"  # the fields that a cookie stands for
COOKIES = {REFRESH: "authapp_refresh", DEVICE: "authapp_device"}
DEVICE_LIFETIME = 180 * 24 * 60 * 60  # seconds
_CROSS_SITE = (
    "The browser says that this request comes from another site (Sec-Fetch-Site: cross-site). Browser mode needs a "
    "page of the same site."
)
_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "description": "`browser`: tokens for the browser come and go in cookies, not in the body.",
    "schema": {"type": "string", "examples": ["browser"]},
}


class OriginNotAllowed(Forbidden):
    code = "origin_not_allowed"
    detail = "In browser mode, the Origin of the page must be that of PUBLIC_URL or one of CORS_ORIGINS."


def is_requested() -> bool:
    """Whether this request asks for browser mode.

    Raises:
        OriginNotAllowed: it does, from a page that may not.
    """
    if request.headers.get(HEADER, "").lower() != "browser":
        return False
    settings = current_app.settings
    origin = request.headers.get("Origin", "")
    if origin not in _allowed_origins(settings.public_url, settings.cors_origins):
        raise OriginNotAllowed("another Origin" if origin else "no Origin")
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise OriginNotAllowed("cross-site", detail=_CROSS_SITE)
    return True


def in_browser_mode(bp: Blueprint) -> Callable[[View], View]:
    """Declare that a view asks whether browser mode `is_requested`."""

    def decorate(view: View) -> View:
        return raises(OriginNotAllowed)(bp.doc(parameters=[_PARAMETER])(view))

    return decorate


def token_response(
    bp: Blueprint, status: int, schema: type[Schema], *, takes: tuple[str, ...] = ()
) -> Callable[[View], View]:
    """Declare the response of a view that issues tokens, in place of `bp.response`.

    Args:
        bp: the blueprint of the view.
        status: of the response.
        schema: of the response. In browser mode, it has neither `refresh_token` nor `device_token`.
        takes: fields of the body that come from their cookies in browser mode. `refresh_token` is required.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def issue(*args: Any, **path: Any) -> Any:
            in_browser_mode = is_requested()
            with removing_dead_cookie() if REFRESH in takes else nullcontext():
                if takes:
                    _complete_body(args[0], takes, in_browser_mode)
                answer = view(*args, **path)
            return _with_cookies(answer) if in_browser_mode else answer

        return in_browser_mode(bp)(bp.response(status, schema)(cast("View", issue)))

    return decorate


def sign_out_response(bp: Blueprint) -> Callable[[View], View]:
    """Declare the 204 of a view that ends the session of the refresh cookie. In browser mode, the cookie is removed."""

    def decorate(view: View) -> View:
        @wraps(view)
        def sign_out(*args: Any, **path: Any) -> Any:
            if not is_requested():
                return view(*args, **path)
            _refuse_in_body(args[0], REFRESH)
            view(*args, **path)
            return None, None, {"Set-Cookie": dumped_cookie(COOKIES[REFRESH], "", 0)}

        return in_browser_mode(bp)(bp.response(204)(cast("View", sign_out)))

    return decorate


@contextmanager
def removing_dead_cookie() -> Iterator[None]:
    """Let a 401 in browser mode remove the refresh cookie, of which it says that it is dead.

    A request without the cookie removes none: another tab may just have signed in.
    """
    try:
        yield
    except Unauthorized as error:
        if is_requested() and read_cookie(COOKIES[REFRESH]) is not None:
            error.headers["Set-Cookie"] = dumped_cookie(COOKIES[REFRESH], "", 0)
        raise


def _refuse_in_body(body: dict[str, Any], field: str) -> None:
    """Pass if the body does not have what comes in a cookie.

    Raises:
        ValidationFailed: it does.
    """
    if field in body:
        raise ValidationFailed(errors={"json": {field: ["Leave this out: in browser mode its cookie is used."]}})


def _complete_body(body: dict[str, Any], takes: tuple[str, ...], in_browser_mode: bool) -> None:
    """Put the tokens of the cookies into the body."""
    if in_browser_mode:
        for field in takes:
            _refuse_in_body(body, field)
            if token := read_cookie(COOKIES[field]):
                body[field] = token
            elif field == REFRESH:
                raise MissingToken("no refresh cookie", detail="There is no refresh cookie. Sign in.")
    elif REFRESH in takes and REFRESH not in body:
        raise ValidationFailed(errors={"json": {REFRESH: ["Missing data for required field."]}})


def _with_cookies(answer: Any) -> Any:
    """What a view answers, with its tokens in cookies. What has none, a 202 for example, stays as it is."""
    if not hasattr(answer, REFRESH):
        return answer
    body = answer._asdict()
    cookies = [dumped_cookie(COOKIES[REFRESH], body.pop(REFRESH), body["refresh_expires_in"])]
    if device_token := body.pop(DEVICE, None):
        cookies.append(dumped_cookie(COOKIES[DEVICE], device_token, DEVICE_LIFETIME))
    return body, None, [("Set-Cookie", cookie) for cookie in cookies]


@cache
def _allowed_origins(public_url: str, cors_origins: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(origin_of, (public_url, *cors_origins)))
