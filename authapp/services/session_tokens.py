"""The pair of tokens of a session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from authapp.core import clock
from authapp.core.actor import OrganizationRecord, UserRecord
from authapp.core.claims import TokenSubject, checked
from authapp.models.sessions import SessionRecord
from authapp.web.application import current_app


class SignedIn(NamedTuple):
    """A token response (RFC 6749 section 5.1), whom it is for, and the organization that this call made."""

    access_token: str
    refresh_token: str
    expires_in: int  # seconds
    refresh_expires_in: int  # seconds
    user: UserRecord
    organization: OrganizationRecord | None
    device_token: str | None
    token_type: str = "Bearer"  # noqa: S105


def issue(
    session: SessionRecord,
    user: UserRecord,
    organization: OrganizationRecord | None = None,
    device_token: str | None = None,
) -> SignedIn:
    """The pair of tokens of a session as it stands. The same record gives the same refresh token."""
    now = clock.now()
    lifetime = timedelta(minutes=current_app.settings.access_token_expire_minutes)
    access_expires_at = min(now + lifetime, session.expires_at)
    issue_token = current_app.tokens.issue
    claims = {
        "sub": str(user.id),
        "sid": str(session.id),
        "auth_time": int(session.authenticated_at.timestamp()),
        "amr": session.amr,
    }
    return SignedIn(
        access_token=issue_token("access", {**claims, **_own_claims(session, user)}, now, access_expires_at),
        refresh_token=issue_token("refresh", claims, session.last_used_at, session.expires_at, session.refresh_id),
        expires_in=round((access_expires_at - now).total_seconds()),
        refresh_expires_in=round((session.expires_at - now).total_seconds()),
        user=user,
        organization=organization,
        device_token=device_token,
    )


def _own_claims(session: SessionRecord, user: UserRecord) -> dict[str, Any]:
    """What the application adds to access tokens."""
    if current_app.claims is None:
        return {}
    subject = TokenSubject(user.id, session.id, user, session.authenticated_at, session.amr)
    return checked(current_app.claims(subject))


def sliding() -> timedelta:
    """How long a session lives without a refresh."""
    return timedelta(days=current_app.settings.refresh_token_expire_days)
