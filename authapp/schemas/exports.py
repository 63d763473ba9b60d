"""An export of all that is known of an account, as it is answered."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, missing

from authapp.schemas.audit import AuditEvent
from authapp.schemas.fields import Reply, Timestamp


class _Stored(fields.Dict):
    """An object, absent where it is empty."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value or missing


_KINDS: dict[str, type[fields.Field[Any]]] = {
    "ids": fields.UUID,
    "texts": fields.String,
    "flags": fields.Boolean,
    "numbers": fields.Integer,
    "times": Timestamp,
}


def _record(name: str, what: str, *, words: str = "", stored: str = "", **columns: str) -> type[Reply]:
    """The schema of a row, whose columns are named by their kind.

    `words` are columns that have lists of texts, `stored` those that have objects.
    """
    declared: dict[str, fields.Field[Any]] = {
        column: _KINDS[kind](required=True, allow_none=True)
        for kind, names in columns.items()
        for column in names.split()
    }
    declared |= {word: fields.List(fields.String(), required=True) for word in words.split()}
    declared |= {each: _Stored() for each in stored.split()}
    schema: type[Reply] = type(name, (Reply,), {**declared, "__doc__": what})
    return schema


ExportedUser = _record(
    "ExportedUser",
    "The account itself.",
    ids="id",
    texts="email first_name last_name",
    flags="email_verified has_password is_active mfa_enabled is_operator",
    times="last_login_at created_at updated_at deleted_at erased_at",
    stored="profile",
)
_LISTS: dict[str, type[Reply]] = {
    "memberships": _record(
        "ExportedMembership",
        "An organization that I belong to, and my role there.",
        ids="user_id organization_id",
        texts="organization_name organization_slug role",
        times="created_at updated_at",
    ),
    "sessions": _record(
        "ExportedSession",
        "A session of mine, live or ended.",
        ids="id user_id device_id",
        texts="end_reason ip_address user_agent",
        words="amr",
        times="authenticated_at last_used_at expires_at ends_at_latest ended_at created_at",
    ),
    "known_devices": _record(
        "ExportedDevice", "A device that I have signed in from.", ids="id user_id", times="expires_at created_at"
    ),
    "passkeys": _record(
        "ExportedPasskey",
        "A passkey of mine, without its key.",
        ids="id user_id",
        texts="name",
        flags="backup_eligible backed_up",
        times="last_used_at created_at",
    ),
    "identities": _record(
        "ExportedIdentity",
        "My identity at a provider.",
        ids="id user_id",
        texts="provider issuer subject email",
        times="last_used_at unlinked_at created_at",
    ),
    "second_factors": _record(
        "ExportedSecondFactor",
        "My authenticator app, without its secret.",
        ids="user_id",
        texts="key_id",
        times="confirmed_at created_at",
    ),
    "invitations_received": (
        _invitation := _record(
            "ExportedInvitation",
            "An invitation.",
            ids="id organization_id invited_by",
            texts="email role status",
            times="expires_at created_at updated_at",
        )
    ),
    "invitations_sent": _invitation,
    "api_keys_created": _record(
        "ExportedApiKey",
        "An API key that I have created, without its secret.",
        ids="id organization_id created_by",
        texts="name role",
        words="permissions",
        times="previous_expires_at expires_at last_used_at revoked_at created_at updated_at",
    ),
    "organizations_founded": _record(
        "ExportedOrganization",
        "An organization that I have founded and still belong to.",
        ids="id founded_by",
        texts="name slug plan subscription_status suspension_reason",
        numbers="seats",
        times="trial_ends_at suspended_at deleted_at purged_at created_at updated_at",
    ),
    "emails": _record(
        "ExportedEmail",
        "An email that was sent to me, without its text.",
        ids="id subject_id",
        texts="recipient kind key_id last_error",
        numbers="attempts",
        times="due_at sent_at dead_at created_at",
    ),
    "audit_events": AuditEvent,
}

AccountExport = Reply.from_dict(
    {
        "exported_at": Timestamp(required=True),
        "user": fields.Nested(ExportedUser, required=True),
        **{name: fields.List(fields.Nested(schema), required=True) for name, schema in _LISTS.items()},
        "truncated": fields.List(
            fields.String(),
            required=True,
            metadata={"description": "The lists that have more than the newest 2,000. The operator can export all."},
        ),
    },
    name="AccountExport",
)
AccountExport.__doc__ = "All that is known of my account, without secrets. Lists are newest first."
