"""The operator's routes: accounts and organizations of everybody, emails that are not sent, how the service is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from authapp.core.actor import current_actor
from authapp.core.enums import OrganizationState, OutboxState, UserState
from authapp.db.pagination import Page
from authapp.decorators.operator import require_operator
from authapp.decorators.rate_limits import redis_status
from authapp.jobs import health
from authapp.mail import unsent
from authapp.schemas.operator import (
    OperatedHistoryPage,
    OperatedHistoryQuery,
    OperatedMemberPage,
    OperatedMemberQuery,
    OperatedMembershipPage,
    OperatedMembershipQuery,
    OperatedOrganizationOverview,
    OperatedOrganizationPage,
    OperatedOrganizationQuery,
    OperatedUserOverview,
    OperatedUserPage,
    OperatedUserQuery,
    OutboxPage,
    OutboxQuery,
    ServiceState,
    SessionsEnded,
    UserActivated,
    UserDeactivated,
)
from authapp.services.members import LastAdmin
from authapp.services.operator import accounts, actions, organizations
from authapp.services.operator.accounts import UserNotFound
from authapp.services.operator.actions import Activated, Deactivated, EmailNotFound, OwnAccount
from authapp.services.operator.organizations import OrganizationNotFound
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint("operator", __name__, url_prefix="/operator", description="For the operators of this service.")


@bp.get("/users")
@require_operator
@bp.arguments(OperatedUserQuery, location="query")
@bp.response(200, OperatedUserPage)
def list_users(query: dict[str, Any]) -> Page:
    """List the accounts that are not deleted, oldest first."""
    state: UserState | None = query.pop("state", None)
    is_active = None if state is None else state is UserState.ACTIVE
    return accounts.listed(**{"search": None, **query}, is_active=is_active)


@bp.get("/users/<user_id>")
@require_operator
@raises(UserNotFound)
@bp.response(200, OperatedUserOverview)
def get_user(user_id: UUID) -> Row[Any]:
    """Read an account, with its numbers. No secrets."""
    return accounts.overview(user_id)


@bp.get("/users/<user_id>/organizations")
@require_operator
@raises(UserNotFound)
@bp.arguments(OperatedMembershipQuery, location="query")
@bp.response(200, OperatedMembershipPage)
def list_user_organizations(query: dict[str, Any], user_id: UUID) -> Page:
    """List the organizations of an account, oldest first."""
    return accounts.organizations_of(user_id, **query)


@bp.get("/users/<user_id>/audit-events")
@require_operator
@raises(UserNotFound)
@bp.arguments(OperatedHistoryQuery, location="query")
@bp.response(200, OperatedHistoryPage)
def list_user_audit_events(query: dict[str, Any], user_id: UUID) -> Page:
    """List what happened to an account, newest first."""
    return accounts.history_of(user_id, **query)


@bp.post("/users/<user_id>/deactivate")
@require_operator(recent=True)
@raises(UserNotFound, OwnAccount)
@bp.response(200, UserDeactivated)
def deactivate_user(user_id: UUID) -> Deactivated:
    """Deactivate an account. Its sessions end, and an organization without another active admin is suspended."""
    return actions.deactivate(current_actor, user_id)


@bp.post("/users/<user_id>/activate")
@require_operator(recent=True)
@raises(UserNotFound)
@bp.response(200, UserActivated)
def activate_user(user_id: UUID) -> Activated:
    """Activate an account again. Organizations that were suspended with it are restored."""
    return actions.activate(current_actor, user_id)


@bp.delete("/users/<user_id>/sessions")
@require_operator(recent=True)
@raises(UserNotFound)
@bp.response(200, SessionsEnded)
def end_user_sessions(user_id: UUID) -> dict[str, int]:
    """End every session of an account. Its owner may sign in again."""
    return {"ended": actions.end_sessions(current_actor, user_id)}


@bp.get("/organizations")
@require_operator
@bp.arguments(OperatedOrganizationQuery, location="query")
@bp.response(200, OperatedOrganizationPage)
def list_all_organizations(query: dict[str, Any]) -> Page:
    """List the organizations of everybody, oldest first."""
    state: OrganizationState | None = query.pop("state", None)
    return organizations.listed(**{"search": None, **query}, state=state)


@bp.get("/organizations/<organization_id>")
@require_operator
@raises(OrganizationNotFound)
@bp.response(200, OperatedOrganizationOverview)
def get_any_organization(organization_id: UUID) -> Row[Any]:
    """Read an organization, also one that is deleted and not purged, with its numbers."""
    return organizations.show(organization_id)


@bp.get("/organizations/<organization_id>/members")
@require_operator
@raises(OrganizationNotFound)
@bp.arguments(OperatedMemberQuery, location="query")
@bp.response(200, OperatedMemberPage)
def list_any_members(query: dict[str, Any], organization_id: UUID) -> Page:
    """List the members of an organization, oldest account first."""
    return organizations.members_of(organization_id, **query)


@bp.post("/organizations/<organization_id>/suspend")
@require_operator(recent=True)
@raises(OrganizationNotFound)
@bp.response(204)
def suspend_organization(organization_id: UUID) -> None:
    """Suspend an organization: its members, API keys and invitations are refused from now on."""
    actions.suspend(current_actor, organization_id)


@bp.post("/organizations/<organization_id>/restore")
@require_operator(recent=True)
@raises(OrganizationNotFound, LastAdmin)
@bp.response(204)
def restore_organization(organization_id: UUID) -> None:
    """Restore an organization after it was suspended. It needs an active admin."""
    actions.restore(current_actor, organization_id)


@bp.get("/outbox")
@require_operator
@bp.arguments(OutboxQuery, location="query")
@bp.response(200, OutboxPage)
def list_outbox(query: dict[str, Any]) -> Page:
    """List the emails that wait, or those that were given up, oldest first. Never what is in them."""
    state: OutboxState = query.pop("state")
    return unsent.listed(**query, dead=state is OutboxState.DEAD)


@bp.post("/outbox/<message_id>/retry")
@require_operator(recent=True)
@raises(EmailNotFound)
@bp.response(204)
def retry_email(message_id: UUID) -> None:
    """Try an email again that was given up."""
    actions.retry_email(current_actor, message_id)


@bp.get("/health")
@require_operator
@bp.response(200, ServiceState)
def get_health() -> dict[str, Any]:
    """Say how the service is: migrations, Redis, jobs, emails that wait, the seals of the audit log."""
    return {**health.of_service(), "redis": redis_status().get("redis")}
