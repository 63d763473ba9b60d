"""Tables: a table family a file. Imports db and core."""

from authapp.models.api_keys import ApiKey
from authapp.models.audit import AuditEvent
from authapp.models.invitations import Invitation
from authapp.models.organizations import Membership, Organization
from authapp.models.outbox import OutboxMessage
from authapp.models.sessions import Session
from authapp.models.users import User

__all__ = [
    "ApiKey",
    "AuditEvent",
    "Invitation",
    "Membership",
    "Organization",
    "OutboxMessage",
    "Session",
    "User",
]
