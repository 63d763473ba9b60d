"""Which sessions have ended, as the feed `GET /auth/revocations` tells it."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime
from typing import Any

from authapp_verify.errors import Refused, Unavailable
from authapp_verify.http import Http
from authapp_verify.tokens import Claims

LIMIT = 100
log = logging.getLogger("authapp_verify")


class RevocationFeed:
    """What has been revoked, as far as the feed was read. A thread follows it; one writes, and many read.

    Args:
        http: asks authapp.
        service_key: a key with the right `revocations`.
        interval: seconds between two polls.
    """

    def __init__(self, http: Http, service_key: str, interval: float = 2.0) -> None:
        self._http, self._service_key, self._interval = http, service_key, interval
        self._cursor = ""
        self._sessions: dict[str, float] = {}  # until when to keep them
        self._accounts: dict[str, tuple[float, float]] = {}  # revoked at, until when to keep it
        self._read_at = float("-inf")
        self._was_read = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Follow the feed in a thread, unless one does so already. After a fork there is none."""
        if self._thread and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._follow, name="authapp-revocations", daemon=True)
                self._thread.start()

    def poll(self) -> None:
        """Read what is new. Where this fails, what is known stays known.

        Raises:
            Unavailable: the feed cannot be read.
        """
        started, more = time.monotonic(), True
        while more:
            query = {"limit": str(LIMIT), **({"after": self._cursor} if self._cursor else {})}
            answer = self._http.get(f"{self._http.url}/api/v1/auth/revocations", self._service_key, query)
            page = answer.json()
            if answer.status != 200 or not isinstance(page.get("next_cursor"), str):
                raise Unavailable(f"The feed of revocations answers {answer.status}.")
            for item in page["items"]:
                self._add(item)
            self._cursor = page["next_cursor"]
            more = len(page["items"]) == LIMIT
        self._forget()
        self._read_at = started
        self._was_read.set()

    def is_revoked(self, claims: Claims) -> bool:
        """Whether the token with these claims is dead, as far as the feed was read."""
        at, _ = self._accounts.get(claims.sub, (0.0, 0.0))
        return claims.sid in self._sessions or claims.iat <= at

    @property
    def age(self) -> float:
        """Seconds since the last poll that has read everything; infinite before the first."""
        return time.monotonic() - self._read_at

    def wait(self, seconds: float) -> None:
        """Wait for the first poll, so long at most."""
        self._was_read.wait(seconds)

    def _follow(self) -> None:
        failing = False
        while True:
            try:
                self.poll()
                failing = False
            except (Refused, KeyError, TypeError, ValueError, OverflowError) as error:
                if not failing:
                    log.warning("The feed of revocations cannot be read: %s", error)
                failing = True
            time.sleep(self._interval)

    def _add(self, item: dict[str, Any]) -> None:
        at, until = (datetime.fromisoformat(item[name]).timestamp() for name in ("at", "until"))
        if "sid" in item:
            self._sessions[item["sid"]] = until
        else:
            known = self._accounts.get(item["sub"], (at, until))
            self._accounts[item["sub"]] = (max(at, known[0]), max(until, known[1]))

    def _forget(self) -> None:
        """Replace both tables: readers keep the one that they have."""
        now = time.time()
        self._sessions = {key: until for key, until in self._sessions.items() if until > now}
        self._accounts = {key: found for key, found in self._accounts.items() if found[1] > now}
