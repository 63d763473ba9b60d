"""What an operator is answered."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import OneOf

from authapp.core import lengths
from authapp.core.enums import OrganizationState, OutboxState, SuspensionReason, UserState
from authapp.schemas.audit import AuditEvent
from authapp.schemas.emails import EMAIL
from authapp.schemas.fields import Choice, Flattened, Reply, Text, Timestamp
from authapp.schemas.members import Member, UserBrief
from authapp.schemas.organizations import OrganizationBrief, Subscription
from authapp.schemas.pagination import page_of, query_of
from authapp.schemas.permissions import RoleChoice


class OperatedUser(UserBrief):
    """An account, for an operator."""

    email_verified = fields.Boolean(required=True)
    is_active = fields.Boolean(required=True)
    mfa_enabled = fields.Boolean(required=True)
    is_operator = fields.Boolean(required=True)
    last_login_at = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)


class OperatedUserOverview(OperatedUser):
    """An account with its numbers."""

    has_password = fields.Boolean(required=True)
    passkeys = fields.Integer(required=True)
    recovery_codes_left = fields.Integer(required=True)
    identities = fields.Integer(required=True, metadata={"description": "Linked providers."})
    sessions = fields.Integer(required=True, metadata={"description": "Those that are live."})
    organizations = fields.Integer(required=True)


class OperatedMembership(OrganizationBrief):
    """An organization that an account belongs to."""

    role = RoleChoice(required=True)
    suspended_at = Timestamp(required=True, allow_none=True)


class OperatedOrganization(OrganizationBrief):
    """An organization, for an operator."""

    subscription = Flattened(Subscription, required=True)
    suspended_at = Timestamp(required=True, allow_none=True)
    suspension_reason = Choice(SuspensionReason, required=True, allow_none=True)
    deleted_at = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)


class OperatedOrganizationOverview(OperatedOrganization):
    """An organization with its numbers."""

    members = fields.Integer(required=True)
    active_admins = fields.Integer(required=True)
    invitations = fields.Integer(required=True, metadata={"description": "Those that are pending."})
    api_keys = fields.Integer(required=True, metadata={"description": "Those that are live."})


class OutboxEmail(Reply):
    """An email that is not sent. What is in it is not shown."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"examples": ["invitation"]})
    recipient = fields.String(required=True, metadata=EMAIL)
    attempts = fields.Integer(required=True)
    last_error = fields.String(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    due_at = Timestamp(required=True, allow_none=True, metadata={"description": "null: it was given up."})
    dead_at = Timestamp(required=True, allow_none=True, metadata={"description": "When it was given up."})


class UserDeactivated(Reply):
    """What a deactivated account has taken with it."""

    suspended = fields.Integer(
        required=True, metadata={"description": "Organizations whose last active admin the account was."}
    )


class UserActivated(Reply):
    """What an activated account has brought back."""

    restored = fields.Integer(required=True, metadata={"description": "Organizations that were suspended with it."})
    still_suspended = fields.Integer(
        required=True, metadata={"description": "Organizations of this admin that stay suspended."}
    )


class SessionsEnded(Reply):
    """How many sessions have ended."""

    ended = fields.Integer(required=True)


class JobState(Reply):
    """A job of the worker, and its last run."""

    name = fields.String(required=True, metadata={"examples": ["emails"]})
    interval_seconds = fields.Float(required=True, attribute="interval")
    finished_at = Timestamp(required=True, allow_none=True)
    succeeded_at = Timestamp(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True, metadata={"description": "Of the last run."})
    is_late = fields.Boolean(required=True)


class ServiceState(Reply):
    """How the service is."""

    version = fields.String(required=True, metadata={"examples": ["1.0.0"]})
    migrated = fields.Boolean(required=True, metadata={"description": "Whether the database has every migration."})
    redis = fields.String(
        required=True, allow_none=True, validate=OneOf(["up", "away"]), metadata={"description": "null: not used."}
    )
    jobs = fields.List(fields.Nested(JobState), required=True)
    emails_waiting = fields.Integer(
        required=True, attribute="waiting", metadata={"description": "10,000 at most are counted."}
    )
    emails_dead = fields.Integer(
        required=True, attribute="dead", metadata={"description": "Those given up. 10,000 at most are counted."}
    )
    oldest_due_at = Timestamp(required=True, allow_none=True, metadata={"description": "Of the emails."})
    unsealed_since = Timestamp(required=True, allow_none=True, metadata={"description": "Of the audit log."})


class _Search(Text):
    def _deserialize(self, *arguments: Any, **kwargs: Any) -> Any:
        return super()._deserialize(*arguments, **kwargs).strip()


def _search(what: str) -> Text:
    description = f"{what} Space around it is left out."
    return _Search(longest=lengths.EMAIL, metadata={"description": description, "examples": ["acme"]})


OperatedUserPage = page_of(OperatedUser, "OperatedUserPage")
OperatedUserQuery = query_of(
    OperatedUserPage, search=_search("A text in the email, or an id."), state=Choice(UserState)
)
OperatedMembershipPage = page_of(OperatedMembership, "OperatedMembershipPage")
OperatedMembershipQuery = query_of(OperatedMembershipPage)
OperatedHistoryPage = page_of(AuditEvent, "OperatedHistoryPage")
OperatedHistoryQuery = query_of(OperatedHistoryPage)
OperatedOrganizationPage = page_of(OperatedOrganization, "OperatedOrganizationPage")
OperatedOrganizationQuery = query_of(
    OperatedOrganizationPage,
    search=_search("A text in the slug or the name, or an id."),
    state=Choice(OrganizationState, metadata={"description": "Default: all that are not deleted."}),
)
OperatedMemberPage = page_of(Member, "OperatedMemberPage")
OperatedMemberQuery = query_of(
    OperatedMemberPage, role=RoleChoice(metadata={"description": "Only members with this role."})
)
OutboxPage = page_of(OutboxEmail, "OutboxPage")
OutboxQuery = query_of(OutboxPage, state=Choice(OutboxState, load_default=OutboxState.WAITING))
