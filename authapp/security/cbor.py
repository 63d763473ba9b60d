"""The CBOR that authenticators write: few items, none of them tagged (CTAP 2.2 section 8).

The library decodes all of CBOR, and encodes again what it has decoded. With shared references, which are tags, 124
bytes become 3 MB, and each 6 bytes more double that. So whatever comes from outside is walked through first.
"""

from __future__ import annotations

MOST_ITEMS = 256  # an answer of an authenticator has some 20
_BYTES, _TEXT, _ARRAY, _MAP, _TAG = 2, 3, 4, 5, 6  # major types, RFC 8949 section 3.1
_FLAGS_AT, _ATTESTED_AT, _ATTESTED, _ID_LENGTH_AT, _ID_AT = 32, 37, 0x40, 53, 55  # WebAuthn section 6.1


class UnexpectedCbor(ValueError):
    """It is more than authenticators write."""


def end_of_item(data: bytes, at: int = 0) -> int:
    """Where the item that begins at a place ends.

    Raises:
        UnexpectedCbor: it is tagged, has no definite length, is too large, or ends too early.
    """
    left = 1  # items to come
    for _ in range(MOST_ITEMS):
        major, size, at = _head(data, at)
        left -= 1
        if major in (_BYTES, _TEXT):
            at += size
        elif major in (_ARRAY, _MAP):
            left += size * (2 if major == _MAP else 1)
        elif major == _TAG:
            raise UnexpectedCbor("a tag")
        if at > len(data):
            raise UnexpectedCbor("ends too early")
        if not left:
            return at
    raise UnexpectedCbor("too many items")


def require_plain_authenticator_data(data: bytes) -> None:
    """Pass if what is behind the header of authenticator data, a public key and extensions, is plain CBOR.

    Raises:
        UnexpectedCbor: it is not.
    """
    at = _ATTESTED_AT
    if len(data) > _ATTESTED_AT and data[_FLAGS_AT] & _ATTESTED:
        at = _ID_AT + int.from_bytes(data[_ID_LENGTH_AT:_ID_AT])
    while at < len(data):
        at = end_of_item(data, at)


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """The major type of an item, its size or value, and where its content begins."""
    if at >= len(data):
        raise UnexpectedCbor("ends too early")
    major, info = data[at] >> 5, data[at] & 31
    if info < 24:
        return major, info, at + 1
    if info > 27:
        raise UnexpectedCbor("no definite length")
    end = at + 1 + (1 << (info - 24))
    return major, int.from_bytes(data[at + 1 : end]), end
