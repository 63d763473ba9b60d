"""Sends events to the webhooks of organizations."""

from __future__ import annotations

from threading import Event

from authapp.services.webhooks import sending

_turn = [sending.FIRST]  # the webhook that this process has sent to last


def send(stopped: Event) -> None:
    """Send every event that is due, for some time."""
    _turn[0] = sending.send_due(stopped, _turn[0])
