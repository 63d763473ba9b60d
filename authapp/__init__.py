"""authapp: multi-tenant authentication and authorization for Flask. These are the names to build on.

They are imported at their first use, so that `authapp.server.settings` can patch the standard library before Flask and
all others are imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from authapp.config import Settings as Settings
    from authapp.core.actor import Actor as Actor
    from authapp.core.actor import current_actor as current_actor
    from authapp.core.claims import TokenSubject as TokenSubject
    from authapp.core.enums import Role as Role
    from authapp.core.errors import ApiError as ApiError
    from authapp.core.hooks import Event as Event
    from authapp.core.hooks import on as on
    from authapp.db.engine import Model as Model
    from authapp.db.tenancy import set_tenant as set_tenant
    from authapp.db.tenant_model import TenantModel as TenantModel
    from authapp.db.tenant_model import unique_within as unique_within
    from authapp.db.tenant_model import within as within
    from authapp.decorators.guards import get_current_active_user as get_current_active_user
    from authapp.decorators.guards import get_current_user as get_current_user
    from authapp.decorators.guards import guard as guard
    from authapp.decorators.guards import public as public
    from authapp.decorators.guards import require_active_user as require_active_user
    from authapp.decorators.guards import require_organization_access as require_organization_access
    from authapp.decorators.guards import require_organization_role as require_organization_role
    from authapp.decorators.guards import require_organization_role_or_self as require_organization_role_or_self
    from authapp.factory import create_app as create_app
    from authapp.services.accounts import get_account as get_account
    from authapp.web.blueprint import Blueprint as Blueprint
    from authapp.web.blueprint import raises as raises

__version__ = "1.0.0"
_NAMES = {
    "authapp.config": ["Settings"],
    "authapp.core.actor": ["Actor", "current_actor"],
    "authapp.core.claims": ["TokenSubject"],
    "authapp.core.enums": ["Role"],
    "authapp.core.errors": ["ApiError"],
    "authapp.core.hooks": ["Event", "on"],
    "authapp.db.engine": ["Model"],
    "authapp.db.tenancy": ["set_tenant"],
    "authapp.db.tenant_model": ["TenantModel", "unique_within", "within"],
    "authapp.decorators.guards": [
        "get_current_active_user",
        "get_current_user",
        "guard",
        "public",
        "require_active_user",
        "require_organization_access",
        "require_organization_role",
        "require_organization_role_or_self",
    ],
    "authapp.factory": ["create_app"],
    "authapp.services.accounts": ["get_account"],
    "authapp.web.blueprint": ["Blueprint", "raises"],
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
