"""Cookies: how they are called and set, and the one that binds what a browser has begun to that browser."""

from __future__ import annotations

import re
import secrets

from flask import Response, after_this_request, g, request
from werkzeug.http import dump_cookie

from authapp.web.application import current_app

BROWSER = "authapp_browser"
BROWSER_LIFETIME = 15 * 60  # seconds, more than anything that is bound by it
_BROWSER_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # 256 bits


def read_cookie(name: str) -> str | None:
    """The value of a cookie of ours, None where the browser has none."""
    return request.cookies.get(_full_name(name))


def dumped_cookie(name: str, value: str, max_age: int, same_site: str = "Strict") -> str:
    """The value of `Set-Cookie` for a cookie of ours.

    Args:
        name: without a prefix.
        value: no script can read it.
        max_age: in seconds. 0 removes the cookie.
        same_site: `Lax` for one that comes with the request to which another site sends the browser.
    """
    secure = _is_secure()
    return dump_cookie(_full_name(name), value, max_age, path="/", secure=secure, httponly=True, samesite=same_site)


def bind_browser() -> bytes:
    """Bind to this browser what this request begins. The response sets the cookie.

    A browser that has the cookie keeps it, so that what it does in several tabs stays valid.

    Returns:
        the keyed hash of the cookie, to be stored, and compared with `browser_hash` later.
    """
    if "browser_token" not in g:
        g.browser_token = _sent_token() or secrets.token_urlsafe(32)
        after_this_request(_set_browser_cookie)
    return current_app.digests.browser(g.browser_token)


def browser_hash() -> bytes | None:
    """The keyed hash of the cookie of this browser, None where it has none."""
    token = _sent_token()
    return current_app.digests.browser(token) if token else None


def _sent_token() -> str | None:
    token = read_cookie(BROWSER)
    return token if token and _BROWSER_TOKEN.fullmatch(token) else None


def _set_browser_cookie(response: Response) -> Response:
    cookie = dumped_cookie(BROWSER, g.browser_token, BROWSER_LIFETIME, same_site="Lax")
    response.headers.add("Set-Cookie", cookie)
    return response


def _full_name(name: str) -> str:
    return ("__Host-" if _is_secure() else "") + name


def _is_secure() -> bool:
    """Whether cookies have the prefix and Secure: not over plain HTTP outside production, where no browser has TLS."""
    settings = current_app.settings
    return settings.in_production or settings.public_url.startswith("https://")
