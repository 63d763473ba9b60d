"""Signed checkpoints of Merkle trees: C2SP tlog-checkpoint, which is a C2SP signed-note with an Ed25519 signature."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from authapp.security.keys import derive

_ED25519 = b"\x01"  # the signature type, signed-note section "Signatures"
_KEY_ID_BYTES = 4
_PUBLIC_KEY_BYTES = 32
_NOTE = re.compile(
    r"^(?P<origin>[^\s+]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>\S{44})\n\n— (?P=origin) \S+$", re.MULTILINE
)


class Checkpoint(NamedTuple):
    """What a checkpoint says, and its text with the signature.

    Attributes:
        origin: names the tree, everywhere and for ever.
        size: how many leaves the tree had.
        root: its root hash.
        note: the whole text, signed.
    """

    origin: str
    size: int
    root: bytes
    note: str


class CheckpointKey:
    """Signs checkpoints.

    Args:
        seed: the 32 bytes of the Ed25519 key.

    Attributes:
        public_key: with which others verify, 32 bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()

    @classmethod
    def of(cls, secret_key: str) -> CheckpointKey:
        """The key that follows from a SECRET_KEY."""
        return cls(derive(secret_key, "audit checkpoints"))

    def sign(self, origin: str, size: int, root: bytes) -> str:
        """The signed checkpoint of a tree."""
        body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = key_id(origin, self.public_key) + self._key.sign(body.encode())
        return f"{body}\n— {origin} {base64.b64encode(signature).decode()}\n"


def key_id(origin: str, public_key: bytes) -> bytes:
    """Tells which key has signed, signed-note section "Signatures"."""
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_BYTES]


def verifier_key(origin: str, public_key: bytes) -> str:
    """The public key as tools of C2SP take it: name, key id and key."""
    return f"{origin}+{key_id(origin, public_key).hex()}+{base64.b64encode(_ED25519 + public_key).decode()}"


def public_key_of(verifier: str) -> bytes:
    """The public key in a `verifier_key`.

    Raises:
        ValueError: it is none.
    """
    origin, _, rest = verifier.partition("+")
    public_key = _decoded(rest.partition("+")[2]).removeprefix(_ED25519)
    if len(public_key) != _PUBLIC_KEY_BYTES or verifier != verifier_key(origin, public_key):
        raise ValueError("not a verifier key")
    return public_key


def read_all(text: str) -> Iterator[Checkpoint]:
    """The checkpoints in a text, which may have others lines between them."""
    for match in _NOTE.finditer(text):
        yield Checkpoint(match["origin"], int(match["size"]), _decoded(match["root"]), f"{match[0]}\n")


def is_signed_by(public_key: bytes, checkpoint: Checkpoint) -> bool:
    """Whether a key has signed a checkpoint."""
    body, _, line = checkpoint.note.rpartition("\n\n")
    signature = _decoded(line.split()[-1])
    if signature[:_KEY_ID_BYTES] != key_id(checkpoint.origin, public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature[_KEY_ID_BYTES:], f"{body}\n".encode())
    except InvalidSignature:
        return False
    return True


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
