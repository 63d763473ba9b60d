"""The inventory: every table, and how each of its columns is protected. The same is in `docs/personal-data.md`."""

from __future__ import annotations

from typing import Any

from authapp.security.audit_leaves import ERASED
from authapp.services.personal_data.inventory import Fate, Table
from authapp.services.personal_data.service_tables import SERVICE_TABLES

ERASED_EMAIL = "erased"  # no address
PURGED_NAME = "purged"

_TOMBSTONE: dict[str, Any] = {
    "email": ERASED_EMAIL,
    "email_verified": False,
    "password_hash": None,
    "first_name": None,
    "last_name": None,
    "mfa_enabled": False,
    "last_login_at": None,
    "profile": {},
}

TABLES = (
    Table(
        "users",
        "other tables refer to the id, which names nobody",
        account="id",
        erased=_TOMBSTONE,
        credential="password_hash",
        personal="email email_verified first_name last_name last_login_at profile",
        internal="id has_password is_active mfa_enabled is_operator created_at updated_at deleted_at erased_at",
    ),
    Table(
        "sessions",
        account="user_id",
        erasure=Fate.DELETED,
        credential="refresh_id previous_refresh_id",
        personal="ip_address user_agent",
        internal="id user_id authenticated_at amr last_used_at expires_at ends_at_latest ended_at end_reason device_id "
        "created_at",
    ),
    Table(
        "known_devices",
        account="user_id",
        erasure=Fate.DELETED,
        credential="token_hash",
        internal="id user_id expires_at created_at",
    ),
    Table(
        "totp_factors",
        account="user_id",
        erasure=Fate.DELETED,
        credential="encrypted_secret last_step",
        internal="user_id key_id confirmed_at created_at",
    ),
    Table(
        "recovery_codes", account="user_id", erasure=Fate.DELETED, credential="code_hash", internal="user_id used_at"
    ),
    Table(
        "mfa_challenges",
        account="user_id",
        erasure=Fate.DELETED,
        credential="token_hash",
        internal="id user_id amr device_id expires_at created_at",
    ),
    Table(
        "passkeys",
        account="user_id",
        erasure=Fate.DELETED,
        credential="credential_id public_key sign_count",
        personal="name",
        internal="id user_id backup_eligible backed_up last_used_at created_at",
    ),
    Table("passkey_users", account="user_id", erasure=Fate.DELETED, credential="handle", internal="user_id"),
    Table(
        "passkey_challenges",
        account="user_id",
        erasure=Fate.DELETED,
        credential="challenge browser_hash",
        internal="id purpose user_id expires_at created_at",
    ),
    Table(
        "identities",
        account="user_id",
        erasure=Fate.DELETED,
        personal="issuer subject email",
        internal="id user_id provider last_used_at unlinked_at created_at",
    ),
    Table(
        "sso_states",
        account="user_id",
        erasure=Fate.DELETED,
        credential="token_hash browser_hash code_challenge",
        internal="id provider return_to user_id session_id expires_at created_at",
    ),
    Table(
        "sso_codes",
        "found by the verified address in `person`; valid for a minute",
        erasure=Fate.DELETED,
        credential="token_hash browser_hash code_challenge",
        personal="person",
        internal="id expires_at created_at",
    ),
    Table(
        "one_time_tokens",
        "at purge those of the organization's invitations",
        account="owner_id",
        address="email",
        erasure=Fate.DELETED,
        purge=Fate.DELETED,
        credential="token_hash",
        personal="email",
        internal="id owner_id purpose unverified expires_at used_at created_at",
    ),
    Table(
        "outbox",
        "at purge those about the organization's invitations; an error that names the verified address is erased in "
        "any row",
        address="recipient",
        erasure=Fate.DELETED,
        purge=Fate.DELETED,
        credential="encrypted_body encrypted_context",
        personal="recipient last_error",
        internal="id subject_id kind key_id attempts due_at sent_at dead_at created_at",
    ),
    Table(
        "attempt_counters",
        "keyed hashes; those of the address and of the second factor are deleted, those of a network after a day",
        erasure=Fate.DELETED,
        credential="key subject",
        internal="failures next_at updated_at",
    ),
    Table(
        "organizations",
        "its audit log refers to the id, which names nobody; the subscription is the operator's",
        organization="id",
        purged={"name": PURGED_NAME, "slug": PURGED_NAME, "founded_by": None},
        personal="name slug",
        internal="id plan subscription_status seats trial_ends_at founded_by suspended_at suspension_reason deleted_at "
        "purged_at created_at updated_at",
    ),
    Table(
        "memberships",
        account="user_id",
        organization="organization_id",
        erasure=Fate.DELETED,
        purge=Fate.DELETED,
        internal="user_id organization_id role created_at updated_at",
    ),
    Table(
        "invitations",
        "those to its verified address are deleted; those that the account has sent keep its id",
        address="email",
        organization="organization_id",
        erasure=Fate.DELETED,
        purge=Fate.DELETED,
        personal="email",
        internal="id organization_id role status invited_by expires_at created_at updated_at",
    ),
    Table(
        "api_keys",
        "a key is its organization's; `created_by` keeps the id, which names nobody",
        organization="organization_id",
        purge=Fate.DELETED,
        credential="secret_hash previous_secret_hash",
        internal="id organization_id name role permissions previous_expires_at created_by expires_at last_used_at "
        "revoked_at created_at updated_at",
    ),
    Table(
        "webhooks",
        "of an organization",
        organization="organization_id",
        purge=Fate.DELETED,
        credential="encrypted_secret encrypted_previous_secret",
        internal="id organization_id url actions description key_id previous_expires_at disabled_reason failures "
        "failing_since free_at deleted_at created_at",
    ),
    Table(
        "webhook_deliveries",
        "the text of a message is made of the event at each attempt, so that what was erased is not sent",
        organization="organization_id",
        purge=Fate.DELETED,
        internal="id organization_id webhook_id event_id action status attempts queued_at due_at finished_at "
        "last_status_code last_error created_at",
    ),
    Table(
        "trusted_identities",
        "it is its organization's; `created_by` keeps the id, which names nobody",
        organization="organization_id",
        purge=Fate.DELETED,
        internal="id organization_id name issuer claims role created_by created_at",
    ),
    Table("used_job_tokens", "hashes, until the tokens have expired", credential="digest", internal="expires_at"),
    Table(
        "audit_events",
        "what happened when, and the ids, stay: the log is evidence. Erased in events that concern the account, that "
        "it has caused, or that name its verified address",
        account="user_id",
        organization="organization_id",
        erased=ERASED,
        purged=ERASED,
        personal="ip_address user_agent details",
        internal="id action target_id user_id actor_type actor_id organization_id session_id created_at request_id",
    ),
    Table("audit_unsealed", "until the event is sealed, for seconds", internal="event_id tree_id recorded_at"),
    Table(
        "audit_trees",
        "hashes; `id` is the organization's, which names nobody",
        internal="id size frontier root checkpointed_size",
    ),
    Table(
        "audit_leaves",
        "hashes; the salt of an event goes with its personal data, so that nobody can guess them",
        erased={"salt": None},
        purged={"salt": None},
        personal="salt",
        internal="tree_id position event_id erased_by personal_hash leaf_hash",
    ),
    Table("audit_nodes", "hashes", internal="tree_id level position hash"),
    Table(
        "audit_checkpoints",
        "hashes, which others keep too; `tree_id` is the organization's, which names nobody",
        internal="tree_id day size root public_key note signed_at",
    ),
    *SERVICE_TABLES,
)
"""A test compares this with the tables that there are."""

BY_NAME = {table.name: table for table in TABLES}
