"""What is remembered. One table family a file."""

from authapp.models.api_keys import ApiKey
from authapp.models.audit import AuditAction, AuditEvent
from authapp.models.invitations import Invitation
from authapp.models.organizations import Membership, Organization
from authapp.models.outbox import Letter
from authapp.models.sessions import Session
from authapp.models.users import User

__all__ = [
    "ApiKey",
    "AuditAction",
    "AuditEvent",
    "Invitation",
    "Letter",
    "Membership",
    "Organization",
    "Session",
    "User",
]
