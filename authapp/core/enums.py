"""The closed sets of values that the database, the API and the code share."""

from __future__ import annotations

import re
from enum import StrEnum

from authapp.core import lengths


class ActorType(StrEnum):
    """What kind of caller acts."""

    USER = "user"
    API_KEY = "api_key"
    WORKLOAD = "workload"  # a job that has signed in as a trusted identity


class ServiceRight(StrEnum):
    """What a service key may do."""

    INTROSPECT = "introspect"
    REVOCATIONS = "revocations"
    METRICS = "metrics"
    DECIDE = "decide"


class EndReason(StrEnum):
    """Why a session ended."""

    LOGOUT = "logout"
    REVOKED = "revoked"
    REFRESH_REUSED = "refresh_reused"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    EMAIL_CHANGE_UNDONE = "email_change_undone"
    MFA_CHANGED = "mfa_changed"
    TAKEN_BACK = "taken_back"
    LIMIT = "limit"
    EXPIRED = "expired"


class TokenPurpose(StrEnum):
    """What a token from an email is for."""

    INVITATION = "invitation"
    VERIFICATION = "verification"
    TAKE_BACK = "take_back"  # verifies the address and removes what was set before
    CHANGE = "change"  # confirms the new address
    UNDO_CHANGE = "undo_change"
    RESET = "reset"


class PasskeyPurpose(StrEnum):
    """What a challenge for a passkey is for."""

    REGISTRATION = "registration"
    SIGN_IN = "sign_in"  # and to authenticate again
    SECOND_FACTOR = "second_factor"


class InvitationStatus(StrEnum):
    """The state of an invitation. A pending one whose time has passed is shown as expired before it is marked so."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class KeyState(StrEnum):
    """The state of a key that signs access tokens. All but retired ones verify, and are published."""

    NEXT = "next"
    CURRENT = "current"  # signs
    PREVIOUS = "previous"
    RETIRED = "retired"


class SubscriptionStatus(StrEnum):
    """The state of a subscription."""

    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    CANCELED = "canceled"


class SuspensionReason(StrEnum):
    """Why an organization is suspended."""

    OPERATOR = "operator"
    NO_ADMIN = "no_admin"  # its last active admin was deactivated


class UserState(StrEnum):
    """The state of an account that is not deleted, for an operator."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class OrganizationState(StrEnum):
    """The state of an organization, for an operator."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"  # and not purged


class OutboxState(StrEnum):
    """The state of an email that is not sent."""

    WAITING = "waiting"
    DEAD = "dead"  # given up


class DeliveryStatus(StrEnum):
    """The state of an event that is sent to a webhook."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"  # given up


class DisabledReason(StrEnum):
    """Why a webhook is disabled."""

    ADMIN = "admin"
    GONE = "gone"  # it has answered with 410
    FAILING = "failing"  # nothing has arrived for days


class Action(StrEnum):
    """What the audit log can say: the subject, a dot, and a verb in the past tense. Derive your own from it."""

    def __init__(self, value: str) -> None:
        if not _ACTION.fullmatch(value) or len(value) > lengths.AUDIT_ACTION:
            most = lengths.AUDIT_ACTION
            raise ValueError(f"{value!r} is no action: write it like model.deployed, in a-z and _, {most} at the most")


_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")


def actions() -> dict[str, Action]:
    """All actions by their values: those of authapp, then those of modules that are imported."""
    return {action.value: action for enum in Action.__subclasses__() for action in enum}


class AuditAction(Action):
    """What can happen: the subject, a dot, and a verb in the past tense."""

    USER_REGISTERED = "user.registered"
    USER_IMPORTED = "user.imported"
    USER_UPDATED = "user.updated"
    USER_ACTIVATED = "user.activated"
    USER_DEACTIVATED = "user.deactivated"
    USER_DELETED = "user.deleted"
    USER_EXPORTED = "user.exported"
    USER_ERASED = "user.erased"
    USER_EMAIL_VERIFIED = "user.email.verified"
    USER_EMAIL_CHANGE_REQUESTED = "user.email.change_requested"
    USER_EMAIL_CHANGED = "user.email.changed"
    USER_EMAIL_CHANGE_UNDONE = "user.email.change_undone"
    USER_PASSWORD_RESET = "user.password.reset"  # noqa: S105
    USER_PASSWORD_CHANGED = "user.password.changed"  # noqa: S105
    USER_TAKEN_BACK = "user.taken_back"
    SESSION_STARTED = "session.started"
    SESSION_REFUSED = "session.refused"
    SESSION_REAUTHENTICATED = "session.reauthenticated"
    SESSION_ENDED = "session.ended"
    SESSION_REFRESH_REUSED = "session.refresh.reused"
    MFA_ENABLED = "mfa.enabled"
    MFA_DISABLED = "mfa.disabled"
    MFA_RESET = "mfa.reset"
    MFA_RECOVERY_CODES_CREATED = "mfa.recovery_codes.created"
    MFA_RECOVERY_CODE_USED = "mfa.recovery_code.used"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_RENAMED = "passkey.renamed"
    PASSKEY_REMOVED = "passkey.removed"
    PASSKEY_REFUSED = "passkey.refused"
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_UPDATED = "organization.updated"
    ORGANIZATION_SUSPENDED = "organization.suspended"
    ORGANIZATION_RESTORED = "organization.restored"
    ORGANIZATION_DELETED = "organization.deleted"
    ORGANIZATION_UNDELETED = "organization.undeleted"
    ORGANIZATION_EXPORTED = "organization.exported"
    ORGANIZATION_PURGED = "organization.purged"
    MEMBER_JOINED = "member.joined"
    MEMBER_ROLE_CHANGED = "member.role.changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_LEFT = "member.left"
    INVITATION_CREATED = "invitation.created"
    INVITATION_RESENT = "invitation.resent"
    INVITATION_REVOKED = "invitation.revoked"
    INVITATION_DECLINED = "invitation.declined"
    INVITATION_REFUSED = "invitation.refused"
    API_KEY_CREATED = "api_key.created"
    API_KEY_RENAMED = "api_key.renamed"
    API_KEY_ROTATED = "api_key.rotated"
    API_KEY_REVOKED = "api_key.revoked"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_SECRET_ROTATED = "webhook.secret_rotated"  # noqa: S105
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_DISABLED = "webhook.disabled"
    TRUSTED_IDENTITY_CREATED = "trusted_identity.created"
    TRUSTED_IDENTITY_DELETED = "trusted_identity.deleted"
    WORKLOAD_SIGNED_IN = "workload.signed_in"
    WORKLOAD_REFUSED = "workload.refused"
    SERVICE_KEY_CREATED = "service_key.created"
    SERVICE_KEY_ROTATED = "service_key.rotated"
    SERVICE_KEY_REVOKED = "service_key.revoked"
    OPERATOR_GRANTED = "operator.granted"
    OPERATOR_REVOKED = "operator.revoked"
    EMAIL_RETRIED = "email.retried"
    ACCESS_REFUSED = "access.refused"
    AUDIT_LOG_PRUNED = "audit_log.pruned"
    SIGNING_KEY_GENERATED = "signing_key.generated"
    SIGNING_KEY_ROTATED = "signing_key.rotated"
    SIGNING_KEY_RETIRED = "signing_key.retired"
    SECRET_KEY_REPLACED = "secret_key.replaced"  # noqa: S105
