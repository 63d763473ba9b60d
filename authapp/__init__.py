"""authapp: multi-tenant authentication and authorization for Flask. These are the names to build on.

They are imported at their first use, so that `authapp.server.settings` can patch the standard library before Flask and
all others are imported. docs/building.md has them in a table; whatever is not here may change with any version.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from authapp import db as db
    from authapp.config import Settings as Settings
    from authapp.core.actor import Actor as Actor
    from authapp.core.actor import current_actor as current_actor
    from authapp.core.claims import TokenSubject as TokenSubject
    from authapp.core.enums import Action as Action
    from authapp.core.enums import ActorType as ActorType
    from authapp.core.enums import ServiceRight as ServiceRight
    from authapp.core.errors import ApiError as ApiError
    from authapp.core.errors import BadRequest as BadRequest
    from authapp.core.errors import Conflict as Conflict
    from authapp.core.errors import Forbidden as Forbidden
    from authapp.core.errors import LimitReached as LimitReached
    from authapp.core.errors import NotFound as NotFound
    from authapp.core.errors import ServiceUnavailable as ServiceUnavailable
    from authapp.core.errors import Unauthorized as Unauthorized
    from authapp.core.errors import ValidationFailed as ValidationFailed
    from authapp.core.hooks import Event as Event
    from authapp.core.hooks import on as on
    from authapp.core.roles import Role as Role
    from authapp.db import transaction as transaction
    from authapp.db.engine import Model as Model
    from authapp.db.pagination import Page as Page
    from authapp.db.pagination import fetch as fetch
    from authapp.db.tenancy import set_tenant as set_tenant
    from authapp.db.tenant_model import TenantModel as TenantModel
    from authapp.db.tenant_model import unique_within as unique_within
    from authapp.db.tenant_model import within as within
    from authapp.decorators.guards import ACCOUNT_ERRORS as ACCOUNT_ERRORS
    from authapp.decorators.guards import ORGANIZATION_ERRORS as ORGANIZATION_ERRORS
    from authapp.decorators.guards import Guard as Guard
    from authapp.decorators.guards import PathIds as PathIds
    from authapp.decorators.guards import check_role as check_role
    from authapp.decorators.guards import get_current_active_user as get_current_active_user
    from authapp.decorators.guards import get_current_user as get_current_user
    from authapp.decorators.guards import get_optional_user as get_optional_user
    from authapp.decorators.guards import guard as guard
    from authapp.decorators.guards import public as public
    from authapp.decorators.guards import require_active_user as require_active_user
    from authapp.decorators.guards import require_organization_access as require_organization_access
    from authapp.decorators.guards import require_organization_role as require_organization_role
    from authapp.decorators.guards import require_organization_role_or_self as require_organization_role_or_self
    from authapp.decorators.guards import require_permission as require_permission
    from authapp.decorators.service_keys import require_service_key as require_service_key
    from authapp.factory import create_app as create_app
    from authapp.jobs import organizations as organizations
    from authapp.jobs.organizations import DeletedOrganization as DeletedOrganization
    from authapp.jobs.organizations import OrganizationUnavailable as OrganizationUnavailable
    from authapp.jobs.organizations import SuspendedOrganization as SuspendedOrganization
    from authapp.jobs.organizations import UnknownOrganization as UnknownOrganization
    from authapp.jobs.organizations import organization as organization
    from authapp.mail import outbox as outbox
    from authapp.mail.recipients import admin_addresses as admin_addresses
    from authapp.models.columns import Created as Created
    from authapp.models.columns import Identified as Identified
    from authapp.models.columns import Timestamped as Timestamped
    from authapp.models.columns import enum_column as enum_column
    from authapp.models.columns import timestamp as timestamp
    from authapp.schemas.fields import Choice as Choice
    from authapp.schemas.fields import Id as Id
    from authapp.schemas.fields import QueryInteger as QueryInteger
    from authapp.schemas.fields import Reply as Reply
    from authapp.schemas.fields import Request as Request
    from authapp.schemas.fields import SingleLine as SingleLine
    from authapp.schemas.fields import Slug as Slug
    from authapp.schemas.fields import StrictBoolean as StrictBoolean
    from authapp.schemas.fields import StrictInteger as StrictInteger
    from authapp.schemas.fields import StrictTimestamp as StrictTimestamp
    from authapp.schemas.fields import Text as Text
    from authapp.schemas.fields import Timestamp as Timestamp
    from authapp.schemas.pagination import page_of as page_of
    from authapp.schemas.pagination import query_of as query_of
    from authapp.services import audit as audit
    from authapp.services.accounts import get_account as get_account
    from authapp.services.admission import ReauthenticationRequired as ReauthenticationRequired
    from authapp.services.admission import require_recent as require_recent
    from authapp.web.application import Application as Application
    from authapp.web.application import current_app as current_app
    from authapp.web.blueprint import Blueprint as Blueprint
    from authapp.web.blueprint import raises as raises

__version__ = "1.0.0"
_NAMES = {
    "authapp.config": ["Settings"],
    "authapp.core.actor": ["Actor", "current_actor"],
    "authapp.core.claims": ["TokenSubject"],
    "authapp.core.enums": ["Action", "ActorType", "ServiceRight"],
    "authapp.core.errors": [
        "ApiError",
        "BadRequest",
        "Conflict",
        "Forbidden",
        "LimitReached",
        "NotFound",
        "ServiceUnavailable",
        "Unauthorized",
        "ValidationFailed",
    ],
    "authapp.core.hooks": ["Event", "on"],
    "authapp.core.roles": ["Role"],
    "authapp.db.engine": ["Model"],
    "authapp.db.pagination": ["Page", "fetch"],
    "authapp.db.tenancy": ["set_tenant"],
    "authapp.db.tenant_model": ["TenantModel", "unique_within", "within"],
    "authapp.decorators.guards": [
        "ACCOUNT_ERRORS",
        "ORGANIZATION_ERRORS",
        "Guard",
        "PathIds",
        "check_role",
        "get_current_active_user",
        "get_current_user",
        "get_optional_user",
        "guard",
        "public",
        "require_active_user",
        "require_organization_access",
        "require_organization_role",
        "require_organization_role_or_self",
        "require_permission",
    ],
    "authapp.decorators.service_keys": ["require_service_key"],
    "authapp.factory": ["create_app"],
    "authapp.jobs.organizations": [
        "DeletedOrganization",
        "OrganizationUnavailable",
        "SuspendedOrganization",
        "UnknownOrganization",
        "organization",
    ],
    "authapp.mail.recipients": ["admin_addresses"],
    "authapp.models.columns": ["Created", "Identified", "Timestamped", "enum_column", "timestamp"],
    "authapp.schemas.fields": [
        "Choice",
        "Id",
        "QueryInteger",
        "Reply",
        "Request",
        "SingleLine",
        "Slug",
        "StrictBoolean",
        "StrictInteger",
        "StrictTimestamp",
        "Text",
        "Timestamp",
    ],
    "authapp.schemas.pagination": ["page_of", "query_of"],
    "authapp.services.admission": ["ReauthenticationRequired", "require_recent"],
    "authapp.web.application": ["Application", "current_app"],
    "authapp.services.accounts": ["get_account"],
    "authapp.web.blueprint": ["Blueprint", "raises"],
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}
_MODULES = {
    "audit": "authapp.services.audit",
    "db": "authapp.db",
    "organizations": "authapp.jobs.organizations",
    "outbox": "authapp.mail.outbox",
    "transaction": "authapp.db.transaction",
}
__all__ = sorted([*_HOMES, *_MODULES])  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
