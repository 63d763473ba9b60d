"""The test kit: a PostgreSQL, people, and callers that compare each answer with the OpenAPI document.

These are the names for tests. They are imported at their first use: pytest loads the plugin beside this file in every
run of an environment that has authapp, also where no test uses it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from authapp.core.clock import FrozenClock as FrozenClock
    from authapp.testing.caller import Caller as Caller
    from authapp.testing.races import all_at_once as all_at_once
    from authapp.testing.world import PASSWORD as PASSWORD
    from authapp.testing.world import Person as Person
    from authapp.testing.world import World as World

_MODULES = {
    "Caller": "authapp.testing.caller",
    "FrozenClock": "authapp.core.clock",
    "PASSWORD": "authapp.testing.world",
    "Person": "authapp.testing.world",
    "World": "authapp.testing.world",
    "all_at_once": "authapp.testing.races",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
