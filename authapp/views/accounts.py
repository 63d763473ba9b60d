"""Accounts: register, read, change and delete my own."""

from __future__ import annotations

from typing import Any

from authapp.core.actor import current_actor
from authapp.core.errors import OrganizationSuspended
from authapp.db.pagination import Page
from authapp.decorators.guards import public, require_active_user
from authapp.schemas.accounts import MOST_MEMBERSHIPS, AccountDeletion, Me, ProfileChange, Registration, User
from authapp.schemas.audit import MyAuditEventPage, MyAuditEventQuery
from authapp.schemas.exports import AccountExport
from authapp.schemas.fields import Accepted
from authapp.schemas.sessions import Session
from authapp.security.hash_queue import HashQueueFull
from authapp.services import accounts, audit, profiles, registration
from authapp.services.admission import WrongCredentials
from authapp.services.email_changes import EmailTaken
from authapp.services.invitation_acceptance import InvalidInvitation, NotYourInvitation
from authapp.services.members import LastAdmin, SeatsExhausted
from authapp.services.personal_data import export
from authapp.services.registration import RegistrationClosed
from authapp.services.session_tokens import SignedIn
from authapp.services.throttle import TooManyAttempts
from authapp.web.blueprint import Blueprint, raises
from authapp.web.browser_mode import token_response

bp = Blueprint("accounts", __name__, url_prefix="/auth", description="Accounts of people.")


@bp.post("/register")
@public
@raises(
    EmailTaken,
    HashQueueFull,
    InvalidInvitation,
    NotYourInvitation,
    OrganizationSuspended,
    RegistrationClosed,
    SeatsExhausted,
)
@bp.arguments(Registration, check=accounts.registration_errors)
@bp.alt_response(202, schema=Accepted, success=True)
@token_response(bp, 201, Session)
def register(body: dict[str, Any]) -> SignedIn | tuple[dict[str, Any], int]:
    """Register an account, create or join an organization with it if wanted, and sign in; or go on by email (202)."""
    return registration.register(**body) or ({}, 202)


@bp.get("/me")
@require_active_user(memberships=True)
@bp.response(200, Me)
def get_me() -> dict[str, Any]:
    """Read my account and the first 100 organizations that I belong to."""
    memberships = current_actor.memberships or []
    return {
        **current_actor.user._asdict(),
        **profiles.of_account(current_actor.id),
        "memberships": memberships[:MOST_MEMBERSHIPS],
        "memberships_truncated": len(memberships) > MOST_MEMBERSHIPS,
    }


@bp.get("/me/export")
@require_active_user(recent=True)
@bp.response(200, AccountExport)
def export_me() -> dict[str, Any]:
    """Export all that is known of my account."""
    return export.mine(current_actor)


@bp.patch("/me")
@require_active_user
@bp.arguments(ProfileChange, check=profiles.change_errors)
@bp.response(200, User)
def change_me(body: dict[str, Any]) -> dict[str, Any]:
    """Change my names."""
    changed = accounts.change_profile(current_actor, profile=body.pop("profile", None), names=body)
    return {**changed._asdict(), **profiles.of_account(current_actor.id)}


@bp.delete("/me")
@require_active_user(recent=True)
@raises(WrongCredentials, TooManyAttempts, HashQueueFull, LastAdmin)
@bp.arguments(AccountDeletion)
@bp.response(204)
def delete_me(body: dict[str, Any]) -> None:
    """Delete my account, and the organizations that have no other member."""
    accounts.delete(current_actor, **body)


@bp.get("/audit-events")
@require_active_user
@bp.arguments(MyAuditEventQuery, location="query")
@bp.response(200, MyAuditEventPage)
def list_my_audit_events(query: dict[str, Any]) -> Page:
    """List what happened to my account, newest first."""
    return audit.of_account(current_actor.id, **query)
