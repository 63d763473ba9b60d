"""Copies the revocations to Redis, where there is one, and removes those that have expired."""

from __future__ import annotations

import math
from functools import cache
from threading import Event

from authapp.core.positions import Position
from authapp.db import transaction
from authapp.db.revocation_mirror import Mirror, Revoked
from authapp.services import revocations
from authapp.services.revocations import Entry
from authapp.web.application import current_app

AT_ONCE = 1000

_mirror = cache(Mirror)


def mirror(stopped: Event) -> None:
    """Copy what is not in Redis yet. The database is the truth, so a Redis that was emptied is filled again.

    Also what an open transaction could still come before: that is copied again until it is settled.
    """
    if current_app.settings.redis_url is None:
        return
    target = _mirror(current_app.settings.redis_url)
    cursor = target.cursor()
    position = revocations.position_in_history(_decoded(cursor))
    while not stopped.is_set():
        entries = revocations.entries_after(position, AT_ONCE)
        transaction.rollback()  # no connection is in use while Redis is asked
        settled = [entry.position for entry in entries if entry.is_settled]
        before, cursor = cursor, settled[-1].encode().encode() if settled else cursor
        if not entries or not target.publish([_revoked(entry) for entry in entries], before, cursor):
            return
        if len(entries) < AT_ONCE:
            return
        position = entries[-1].position


def prune(stopped: Event) -> None:
    """Remove the revocations that have expired."""
    removed = revocations.PRUNED_AT_ONCE
    while removed == revocations.PRUNED_AT_ONCE and not stopped.is_set():
        removed = revocations.prune()
        transaction.commit()


def _decoded(cursor: bytes) -> Position | None:
    try:
        return Position.decode(cursor.decode("ascii"))
    except ValueError:
        return None


def _revoked(entry: Entry) -> Revoked:
    row = entry.row
    kind, subject = ("sid", row.session_id) if row.session_id else ("sub", row.user_id)
    expires_at = math.ceil(row.expires_at.timestamp())
    return Revoked(f"authapp:revoked:{kind}:{subject}", int(row.revoked_at.timestamp()), expires_at)
