"""What is wrong with answers, and what becomes of them. Every one of them uses up its challenge."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from authapp.core import lengths
from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, UNKNOWN_ID, AppWith, Caller, Person, World
from tests.passkeys import (
    BACKED_UP,
    EDDSA,
    ELIGIBLE,
    ES256,
    PRESENT,
    RS256,
    VERIFIED,
    Passkey,
    begin_registration,
    begin_sign_in,
    decode,
    encode,
    new_key,
    register,
    second_factor_options,
    sign_in,
    signed,
    with_passkey,
)
from tests.second_factors import answer, begin, enrol

INVALID, BAD_CHALLENGE = (401, "invalid_passkey"), (401, "invalid_passkey_challenge")
UNKNOWN, UNPROCESSABLE = (404, "passkey_not_found"), (422, "validation_failed")
OTHER_ORIGIN = "https://evil.example.com"

# Attributes of a passkey that are wrong at sign-in and at registration.
SWITCHES: dict[str, dict[str, Any]] = {
    "user verification off": {"flags": PRESENT},
    "user presence off": {"flags": VERIFIED},
    "backed up but not eligible": {"flags": PRESENT | VERIFIED | BACKED_UP},
    "foreign origin": {"origin": OTHER_ORIGIN},
    "other port": {"origin": "http://localhost:8001"},
    "foreign rp id": {"rp_id": "evil.example.com"},
    "cross-origin": {"client_data": {"crossOrigin": True}},
    "cross-origin as text": {"client_data": {"crossOrigin": "false"}},
    "framed": {"client_data": {"topOrigin": OTHER_ORIGIN}},
    "origin of another type": {"client_data": {"origin": ["http://localhost:8000"]}},
    "other ceremony": {"client_data": {"type": "payment.get"}},
}


def counts(world: World) -> tuple[int, int, int]:
    """How many sessions, passkeys and challenges there are."""
    [[sessions]], [[passkeys]], [[challenges]] = (
        world.sql(f"SELECT count(*) FROM {table}") for table in ("sessions", "passkeys", "passkey_challenges")
    )
    return sessions, passkeys, challenges


def change(passkey: Passkey, switches: dict[str, Any]) -> None:
    for name, value in switches.items():
        setattr(passkey, name, value)


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        *((switches, INVALID) for switches in SWITCHES.values()),
        ({"client_data": {"type": "webauthn.create"}}, INVALID),
        ({"user_handle": None}, INVALID),
        ({"user_handle": bytes(32)}, INVALID),
        ({"key": new_key(ES256)}, INVALID),
        ({"key": new_key(RS256)}, INVALID),
        ({"credential_id": bytes(32)}, UNKNOWN),
        ({"credential_id": b""}, UNKNOWN),
    ],
    ids=[*SWITCHES, "made", "no handle", "other handle", "other key", "other kind of key", "unknown id", "empty id"],
)
def test_a_sign_in_is_refused(world: World, switches: dict[str, Any], expected: tuple[int, str]) -> None:
    passkey = with_passkey(person := world.person())
    before = counts(world)
    change(passkey, switches)
    response = sign_in(world, passkey)
    assert answer(response) == expected
    assert "access_token" not in response.get_json()
    assert counts(world) == before  # the challenge is gone too
    [event] = world.sql("SELECT user_id, details FROM audit_events WHERE action = 'session.refused'")
    assert event.details == {"reason": expected[1]}
    knows_owner = expected == INVALID and "user_handle" not in switches
    assert event.user_id == (person.id if knows_owner else None)


Change = Callable[[dict[str, Any]], object]


def flip(text: str, at: int) -> str:
    data = bytearray(decode(text))
    data[at] ^= 1
    return encode(bytes(data))


MALFORMED: dict[str, Change] = {
    "signature changed": lambda p: p["response"].update(signature=flip(p["response"]["signature"], -1)),
    "signature empty": lambda p: p["response"].update(signature=""),
    "signature missing": lambda p: p["response"].pop("signature"),
    "signature a number": lambda p: p["response"].update(signature=1),
    "counter changed": lambda p: p["response"].update(authenticatorData=flip(p["response"]["authenticatorData"], 36)),
    "authenticator data short": lambda p: p["response"].update(authenticatorData="AAAA"),
    "authenticator data missing": lambda p: p["response"].pop("authenticatorData"),
    "client data missing": lambda p: p["response"].pop("clientDataJSON"),
    "client data no JSON": lambda p: p["response"].update(clientDataJSON=encode(b"{")),
    "client data a list": lambda p: p["response"].update(clientDataJSON=encode(b"[]")),
    "client data deep": lambda p: p["response"].update(clientDataJSON=encode(b"[" * 20_000)),
    "client data without challenge": lambda p: p["response"].update(clientDataJSON=encode(b"{}")),
    "challenge a number": lambda p: p["response"].update(clientDataJSON=encode(b'{"challenge": 1}')),
    "challenge no ASCII": lambda p: p["response"].update(clientDataJSON=encode('{"challenge": "ä"}'.encode())),
    "id differs": lambda p: p.update(id="AAAA"),
    "id missing": lambda p: p.pop("id"),
    "raw id no base64": lambda p: p.update(rawId="ä", id="ä"),
    "lone surrogate": lambda p: p.update(rawId="\ud800", id="\ud800"),
    "NUL": lambda p: p.update(type="\x00"),
    "other type": lambda p: p.update(type="password"),
    "type a list": lambda p: p.update(type=[]),
    "response a list": lambda p: p.update(response=[]),
    "response missing": lambda p: p.pop("response"),
    "handle a number": lambda p: p["response"].update(userHandle=5),
    "attachment unknown": lambda p: p.update(authenticatorAttachment="other"),
    "empty": lambda p: p.clear(),
}


@pytest.mark.parametrize("malform", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_answer_is_refused_at_sign_in(world: World, malform: Change) -> None:
    passkey = with_passkey(world.person())
    before = counts(world)
    begun = begin_sign_in(world)
    body = {"challenge_id": begun["challenge_id"], "passkey": passkey.get(begun["options"])}
    malform(body["passkey"])
    assert answer(world.caller().call("POST", "/auth/login/passkey", body)) == INVALID
    assert counts(world) == before


@pytest.mark.parametrize("body", ["x", 1, None, [], True])
def test_what_is_no_object_is_refused_by_its_form(world: World, body: Any) -> None:
    begun = begin_sign_in(world)
    sent = {"challenge_id": begun["challenge_id"], "passkey": body}
    response = world.caller().call("POST", "/auth/login/passkey", sent)
    assert answer(response) == UNPROCESSABLE
    assert list(response.get_json()["errors"]["json"]) == ["passkey"]


def off_curve() -> dict[int, Any]:
    return {1: 2, 3: ES256, -1: 1, -2: bytes(31) + b"\x01", -3: bytes(31) + b"\x01"}


def of_curve(curve: ec.EllipticCurve, crv: int, size: int) -> dict[int, Any]:
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    return {1: 2, 3: ES256, -1: crv, -2: numbers.x.to_bytes(size), -3: numbers.y.to_bytes(size)}


def of_rsa(bits: int, exponent: int = 65537) -> dict[int, Any]:
    public = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    return {1: 3, 3: RS256, -1: public.n.to_bytes(bits // 8), -2: exponent.to_bytes(8).lstrip(b"\x00")}


@pytest.mark.parametrize(
    "switches",
    [
        *SWITCHES.values(),
        {"client_data": {"type": "webauthn.get"}},
        {"algorithm": 0, "public_key": {1: 2, 3: 0, -1: 1, -2: bytes(32), -3: bytes(32)}},
        {"public_key": {1: 2, 3: "none", -1: 1, -2: bytes(32), -3: bytes(32)}},
        {"public_key": {1: 2, 3: -35, -1: 2, -2: bytes(48), -3: bytes(48)}},
        {"public_key": {1: 4, 3: ES256, -1: b"secret"}},
        {"public_key": off_curve()},
        {"public_key": of_curve(ec.SECP384R1(), 2, 48)},
        {"public_key": of_rsa(1024)},
        {"public_key": of_rsa(2048, 2**33 + 1)},
        {"public_key": of_rsa(2048, 3)},
        {"algorithm": EDDSA},
        {"public_key": {1: 1, 3: -8, -1: 6, -2: b"\x01" + bytes(31)}},  # anybody can sign for it
        {"public_key": {1: 3, 3: RS256, -1: b"\xff" * 4096, -2: b"\x01\x00\x01"}},
        {"public_key": {1: 1, 3: -8, -1: 6, -2: bytes(31)}},
        {"public_key": {1: 1, 3: -8, -1: 4, -2: bytes(32)}},
        {"public_key": {1: 2}},
        {"public_key": {}},
        {"public_key": 4},
        {"credential_id": bytes(lengths.CREDENTIAL_ID + 1)},
        {"credential_id": b""},
        {"attestation_format": "tpm"},
        {"attestation_format": "apple"},
        {"attestation_format": "android-key"},
        {"attestation_format": "android-safetynet"},
        {"attestation_format": "fido-u2f"},
        {"attestation_format": "unknown"},
        {"attestation_format": 1},
        {"attestation_format": "packed", "public_key": Passkey().cose_key()},
    ],
)
def test_a_registration_is_refused(world: World, switches: dict[str, Any]) -> None:
    person = world.person()
    passkey = Passkey()
    change(passkey, switches)
    response = register(person, passkey)
    assert answer(response) == UNPROCESSABLE
    assert list(response.get_json()["errors"]["json"]) == ["passkey"]
    assert counts(world) == (1, 0, 0)


@pytest.mark.parametrize("size", [1, lengths.CREDENTIAL_ID])
def test_credential_ids_of_the_extreme_lengths_are_kept_and_found(world: World, size: int) -> None:
    passkey = with_passkey(world.person(), credential_id=b"x" * size)
    assert sign_in(world, passkey).status_code == 200


@pytest.mark.parametrize(
    "malform",
    [
        lambda p: p.update(id="AAAA", rawId="AAAA"),  # not the one that is attested
        lambda p: p["response"].update(attestationObject="AAAA"),
        lambda p: p["response"].update(attestationObject=""),
        lambda p: p["response"].update(attestationObject=encode(cbor2.dumps([]))),
        lambda p: p["response"].update(attestationObject=encode(cbor2.dumps({"fmt": "none"}))),
        lambda p: p["response"].update(attestationObject=encode(b"\x9f" * 30_000)),
        lambda p: p["response"].update(attestationObject=encode(b"\xbb" + b"\xff" * 8)),
        lambda p: p["response"].pop("attestationObject"),
        lambda p: p["response"].update(clientDataJSON=5),
        lambda p: p.clear(),
    ],
)
def test_a_malformed_registration_is_refused(world: World, malform: Change) -> None:
    person = world.person()
    begun = begin_registration(person)
    body = {"challenge_id": begun["challenge_id"], "passkey": Passkey().create(begun["options"])}
    malform(body["passkey"])
    assert answer(person.call("POST", "/auth/passkeys", body)) == UNPROCESSABLE
    assert counts(world) == (1, 0, 0)


def test_a_registration_is_answered_once_by_its_own_account_within_five_minutes(
    world: World, time: FrozenClock
) -> None:
    person, other = world.person(), world.person()

    def begun() -> dict[str, Any]:
        begun = begin_registration(person)
        return {"challenge_id": begun["challenge_id"], "passkey": Passkey().create(begun["options"])}

    def refused(who: Person, body: dict[str, Any]) -> None:
        response = who.call("POST", "/auth/passkeys", body)
        assert answer(response) == UNPROCESSABLE
        assert list(response.get_json()["errors"]["json"]) == ["challenge_id"]

    body = begun()
    assert person.call("POST", "/auth/passkeys", body).status_code == 201
    refused(person, body)
    body = begun()
    refused(other, body)
    refused(person, body)
    refused(person, {**begun(), "challenge_id": UNKNOWN_ID})
    refused(person, {**begun(), "challenge_id": begun()["challenge_id"]})
    refused(person, {**begun(), "challenge_id": begin_sign_in(world)["challenge_id"]})
    body = begun()
    time.advance(minutes=5)
    refused(person, body)
    assert [len(world.sql("SELECT id FROM passkeys WHERE user_id = :id", id=who.id)) for who in (person, other)] == [
        1,
        0,
    ]


def test_a_passkey_of_another_account_is_taken(world: World) -> None:
    passkey = with_passkey(world.person())
    other = world.person()
    assert answer(register(other, passkey)) == (409, "passkey_taken")
    assert counts(world) == (2, 1, 0)


def test_the_twenty_first_passkey_is_one_too_many(world: World) -> None:
    person = world.person()
    for _ in range(19):
        with_passkey(person)
    spare = begin_registration(person)
    with_passkey(person)
    response = person.call("POST", "/auth/passkeys/options")
    assert answer(response) == (409, "limit_reached")
    assert response.get_json()["detail"] == "Your account has 20 passkeys, the most it may. Remove one."
    body = {"challenge_id": spare["challenge_id"], "passkey": Passkey().create(spare["options"])}
    assert answer(person.call("POST", "/auth/passkeys", body)) == (409, "limit_reached")
    assert counts(world) == (1, 20, 0)


def use(world: World, body: dict[str, Any], caller: Caller | None = None, **kwargs: Any) -> tuple[int, str | None]:
    return answer((caller or world.caller()).call("POST", "/auth/login/passkey", body, **kwargs))


def test_a_challenge_is_answered_once_within_five_minutes_for_its_own_purpose(world: World, time: FrozenClock) -> None:
    passkey = with_passkey(person := world.person())
    enrol(person)

    def begun() -> dict[str, Any]:
        begun = begin_sign_in(world)
        return {"challenge_id": begun["challenge_id"], "passkey": passkey.get(begun["options"])}

    body = begun()
    assert use(world, body) == (200, None)
    assert use(world, body) == BAD_CHALLENGE
    body = begun()
    body["passkey"]["response"]["signature"] = "AAAA"
    assert use(world, body) == INVALID
    assert use(world, body) == BAD_CHALLENGE
    other = begun()
    assert use(world, {**other, "challenge_id": begun()["challenge_id"]}) == BAD_CHALLENGE
    assert use(world, {**other, "challenge_id": UNKNOWN_ID}) == BAD_CHALLENGE
    for options in (begin_registration(person)["options"], second_factor_options(world, begin(world, person))):
        [row] = world.sql("SELECT id FROM passkey_challenges WHERE challenge = :it", it=decode(options["challenge"]))
        assert use(world, {"challenge_id": str(row.id), "passkey": passkey.get(options)}) == BAD_CHALLENGE
    body = begun()
    time.advance(minutes=5)
    assert use(world, body) == BAD_CHALLENGE
    body = begun()
    time.advance(minutes=5, seconds=-1)
    assert use(world, body) == (200, None)


def test_a_sign_in_of_browser_mode_is_completed_in_the_same_browser(world: World) -> None:
    passkey = with_passkey(world.person())
    headers = {"Authapp-Client": "browser", "Origin": "http://localhost:8000"}

    def begun(browser: Caller) -> dict[str, Any]:
        response = browser.call("POST", "/auth/login/passkey/options", headers=headers)
        options = response.get_json()
        assert "HttpOnly" in response.headers["Set-Cookie"]
        return {"challenge_id": options["challenge_id"], "passkey": passkey.get(options["options"])}

    browser, other = world.caller(), world.caller()
    begun(other)
    body = begun(browser)
    assert use(world, body, other, headers=headers) == BAD_CHALLENGE
    assert use(world, body, browser, headers=headers) == BAD_CHALLENGE  # used up
    assert use(world, begun(browser)) == BAD_CHALLENGE
    response = browser.call("POST", "/auth/login/passkey", begun(browser), headers=headers)
    assert response.status_code == 200
    assert "refresh_token" not in response.get_json()
    assert "authapp_refresh=" in "".join(response.headers.getlist("Set-Cookie"))


def test_options_in_browser_mode_need_an_allowed_origin(world: World) -> None:
    for headers in ({}, {"Origin": OTHER_ORIGIN}):
        sent = {"Authapp-Client": "browser", **headers}
        response = world.caller().call("POST", "/auth/login/passkey/options", headers=sent)
        assert answer(response) == (403, "origin_not_allowed")
    assert "Set-Cookie" not in world.caller().call("POST", "/auth/login/passkey/options", {}).headers


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (5, 5, True),
        (5, 4, True),
        (5, 0, True),
        (0, 0, False),
        (0, 1, False),
        (5, 6, False),
        (2**32 - 2, 2**32 - 1, False),
    ],
)
def test_a_counter_that_does_not_count_on_is_refused_recorded_and_told(
    world: World, before: int, after: int, refused: bool
) -> None:
    passkey = with_passkey(person := world.person(), sign_count=before)
    passkey.sign_count = after
    response = sign_in(world, passkey)
    assert answer(response) == (INVALID if refused else (200, None))
    events = world.sql("SELECT target_id, user_id, details FROM audit_events WHERE action = 'passkey.refused'")
    told = [to for to, message in world.emails() if "may have been copied" in message.subject]
    [stored] = world.sql("SELECT id, sign_count, last_used_at FROM passkeys")
    if refused:
        assert events == [(stored.id, person.id, {"reason": "counter"})]
        assert told == [person.email]
        assert "this count was not higher than the last one." in world.emails()[-1][1].text
        assert "copied" in response.get_json()["detail"]
        assert (stored.sign_count, stored.last_used_at) == (before, None)
        passkey.sign_count = before + 1
        assert sign_in(world, passkey).status_code == 200  # this answer was refused, not the passkey
    else:
        assert (events, told, stored.sign_count) == ([], [], after)


def test_the_email_about_a_copy_makes_no_link_of_the_name_of_the_passkey(world: World) -> None:
    passkey = with_passkey(person := world.person(), sign_count=5)
    [listed] = person.call("GET", "/auth/passkeys").get_json()["items"]
    person.call("PATCH", f"/auth/passkeys/{listed['id']}", {"name": "evil.example"})
    assert answer(sign_in(world, passkey)) == INVALID
    message = world.emails()[-1][1]
    assert "may have been copied" in message.subject
    assert "evil example" in message.text
    assert "evil.example" not in message.text + message.html


def test_an_answer_that_nobody_has_signed_is_not_taken_for_a_copy(world: World) -> None:
    passkey = with_passkey(world.person(), sign_count=5)
    passkey.sign_count, passkey.key = 4, new_key(ES256)
    assert answer(sign_in(world, passkey)) == INVALID
    assert world.sql("SELECT id FROM audit_events WHERE action = 'passkey.refused'") == []
    assert world.sql("SELECT id FROM outbox WHERE kind = 'passkey_refused'") == []


@pytest.mark.parametrize(("before", "after"), [(0, ELIGIBLE), (ELIGIBLE, 0), (ELIGIBLE | BACKED_UP, 0)])
def test_backup_eligibility_does_not_change(world: World, before: int, after: int) -> None:
    passkey = with_passkey(world.person(), flags=PRESENT | VERIFIED | before)
    passkey.flags = PRESENT | VERIFIED | after
    assert answer(sign_in(world, passkey)) == INVALID
    [event] = world.sql("SELECT details FROM audit_events WHERE action = 'passkey.refused'")
    assert event.details == {"reason": "backup_eligibility"}
    passkey.flags = PRESENT | VERIFIED | before
    assert sign_in(world, passkey).status_code == 200


def second_factor(world: World, person: Person, passkey: Passkey) -> tuple[tuple[int, str | None], str]:
    """Answer the options of somebody's second factor with a passkey. Returns the answer, and the token that waits."""
    token = begin(world, person)
    body = {"mfa_token": token, "passkey": passkey.get(second_factor_options(world, token))}
    return answer(world.caller().call("POST", "/auth/login/mfa", body)), token


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        *((switches, INVALID) for switches in SWITCHES.values()),
        ({"user_handle": bytes(32)}, INVALID),
        ({"key": new_key(ES256)}, INVALID),
        ({"credential_id": bytes(32)}, UNKNOWN),
    ],
    ids=[*SWITCHES, "other handle", "other key", "unknown id"],
)
def test_a_second_factor_is_refused_and_counted(
    world: World, time: FrozenClock, switches: dict[str, Any], expected: tuple[int, str]
) -> None:
    passkey = with_passkey(person := world.person())
    app = enrol(person)
    change(passkey, switches)
    refused, token = second_factor(world, person, passkey)
    assert refused == expected
    [row] = world.sql("SELECT failures FROM attempt_counters WHERE subject IS NULL AND failures > 0")
    assert row.failures == 1
    [event] = world.sql("SELECT user_id, details FROM audit_events WHERE action = 'session.refused'")
    assert (event.user_id, event.details) == (person.id, {"reason": expected[1]})
    waiting = {"mfa_token": token, "code": app.code()}
    assert world.caller().call("POST", "/auth/login/mfa", waiting).status_code == 200  # it still waits


def test_a_second_factor_may_leave_the_user_handle_out(world: World, time: FrozenClock) -> None:
    passkey = with_passkey(person := world.person())
    enrol(person)
    passkey.user_handle = None
    assert second_factor(world, person, passkey)[0] == (200, None)


def test_another_accounts_passkey_is_no_second_factor(world: World, time: FrozenClock) -> None:
    with_passkey(person := world.person())
    theirs = with_passkey(world.person())
    enrol(person)
    for handle in (theirs.user_handle, None):
        theirs.user_handle = handle
        assert second_factor(world, person, theirs)[0] == INVALID


def test_the_answer_to_something_else_or_to_another_account_is_no_second_factor(
    world: World, time: FrozenClock
) -> None:
    passkey, other = with_passkey(person := world.person()), world.person()
    with_passkey(other)
    for who in (person, other):
        enrol(who)
    token = begin(world, person)
    foreign = second_factor_options(world, begin(world, other))
    for options in (begin_sign_in(world)["options"], begin_registration(person)["options"], foreign):
        body = {"mfa_token": token, "passkey": passkey.get(options)}
        assert answer(world.caller().call("POST", "/auth/login/mfa", body)) == BAD_CHALLENGE


def test_wrong_passkeys_have_to_wait_like_wrong_codes(world: World, time: FrozenClock) -> None:
    passkey = with_passkey(person := world.person())
    enrol(person)
    passkey.origin = OTHER_ORIGIN
    found = [second_factor(world, person, passkey)[0] for _ in range(6)]
    assert found == [*[INVALID] * 5, (429, "too_many_attempts")]
    told = [message.subject for to, message in world.emails() if to == person.email]
    assert told.count("Somebody has the password of your account") == 1


@pytest.mark.parametrize("body", [{"code": "000000"}, {"recovery_code": "2222"}])
def test_one_answer_is_given_for_a_second_factor(world: World, body: dict[str, str]) -> None:
    sent = {"mfa_token": "junk", "passkey": {}, **body}
    assert answer(world.caller().call("POST", "/auth/login/mfa", sent)) == UNPROCESSABLE
    response = world.person().call("POST", "/auth/reauthenticate", {"password": PASSWORD, "passkey": {}, **body})
    assert answer(response) == UNPROCESSABLE


def test_reauthentication_with_a_passkey_is_refused(world: World, time: FrozenClock, app_with: AppWith) -> None:
    passkey, theirs = with_passkey(person := world.person()), with_passkey(world.person())
    enrol(person)
    before = world.sql("SELECT authenticated_at, amr FROM sessions")
    time.advance(minutes=1)

    def again(**body: Any) -> tuple[int, str | None]:
        return answer(person.call("POST", "/auth/reauthenticate", body))

    used = signed(world, passkey)
    tampered = copy.deepcopy(used)
    tampered["response"]["signature"] = "AAAA"
    registration = passkey.get(begin_registration(person)["options"])
    assert again(passkey=signed(world, theirs)) == INVALID
    assert again(passkey=tampered) == INVALID
    assert again(passkey=used) == BAD_CHALLENGE
    assert again(passkey=registration) == BAD_CHALLENGE
    assert again(passkey={}) == INVALID
    assert again(password="Wrong12345", passkey=signed(world, passkey)) == (401, "wrong_credentials")
    assert again(password=PASSWORD, passkey=signed(world, theirs)) == INVALID
    change(passkey, {"flags": PRESENT})
    assert again(passkey=signed(world, passkey)) == INVALID
    assert world.sql("SELECT authenticated_at, amr FROM sessions") == before
