"""The operator's routes: what they show and change, who may, and what they leave hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from tests.cli.commands import as_json, said
from tests.factories import PASSWORD, UNKNOWN_ID, Person, World, statements
from tests.features.email_addresses.test_email_changes import undo_token
from tests.operators import VERIFY, grant, operator
from tests.passkeys import sign_in, signed, with_passkey
from tests.second_factors import answer, enrol

EVENTS = "SELECT action, actor_id, actor_type, details FROM audit_events WHERE action ~ :which ORDER BY id"


def items(person: Person, path: str, **query: str) -> list[dict[str, Any]]:
    response = person.call("GET", path, query_string=query)
    assert response.status_code == 200, response.text
    return list(response.get_json()["items"])


def events(world: World, which: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in world.sql(EVENTS, which=which)]


def test_accounts_are_found_by_a_text_in_the_email_by_id_and_by_state(world: World) -> None:
    me, ada = operator(world), world.person(email="Ada_100%@example.com")
    world.sql("UPDATE users SET is_active = false WHERE id = :id", id=ada.id)
    assert [user["id"] for user in items(me, "/operator/users")] == [str(me.id), str(ada.id)]
    for search in ("ADA_", " 100% ", "_100%@", f" {ada.id}"):
        assert [user["email"] for user in items(me, "/operator/users", search=search)] == ["ada_100%@example.com"]
    assert [user["id"] for user in items(me, "/operator/users", state="inactive")] == [str(ada.id)]
    assert [user["id"] for user in items(me, "/operator/users", state="active")] == [str(me.id)]
    first = me.call("GET", "/operator/users?limit=1").get_json()
    second = me.call("GET", f"/operator/users?limit=1&cursor={first['next_cursor']}").get_json()
    assert [first["items"][0]["id"], second["items"][0]["id"]] == [str(me.id), str(ada.id)]
    assert first["items"][0]["is_operator"] is True
    assert second["next_cursor"] is None


@pytest.mark.parametrize("search", ["%", "_", "\\", "' OR true --", "\u202eada", "شخص", "a" * 254, "*", "{}"])
def test_a_search_is_a_text_and_no_pattern(world: World, search: str) -> None:
    me = operator(world, "Acme")
    assert items(me, "/operator/users", search=search) == []
    assert items(me, "/operator/organizations", search=search) == []


@pytest.mark.parametrize("search", ["", "  ", "a\x00b", "a" * 255, "a" * 65_536])
@pytest.mark.parametrize("path", ["/operator/users", "/operator/organizations"])
def test_a_search_that_can_match_nothing_is_a_422(world: World, path: str, search: str) -> None:
    me = operator(world)
    assert answer(me.call("GET", path, query_string={"search": search})) == (422, "validation_failed")


def test_an_account_is_shown_with_its_numbers_organizations_and_history(world: World) -> None:
    me, ada = operator(world), world.person("Acme", first_name="Ada")
    world.join(me, ada.organization_id, "viewer")
    found = me.call("GET", f"/operator/users/{ada.id}").get_json()
    shown = {"email": ada.email, "first_name": "Ada", "sessions": 1, "organizations": 1, "passkeys": 0}
    assert found.items() >= {**shown, "is_active": True, "mfa_enabled": False, "is_operator": False}.items()
    assert not [name for name in found if "hash" in name]
    [organization] = items(me, f"/operator/users/{ada.id}/organizations")
    expected = {"id": ada.organization_id, "name": "Acme", "slug": "acme", "role": "admin", "suspended_at": None}
    assert organization == expected
    history = [event["action"] for event in items(me, f"/operator/users/{ada.id}/audit-events")]
    assert history == ["session.started", "organization.created", "user.registered"]


def test_organizations_are_found_by_a_text_in_slug_or_name_by_id_and_by_state(world: World) -> None:
    me = operator(world)
    ids = {name: world.person(name).organization_id for name in ("Acme Research", "Other", "Gone")}
    world.sql("UPDATE organizations SET deleted_at = now() WHERE name = 'Gone'")
    world.sql("UPDATE organizations SET name = 'Zebra' WHERE name = 'Other'")
    assert me.call("POST", f"/operator/organizations/{ids['Other']}/suspend").status_code == 204

    def found(**query: str) -> list[str]:
        return [each["name"] for each in items(me, "/operator/organizations", **query)]

    assert found() == ["Acme Research", "Zebra"]
    for search in ("acme research", "ACME", "me Res", ids["Acme Research"]):
        assert found(search=search) == ["Acme Research"]
    assert found(search="Zeb") == found(search="other") == found(state="suspended") == ["Zebra"]
    assert found(state="active") == ["Acme Research"]
    assert found(state="deleted") == ["Gone"]
    gone = me.call("GET", f"/operator/organizations/{ids['Gone']}").get_json()
    assert gone["deleted_at"]


def test_an_organization_is_shown_with_its_numbers_and_members(world: World) -> None:
    me, founder, member = operator(world), world.person("Acme"), world.person()
    world.join(member, founder.organization_id, "viewer")
    world.api_key(founder, founder.organization_id, "viewer")
    path = f"/operator/organizations/{founder.organization_id}"
    found = me.call("GET", path).get_json()
    numbers = {"members": 2, "active_admins": 1, "invitations": 0, "api_keys": 1, "suspended_at": None}
    assert found.items() >= {**numbers, "name": "Acme", "slug": "acme"}.items()
    assert found["subscription"]["plan"] == "free"
    assert [each["user"]["email"] for each in items(me, f"{path}/members")] == [founder.email, member.email]
    assert [each["role"] for each in items(me, f"{path}/members", role="viewer")] == ["viewer"]
    assert me.call("GET", f"/organizations/{founder.organization_id}").status_code == 403  # still no member


def test_an_account_is_deactivated_and_activated_with_what_it_administers_alone(world: World) -> None:
    me, founder = operator(world), world.person("Acme")
    member = world.person()
    world.join(member, founder.organization_id, "viewer")
    path = f"/operator/users/{founder.id}"
    assert me.call("POST", f"{path}/deactivate").get_json() == {"suspended": 1}
    assert founder.call("GET", "/auth/me").status_code == 401
    assert member.call("GET", f"/organizations/{founder.organization_id}").status_code == 403
    assert me.call("POST", f"{path}/deactivate").get_json() == {"suspended": 0}
    assert answer(me.call("POST", f"/operator/organizations/{founder.organization_id}/restore")) == (409, "last_admin")
    assert me.call("POST", f"{path}/activate").get_json() == {"restored": 1, "still_suspended": 0}
    assert member.call("GET", f"/organizations/{founder.organization_id}").status_code == 200
    by = {"by": "operator"}
    assert events(world, r"^(user\..*activated|organization\.(suspended|restored))") == [
        ("organization.suspended", me.id, "user", {"reason": "no_admin", **by}),
        ("user.deactivated", me.id, "user", by),
        ("user.activated", me.id, "user", by),
        ("organization.restored", me.id, "user", by),
    ]


def test_an_organization_is_suspended_and_restored_and_its_admins_see_that_an_operator_did_it(world: World) -> None:
    me, founder = operator(world), world.person("Acme")
    other = world.person("Other")
    path = f"/operator/organizations/{founder.organization_id}"
    for _ in range(2):
        assert me.call("POST", f"{path}/suspend").status_code == 204
    assert answer(founder.call("GET", f"/organizations/{founder.organization_id}")) == (403, "organization_suspended")
    assert other.call("GET", f"/organizations/{other.organization_id}").status_code == 200
    for _ in range(2):
        assert me.call("POST", f"{path}/restore").status_code == 204
    history = items(founder, f"/organizations/{founder.organization_id}/audit-events")
    told = [(event["action"], event["actor_id"], event["details"].get("by")) for event in history[:2]]
    assert told == [
        ("organization.restored", str(me.id), "operator"),
        ("organization.suspended", str(me.id), "operator"),
    ]
    assert len(events(world, r"^organization\.(suspended|restored)")) == 2


def test_the_sessions_of_an_account_are_ended_and_its_owner_is_not_told_from_where(world: World) -> None:
    me, ada = operator(world), world.person()
    other = world.sign_in(ada)
    assert me.call("DELETE", f"/operator/users/{ada.id}/sessions").get_json() == {"ended": 2}
    assert [answer(each.call("GET", "/auth/me")) for each in (ada, other)] == [(401, "revoked_token")] * 2
    [event] = [each for each in items(world.sign_in(ada), "/auth/audit-events") if each["action"] == "session.ended"]
    assert (event["actor_id"], event["ip_address"]) == (str(me.id), None)
    assert event["details"] == {"reason": "revoked", "count": 2, "by": "operator"}
    assert me.call("GET", "/operator/health").status_code == 200  # the own session goes on


def test_an_operator_cannot_deactivate_the_own_account_and_another_one_can(world: World) -> None:
    me, other = operator(world), operator(world)
    assert answer(me.call("POST", f"/operator/users/{me.id}/deactivate")) == (409, "own_account")
    assert other.call("POST", f"/operator/users/{me.id}/deactivate").status_code == 200
    assert answer(me.call("GET", "/operator/users")) == (401, "revoked_token")
    assert other.call("POST", f"/operator/users/{me.id}/activate").status_code == 200
    assert answer(world.sign_in(me).call("GET", "/operator/users")) == (403, "operator_only")  # the flag ended with it
    assert events(world, "^operator.revoked") == [("operator.revoked", other.id, "user", {"by": "operator"})]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/operator/users/{id}", "user_not_found"),
        ("GET", "/operator/users/{id}/organizations", "user_not_found"),
        ("GET", "/operator/users/{id}/audit-events", "user_not_found"),
        ("POST", "/operator/users/{id}/deactivate", "user_not_found"),
        ("POST", "/operator/users/{id}/activate", "user_not_found"),
        ("DELETE", "/operator/users/{id}/sessions", "user_not_found"),
        ("GET", "/operator/organizations/{id}", "organization_not_found"),
        ("GET", "/operator/organizations/{id}/members", "organization_not_found"),
        ("POST", "/operator/organizations/{id}/suspend", "organization_not_found"),
        ("POST", "/operator/organizations/{id}/restore", "organization_not_found"),
        ("POST", "/operator/outbox/{id}/retry", "email_not_found"),
    ],
)
def test_what_is_not_there_is_a_404(world: World, method: str, path: str, code: str) -> None:
    me, gone = operator(world), world.person()
    assert gone.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    for unknown in (UNKNOWN_ID, gone.id):
        assert answer(me.call(method, path.format(id=unknown))) == (404, code)
    assert answer(me.call(method, path.format(id="1"))) == (422, "validation_failed")


def test_emails_are_listed_without_what_is_in_them_and_tried_again(world: World) -> None:
    me, founder = operator(world), world.person("Acme")
    world.sql("DELETE FROM outbox")
    body = {"email": "grace@example.com", "role": "viewer"}
    assert founder.call("POST", f"/organizations/{founder.organization_id}/invitations", body).status_code == 201
    [email] = items(me, "/operator/outbox")
    assert email.items() >= {"recipient": "grace@example.com", "kind": "invitation", "attempts": 0}.items()
    shown = {"id", "kind", "recipient", "attempts", "last_error", "created_at", "due_at", "dead_at"}
    assert email.keys() == shown  # neither body nor context
    path = f"/operator/outbox/{email['id']}/retry"
    assert answer(me.call("POST", path)) == (404, "email_not_found")  # it waits
    world.sql("UPDATE outbox SET dead_at = now(), due_at = NULL, attempts = 6, last_error = '550 No such user'")
    assert items(me, "/operator/outbox") == []
    [dead] = items(me, "/operator/outbox", state="dead")
    assert (dead["last_error"], dead["due_at"]) == ("550 No such user", None)
    assert me.call("POST", path).status_code == 204
    assert [each["attempts"] for each in items(me, "/operator/outbox", state="waiting")] == [0]


def test_an_email_that_is_tried_again_is_recorded_in_the_history_of_the_operator(world: World) -> None:
    me = operator(world)
    for _ in range(2):
        world.sql(
            "INSERT INTO outbox (id, recipient, kind, dead_at) VALUES (uuidv7(), 'a@example.com', 'reset', now())"
        )
    [email, _] = items(me, "/operator/outbox", state="dead")
    assert me.call("POST", f"/operator/outbox/{email['id']}/retry").status_code == 204
    [event] = [each for each in items(me, "/auth/audit-events") if each["action"] == "email.retried"]
    assert (event["target_id"], event["actor_id"], event["details"]) == (email["id"], str(me.id), {})
    assert event["ip_address"]  # the own one
    said(world, "outbox", "retry", "--all")
    said(world, "outbox", "retry", "--all")  # none is left
    assert events(world, "^email")[1:] == [("email.retried", None, None, {"count": 1})]


def test_events_of_an_operator_do_not_tell_from_where(world: World) -> None:
    me, founder = operator(world), world.person("Acme")
    path = f"/operator/organizations/{founder.organization_id}"
    for call in ("suspend", "restore"):
        assert me.call("POST", f"{path}/{call}", headers={"User-Agent": "the operator's"}).status_code == 204
    assert me.call("POST", f"/operator/users/{founder.id}/deactivate").status_code == 200
    which = "SELECT * FROM audit_events WHERE details ->> 'by' = 'operator' ORDER BY id"
    found = world.sql(which)
    assert len(found) == 4
    for event in found:
        assert (event.actor_id, event.session_id, event.ip_address, event.user_agent) == (me.id, None, None, None)
        assert event.request_id


def test_the_health_of_the_service_is_told(world: World) -> None:
    me = operator(world)
    world.sql("DELETE FROM outbox")
    world.sql("DELETE FROM audit_unsealed")
    world.sql("INSERT INTO jobs (name, finished_at, succeeded_at) VALUES ('emails', now(), clock_timestamp())")
    world.sql("INSERT INTO jobs (name, finished_at, error) VALUES ('retention', now(), 'no space left')")
    found = me.call("GET", "/operator/health").get_json()
    assert found.items() >= {"migrated": True, "redis": None, "emails_waiting": 0, "emails_dead": 0}.items()
    assert (found["oldest_due_at"], found["unsealed_since"]) == (None, None)
    jobs = {job["name"]: job for job in found["jobs"]}
    assert (jobs["emails"]["is_late"], jobs["emails"]["error"]) == (False, None)
    assert (jobs["retention"]["is_late"], jobs["retention"]["error"]) == (True, "no space left")
    assert (jobs["erasure"]["is_late"], jobs["erasure"]["finished_at"]) == (True, None)
    world.sql("INSERT INTO outbox (id, recipient, kind) VALUES (uuidv7(), 'a@example.com', 'invitation')")
    [(newest,)] = world.sql("SELECT version_num FROM alembic_version")
    world.sql("UPDATE alembic_version SET version_num = '0016'")
    try:
        found = me.call("GET", "/operator/health").get_json()
    finally:
        world.sql("UPDATE alembic_version SET version_num = :newest", newest=newest)
    assert (found["emails_waiting"], found["migrated"]) == (1, False)
    assert found["oldest_due_at"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_session_that_has_not_used_the_second_factor_authenticates_again(world: World, method: str) -> None:
    me, target = world.person(), world.person()
    passkey = with_passkey(me)  # added in a session that a password has begun
    grant(world, me)
    path = "/operator/users" if method == "GET" else f"/operator/users/{target.id}/sessions"
    response = me.call(method, path)
    assert answer(response) == (401, "reauthentication_required")
    assert 'acr_values="mfa"' in response.headers["WWW-Authenticate"]
    assert me.call("POST", "/auth/reauthenticate", {"passkey": signed(world, passkey)}).status_code == 200
    assert me.call(method, path).status_code == 200


def test_a_revoked_operator_is_refused_on_the_next_request(world: World) -> None:
    me = operator(world)
    assert said(world, "operators", "revoke", me.email) == f"{me.email} is no operator any more.\n"
    assert answer(me.call("GET", "/operator/users")) == (403, "operator_only")
    assert me.call("GET", "/auth/me").status_code == 200


def test_an_operator_is_granted_listed_and_revoked_by_commands(world: World) -> None:
    me = world.person()
    assert said(world, "operators", "list") == "No account is an operator.\n"
    refused = said(world, "operators", "grant", me.email, status=1)
    assert refused == f"Error: Nobody has verified {me.email}: anybody may have registered with it.\n"
    world.sql(VERIFY, id=me.id)
    refused = said(world, "operators", "grant", me.email, status=1)
    first = "Its owner first sets up an authenticator app or a passkey at /account."
    assert refused == f"Error: {me.email} has no second factor. {first}\n"
    with_passkey(me)
    assert said(world, "operators", "grant", str(me.id)) == f"{me.email} is an operator now.\n"
    assert as_json(world, "operators", "grant", me.email) == {"id": str(me.id), "email": me.email, "is_operator": True}
    assert [each["email"] for each in as_json(world, "operators", "list")] == [me.email]
    assert said(world, "operators", "list").startswith(f"{me.id}  {me.email}  no authenticator app, last sign-in: ")
    assert as_json(world, "operators", "revoke", me.email)["is_operator"] is False
    assert said(world, "operators", "revoke", me.email) == f"{me.email} was no operator.\n"
    assert events(world, "^operator") == [("operator.granted", None, None, {}), ("operator.revoked", None, None, {})]
    history = [event["action"] for event in items(me, "/auth/audit-events")]
    assert history[:2] == ["operator.revoked", "operator.granted"]
    world.sql("UPDATE users SET is_active = false")
    assert "is inactive" in said(world, "operators", "grant", me.email, status=1)


def without_app(world: World, me: Person) -> None:
    app = enrol(me)
    grant(world, me)
    assert me.call("DELETE", "/auth/mfa/totp", {"code": app.code()}).status_code == 204


def without_app_by_a_command(world: World, me: Person) -> None:
    enrol(me)
    grant(world, me)
    said(world, "users", "reset-mfa", me.email)


def without_passkey(world: World, me: Person) -> None:
    passkey = with_passkey(me)
    [added] = items(me, "/auth/passkeys")
    grant(world, me)
    assert me.call("POST", "/auth/reauthenticate", {"passkey": signed(world, passkey)}).status_code == 200
    assert me.call("DELETE", f"/auth/passkeys/{added['id']}").status_code == 204


def without_all_since_an_email_change(world: World, me: Person) -> None:
    world.sql(VERIFY, id=me.id)
    body = {"password": PASSWORD, "new_email": "new@example.com"}
    assert me.call("POST", "/auth/email/change", body).status_code == 202
    assert (
        world.caller().call("POST", "/auth/email/verify", {"token": world.token_for("new@example.com")}).status_code
        == 204
    )
    with_passkey(me)
    world.sql("UPDATE users SET is_operator = true WHERE id = :id", id=me.id)
    assert world.caller().call("POST", "/auth/email/undo", {"token": undo_token(world, me.email)}).status_code == 204


REMOVALS = [without_app, without_app_by_a_command, without_passkey, without_all_since_an_email_change]


@pytest.mark.parametrize("remove", REMOVALS)
def test_the_flag_ends_with_the_last_second_factor(world: World, remove: Callable[[World, Person], None]) -> None:
    me = world.person()
    remove(world, me)
    assert [tuple(row) for row in world.sql("SELECT is_operator FROM users")] == [(False,)]
    assert events(world, "^operator.revoked")[0][3] == {"reason": "no_second_factor"}


def test_an_operator_with_another_second_factor_stays_one(world: World) -> None:
    me = world.person()
    app, passkey = enrol(me), with_passkey(me)
    [added] = items(me, "/auth/passkeys")
    grant(world, me)
    assert me.call("DELETE", f"/auth/passkeys/{added['id']}").status_code == 204
    passkey = with_passkey(me)
    assert me.call("DELETE", "/auth/mfa/totp", {"code": app.code()}).status_code == 204
    assert me.call("POST", "/auth/reauthenticate", {"passkey": signed(world, passkey)}).status_code == 200
    assert me.call("GET", "/operator/users").status_code == 200


def test_the_password_of_an_operator_with_a_passkey_sets_no_other_factor_up(world: World) -> None:
    me = world.person()
    with_passkey(me)
    grant(world, me)
    thief = world.sign_in(me)
    for path in ("/auth/mfa/totp", "/auth/passkeys/options"):
        refused = thief.call("POST", path)
        assert answer(refused) == (401, "reauthentication_required")
        assert 'acr_values="mfa"' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize("end", ["deactivate", "delete", "erase", "take back"])
def test_the_flag_ends_with_the_account(world: World, end: str) -> None:
    me = operator(world)
    if end == "deactivate":
        said(world, "users", "deactivate", me.email)
    elif end == "delete":
        assert me.call("DELETE", "/auth/me", {"password": PASSWORD}).status_code == 204
    elif end == "erase":
        said(world, "users", "erase", me.email, "--yes")
    else:
        world.sql("UPDATE users SET email_verified = false")
        world.caller().call("POST", "/auth/password/forgot", {"email": me.email})
        body = {"token": world.token_for(me.email), "new_password": "AnotherPassword456"}
        assert world.caller().call("POST", "/auth/password/reset", body).status_code == 204
    assert [tuple(row) for row in world.sql("SELECT is_operator FROM users")] == [(False,)]
    assert [event[0] for event in events(world, "^operator")] == ["operator.granted", "operator.revoked"]


def test_a_change_needs_a_recent_sign_in_and_a_read_does_not(world: World, time: FrozenClock) -> None:
    me, target = operator(world), world.person()
    time.advance(minutes=6)
    assert me.call("GET", f"/operator/users/{target.id}").status_code == 200
    refused = me.call("POST", f"/operator/users/{target.id}/deactivate")
    assert answer(refused) == (401, "reauthentication_required")
    assert world.sign_in(target).call("GET", "/auth/me").status_code == 200


OWN = ["select"]  # the guard
SWITCHED_OFF = ["with", *["delete"] * 10, "update"]
BOTH = ["select", "select"]  # the accounts in the order of their ids, then the caller's with its session


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/operator/users", [*OWN, "select"]),
        ("GET", "/operator/users?search=a&state=active", [*OWN, "select"]),
        # the account is set as the tenant
        ("GET", "/operator/users/{user}", [*OWN, "select", "select"]),
        # whether it exists; it is set as the tenant
        ("GET", "/operator/users/{user}/organizations", [*OWN, *["select"] * 3]),
        ("GET", "/operator/users/{user}/audit-events", [*OWN, *["select"] * 3]),
        # its organizations are made visible and locked; those that it alone administers; they are suspended, with their
        # events; the account is no operator's; it is switched off, with an event; its sessions, ten tables and tokens
        (
            "POST",
            "/operator/users/{user}/deactivate",
            [*OWN, *BOTH, *["select"] * 3, "update", "insert", "update", "update", "insert", *SWITCHED_OFF],
        ),
        # its organizations are made visible, locked and restored; which stay suspended
        ("POST", "/operator/users/{user}/activate", [*OWN, *BOTH, "select", "select", "update", "select"]),
        ("DELETE", "/operator/users/{user}/sessions", [*OWN, *BOTH, "with", "insert"]),
        ("GET", "/operator/organizations?search=a", [*OWN, "select", "select"]),
        # it is set as the tenant, and looked for
        ("GET", "/operator/organizations/{organization}", [*OWN, *["select"] * 3]),
        ("GET", "/operator/organizations/{organization}/members", [*OWN, *["select"] * 3]),
        ("POST", "/operator/organizations/{organization}/suspend", [*OWN, *BOTH, *["select"] * 2, "update", "insert"]),
        ("POST", "/operator/organizations/{organization}/restore", [*OWN, *BOTH, *["select"] * 2, "update"]),
        ("GET", "/operator/outbox", [*OWN, "select"]),
        ("POST", f"/operator/outbox/{UNKNOWN_ID}/retry", [*OWN, *BOTH, "update"]),
        # what monitoring reads; the revisions of the database
        ("GET", "/operator/health", [*OWN, "one:select", "one:select", "one:select", "select"]),
    ],
)
def test_a_route_of_the_operator_sends_these_statements_and_no_other(
    world: World, method: str, path: str, expected: list[str]
) -> None:
    me, founder = operator(world), world.person("Acme")
    with statements(world.app) as sent:
        response = me.call(method, path.format(user=founder.id, organization=founder.organization_id))
    assert response.status_code in (200, 204, 404)
    assert sent == expected


def test_a_passkey_alone_is_a_second_factor(world: World) -> None:
    me = world.person()
    passkey = with_passkey(me)
    session = sign_in(world, passkey).get_json()
    grant(world, me)
    assert world.caller(session["access_token"]).call("GET", "/operator/users").status_code == 200
