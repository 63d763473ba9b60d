"""Access tokens, API keys and roles of authapp in other services."""

from authapp_verify.checks import Member
from authapp_verify.client import Authapp, Guard
from authapp_verify.errors import Forbidden, Refused, Unauthenticated, Unavailable
from authapp_verify.revocations import RevocationFeed
from authapp_verify.tokens import Claims

__all__ = [
    "Authapp", "Claims", "Forbidden", "Guard", "Member", "Refused", "RevocationFeed", "Unauthenticated", "Unavailable",
]  # fmt: skip
