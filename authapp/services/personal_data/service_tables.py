"""The part of the inventory that is of the service itself, and of nobody's account or organization."""

from __future__ import annotations

from authapp.services.personal_data.inventory import Table

SERVICE_TABLES = (
    Table(
        "revocations",
        "ids, until the last access token has expired; other services read them",
        internal="id transaction_id session_id user_id revoked_at expires_at",
    ),
    Table(
        "signing_keys",
        "of the service",
        credential="encrypted_private_jwk",
        internal="kid algorithm state public_jwk key_id published_at activated_at deactivated_at retired_at",
    ),
    Table(
        "kept_keys",
        "of the service",
        credential="encrypted_key",
        internal="purpose key_id encrypted_at created_at",
    ),
    Table(
        "service_keys",
        "of other services, made by the operator",
        credential="secret_hash previous_secret_hash",
        internal="id name rights previous_expires_at last_used_at revoked_at created_at",
    ),
    Table(
        "jobs",
        "the last error of each job, until it runs again",
        internal="name finished_at succeeded_at error",
    ),
)
