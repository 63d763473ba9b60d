"""Tables: a table family a file. Imports db and core."""

from authapp.models.api_keys import ApiKey
from authapp.models.attempts import AttemptCounter
from authapp.models.audit import AuditEvent
from authapp.models.audit_seals import AuditCheckpoint, AuditLeaf, AuditNode, AuditTree, UnsealedEvent
from authapp.models.identities import Identity, SsoCode, SsoState
from authapp.models.invitations import Invitation
from authapp.models.jobs import JobRun
from authapp.models.keys import KeptKey, SigningKey
from authapp.models.known_devices import KnownDevice
from authapp.models.one_time_tokens import OneTimeToken
from authapp.models.organizations import Membership, Organization
from authapp.models.outbox import OutboxMessage
from authapp.models.passkeys import Passkey, PasskeyChallenge, PasskeyUser
from authapp.models.revocations import Revocation
from authapp.models.second_factors import MfaChallenge, RecoveryCode, TotpFactor
from authapp.models.service_keys import ServiceKey
from authapp.models.sessions import Session
from authapp.models.trusted_identities import TrustedIdentity, UsedJobToken
from authapp.models.users import User
from authapp.models.webhooks import Webhook, WebhookDelivery

__all__ = [
    "ApiKey",
    "AttemptCounter",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditLeaf",
    "AuditNode",
    "AuditTree",
    "Identity",
    "Invitation",
    "JobRun",
    "KeptKey",
    "KnownDevice",
    "Membership",
    "MfaChallenge",
    "OneTimeToken",
    "Organization",
    "OutboxMessage",
    "Passkey",
    "PasskeyChallenge",
    "PasskeyUser",
    "RecoveryCode",
    "Revocation",
    "ServiceKey",
    "Session",
    "SigningKey",
    "SsoCode",
    "SsoState",
    "TotpFactor",
    "TrustedIdentity",
    "UnsealedEvent",
    "UsedJobToken",
    "User",
    "Webhook",
    "WebhookDelivery",
]
