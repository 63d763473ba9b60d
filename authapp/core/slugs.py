"""Slugs: the names of organizations in addresses."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from slugify import slugify

from authapp.core import lengths

# Names that a front end or this service may want as a path or host of its own.
RESERVED_SLUGS = frozenset(
    """about account accounts admin api app auth authapp billing blog contact dashboard docs health healthz help home
    invitations jwks login logout me metrics new null oauth organization organizations profile public readyz register
    root security settings signin signup sso static status support system undefined user users well-known www
    """.split()  # noqa: SIM905  a list of sixty lines reads worse
)
_NAMELESS = "organization"  # for names that have no Latin transliteration
_SUFFIX_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no look-alikes
_SUFFIX_LENGTH = 6
_LONGEST_STEM = lengths.SLUG - _SUFFIX_LENGTH - 1


def slug_candidates(name: str) -> Iterator[str]:
    """Slugs for a name, without end: the plain one unless it is reserved, then with a random suffix."""
    stem = slugify(name, max_length=_LONGEST_STEM, word_boundary=True) or slugify(name, max_length=_LONGEST_STEM)
    if stem and stem not in RESERVED_SLUGS:
        yield stem
    while True:
        suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(_SUFFIX_LENGTH))
        yield f"{stem or _NAMELESS}-{suffix}"
