"""The second factor of an account: setting up, signing in with it, removing it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from jsonschema import Draft202012Validator

from authapp.core import clock
from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, Person, World
from tests.second_factors import WRONG, WRONG_RECOVERY_CODE, Authenticator, answer, begin, complete, enrol, login


def session_row(world: World, person: Person) -> Any:
    [row] = world.sql("SELECT * FROM sessions WHERE id = :id", id=session_id(person))
    return row


def session_id(person: Person) -> str:
    items = person.call("GET", "/auth/sessions").get_json()["items"]
    return str(next(item["id"] for item in items if item["current"]))


def actions(world: World) -> list[str]:
    """What happened since the registration, oldest first."""
    return [row.action for row in world.sql("SELECT action FROM audit_events ORDER BY id")][2:]


def test_totp_is_set_up_with_a_secret_of_160_bits_and_serves_once_confirmed(world: World, time: FrozenClock) -> None:
    person = world.person()
    enrolment = person.call("POST", "/auth/mfa/totp").get_json()
    uri = urlsplit(enrolment["otpauth_uri"])
    assert len(enrolment["secret"]) == 32  # of 5 bits each
    assert (uri.scheme, parse_qs(uri.query)["secret"]) == ("otpauth", [enrolment["secret"]])
    assert person.email in uri.path.replace("%40", "@")
    assert enrolment["qr_svg"].startswith("<svg")
    assert login(world, person).status_code == 200  # without a second factor
    app = Authenticator(enrolment["secret"], [])
    confirmed = person.call("POST", "/auth/mfa/totp/confirm", {"code": app.code()})
    assert len(set(confirmed.get_json()["recovery_codes"])) == 10
    assert person.call("GET", "/auth/mfa").get_json() == {
        "totp_enabled": True, "recovery_codes_left": 10, "passkeys": 0,
    }  # fmt: skip
    assert person.call("GET", "/auth/me").get_json()["mfa_enabled"] is True
    response = login(world, person)
    assert answer(response) == (401, "mfa_required")
    Draft202012Validator(
        {"$ref": "#/components/schemas/MfaRequired", "components": world.caller().openapi["components"]}
    ).validate(response.get_json())
    assert response.get_json()["title"] == "Second factor required"


def test_the_secret_and_the_recovery_codes_are_not_readable_in_the_database(world: World) -> None:
    person = world.person()
    app = enrol(person)
    [factor] = world.sql("SELECT * FROM totp_factors")
    assert app.secret.encode() not in bytes(factor.encrypted_secret)
    assert factor.key_id == world.app.cipher.key_id
    hashes = [bytes(row.code_hash) for row in world.sql("SELECT * FROM recovery_codes")]
    assert [len(each) for each in hashes] == [32] * 10


def test_a_secret_that_was_copied_to_another_account_opens_nothing(world: World, time: FrozenClock) -> None:
    victim, thief = world.person(), world.person()
    enrol(victim)
    app = enrol(thief)
    world.sql(
        "UPDATE totp_factors SET encrypted_secret = thief.encrypted_secret "
        "FROM totp_factors thief WHERE thief.user_id = :thief",
        thief=thief.id,
    )
    assert complete(world, begin(world, victim), code=app.code()).status_code == 500
    assert complete(world, begin(world, thief), code=app.code()).status_code == 200


def test_a_second_set_up_replaces_the_secret_until_one_is_confirmed(world: World, time: FrozenClock) -> None:
    person = world.person()
    first = Authenticator(person.call("POST", "/auth/mfa/totp").get_json()["secret"], [])
    second = Authenticator(person.call("POST", "/auth/mfa/totp").get_json()["secret"], [])
    assert answer(person.call("POST", "/auth/mfa/totp/confirm", {"code": first.code()})) == (401, "wrong_code")
    assert person.call("POST", "/auth/mfa/totp/confirm", {"code": second.code()}).status_code == 200
    assert answer(person.call("POST", "/auth/mfa/totp")) == (409, "mfa_already_enabled")
    confirmed_again = person.call("POST", "/auth/mfa/totp/confirm", {"code": second.code(1)})
    assert answer(confirmed_again) == (409, "mfa_already_enabled")


def test_confirming_ends_other_sessions_and_counts_as_a_second_factor_of_this_one(
    world: World, time: FrozenClock
) -> None:
    person = world.person()
    other = world.sign_in(person)
    secret = person.call("POST", "/auth/mfa/totp").get_json()["secret"]
    time.advance(minutes=6)
    confirmed = person.call("POST", "/auth/mfa/totp/confirm", {"code": Authenticator(secret, []).code()})
    assert confirmed.status_code == 200
    assert answer(other.call("GET", "/auth/me")) == (401, "revoked_token")
    ended = world.sql("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL")
    assert [row.end_reason for row in ended] == ["mfa_changed"]
    row = session_row(world, person)
    assert (row.amr, row.authenticated_at) == (["pwd", "otp", "mfa"], clock.now() - timedelta(minutes=6))
    assert actions(world)[-2:] == ["mfa.enabled", "session.ended"]
    renewed = person.call("POST", "/auth/mfa/recovery-codes", {"code": Authenticator(secret, []).code(1)})
    assert answer(renewed) == (401, "reauthentication_required")  # a new factor is no recent sign-in


def test_a_secret_that_is_not_confirmed_within_15_minutes_has_to_be_made_anew(world: World, time: FrozenClock) -> None:
    person = world.person()
    secret = person.call("POST", "/auth/mfa/totp").get_json()["secret"]
    time.advance(minutes=15)
    confirmed = person.call("POST", "/auth/mfa/totp/confirm", {"code": Authenticator(secret, []).code()})
    assert answer(confirmed) == (404, "totp_not_found")


@pytest.mark.parametrize("form", ["{}", " {} ", "{:.3} {:.0}", "spaced"])
def test_signing_in_takes_the_code_of_the_app_with_any_spaces(world: World, time: FrozenClock, form: str) -> None:
    person = world.person()
    app = enrol(person)
    code = app.code()
    typed = {"{}": code, " {} ": f" {code} ", "{:.3} {:.0}": f"{code[:3]} {code[3:]}", "spaced": " ".join(code)}[form]
    response = complete(world, begin(world, person), code=typed)
    assert response.status_code == 200
    session = response.get_json()
    assert (session["user"]["email"], session["organization"]) == (person.email, None)
    assert session["device_token"].startswith("dt_")
    signed_in = Person(person.id, person.email, world.caller(session["access_token"]), session)
    assert session_row(world, signed_in).amr == ["pwd", "otp", "mfa"]


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_the_steps_before_and_after_are_accepted(world: World, time: FrozenClock, steps: int) -> None:
    app = enrol(person := world.person())
    time.advance(minutes=2)
    assert complete(world, begin(world, person), code=app.code(steps)).status_code == 200


@pytest.mark.parametrize("steps", [-2, 2])
def test_steps_further_away_are_not(world: World, time: FrozenClock, steps: int) -> None:
    app = enrol(person := world.person())
    time.advance(minutes=2)
    assert answer(complete(world, begin(world, person), code=app.code(steps))) == (401, "wrong_code")


def test_a_code_is_accepted_once_wherever_it_is_given(world: World, time: FrozenClock) -> None:
    person = world.person()
    secret = person.call("POST", "/auth/mfa/totp").get_json()["secret"]
    app = Authenticator(secret, [])
    assert person.call("POST", "/auth/mfa/totp/confirm", {"code": app.code()}).status_code == 200
    assert answer(complete(world, begin(world, person), code=app.code())) == (401, "wrong_code")  # enrolment used it
    time.advance(seconds=30)
    assert complete(world, begin(world, person), code=app.code()).status_code == 200
    reauthentication = {"password": PASSWORD, "code": app.code()}
    assert answer(person.call("POST", "/auth/reauthenticate", reauthentication)) == (401, "wrong_code")
    assert answer(person.call("POST", "/auth/mfa/recovery-codes", {"code": app.code()})) == (401, "wrong_code")
    assert answer(person.call("DELETE", "/auth/mfa/totp", {"code": app.code()})) == (401, "wrong_code")
    assert answer(complete(world, begin(world, person), code=app.code(-1))) == (401, "wrong_code")  # an earlier one
    time.advance(seconds=30)
    assert complete(world, begin(world, person), code=app.code()).status_code == 200


def test_a_recovery_code_signs_in_once_and_its_owner_is_told(world: World, time: FrozenClock) -> None:
    person = world.person()
    app = enrol(person)
    code = app.recovery_codes[3]
    response = complete(world, begin(world, person), recovery_code=f" {code.upper().replace('-', ' ')} ")
    assert response.status_code == 200
    email = last_email_of(world, person, "A recovery code of your account was used")
    assert "9 of them are left" in email.text
    assert "9 of them are left" in email.html
    assert answer(complete(world, begin(world, person), recovery_code=code)) == (401, "wrong_code")
    assert person.call("GET", "/auth/mfa").get_json()["recovery_codes_left"] == 9
    [[left]] = world.sql("SELECT details->'left' FROM audit_events WHERE action = 'mfa.recovery_code.used'")
    assert left == 9


def last_email_of(world: World, person: Person, subject: str) -> Any:
    return [mail for recipient, mail in world.emails() if recipient == person.email and mail.subject == subject][-1]


def test_a_wrong_code_keeps_the_challenge_and_is_on_record(world: World, time: FrozenClock) -> None:
    app = enrol(person := world.person())
    token = begin(world, person)
    wrong = complete(world, token, code=WRONG)
    assert answer(wrong) == (401, "wrong_code")
    assert wrong.headers["WWW-Authenticate"] == "Bearer"
    assert answer(complete(world, token, recovery_code=WRONG_RECOVERY_CODE)) == (401, "wrong_code")
    refused = world.sql("SELECT user_id, details FROM audit_events WHERE action = 'session.refused'")
    assert [(row.user_id, row.details) for row in refused] == [(person.id, {"reason": "wrong_code"})] * 2
    assert complete(world, token, code=app.code()).status_code == 200


def told_of_wrong_codes(world: World, person: Person) -> list[Any]:
    subject = "Somebody has the password of your account"
    return [mail for recipient, mail in world.emails() if recipient == person.email and mail.subject == subject]


@pytest.mark.parametrize("factor", [{"code": WRONG}, {"recovery_code": WRONG_RECOVERY_CODE}])
def test_the_owner_is_told_once_a_day_of_the_right_password_with_a_wrong_code(
    world: World, time: FrozenClock, factor: dict[str, str]
) -> None:
    enrol(person := world.person())
    token = begin(world, person)
    assert told_of_wrong_codes(world, person) == []  # the owner may be typing
    for waiting in (token, token, begin(world, person)):
        assert answer(complete(world, waiting, **factor)) == (401, "wrong_code")
    [email] = told_of_wrong_codes(world, person)
    for part in (email.text, email.html):
        assert "127.0.0.1" in part
        assert "forgot-password" in part
    time.advance(days=1)
    assert answer(complete(world, begin(world, person), **factor)) == (401, "wrong_code")
    assert len(told_of_wrong_codes(world, person)) == 2


def test_a_wrong_code_on_a_known_device_sends_no_email(world: World, time: FrozenClock) -> None:
    enrol(person := world.person())
    token = begin(world, person, device_token=person.session["device_token"])
    assert answer(complete(world, token, code=WRONG)) == (401, "wrong_code")
    assert told_of_wrong_codes(world, person) == []


def test_a_challenge_is_burned_across_kinds_of_factors(world: World, time: FrozenClock) -> None:
    app = enrol(person := world.person())
    token, other = begin(world, person), begin(world, person)
    assert complete(world, token, code=app.code()).status_code == 200
    assert answer(complete(world, token, recovery_code=app.recovery_codes[0])) == (401, "invalid_mfa_token")
    assert person.call("GET", "/auth/mfa").get_json()["recovery_codes_left"] == 10
    assert complete(world, other, recovery_code=app.recovery_codes[0]).status_code == 200  # another sign-in still waits


def test_a_challenge_expires_after_five_minutes(world: World, time: FrozenClock) -> None:
    app = enrol(person := world.person())
    token = begin(world, person)
    time.advance(minutes=5)
    assert answer(complete(world, token, code=app.code())) == (401, "invalid_mfa_token")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"code": WRONG}, 422, "validation_failed"),
        ({"mfa_token": "mt_x"}, 422, "validation_failed"),
        ({"mfa_token": "mt_x", "code": None}, 422, "validation_failed"),
        ({"mfa_token": "mt_x", "code": WRONG, "recovery_code": WRONG_RECOVERY_CODE}, 422, "validation_failed"),
        ({"mfa_token": "mt_x", "code": 123456}, 422, "validation_failed"),
        ({"mfa_token": "mt_x", "code": "1" * 65}, 422, "validation_failed"),
        ({"mfa_token": "mt_x", "code": WRONG, "email": "ada@example.com"}, 422, "validation_failed"),
        ({"mfa_token": "mt_x", "code": WRONG}, 401, "invalid_mfa_token"),
        ({"mfa_token": "{device_token}", "code": WRONG}, 401, "invalid_mfa_token"),
        ({"mfa_token": "{access_token}", "code": WRONG}, 422, "validation_failed"),
        ({"mfa_token": "{mfa_token}", "code": ""}, 422, "validation_failed"),
        ({"mfa_token": "{mfa_token}", "code": "12345"}, 401, "wrong_code"),
        ({"mfa_token": "{mfa_token}", "code": "１２３４５６"}, 401, "wrong_code"),
        ({"mfa_token": "{mfa_token}", "code": "-"}, 401, "wrong_code"),
        ({"mfa_token": "{mfa_token}", "recovery_code": "-"}, 401, "wrong_code"),
        ({"mfa_token": "{mfa_token}", "code": "{recovery_code}"}, 401, "wrong_code"),
        ({"mfa_token": "{mfa_token}", "recovery_code": "{code}"}, 401, "wrong_code"),
        ({"mfa_token": "{mfa_token}", "recovery_code": "{recovery_code_of_another}"}, 401, "wrong_code"),
        ({"mfa_token": "{mfa_token}", "code": "{code_of_another}"}, 401, "wrong_code"),
    ],
)
def test_a_sign_in_is_not_completed_with(
    world: World, time: FrozenClock, body: dict[str, Any], status: int, code: str
) -> None:
    person, other = world.person(), world.person()
    app, others = enrol(person), enrol(other)
    known = {
        "mfa_token": begin(world, person),
        "device_token": person.session["device_token"],
        "access_token": person.session["access_token"],
        "code": app.code(),
        "recovery_code": app.recovery_codes[0],
        "code_of_another": others.code(),
        "recovery_code_of_another": others.recovery_codes[0],
    }
    sent = {name: value.format(**known) if isinstance(value, str) else value for name, value in body.items()}
    assert answer(world.caller().call("POST", "/auth/login/mfa", sent)) == (status, code)


def test_the_device_of_the_first_factor_stays_known(world: World, time: FrozenClock) -> None:
    app = enrol(person := world.person())
    before = len(world.emails())
    token = begin(world, person, device_token=person.session["device_token"])
    assert complete(world, token, code=app.code()).status_code == 200
    assert len(world.emails()) == before  # no email about a new device
    time.advance(seconds=30)
    assert complete(world, begin(world, person), code=app.code()).status_code == 200
    assert world.emails()[-1][1].subject == "New sign-in to your account"


@pytest.mark.parametrize("kind", ["code", "recovery_code"])
def test_removing_the_factor_takes_it_out_of_running_sessions(world: World, time: FrozenClock, kind: str) -> None:
    person = world.person()
    app = enrol(person)
    waiting = begin(world, person)
    other = complete(world, begin(world, person), recovery_code=app.recovery_codes[0]).get_json()
    given = {"code": app.code(), "recovery_code": app.recovery_codes[1]}[kind]
    assert person.call("DELETE", "/auth/mfa/totp", {kind: given}).status_code == 204
    assert {tuple(row.amr) for row in world.sql("SELECT amr FROM sessions WHERE ended_at IS NULL")} == {("pwd",)}
    assert world.caller(other["access_token"]).call("GET", "/auth/me").get_json()["mfa_enabled"] is False
    assert person.call("GET", "/auth/mfa").get_json() == {
        "totp_enabled": False, "recovery_codes_left": 0, "passkeys": 0,
    }  # fmt: skip
    assert answer(complete(world, waiting, recovery_code=app.recovery_codes[2])) == (401, "invalid_mfa_token")
    assert login(world, person).status_code == 200
    assert "mfa.disabled" in actions(world)
    email = last_email_of(world, person, "Your account has no second factor any more")
    assert person.email in email.text
    assert person.email in email.html


def test_new_recovery_codes_replace_the_old_ones(world: World, time: FrozenClock) -> None:
    person = world.person()
    app = enrol(person)
    renewed = person.call("POST", "/auth/mfa/recovery-codes", {"code": app.code()}).get_json()["recovery_codes"]
    assert len(set(renewed) - set(app.recovery_codes)) == 10
    assert answer(complete(world, begin(world, person), recovery_code=app.recovery_codes[0])) == (401, "wrong_code")
    assert complete(world, begin(world, person), recovery_code=renewed[0]).status_code == 200
    assert "mfa.recovery_codes.created" in actions(world)


def test_the_owner_is_told_of_new_recovery_codes(world: World, time: FrozenClock) -> None:
    app = enrol(person := world.person())
    assert person.call("POST", "/auth/mfa/recovery-codes", {"code": WRONG}).status_code == 401
    codes = person.call("POST", "/auth/mfa/recovery-codes", {"code": app.code()}).get_json()["recovery_codes"]
    email = last_email_of(world, person, "Your account has new recovery codes")
    for part in (email.text, email.html):
        assert person.email in part
        assert "forgot-password" in part
        assert not any(code in part for code in codes)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/auth/mfa/totp/confirm", {"code": WRONG}),
        ("DELETE", "/auth/mfa/totp", {"code": WRONG}),
        ("POST", "/auth/mfa/recovery-codes", {"code": WRONG}),
    ],
)
def test_an_account_without_a_factor_has_nothing_to_confirm_or_remove(
    world: World, method: str, path: str, body: dict[str, str]
) -> None:
    person = world.person()
    assert answer(person.call(method, path, body)) == (404, "totp_not_found")
    if path.endswith("confirm"):
        return
    person.call("POST", "/auth/mfa/totp")
    assert answer(person.call(method, path, body)) == (404, "totp_not_found")  # nor while it is not confirmed


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/auth/mfa/totp"), ("DELETE", "/auth/mfa/totp"), ("POST", "/auth/mfa/recovery-codes")]
)
def test_managing_the_factor_takes_a_fresh_one(world: World, time: FrozenClock, method: str, path: str) -> None:
    person = world.person()
    app = enrol(person)
    time.advance(minutes=5, seconds=1)
    response = person.call(method, path, None if path.endswith("totp") and method == "POST" else {"code": app.code()})
    assert answer(response) == (401, "reauthentication_required")
    assert 'max_age="300"' in response.headers["WWW-Authenticate"]
    again = {"password": PASSWORD, "code": app.code()}
    assert person.call("POST", "/auth/reauthenticate", again).status_code == 200
    time.advance(seconds=30)
    response = person.call(method, path, None if path.endswith("totp") and method == "POST" else {"code": app.code()})
    assert response.status_code != 401


def test_wrong_codes_lock_the_second_factor_only_whatever_they_are_given_for(world: World, time: FrozenClock) -> None:
    person = world.person()
    app = enrol(person)
    token = begin(world, person)
    attempts = [
        complete(world, token, code=WRONG),
        complete(world, token, recovery_code=WRONG_RECOVERY_CODE),
        person.call("DELETE", "/auth/mfa/totp", {"code": WRONG}),
        person.call("POST", "/auth/mfa/recovery-codes", {"code": WRONG}),
        person.call("POST", "/auth/reauthenticate", {"password": PASSWORD, "code": WRONG}),
    ]
    assert {answer(attempt) for attempt in attempts} == {(401, "wrong_code")}
    locked = complete(world, token, code=app.code())
    assert answer(locked) == (429, "too_many_attempts")
    assert locked.headers["Retry-After"] == "1"
    assert answer(person.call("DELETE", "/auth/mfa/totp", {"code": app.code()})) == (429, "too_many_attempts")
    assert answer(login(world, person)) == (401, "mfa_required")  # the password is as good as before
    time.advance(seconds=1)
    assert complete(world, token, code=app.code()).status_code == 200


def test_a_wrong_code_at_enrolment_counts_too(world: World, time: FrozenClock) -> None:
    person = world.person()
    person.call("POST", "/auth/mfa/totp")
    answers = [answer(person.call("POST", "/auth/mfa/totp/confirm", {"code": WRONG})) for _ in range(6)]
    assert answers == [(401, "wrong_code")] * 5 + [(429, "too_many_attempts")]


def test_right_codes_are_never_too_many(world: World, time: FrozenClock) -> None:
    app = enrol(person := world.person())
    for code in app.recovery_codes[:8]:  # at one moment, so that no wait has passed in between
        assert complete(world, begin(world, person), recovery_code=code).status_code == 200


def test_an_operator_removes_the_factor_of_somebody_who_has_lost_it(world: World, time: FrozenClock) -> None:
    person = world.person()
    enrol(person)
    operator = world.app.test_cli_runner()
    said = operator.invoke(args=["users", "reset-mfa", person.email.upper()])
    assert (said.exit_code, said.output.splitlines()) == (
        0, [f"{person.email} has no second factor any more. An email tells its owner."],
    )  # fmt: skip
    assert answer(person.call("GET", "/auth/me")) == (401, "revoked_token")
    assert login(world, person).status_code == 200
    assert world.sql("SELECT * FROM totp_factors") == world.sql("SELECT * FROM recovery_codes") == []
    [event] = world.sql("SELECT * FROM audit_events WHERE action = 'mfa.reset'")
    assert (event.actor_id, event.user_id) == (None, person.id)
    email = last_email_of(world, person, "An operator has removed your second factor")
    assert person.email in email.text
    assert person.email in email.html
    again = operator.invoke(args=["users", "reset-mfa", person.email])
    assert (again.exit_code, again.output) == (1, f"Error: {person.email} has no second factor.\n")


def test_the_owner_is_told_of_a_new_second_factor(world: World) -> None:
    person = world.person()
    enrol(person)
    email = last_email_of(world, person, "Your account has a second factor")
    assert person.email in email.text
    assert "forgot-password" in email.text
    assert person.email in email.html
    assert 'forgot-password"' in email.html


def test_a_right_code_whose_request_fails_can_be_used_again(world: World, time: FrozenClock) -> None:
    app = enrol(person := world.person())
    token = begin(world, person)
    world.sql("ALTER TABLE sessions ADD CONSTRAINT no_more CHECK (false) NOT VALID")
    try:
        assert complete(world, token, code=app.code()).status_code >= 409
    finally:
        world.sql("ALTER TABLE sessions DROP CONSTRAINT no_more")
    assert complete(world, token, code=app.code()).status_code == 200
