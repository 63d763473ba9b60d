"""Passwords: hashed with bcrypt over a keyed pre-hash, a few at a time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar, cast

import bcrypt
import structlog
from flask import Flask, current_app
from gevent import monkey

from authapp.core.errors import HashQueueFull
from authapp.core.requests import client_is_connected
from authapp.security.keys import derive
from config import Settings

WAITING = 64  # sign-ins in each process, some 15 seconds of them
LONGEST_WAIT = 20.0  # seconds
NICENESS = 5  # a quarter of a processor that others want as well
_PREFIX = "ap1"  # version of the pre-hash; what follows is bcrypt's own format
_DUMMY_SALT_AND_DIGEST = "abcdefghijklmnopqrstuu" + "abcdefghijklmnopqrstuvwxyzABCDE"

T = TypeVar("T")

log = structlog.get_logger("authapp")


class HashQueue:
    """One hash at a time in this process, in a native thread of low priority; a limited number of requests wait."""

    def __init__(self, waiting: int = WAITING, longest_wait: float = LONGEST_WAIT) -> None:
        self._longest_wait = longest_wait
        self._slots = threading.BoundedSemaphore(1 + waiting)
        self._turn = threading.Lock()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a slot of the queue. Enter it before the first query, and hold no connection while hashing.

        Raises:
            HashQueueFull: at once, if too many are waiting.
        """
        if not self._slots.acquire(blocking=False):
            raise HashQueueFull
        try:
            yield
        finally:
            self._slots.release()

    def run(self, work: Callable[..., T], *args: Any) -> T:
        """Wait for one's turn, do the work and give its result.

        Raises:
            HashQueueFull: the wait was too long, or the client has disconnected meanwhile.
        """
        if not self._turn.acquire(timeout=self._longest_wait):
            raise HashQueueFull("the wait was too long")
        try:
            if not client_is_connected():
                raise HashQueueFull("the client has disconnected")
            return self._in_native_thread(work, *args)
        finally:
            self._turn.release()

    def _in_native_thread(self, work: Callable[..., T], *args: Any) -> T:
        """Hash outside of gevent's event loop. A thread that is native already hashes by itself."""
        if monkey.is_module_patched("threading"):
            return cast("T", self._native_thread.apply(_with_low_priority, (work, *args)))
        return work(*args)

    @cached_property
    def _native_thread(self) -> Any:
        from gevent.threadpool import ThreadPool  # noqa: PLC0415  needs an event loop, which a fork does not survive

        return ThreadPool(1)


def _with_low_priority(work: Callable[..., T], *args: Any) -> T:
    """Let the event loop go first on a busy processor. Linux has priorities for each thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    return work(*args)


class Passwords:
    """The hasher. Bound to an application by `init_app`, used inside `with passwords.queue.place():`."""

    def init_app(self, app: Flask, settings: Settings) -> None:
        app.extensions["authapp.passwords"] = _Hasher(settings)

    @property
    def queue(self) -> HashQueue:
        return self._hasher.queue

    @property
    def _hasher(self) -> _Hasher:
        return cast("_Hasher", current_app.extensions["authapp.passwords"])

    def hash(self, password: str) -> str:
        """A new salted hash at the present cost, 66 characters, for storage."""
        hasher = self._hasher
        hashed = hasher.queue.run(bcrypt.hashpw, hasher.prehash(password), bcrypt.gensalt(hasher.rounds))
        return _PREFIX + hashed.decode()

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the one stored. Costs one hash, also where nothing or garbage is stored."""
        hasher = self._hasher
        known = stored is not None and stored.startswith(_PREFIX)
        if stored is not None and not known:
            log.error("password.hash_unreadable")
        against = stored.removeprefix(_PREFIX) if stored is not None and known else hasher.dummy
        prehashed = hasher.prehash(password)
        try:
            return hasher.queue.run(bcrypt.checkpw, prehashed, against.encode()) and known
        except ValueError:
            log.error("password.hash_unreadable")
            hasher.queue.run(bcrypt.checkpw, prehashed, hasher.dummy.encode())
            return False

    def needs_rehash(self, stored: str) -> bool:
        """Whether a stored hash was made at another cost than the present one."""
        return not stored.startswith(f"{_PREFIX}$2b${self._hasher.rounds:02d}$")


class _Hasher:
    def __init__(self, settings: Settings) -> None:
        self.queue = HashQueue()
        self.rounds = settings.bcrypt_rounds
        self.dummy = f"$2b${self.rounds:02d}${_DUMMY_SALT_AND_DIGEST}"
        own_pepper = settings.password_pepper
        self._pepper = own_pepper.encode() if own_pepper else derive(settings.secret_key, "password pepper")

    def prehash(self, password: str) -> bytes:
        """64 bytes of base64, below bcrypt's limit of 72 and without NUL, in which every character counts."""
        return base64.b64encode(hmac.new(self._pepper, password.encode(), hashlib.sha384).digest())


passwords = Passwords()
