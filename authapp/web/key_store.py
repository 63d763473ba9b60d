"""The keys of this process, which follow the tables of keys."""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from authapp.core.errors import ServiceUnavailable
from authapp.security.encryption import CannotDecrypt
from authapp.security.key_set import KeySet, StoredKeys, WrongSecretKey, key_set
from authapp.security.keys import imported_keys
from authapp.security.tokens import Tokens
from authapp.web.stored_keys import load

if TYPE_CHECKING:
    from authapp.web.application import Application

RELOAD_SECONDS = 10.0
SETTLES_AFTER_SECONDS = 60.0
"""After so long each process has loaded what is stored, and each request that began before has ended."""

log = structlog.get_logger("authapp")


class KeysUnreadable(ServiceUnavailable):
    """The keys in the database were encrypted with another secret, or altered."""


class KeyStore:
    """Holds one `KeySet` at a time, and replaces it as a whole.

    It loads at the first use, so nothing connects to the database before gunicorn forks, and then with the use that
    comes `reload_seconds` after the last one. A reload that fails keeps what there is.

    Args:
        app: whose database has the tables.

    Attributes:
        reload_seconds: between two reloads.
        fewest_seconds: between two reloads for tokens with an unknown key.

    Raises:
        UnsafeSettings: JWT_KEYS cannot sign.
    """

    def __init__(self, app: Application) -> None:
        self.reload_seconds, self.fewest_seconds = RELOAD_SECONDS, 1.0
        self._app, self._lock = app, Lock()
        self._stored = StoredKeys()
        self._keys: KeySet | None = None
        self._loaded_at = 0.0
        imported_keys(app.settings)

    @property
    def present(self) -> KeySet:
        """The keys of the moment.

        Raises:
            ServiceUnavailable, SQLAlchemyError: the first load has failed.
        """
        if self._keys is None:
            return self._load_first()
        if monotonic() - self._loaded_at >= self.reload_seconds:
            self.reload()
        return self._keys

    def require(self) -> None:
        """Pass if this process has keys, or can load them now.

        Raises:
            ServiceUnavailable, SQLAlchemyError: it cannot.
        """
        self.present  # noqa: B018

    def for_token(self, encoded: str) -> Tokens:
        """What verifies a token. A key that is not known may be new: it is looked for at once, but not all the time."""
        tokens = self.present.tokens
        if tokens.knows_key_of(encoded) or monotonic() - self._loaded_at < self.fewest_seconds:
            return tokens
        self.reload()
        return self.present.tokens

    def reload(self) -> None:
        """Load again, unless another thread does so just now. On failure the keys stay as they are."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._load()
        except (SQLAlchemyError, CannotDecrypt, WrongSecretKey) as error:
            log.error("keys.not_reloaded", error=f"{type(error).__name__}: {error}")
        finally:
            self._lock.release()

    def _load_first(self) -> KeySet:
        with self._lock:
            try:
                return self._keys or self._load()
            except (CannotDecrypt, WrongSecretKey) as error:
                log.error("keys.not_loaded", error=f"{type(error).__name__}: {error}")
                raise KeysUnreadable(f"SECRET_KEY: {error}") from None

    def _load(self) -> KeySet:
        """Replace the keys, if others are stored. With them go the tokens that were verified with the old ones."""
        self._loaded_at = monotonic()  # a failure waits as well
        with self._app.app_context():
            stored = load(self._app.settings, SETTLES_AFTER_SECONDS)
        if self._keys is None or stored != self._stored:
            self._keys, self._stored = key_set(self._app.settings, stored), stored
        return self._keys
