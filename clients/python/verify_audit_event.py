"""Verify an event of the audit log: python verify_audit_event.py KEY PROOF.json [EARLIER]

KEY: the `verifier_key` of the first answer. PROOF.json: what GET .../audit-events/<event_id>/proof answers. EARLIER: a
file with an earlier `checkpoint`; then ask with ?from_size= and the number in its second line.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def need(is_so: bool, problem: str) -> None:
    if not is_so:
        sys.exit(f"Not verified: {problem}.")


def digest(*parts: object) -> bytes:  # an object is JSON with sorted names and without spaces
    dump = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
    return hashlib.sha256(b"".join(part if isinstance(part, bytes) else dump(part).encode() for part in parts)).digest()


def read(note: str, key: str) -> tuple[int, bytes]:  # C2SP signed-note and tlog-checkpoint
    body, (_, signer, signature), raw_key = note.partition("\n\n")[0], note.split()[-3:], key.split("+", 2)[2]
    origin, size, root = body.split("\n")
    raw = base64.b64decode(signature)
    need(key == f"{origin}+{raw[:4].hex()}+{raw_key}" and signer == origin, "the checkpoint is of another log or key")
    Ed25519PublicKey.from_public_bytes(base64.b64decode(raw_key)[1:]).verify(raw[4:], f"{body}\n".encode())
    return int(size), base64.b64decode(root)


def roots(at: int, last: int, first: bytes, path: list[str]) -> tuple[bytes, bytes]:  # RFC 9162 2.1.3.2, 2.1.4.2
    before = after = first
    for node in map(bytes.fromhex, path):
        if at & 1 or at == last:
            before, after = digest(b"\1", node, before), digest(b"\1", node, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = digest(b"\1", after, node)
        at, last = at >> 1, last >> 1
    return before, after if last == 0 else b""


key, sent, *earlier = sys.argv[1], *(Path(name).read_text(encoding="utf-8") for name in sys.argv[2:])
at, (size, root) = (answer := json.loads(sent))["position"], read(answer["checkpoint"], key)
salt, hidden = bytes.fromhex(answer["salt"] or "0" * 32), bytes.fromhex(answer["personal_hash"])
same = answer["personal"] is None if answer["salt"] is None else digest(salt, answer["personal"]) == hidden
need(len(salt) == 16 and same, "address, user agent or details were changed")  # without a salt: they were erased
found = roots(at, size - 1, leaf := digest(b"\0", answer["fields"], hidden), answer["inclusion_path"])
need(0 <= at < size and found[1] == root and leaf.hex() == answer["leaf_hash"], "not as it was sealed")
for before, root_before in (read(note, key) for note in earlier):
    shift, same = (~(before - 1) & before).bit_length() - 1, (before, root_before) == (size, root)
    path = [root_before.hex()] * (before >> shift == 1) + (answer["consistency_path"] or [])
    found = roots(before - 1 >> shift, size - 1 >> shift, bytes.fromhex("".join(path[:1])), path[1:])
    need(same or found == (root_before, root), "the log was rewritten since then")
sys.stdout.write("Verified.\n")
