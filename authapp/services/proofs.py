"""The statements that prove a credential. Each opens what its credential is good for, in the same round trip.

What they do stands in the database, in functions of migration 0003: there PostgreSQL keeps the plans, which would cost
it more than the reading itself, and psycopg2 has no way to prepare a statement that every pooler lets through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from authapp.core import transaction
from authapp.core.actor import OrganizationRecord, UserRecord


def _fields(row: str, record: type[UserRecord | OrganizationRecord]) -> str:
    return ", ".join(f"({row}).{name}" for name in record._fields if name != "role")


def _select(columns: str, function: str) -> str:
    return f"SELECT {columns} FROM {function}"  # noqa: S608  constants, all of them


_ACCOUNT = _fields("account", UserRecord)
_ORGANIZATION = _fields("organization", OrganizationRecord)
_OF_SESSION = "authapp_session(%(session_id)s, %(user_id)s, %(now)s) AS account"

SESSION = _select(_ACCOUNT, _OF_SESSION)
"""The account of an access token, if its session is live."""

SESSION_WITH_MEMBERSHIPS = _select(f"{_ACCOUNT}, authapp_memberships((account).id)", _OF_SESSION)
"""The same, with everything that the account belongs to, oldest organization first."""

SESSION_IN_ORGANIZATION = _select(
    f"{_ACCOUNT}, {_ORGANIZATION}, role",
    "authapp_session_in(%(session_id)s, %(user_id)s, %(now)s, %(organization_id)s)",
)
"""The same, with one organization and the role there, if the account belongs to it. Opens that organization."""

API_KEY_IN_ORGANIZATION = _select(
    f"(key).id, (key).last_used_at, (key).organization_id, {_ORGANIZATION}, (key).role",
    "authapp_api_key(%(api_key_id)s, %(digest)s, %(now)s, %(organization_id)s)",
)
"""An API key that is live, with its organization if that is the one asked for. Opens that organization."""

INVITATION = _select(
    "(invitation).id, (invitation).email, (invitation).expires_at, (invitation).invited_by, "
    f"{_ORGANIZATION}, (invitation).role",
    "authapp_invitation(%(invitation_id)s, %(digest)s, %(now)s)",
)
"""An invitation that may be taken up, by its token, and its organization. Opens that organization."""


def prove(proof: str, parameters: dict[str, Any], *, alone: bool = False) -> Sequence[Any] | None:
    """Send a proof. No row: it proves nothing.

    Args:
        proof: one of the above.
        parameters: the credential and, as `now`, the time.
        alone: nothing else will be asked of the database, so the proof is a transaction of its own.
    """
    return (transaction.alone if alone else transaction.send)(proof, parameters)
