"""Passkeys (WebAuthn Level 3): the options that a browser takes, and what is right about its answers.

Answers come as JSON, as `PublicKeyCredential.toJSON()` gives them. The library judges most of an answer. Judged here as
well: cross-origin use, credential ids, whether a public key can be used, attestation formats, and the CBOR.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    helpers,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, structs
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from authapp.core import lengths
from authapp.core.errors import Unauthorized
from authapp.security import cbor

TIMEOUT = 5 * 60 * 1000  # milliseconds
ES256, EDDSA = COSEAlgorithmIdentifier.ECDSA_SHA_256, COSEAlgorithmIdentifier.EDDSA
ALGORITHMS = [ES256, EDDSA, COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256]
FORMATS = (structs.AttestationFormat.NONE, structs.AttestationFormat.PACKED)
_SYNCABLE = structs.CredentialDeviceType.MULTI_DEVICE
RSA_BITS = range(2048, 4096 + 1)


class InvalidPasskey(Unauthorized):
    code = "invalid_passkey"
    detail = "This passkey cannot be accepted. Try again, or sign in in another way."
    keeps_writes = True


class NewPasskey(NamedTuple):
    """A passkey that an authenticator has made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool
    backed_up: bool
    aaguid: str


class Assertion(NamedTuple):
    """What an authenticator has signed."""

    sign_count: int
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """This service, as authenticators and browsers know it.

    Attributes:
        rp_id: a domain. Passkeys are bound to it.
        name: of the service, for people.
        origins: of the pages that may use its passkeys.
    """

    rp_id: str
    name: str
    origins: tuple[str, ...]

    def creation_options(
        self, challenge: bytes, handle: bytes, email: str, display_name: str, existing: Iterable[bytes]
    ) -> dict[str, Any]:
        """What `navigator.credentials.create()` takes, as JSON (WebAuthn section 5.4).

        Args:
            challenge: to be signed.
            handle: what authenticators call the account.
            email, display_name: of the account, for people.
            existing: the credential ids of the account, none of which is replaced.
        """
        options = generate_registration_options(
            rp_id=self.rp_id,
            rp_name=self.name,
            user_id=handle,
            user_name=email,
            user_display_name=display_name,
            challenge=challenge,
            timeout=TIMEOUT,
            attestation=structs.AttestationConveyancePreference.NONE,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(existing),
            supported_pub_key_algs=ALGORITHMS,
        )
        return helpers.options_to_json_dict(options)

    def request_options(self, challenge: bytes, allowed: Iterable[bytes] = ()) -> dict[str, Any]:
        """What `navigator.credentials.get()` takes, as JSON (WebAuthn section 5.5).

        Args:
            challenge: to be signed.
            allowed: the credential ids of which one may sign. None: whichever the person chooses.
        """
        options = generate_authentication_options(
            rp_id=self.rp_id,
            challenge=challenge,
            timeout=TIMEOUT,
            allow_credentials=_descriptors(allowed),
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        )
        return helpers.options_to_json_dict(options)

    def register(self, passkey: dict[str, Any], challenge: bytes) -> NewPasskey:
        """Check the answer to creation options (WebAuthn section 7.1).

        Raises:
            InvalidPasskey: anything is wrong with it.
        """
        with _refusing_errors():
            credential = helpers.parse_registration_credential_json(passkey)
            _require_same_origin(credential.response.client_data_json)
            _require_known_format(credential.response.attestation_object)
            verified = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
                require_user_verification=True,
                supported_pub_key_algs=ALGORITHMS,
            )
            _require_usable_key(verified.credential_public_key)
            if verified.credential_id != credential.raw_id or len(verified.credential_id) > lengths.CREDENTIAL_ID:
                raise InvalidPasskey("credential id")
            return NewPasskey(
                credential_id=verified.credential_id,
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
                backup_eligible=verified.credential_device_type is _SYNCABLE,
                backed_up=verified.credential_backed_up,
                aaguid=verified.aaguid,
            )

    def accept(self, passkey: dict[str, Any], challenge: bytes, public_key: bytes) -> Assertion:
        """Check the answer to request options (WebAuthn section 7.2), but for the account and the sign counter.

        The library would compare the counter before the signature, of an answer that nobody has signed.

        Raises:
            InvalidPasskey: anything is wrong with it.
        """
        with _refusing_errors():
            credential = helpers.parse_authentication_credential_json(passkey)
            _require_same_origin(credential.response.client_data_json)
            cbor.require_plain_authenticator_data(credential.response.authenticator_data)
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
            backup_eligible = verified.credential_device_type is _SYNCABLE
            return Assertion(verified.new_sign_count, backup_eligible, verified.credential_backed_up)


def challenge_of(passkey: dict[str, Any]) -> bytes:
    """The challenge that an answer says it answers.

    Raises:
        InvalidPasskey: it says none.
    """
    with _refusing_errors():
        client_data = _client_data(base64url_to_bytes(passkey["response"]["clientDataJSON"]))
        return base64url_to_bytes(client_data["challenge"])


def credential_of(passkey: dict[str, Any]) -> tuple[bytes, bytes | None]:
    """The credential id of an assertion, and the user handle, if it has one.

    Raises:
        InvalidPasskey: it is no assertion.
    """
    with _refusing_errors():
        credential = helpers.parse_authentication_credential_json(passkey)
        return credential.raw_id, credential.response.user_handle


@contextmanager
def _refusing_errors() -> Iterator[None]:
    """Raise InvalidPasskey for whatever an answer makes the library raise.

    It lets errors of cbor2, of cryptography and of Python through: KeyError for a public key without an algorithm,
    ValueError for a point that is not on its curve, and many others.
    """
    try:
        yield
    except InvalidPasskey:
        raise
    except Exception as error:
        raise InvalidPasskey(f"{type(error).__name__}: {error}"[:200]) from error


def _descriptors(credential_ids: Iterable[bytes]) -> list[structs.PublicKeyCredentialDescriptor]:
    return [structs.PublicKeyCredentialDescriptor(id=credential_id) for credential_id in credential_ids]


def _client_data(client_data_json: bytes) -> dict[str, Any]:
    client_data = json.loads(client_data_json)
    if not isinstance(client_data, dict):
        raise InvalidPasskey("client data")
    return client_data


def _require_same_origin(client_data_json: bytes) -> None:
    """Refuse what a page has signed in a frame of another origin (WebAuthn section 13.4.9)."""
    client_data = _client_data(client_data_json)
    if client_data.get("crossOrigin") not in (None, False) or client_data.get("topOrigin") is not None:
        raise InvalidPasskey("cross-origin")


def _require_known_format(attestation_object: bytes) -> None:
    """Refuse the other attestation formats, none of which was asked for: they are the most code of the library."""
    cbor.end_of_item(attestation_object)
    attestation = helpers.parse_cbor(attestation_object)
    cbor.require_plain_authenticator_data(attestation["authData"])
    if attestation["fmt"] not in FORMATS:
        raise InvalidPasskey("attestation format")


def _require_usable_key(public_key: bytes) -> None:
    """Refuse a key with which no assertion could be verified: without an attestation, nothing is signed with it yet."""
    key = helpers.decoded_public_key_to_cryptography(helpers.decode_credential_public_key(public_key))
    usable = (
        isinstance(key, ed25519.Ed25519PublicKey)
        or (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1))
        or (isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS)
    )
    if not usable:
        raise InvalidPasskey("public key")
