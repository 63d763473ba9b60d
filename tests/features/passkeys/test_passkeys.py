"""Passkeys: added, listed, renamed, removed, and what they sign in to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authapp.core import clock
from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, UNKNOWN_ID, AppWith, Person, World
from tests.features.passwords.test_passwords import verified
from tests.passkeys import (
    BACKED_UP,
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
    register,
    second_factor_options,
    sign_in,
    signed,
    with_passkey,
)
from tests.second_factors import answer, begin, complete, enrol, login

SYNCED = PRESENT | VERIFIED | ELIGIBLE | BACKED_UP
ICLOUD = bytes.fromhex("fbfc3007154e4ecc8c0b6e020557d7bd")


def without_password(world: World, person: Person) -> None:
    world.sql("UPDATE users SET password_hash = NULL WHERE id = :id", id=person.id)


def amr(world: World) -> list[str]:
    [row] = world.sql("SELECT amr FROM sessions ORDER BY id DESC LIMIT 1")
    return list(row.amr)


def test_a_passkey_is_added_listed_renamed_and_removed(world: World, time: FrozenClock) -> None:
    person = verified(world)
    added = register(person, Passkey(aaguid=ICLOUD, flags=SYNCED))
    assert added.status_code == 201
    shown = added.get_json()
    assert shown.keys() == {"id", "name", "created_at", "last_used_at", "synced"}
    assert (shown["name"], shown["last_used_at"], shown["synced"]) == ("iCloud Keychain", None, True)
    named = register(person, Passkey(), name="My key").get_json()
    assert (named["name"], named["synced"]) == ("My key", False)
    assert person.call("GET", "/auth/passkeys").get_json() == {"items": [named, shown]}
    renamed = person.call("PATCH", f"/auth/passkeys/{shown['id']}", {"name": "My phone"})
    assert (renamed.status_code, renamed.get_json()) == (200, {**shown, "name": "My phone"})
    assert person.call("DELETE", f"/auth/passkeys/{named['id']}").status_code == 204
    assert person.call("GET", "/auth/passkeys").get_json() == {"items": [renamed.get_json()]}
    events = world.sql("SELECT * FROM audit_events WHERE action LIKE 'passkey.%' ORDER BY id")
    assert [(event.action, event.details) for event in events] == [
        ("passkey.added", {"name": "iCloud Keychain"}),
        ("passkey.added", {"name": "My key"}),
        ("passkey.renamed", {"name": "My phone"}),
        ("passkey.removed", {"name": "My key"}),
    ]
    assert {(event.actor_id, event.user_id) for event in events} == {(person.id, person.id)}
    subjects = [message.subject for to, message in world.emails() if to == person.email]
    assert subjects == [*["A passkey was added to your account"] * 2, "A passkey of your account was removed"]


def test_creation_options_ask_for_a_discoverable_credential_that_verifies_its_owner(world: World) -> None:
    person = world.person(first_name="Ada", last_name="Lovelace")
    passkey = with_passkey(person)
    options = begin_registration(person)["options"]
    challenge, handle = options.pop("challenge"), options["user"].pop("id")
    assert len(decode(challenge)) == len(decode(handle)) == 32
    assert decode(handle) == passkey.user_handle
    assert options == {
        "rp": {"id": "localhost", "name": "authapp"},
        "user": {"name": person.email, "displayName": "Ada Lovelace"},
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (ES256, RS256)],
        "timeout": 300_000,
        "excludeCredentials": [{"id": encode(passkey.credential_id), "type": "public-key"}],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }


@pytest.mark.parametrize("algorithm", [ES256, RS256])
@pytest.mark.parametrize("attestation_format", ["none", "packed"])
def test_a_passkey_signs_in_without_a_password(
    world: World, time: FrozenClock, algorithm: int, attestation_format: str
) -> None:
    person = world.person()
    passkey = with_passkey(person, algorithm=algorithm, attestation_format=attestation_format)
    begun = begin_sign_in(world)
    assert begun["options"]["allowCredentials"] == []
    assert begun["options"]["userVerification"] == "required"
    assert (begun["options"]["rpId"], begun["options"]["timeout"]) == ("localhost", 300_000)
    time.advance(minutes=1)
    response = sign_in(world, passkey)
    assert response.status_code == 200, response.text
    session = response.get_json()
    assert session["user"]["id"] == str(person.id)
    assert session["device_token"]
    assert amr(world) == ["hwk", "user", "mfa"]
    assert world.caller(session["access_token"]).call("GET", "/auth/me").status_code == 200
    [used] = person.call("GET", "/auth/passkeys").get_json()["items"]
    assert used["last_used_at"] == clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_synced_passkey_says_so_in_amr_and_its_backup_state_may_change(world: World) -> None:
    passkey = with_passkey(person := world.person(), flags=PRESENT | VERIFIED | ELIGIBLE)
    assert person.call("GET", "/auth/passkeys").get_json()["items"][0]["synced"] is False
    passkey.flags = SYNCED
    assert sign_in(world, passkey).status_code == 200
    assert amr(world) == ["swk", "user", "mfa"]
    assert person.call("GET", "/auth/passkeys").get_json()["items"][0]["synced"] is True


def test_a_known_device_is_recognized_and_a_new_one_is_told_of(world: World) -> None:
    passkey = with_passkey(person := world.person())
    known = sign_in(world, passkey, device_token=person.session["device_token"])
    assert known.status_code == 200
    assert "new_device" not in [row.kind for row in world.sql("SELECT kind FROM outbox")]
    assert sign_in(world, passkey).status_code == 200
    assert "new_device" in [row.kind for row in world.sql("SELECT kind FROM outbox")]
    [[devices]] = world.sql("SELECT count(*) FROM known_devices WHERE user_id = :id", id=person.id)
    assert devices == 2


def test_a_passkey_signs_in_where_the_account_has_a_second_factor(world: World, time: FrozenClock) -> None:
    passkey = with_passkey(person := world.person())
    enrol(person)
    assert sign_in(world, passkey).status_code == 200
    assert login(world, person).status_code == 401


def test_a_passkey_alone_is_no_second_factor_of_the_password(world: World) -> None:
    with_passkey(person := world.person())
    assert login(world, person).status_code == 200
    assert person.call("GET", "/auth/mfa").get_json() == {
        "totp_enabled": False,
        "recovery_codes_left": 0,
        "passkeys": 1,
    }


def test_a_passkey_stands_for_the_code_at_sign_in(world: World, time: FrozenClock) -> None:
    passkey = with_passkey(person := world.person())
    enrol(person)
    waiting = login(world, person).get_json()
    assert waiting["methods"] == ["totp", "recovery_code", "passkey"]
    options = second_factor_options(world, waiting["mfa_token"])
    assert options["allowCredentials"] == [{"id": encode(passkey.credential_id), "type": "public-key"}]
    body = {"mfa_token": waiting["mfa_token"], "passkey": passkey.get(options)}
    response = world.caller().call("POST", "/auth/login/mfa", body)
    assert response.status_code == 200, response.text
    assert amr(world) == ["pwd", "hwk", "user", "mfa"]
    [[failures]] = world.sql("SELECT coalesce(sum(failures), 0) FROM attempt_counters")
    assert failures == 0


def test_an_account_without_passkeys_has_no_options_for_one_as_second_factor(world: World) -> None:
    enrol(person := world.person())
    assert login(world, person).get_json()["methods"] == ["totp", "recovery_code"]
    token = begin(world, person)
    response = world.caller().call("POST", "/auth/login/mfa/passkey", {"mfa_token": token})
    assert answer(response) == (404, "passkey_not_found")
    junk = world.caller().call("POST", "/auth/login/mfa/passkey", {"mfa_token": "junk"})
    assert answer(junk) == (401, "invalid_mfa_token")


@pytest.mark.parametrize("way", ["alone", "with the password", "without a password"])
def test_a_passkey_authenticates_again(world: World, time: FrozenClock, way: str) -> None:
    passkey = with_passkey(person := world.person())
    if way == "with the password":
        enrol(person)
    if way == "without a password":
        without_password(world, person)
    time.advance(minutes=6)
    assert answer(person.call("POST", "/auth/passkeys/options")) == (401, "reauthentication_required")
    body = {"password": PASSWORD} if way == "with the password" else {}
    response = person.call("POST", "/auth/reauthenticate", {**body, "passkey": signed(world, passkey)})
    assert response.status_code == 200, response.text
    assert response.get_json()["amr"] == [*(["pwd"] if body else []), "hwk", "user", "mfa"]
    begin_registration(person)


def test_removing_the_authenticator_app_leaves_sessions_of_passkeys_as_they_are(
    world: World, time: FrozenClock
) -> None:
    passkey = with_passkey(person := world.person())
    app = enrol(person)
    assert sign_in(world, passkey).status_code == 200
    token = begin(world, person)
    body = {"mfa_token": token, "passkey": passkey.get(second_factor_options(world, token))}
    assert world.caller().call("POST", "/auth/login/mfa", body).status_code == 200
    assert complete(world, begin(world, person), code=app.code()).status_code == 200
    time.advance(minutes=1)
    again = {"passkey": signed(world, passkey)}
    assert person.call("POST", "/auth/reauthenticate", again).status_code == 200
    assert person.call("DELETE", "/auth/mfa/totp", {"recovery_code": app.recovery_codes[0]}).status_code == 204
    rows = world.sql("SELECT amr FROM sessions ORDER BY id")
    assert [list(row.amr) for row in rows] == [
        ["hwk", "user", "mfa"],
        ["hwk", "user", "mfa"],
        ["pwd", "hwk", "user", "mfa"],
        ["pwd"],
    ]


def test_an_app_that_is_confirmed_in_a_session_of_a_passkey_is_gone_from_its_amr_when_removed(
    world: World, time: FrozenClock
) -> None:
    passkey = with_passkey(person := world.person())
    person.call("POST", "/auth/reauthenticate", {"passkey": signed(world, passkey)})
    app = enrol(person)
    assert amr(world) == ["hwk", "user", "mfa", "otp"]
    assert person.call("DELETE", "/auth/mfa/totp", {"code": app.code()}).status_code == 204
    assert amr(world) == ["hwk", "user", "mfa"]


def test_the_last_way_in_is_not_removed(world: World) -> None:
    person = world.person()
    first = register(person, Passkey()).get_json()
    second = register(person, Passkey()).get_json()
    without_password(world, person)
    assert person.call("DELETE", f"/auth/passkeys/{first['id']}").status_code == 204
    assert answer(person.call("DELETE", f"/auth/passkeys/{second['id']}")) == (409, "last_way_in")
    assert person.call("GET", "/auth/passkeys").get_json() == {"items": [second]}


def test_an_identity_of_a_configured_provider_is_another_way_in(world: World, app_with: AppWith) -> None:
    person = world.person()
    added = register(person, Passkey()).get_json()
    without_password(world, person)
    world.sql(
        "INSERT INTO identities (id, user_id, provider, issuer, subject) "
        "VALUES (gen_random_uuid(), :user, 'github', 'https://github.com', '1')",
        user=person.id,
    )
    assert answer(person.call("DELETE", f"/auth/passkeys/{added['id']}")) == (409, "last_way_in")
    with_github = world.with_app(app_with(github_client_id="id", github_client_secret="secret"))
    caller = with_github.caller(person.session["access_token"])
    assert caller.call("DELETE", f"/auth/passkeys/{added['id']}").status_code == 204


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"name": "Mine"}), ("DELETE", None)])
def test_somebody_elses_passkey_is_not_found(world: World, method: str, body: dict[str, str] | None) -> None:
    theirs = register(world.person(), Passkey()).get_json()
    for passkey_id in (theirs["id"], UNKNOWN_ID):
        response = world.person().call(method, f"/auth/passkeys/{passkey_id}", body)
        assert answer(response) == (404, "passkey_not_found")
        assert response.get_json()["detail"] == "You have no such passkey here."
    [row] = world.sql("SELECT name FROM passkeys")
    assert row.name == "Passkey"


def test_related_origins_are_told_where_there_are_several(world: World, app_with: AppWith) -> None:
    assert world.caller().get("/.well-known/webauthn").status_code == 404
    several = world.with_app(
        app_with(frontend_url="https://App.example.com:443/front", cors_origins=("https://x.example.com",))
    )
    response = several.caller().get("/.well-known/webauthn")
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert response.get_json() == {
        "origins": ["http://localhost:8000", "https://app.example.com", "https://x.example.com"]
    }


def test_a_passkey_is_used_at_every_configured_origin(world: World, app_with: AppWith) -> None:
    passkey = with_passkey(world.person())
    passkey.origin = "https://x.example.com"
    assert answer(sign_in(world, passkey)) == (401, "invalid_passkey")
    several = world.with_app(app_with(cors_origins=("https://x.example.com",)))
    assert sign_in(several, passkey).status_code == 200


def test_a_challenge_expires_after_5_minutes(world: World, time: FrozenClock) -> None:
    begin_sign_in(world)
    [row] = world.sql("SELECT expires_at FROM passkey_challenges")
    assert row.expires_at == clock.now() + timedelta(minutes=5)
