"""Whatever an answer of a browser is, it is accepted or refused, and nothing else."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authapp.config import Settings
from authapp.security import authenticators, webauthn
from authapp.security.cbor import UnexpectedCbor, end_of_item
from authapp.security.webauthn import InvalidPasskey, RelyingParty
from authapp.web.application import Application
from tests.passkeys import EDDSA, ES256, ORIGIN, RP_ID, RS256, Passkey, decode, encode

PARTY = RelyingParty(RP_ID, "authapp", (ORIGIN,))
CHALLENGE = bytes(range(32))
PASSKEYS = [Passkey(algorithm, attestation_format="packed") for algorithm in (ES256, EDDSA, RS256)]
CREATED = [
    passkey.create(PARTY.creation_options(CHALLENGE, bytes(32), "a@example.com", "A", ())) for passkey in PASSKEYS
]
KEYS = [PARTY.register(created, CHALLENGE).public_key for created in CREATED]
GOT = [passkey.get(PARTY.request_options(CHALLENGE)) for passkey in PASSKEYS]

numbers = st.none() | st.booleans() | st.integers() | st.floats()
scalars = numbers | st.text(max_size=8)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
names = st.sampled_from(["id", "rawId", "type", "response", "authenticatorAttachment", "clientExtensionResults"])
inner_names = st.sampled_from(
    ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle", "transports"]
)
cbor_values = st.recursive(
    numbers | st.binary(max_size=40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(-5, 5) | st.text(max_size=4), inner),
)
FUZZ = settings(max_examples=200, deadline=None)


def ask_all(answer: dict[str, Any]) -> list[object]:
    """Whatever asks about an answer, which raises InvalidPasskey or nothing. Returns what was accepted."""
    asked: list[Callable[[], object]] = [
        lambda: PARTY.register(answer, CHALLENGE),
        *(lambda key=key: PARTY.accept(answer, CHALLENGE, key) for key in KEYS),
        lambda: webauthn.challenge_of(answer) and None,
        lambda: webauthn.credential_of(answer) and None,
    ]
    accepted = []
    for ask in asked:
        with contextlib.suppress(InvalidPasskey):
            accepted.append(ask())
    return [found for found in accepted if found is not None]


@FUZZ
@given(st.dictionaries(names | st.text(max_size=4), json_values | st.dictionaries(inner_names, json_values)))
def test_no_shape_of_json_is_accepted_or_an_error_of_ours(answer: dict[str, Any]) -> None:
    assert ask_all(answer) == []


@FUZZ
@given(st.sampled_from([*CREATED, *GOT]), st.data())
def test_a_real_answer_with_another_value_is_no_error_of_ours(real: dict[str, Any], data: st.DataObject) -> None:
    answer = copy.deepcopy(real)
    place = data.draw(st.sampled_from([answer, answer["response"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(json_values)
    ask_all(answer)


@FUZZ
@given(st.sampled_from([*CREATED, *GOT]), st.data())
def test_a_real_answer_with_other_bytes_is_not_accepted(real: dict[str, Any], data: st.DataObject) -> None:
    answer = copy.deepcopy(real)
    signed = [name for name in ("clientDataJSON", "authenticatorData", "attestationObject") if name in real["response"]]
    name = data.draw(st.sampled_from(signed))
    content = bytearray(decode(answer["response"][name]))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    answer["response"][name] = encode(bytes(content))
    if decode(real["response"][name]) != bytes(content):
        assert ask_all(answer) == []


@FUZZ
@given(cbor_values, st.sampled_from([1, 3, -1, -2, -3, "fmt", "attStmt", "authData", "alg", "sig", "x5c"]))
def test_no_shape_of_cbor_is_accepted_or_an_error_of_ours(value: Any, place: int | str) -> None:
    answer = copy.deepcopy(CREATED[0])
    attestation = cbor2.loads(decode(answer["response"]["attestationObject"]))
    if isinstance(place, int):
        passkey = Passkey(attestation_format="none", public_key={**PASSKEYS[0].cose_key(), place: value})
        answer = passkey.create(PARTY.creation_options(CHALLENGE, bytes(32), "a@example.com", "A", ()))
        refused = value != PASSKEYS[0].cose_key()[place]
    else:
        holder = attestation["attStmt"] if place in ("alg", "sig", "x5c") else attestation
        holder[place] = value
        answer["response"]["attestationObject"] = encode(cbor2.dumps(attestation))
        refused = not (place == "x5c" and not value)
    found = ask_all(answer)
    assert found == [] or not refused


def test_a_real_answer_is_accepted() -> None:
    for passkey, created, key, got in zip(PASSKEYS, CREATED, KEYS, GOT, strict=True):
        assert PARTY.register(created, CHALLENGE).credential_id == passkey.credential_id
        assert PARTY.accept(got, CHALLENGE, key) == (0, False, False)
        with pytest.raises(InvalidPasskey):
            PARTY.accept(got, bytes(32), key)
        with pytest.raises(InvalidPasskey):
            PARTY.register(created, bytes(32))


@pytest.mark.parametrize(
    ("public_url", "rp_id", "origins"),
    [
        ("https://auth.example.com", "auth.example.com", ("https://auth.example.com",)),
        ("https://Auth.Example.com:443/path", "auth.example.com", ("https://auth.example.com",)),
        ("http://localhost:8000", "localhost", ("http://localhost:8000",)),
    ],
)
def test_the_relying_party_id_is_the_host_of_public_url(public_url: str, rp_id: str, origins: tuple[str, ...]) -> None:
    found = Application(Settings(secret_key="x" * 32, public_url=public_url, operator_name="Acme")).passkeys
    assert (found.rp_id, found.origins, found.name) == (rp_id, origins, "Acme")


def test_aaguids_are_written_as_the_library_writes_them() -> None:
    for aaguid in authenticators.NAMES:
        raw = bytes.fromhex(aaguid.replace("-", ""))
        options = PARTY.creation_options(CHALLENGE, bytes(32), "a@example.com", "A", ())
        assert PARTY.register(Passkey(aaguid=raw).create(options), CHALLENGE).aaguid == aaguid
    assert authenticators.name_of("00000000-0000-0000-0000-000000000000") == "Passkey"


def shared(depth: int) -> bytes:
    """Lists that refer to each other, so that each level is twice as large when it is written out."""
    references = b"".join(b"\xd8\x1d" + cbor2.dumps(level) for level in range(depth, 0, -1))
    return b"\xd8\x1c\x82" * depth + b"\xd8\x1c\x81\x01" + references


BOMBS = {
    "shared references": shared(60),
    "repeated text": cbor2.dumps(cbor2.CBORTag(256, ["a" * 9000, *[cbor2.CBORTag(25, 0)] * 9000])),
    "colliding keys": b"\xb9\x0f\xa0" + b"".join(cbor2.dumps((2**61 - 1) * n) + b"\0" for n in range(1, 4001)),
    "endless": b"\x9f\xff",
    "deep": b"\x81" * 40_000 + b"\x01",
    "long": b"\x9b" + b"\xff" * 8,
    "reserved": b"\x1c",
    "short": b"\x42a",
    "nothing": b"",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_cbor_that_no_authenticator_writes_is_refused_before_it_is_decoded(bomb: bytes) -> None:
    with pytest.raises(UnexpectedCbor):
        end_of_item(bomb)


@pytest.mark.parametrize("name", sorted(BOMBS.keys() - {"nothing"}))
def test_a_passkey_with_such_cbor_is_refused_wherever_it_is(name: str) -> None:
    bomb = BOMBS[name]
    created = copy.deepcopy(CREATED[0])
    created["response"]["attestationObject"] = encode(bomb)
    extended = copy.deepcopy(GOT[0])
    data = bytearray(decode(GOT[0]["response"]["authenticatorData"]))
    data[32] |= 0x80
    extended["response"]["authenticatorData"] = encode(bytes(data) + bomb)
    head = bytes(data[:32]) + b"\xc5" + bytes(4)
    keys = [
        head + bytes(16) + b"\0\1x" + bomb,
        head + bytes(16) + b"\0\1x" + cbor2.dumps(PASSKEYS[0].cose_key()) + bomb,
    ]
    holders = [
        {"response": {**created["response"], "attestationObject": encode(cbor2.dumps(attestation))}}
        for attestation in [{"fmt": "none", "attStmt": {}, "authData": key} for key in keys]
    ]
    for answer in (created, *({**created, **holder} for holder in holders)):
        with pytest.raises(InvalidPasskey):
            PARTY.register(answer, CHALLENGE)
    with pytest.raises(InvalidPasskey):
        PARTY.accept(extended, CHALLENGE, KEYS[0])


def test_extensions_of_authenticators_are_accepted() -> None:
    class Extended(Passkey):
        def _authenticator_data(self, more_flags: int = 0) -> bytes:
            data = super()._authenticator_data(more_flags | 0x80)
            return data if more_flags else data + cbor2.dumps({"credProtect": 2, "hmac-secret": b"x" * 32})

    passkey = Extended()
    passkey.key = PASSKEYS[0].key
    assert PARTY.accept(passkey.get(PARTY.request_options(CHALLENGE)), CHALLENGE, KEYS[0]).sign_count == 0


@given(cbor_values)
def test_the_end_of_plain_cbor_is_found(value: Any) -> None:
    data = cbor2.dumps(value)
    if b"\xc2" not in data and b"\xc3" not in data:  # large numbers are tagged
        assert end_of_item(b"x" + data + b"y", 1) == len(data) + 1
