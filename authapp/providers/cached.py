"""Documents of a provider that are kept, and fetched by one caller for all that wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from authapp.core import clock
from authapp.providers.fetch import Fetcher
from authapp.providers.provider import ProviderUnavailable

KEPT = timedelta(hours=1)
BETWEEN_FETCHES = timedelta(seconds=30)  # where there is something to use meanwhile

T = TypeVar("T")


class Cached(Generic[T]):
    """A document that is kept for an hour, and for longer while there is no newer one.

    Args:
        load: fetches and reads it. A document that cannot be used raises ProviderUnavailable.
        patient: wait `BETWEEN_FETCHES` after a failure also while there is nothing to use, for documents of strangers.
    """

    def __init__(self, load: Callable[[Fetcher], T], *, patient: bool = False) -> None:
        self._load, self._patient = load, patient
        self._lock = threading.Lock()
        self._kept: tuple[T, datetime] | None = None
        self._tried_at: datetime | None = None
        self._failure: str | None = None  # of the last fetch
        self._fetches = 0

    def get(self, fetcher: Fetcher) -> T:
        """The document.

        Raises:
            ProviderUnavailable: none was ever fetched, and it cannot be fetched now.
        """
        fetches, kept = self._fetches, self._kept
        if kept is None:
            return self.newer(fetcher) if self._patient else self._fetch(fetcher, fetches)
        if clock.now() - kept[1] < KEPT:
            return kept[0]
        try:
            return self.newer(fetcher)
        except ProviderUnavailable:
            return kept[0]

    def newer(self, fetcher: Fetcher) -> T:
        """The document, fetched now, or a moment ago.

        Raises:
            ProviderUnavailable: it cannot be fetched, or could not a moment ago.
        """
        fetches = self._fetches  # before the time is compared: a fetch that ends meanwhile is not repeated
        if self._tried_at is not None and clock.now() - self._tried_at < BETWEEN_FETCHES:
            return self._last()
        return self._fetch(fetcher, fetches)

    def _fetch(self, fetcher: Fetcher, fetches: int) -> T:
        """Fetch it, unless that was done since there were so many fetches. Whoever comes meanwhile waits for it."""
        if not self._lock.acquire(timeout=max(0.0, fetcher.until - time.monotonic())):
            raise ProviderUnavailable("the fetch of another request has no end")
        try:
            if self._fetches == fetches:
                self._try(fetcher)
            return self._last()
        finally:
            self._lock.release()

    def _last(self) -> T:
        """The result of the last fetch."""
        if self._failure is not None or self._kept is None:
            raise ProviderUnavailable(self._failure or "")
        return self._kept[0]

    def _try(self, fetcher: Fetcher) -> None:
        try:
            self._kept, self._failure = (self._load(fetcher), clock.now()), None
        except ProviderUnavailable as error:
            self._failure = error.reason
        self._tried_at = clock.now()
        self._fetches += 1
