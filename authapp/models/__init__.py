"""What is remembered. One table family a file."""

from authapp.models.audit import AuditAction, AuditEvent
from authapp.models.organizations import Membership, Organization
from authapp.models.sessions import Session
from authapp.models.users import User

__all__ = ["AuditAction", "AuditEvent", "Membership", "Organization", "Session", "User"]
