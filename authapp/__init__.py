"""authapp: multi-tenant authentication and authorization for Flask.

Names are imported at their first use, so that `authapp.server.settings` can patch the standard library before Flask and
all others import it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from authapp.factory import create_app as create_app

__all__ = ["create_app"]

_HOMES = {"create_app": "authapp.factory"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
