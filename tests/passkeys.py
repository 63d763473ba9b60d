"""A software authenticator and the browser around it, with switches for all that can be wrong."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID
from werkzeug.test import TestResponse

from tests.factories import Person, World

ORIGIN, RP_ID = "http://localhost:8000", "localhost"
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
UNKNOWN_AAGUID = bytes(16)
ES256, EDDSA, RS256 = -7, -8, -257
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


def new_key(algorithm: int) -> PrivateKey:
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def certificate(key: PrivateKey) -> bytes:
    """A certificate of an authenticator, which it has signed itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authenticator")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), day, day)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@dataclass
class Passkey:
    """A passkey on an authenticator. Change an attribute, and its next answer has it."""

    algorithm: int = ES256
    origin: str = ORIGIN
    rp_id: str = RP_ID
    flags: int = PRESENT | VERIFIED
    sign_count: int = 0
    counts: bool = False
    user_handle: bytes | None = None
    aaguid: bytes = UNKNOWN_AAGUID
    attestation_format: str = "none"
    client_data: dict[str, Any] = field(default_factory=dict)
    public_key: dict[int, Any] | None = None  # in place of its own
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = new_key(self.algorithm)

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer creation options, as `navigator.credentials.create()` does."""
        self.user_handle = decode(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"])
        public_key = cbor2.dumps(self.cose_key())
        credential = self.aaguid + len(self.credential_id).to_bytes(2) + self.credential_id + public_key
        data = self._authenticator_data(ATTESTED) + credential
        attestation = {"fmt": self.attestation_format, "attStmt": {}, "authData": data}
        client_data_hash = hashlib.sha256(client_data).digest()
        if self.attestation_format == "packed":
            attestation["attStmt"] = {"alg": self.algorithm, "sig": self.sign(data + client_data_hash)}
        if self.attestation_format == "fido-u2f":  # WebAuthn section 8.6
            key = b"\x04" + self.cose_key()[-2] + self.cose_key()[-3]
            signature = self.sign(b"\0" + data[:32] + client_data_hash + self.credential_id + key)
            attestation["attStmt"] = {"sig": signature, "x5c": [certificate(self.key)]}
        response = {"attestationObject": encode(cbor2.dumps(attestation)), "transports": ["internal"]}
        return self._credential(client_data, response)

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer request options, as `navigator.credentials.get()` does."""
        client_data = self._client_data("webauthn.get", options["challenge"])
        self.sign_count += self.counts
        data = self._authenticator_data()
        response = {
            "authenticatorData": encode(data),
            "signature": encode(self.sign(data + hashlib.sha256(client_data).digest())),
            "userHandle": encode(self.user_handle) if self.user_handle else None,
        }
        return self._credential(client_data, response)

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(data)

    def cose_key(self) -> dict[int, Any]:
        """The public key (RFC 9053 section 7, RFC 8230 section 4)."""
        if self.public_key is not None:
            return self.public_key
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            numbers = self.key.public_key().public_numbers()
            return {1: 2, 3: self.algorithm, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        if isinstance(self.key, rsa.RSAPrivateKey):
            public = self.key.public_key().public_numbers()
            return {1: 3, 3: self.algorithm, -1: public.n.to_bytes(self.key.key_size // 8), -2: public.e.to_bytes(3)}
        return {1: 1, 3: self.algorithm, -1: 6, -2: self.key.public_key().public_bytes_raw()}

    def _client_data(self, kind: str, challenge: str) -> bytes:
        known = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps({**known, **self.client_data}).encode()

    def _authenticator_data(self, more_flags: int = 0) -> bytes:
        rp_id_hash = hashlib.sha256(self.rp_id.encode()).digest()
        return rp_id_hash + bytes([self.flags | more_flags]) + self.sign_count.to_bytes(4)

    def _credential(self, client_data: bytes, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": encode(self.credential_id),
            "rawId": encode(self.credential_id),
            "type": "public-key",
            "response": {"clientDataJSON": encode(client_data), **response},
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": True}},
        }


def begin_registration(person: Person) -> dict[str, Any]:
    response = person.call("POST", "/auth/passkeys/options")
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def register(person: Person, passkey: Passkey, **body: Any) -> TestResponse:
    """Make the passkey for somebody, and send it."""
    begun = begin_registration(person)
    answer = {"challenge_id": begun["challenge_id"], "passkey": passkey.create(begun["options"])}
    return person.call("POST", "/auth/passkeys", {**answer, **body})


def with_passkey(person: Person, **switches: Any) -> Passkey:
    """Give somebody a passkey."""
    passkey = Passkey(**switches)
    response = register(person, passkey)
    assert response.status_code == 201, response.text
    return passkey


def begin_sign_in(world: World) -> dict[str, Any]:
    response = world.caller().call("POST", "/auth/login/passkey/options")
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def sign_in(world: World, passkey: Passkey, **body: Any) -> TestResponse:
    begun = begin_sign_in(world)
    answer = {"challenge_id": begun["challenge_id"], "passkey": passkey.get(begun["options"])}
    return world.caller().call("POST", "/auth/login/passkey", {**answer, **body})


def signed(world: World, passkey: Passkey) -> dict[str, Any]:
    """What a passkey signs for a sign-in."""
    return passkey.get(begin_sign_in(world)["options"])


def second_factor_options(world: World, mfa_token: str) -> dict[str, Any]:
    response = world.caller().call("POST", "/auth/login/mfa/passkey", {"mfa_token": mfa_token})
    assert response.status_code == 200, response.text
    return dict(response.get_json())
