"""Tables: a table family a file. Imports db and core."""

from authapp.models.api_keys import ApiKey
from authapp.models.attempts import AttemptCounter
from authapp.models.audit import AuditEvent
from authapp.models.audit_seals import AuditCheckpoint, AuditLeaf, AuditNode, AuditTree, UnsealedEvent
from authapp.models.identities import Identity, SsoCode, SsoState
from authapp.models.invitations import Invitation
from authapp.models.jobs import JobRun
from authapp.models.known_devices import KnownDevice
from authapp.models.one_time_tokens import OneTimeToken
from authapp.models.organizations import Membership, Organization
from authapp.models.outbox import OutboxMessage
from authapp.models.passkeys import Passkey, PasskeyChallenge, PasskeyUser
from authapp.models.second_factors import MfaChallenge, RecoveryCode, TotpFactor
from authapp.models.sessions import Session
from authapp.models.users import User

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
    "Session",
    "SsoCode",
    "SsoState",
    "TotpFactor",
    "UnsealedEvent",
    "User",
]
