"""Signing in, staying signed in, signing out."""

from __future__ import annotations

from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, UNKNOWN_ID, Caller, World


def test_signing_in_moves_last_login_and_starts_a_session(world: World) -> None:
    person = world.person()
    assert person.session["user"]["last_login_at"] is None
    session = world.sign_in(person).session
    assert session["user"]["last_login_at"] is not None
    assert session["user"]["updated_at"] == session["user"]["created_at"]
    assert session["organization"] is None
    assert len(person.call("GET", "/auth/sessions").get_json()["items"]) == 2


def test_an_unknown_email_and_a_wrong_password_get_the_same_answer(world: World) -> None:
    person = world.person()
    unknown = world.caller().call("POST", "/auth/login", {"email": "nobody@example.com", "password": PASSWORD})
    wrong = world.caller().call("POST", "/auth/login", {"email": person.email, "password": "WrongPassword1"})
    answers = [{**response.get_json(), "request_id": None} for response in (unknown, wrong)]
    assert answers[0] == answers[1]
    assert unknown.status_code == wrong.status_code == 401
    assert set(unknown.headers.keys()) == set(wrong.headers.keys())


def test_a_refused_sign_in_is_on_record_although_it_was_refused(world: World) -> None:
    person = world.person()
    world.caller().call("POST", "/auth/login", {"email": person.email, "password": "WrongPassword1"})
    world.caller().call("POST", "/auth/login", {"email": "nobody@example.com", "password": PASSWORD})
    refused = world.sql("SELECT user_id FROM audit_events WHERE action = 'session.refused' ORDER BY id")
    assert [row.user_id for row in refused] == [person.id, None]


def test_an_inactive_account_learns_so_only_with_the_right_password(world: World) -> None:
    person = world.person()
    world.sql("UPDATE users SET is_active = false")
    wrong = world.caller().call("POST", "/auth/login", {"email": person.email, "password": "WrongPassword1"})
    right = world.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD})
    assert (wrong.status_code, wrong.get_json()["code"]) == (401, "wrong_credentials")
    assert (right.status_code, right.get_json()["code"]) == (403, "inactive_account")
    assert world.sql("SELECT last_login_at FROM users")[0].last_login_at is None


def test_deactivating_binds_on_the_next_request_of_every_token(world: World) -> None:
    person = world.person()
    world.sql("UPDATE users SET is_active = false")
    assert person.call("GET", "/auth/me").get_json()["code"] == "revoked_token"
    refreshed = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
    assert (refreshed.status_code, refreshed.get_json()["code"]) == (401, "revoked_token")
    world.sql("UPDATE users SET is_active = true")
    assert person.call("GET", "/auth/me").status_code == 200


def test_a_refresh_spends_the_token_for_a_new_pair(world: World, time: FrozenClock) -> None:
    person = world.person()
    time.advance(minutes=31)
    assert person.call("GET", "/auth/me").get_json()["code"] == "expired_token"
    response = world.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
    session = response.get_json()
    assert response.status_code == 200
    assert session["refresh_token"] != person.refresh_token
    assert session["user"]["email"] == person.email
    assert world.caller(session["access_token"]).call("GET", "/auth/me").status_code == 200


def test_a_retry_within_the_grace_gets_the_same_successor(world: World, time: FrozenClock) -> None:
    person = world.person()
    first = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).get_json()
    time.advance(seconds=9.9)
    retry = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).get_json()
    assert retry["refresh_token"] == first["refresh_token"]


def test_reuse_after_the_grace_ends_the_session_and_is_on_record(world: World, time: FrozenClock) -> None:
    person = world.person()
    second = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).get_json()
    time.advance(seconds=10)
    reused = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
    assert (reused.status_code, reused.get_json()["code"]) == (401, "refresh_token_reused")
    for response in (
        world.caller().call("POST", "/auth/refresh", {"refresh_token": second["refresh_token"]}),
        world.caller(second["access_token"]).call("GET", "/auth/me"),
    ):
        assert (response.status_code, response.get_json()["code"]) == (401, "revoked_token")
    events = world.sql("SELECT session_id FROM audit_events WHERE action = 'session.refresh.reused'")
    assert len(events) == 1


def test_an_older_ancestor_is_reuse_even_within_the_grace(world: World, time: FrozenClock) -> None:
    person = world.person()
    second = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).get_json()
    person.call("POST", "/auth/refresh", {"refresh_token": second["refresh_token"]})
    reused = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
    assert reused.get_json()["code"] == "refresh_token_reused"


def test_a_session_slides_seven_days_and_ends_after_thirty(world: World, time: FrozenClock) -> None:
    session = world.person().session
    for _ in range(4):
        time.advance(days=6.9)
        response = world.caller().call("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]})
        assert response.status_code == 200
        session = response.get_json()
    assert session["refresh_expires_in"] == pytest.approx(2.4 * 86400, abs=1)
    time.advance(days=2.39)
    session = world.caller().call("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]}).get_json()
    assert session["expires_in"] == pytest.approx(0.01 * 86400, abs=1)
    time.advance(days=0.02)
    expired = world.caller().call("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]})
    assert (expired.status_code, expired.get_json()["code"]) == (401, "expired_token")


def test_a_session_that_is_not_refreshed_ends_after_seven_days(world: World, time: FrozenClock) -> None:
    person = world.person()
    time.advance(days=7)
    expired = world.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
    assert expired.get_json()["code"] == "expired_token"


def test_signing_out_kills_both_tokens_at_once(world: World) -> None:
    person = world.person()
    elsewhere = world.sign_in(person)
    assert person.call("POST", "/auth/logout").status_code == 204
    assert person.call("GET", "/auth/me").get_json()["code"] == "revoked_token"
    refreshed = world.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token})
    assert refreshed.get_json()["code"] == "revoked_token"
    assert elsewhere.call("GET", "/auth/me").status_code == 200


def test_signing_out_everywhere_ends_every_session_of_mine_alone(world: World) -> None:
    person, stranger = world.person(), world.person()
    elsewhere = world.sign_in(person)
    assert person.call("POST", "/auth/logout", {"everywhere": True}).status_code == 204
    assert elsewhere.call("GET", "/auth/me").status_code == 401
    assert stranger.call("GET", "/auth/me").status_code == 200


@pytest.mark.parametrize("body", [{"everywhere": "yes"}, {"everywhere": 1}, {"everywhere": None}, {"all": True}])
def test_an_unclear_sign_out_ends_nothing(world: World, body: dict[str, Any]) -> None:
    person = world.person()
    assert person.call("POST", "/auth/logout", body).status_code == 422
    assert person.call("GET", "/auth/me").status_code == 200


@pytest.mark.parametrize("access_token", ["expired", "none"])
@pytest.mark.parametrize("everywhere", [False, True])
def test_a_refresh_token_signs_out_where_the_access_token_is_expired_or_lost(
    world: World, time: FrozenClock, access_token: str, everywhere: bool
) -> None:
    person = world.person()
    time.advance(minutes=31)
    elsewhere = world.sign_in(person)
    caller = person.caller if access_token == "expired" else world.caller()
    body = {"refresh_token": person.refresh_token, "everywhere": everywhere}
    assert caller.call("POST", "/auth/logout", body).status_code == 204
    assert world.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).status_code == 401
    assert elsewhere.call("GET", "/auth/me").status_code == (401 if everywhere else 200)
    again = caller.call("POST", "/auth/logout", body)
    assert (again.status_code, again.get_json()["code"]) == (401, "revoked_token")


def test_a_refresh_token_that_was_used_before_the_last_one_signs_nobody_out(world: World) -> None:
    person = world.person()
    token = person.refresh_token
    for _ in range(2):
        refreshed = world.caller().call("POST", "/auth/refresh", {"refresh_token": token})
        token = refreshed.get_json()["refresh_token"]
    answer = world.caller().call("POST", "/auth/logout", {"refresh_token": person.refresh_token, "everywhere": True})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "revoked_token")
    assert person.call("GET", "/auth/me").status_code == 200


@pytest.mark.parametrize(
    ("access_token", "body", "code"),
    [
        ("expired", {}, "expired_token"),
        ("none", {}, "missing_token"),
        ("expired", {"refresh_token": 1}, "expired_token"),
        ("none", [], "missing_token"),
        ("none", {"refresh_token": "{access}"}, "invalid_token"),
        ("none", {"refresh_token": "x"}, "invalid_token"),
        ("x", {"refresh_token": "{refresh}"}, "invalid_token"),
        ("{refresh}", {"refresh_token": "{refresh}"}, "invalid_token"),
        ("ak_1", {"refresh_token": "{refresh}"}, "invalid_api_key"),
    ],
)
def test_a_sign_out_without_a_live_token_is_refused(
    world: World, time: FrozenClock, access_token: str, body: Any, code: str
) -> None:
    person = world.person()
    if access_token == "expired":
        time.advance(minutes=31)
    tokens = {"access": person.session["access_token"], "refresh": person.refresh_token}
    if isinstance(body, dict):
        body = {name: value.format(**tokens) if isinstance(value, str) else value for name, value in body.items()}
    sent = {"expired": tokens["access"], "none": None}.get(access_token, access_token.format(**tokens))
    response = world.caller(sent).call("POST", "/auth/logout", body)
    assert (response.status_code, response.get_json()["code"]) == (401, code)
    assert world.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).status_code == 200


def test_my_sessions_are_listed_newest_first_and_the_current_one_is_marked(world: World) -> None:
    person = world.person()
    world.person()
    elsewhere = world.sign_in(person)
    items = elsewhere.call("GET", "/auth/sessions").get_json()["items"]
    assert [item["current"] for item in items] == [True, False]
    assert items[0]["ip_address"] == "127.0.0.1"
    assert items[0]["user_agent"].startswith("Werkzeug")


def test_one_of_my_sessions_can_be_ended(world: World) -> None:
    person = world.person()
    elsewhere = world.sign_in(person)
    [other] = [s for s in person.call("GET", "/auth/sessions").get_json()["items"] if not s["current"]]
    assert person.call("DELETE", f"/auth/sessions/{other['id']}").status_code == 204
    assert elsewhere.call("GET", "/auth/me").status_code == 401
    assert person.call("DELETE", f"/auth/sessions/{other['id']}").get_json()["code"] == "session_not_found"


def test_all_my_other_sessions_can_be_ended(world: World) -> None:
    person = world.person()
    elsewhere = [world.sign_in(person) for _ in range(2)]
    assert person.call("DELETE", "/auth/sessions").status_code == 204
    assert person.call("GET", "/auth/me").status_code == 200
    assert [other.call("GET", "/auth/me").status_code for other in elsewhere] == [401, 401]


def test_a_session_of_someone_else_is_not_there(world: World) -> None:
    person, stranger = world.person(), world.person()
    [session] = stranger.call("GET", "/auth/sessions").get_json()["items"]
    foreign = person.call("DELETE", f"/auth/sessions/{session['id']}")
    unknown = person.call("DELETE", f"/auth/sessions/{UNKNOWN_ID}")
    assert foreign.status_code == unknown.status_code == 404
    assert {**foreign.get_json(), "request_id": 0} == {**unknown.get_json(), "request_id": 0}
    assert stranger.call("GET", "/auth/me").status_code == 200


@pytest.mark.parametrize("session_id", ["1", "x", "%00", "..", UNKNOWN_ID.replace("-", ""), "{" + UNKNOWN_ID + "}"])
def test_a_malformed_session_id_is_said_to_be_so(world: World, session_id: str) -> None:
    response = world.person().call("DELETE", f"/auth/sessions/{session_id}")
    assert response.status_code == 422
    assert response.get_json()["errors"] == {"path": {"session_id": ["Not a valid UUID."]}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ada@example.com"},
        {"password": PASSWORD},
        {"email": "ada@example.com", "password": None},
        {"email": "ada@example.com", "password": "\ud800"},
        {"email": "ada@example.com", "password": PASSWORD, "remember": True},
    ],
)
def test_an_invalid_sign_in_is_refused_before_anything_is_hashed(client: Caller, body: dict[str, Any]) -> None:
    assert client.call("POST", "/auth/login", body).status_code == 422


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 5000, "é.é.é", None, 7])
def test_junk_is_no_refresh_token(client: Caller, token: Any) -> None:
    response = client.call("POST", "/auth/refresh", {"refresh_token": token})
    assert response.status_code in (401, 422)
    assert ("WWW-Authenticate" in response.headers) == (response.status_code == 401)


def test_an_access_token_refreshes_nothing(world: World) -> None:
    person = world.person()
    response = person.call("POST", "/auth/refresh", {"refresh_token": person.session["access_token"]})
    assert (response.status_code, response.get_json()["code"]) == (401, "invalid_token")
