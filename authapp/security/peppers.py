"""The keys of the pre-hash of passwords. There are several after SECRET_KEY was replaced."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import NamedTuple

from authapp.config import Settings
from authapp.security.keys import PEPPER, SUBKEY_BYTES, Kept, kept_or_derived

_ID_BYTES = 4
FIRST = ""


class Peppers(NamedTuple):
    """By their ids, which the hashes name that they have made. The first has none."""

    present: str  # the id of that which new hashes are made with
    by_id: Mapping[str, bytes]


def new_pepper() -> tuple[str, bytes]:
    """A new one, and the purpose under which it is kept."""
    return f"{PEPPER} {secrets.token_hex(_ID_BYTES)}", secrets.token_bytes(SUBKEY_BYTES)


def peppers(settings: Settings, secret: str, kept: Kept, known_to_all: Collection[str]) -> Peppers:
    """The peppers of a deployment.

    Args:
        settings: PASSWORD_PEPPER is the only one that new hashes are made with, where it is set.
        secret: of which the first is derived, unless it is kept.
        kept: all that are kept, oldest first.
        known_to_all: the purposes of those that each process has loaded by now. A hash made with another one would be
            unreadable for some.
    """
    later = {purpose.removeprefix(f"{PEPPER} "): purpose for purpose in kept if purpose.startswith(f"{PEPPER} ")}
    by_id = {pepper_id: kept[purpose] for pepper_id, purpose in later.items()}
    if settings.password_pepper:
        return Peppers(FIRST, {**by_id, FIRST: settings.password_pepper.encode()})
    first = kept_or_derived(secret, "password pepper", kept)
    usable = [pepper_id for pepper_id, purpose in later.items() if purpose in known_to_all]
    return Peppers([FIRST, *usable][-1], {**by_id, FIRST: first})
