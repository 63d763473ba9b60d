"""Linked providers: list, link, unlink."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from authapp.core.clock import FrozenClock
from tests.factories import PASSWORD, ROUNDS, UNKNOWN_ID, Caller, World, all_at_once
from tests.features.email_addresses.test_email_changes import change, undo, undo_token
from tests.features.passwords.test_passwords import verified
from tests.second_factors import answer, complete, enrol
from tests.sso import EMAIL, MemoryProvider, ada, come_back, query_of, sign_in


def link(caller: Caller, provider: MemoryProvider, subject: str = "1", **changes: Any) -> dict[str, str]:
    """Link an identity in the browser of a caller. What the account page gets."""
    started = caller.call("POST", f"/auth/identities/{provider.id}/link")
    assert started.status_code == 200, started.text
    state = started.get_json()["authorize_url"].partition("state=")[2].partition("&")[0]
    provider.people["good"] = ada(subject, **changes)
    landing = come_back(caller, state)
    assert landing.headers["Location"].startswith("/account#")
    return query_of(landing)


def identities(caller: Caller) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = caller.call("GET", "/auth/identities").get_json()["items"]
    return listed


def test_a_linked_identity_signs_in_whatever_its_address(world: World, provider: MemoryProvider) -> None:
    person = world.person()
    assert link(person.caller, provider, email="other@example.com", email_verified=False) == {"linked": "oidc"}
    [identity] = identities(person.caller)
    assert (identity["provider"], identity["email"]) == ("oidc", "other@example.com")
    signed_in = sign_in(world, provider, ada())
    assert signed_in.get_json()["user"]["id"] == str(person.id)
    [(to, message)] = [email for email in world.emails() if email[1].subject == "You can sign in with Acme now"]
    assert to == person.email
    assert "was linked with the account other@example.com at Acme" in " ".join(message.text.split())


def test_linking_twice_is_linking_once(world: World, provider: MemoryProvider) -> None:
    person = world.person()
    assert link(person.caller, provider) == link(person.caller, provider) == {"linked": "oidc"}
    assert len(identities(person.caller)) == 1


def test_an_identity_of_another_account_is_not_linked(world: World, provider: MemoryProvider) -> None:
    sign_in(world, provider, ada())
    person = world.person()
    assert link(person.caller, provider) == {"error": "identity_taken"}
    assert identities(person.caller) == []


def test_an_identity_is_not_linked_to_a_session_that_has_ended(world: World, provider: MemoryProvider) -> None:
    person = world.person()
    started = person.call("POST", "/auth/identities/oidc/link").get_json()["authorize_url"]
    assert person.call("POST", "/auth/logout").status_code == 204
    provider.people["good"] = ada()
    landing = come_back(person.caller, started.partition("state=")[2].partition("&")[0])
    assert query_of(landing) == {"error": "sso_failed"}
    assert world.sql("SELECT * FROM identities") == []


def test_only_the_browser_that_has_asked_links(world: World, provider: MemoryProvider) -> None:
    person = world.person()
    started = person.call("POST", "/auth/identities/oidc/link").get_json()["authorize_url"]
    state = started.partition("state=")[2].partition("&")[0]
    victim = world.caller()
    victim.call("GET", "/auth/sso/oidc/authorize")
    provider.people["good"] = ada()
    assert query_of(come_back(victim, state)) == {"error": "sso_failed"}
    assert world.sql("SELECT * FROM identities") == []


@pytest.mark.parametrize(("method", "path"), [("POST", "/oidc/link"), ("DELETE", f"/{UNKNOWN_ID}")])
def test_linking_and_unlinking_need_a_recent_sign_in(
    world: World, time: FrozenClock, provider: MemoryProvider, method: str, path: str
) -> None:
    person = world.person()
    time.advance(minutes=6)
    assert answer(person.call(method, f"/auth/identities{path}")) == (401, "reauthentication_required")


def test_an_unlinked_identity_signs_in_no_more(world: World, provider: MemoryProvider) -> None:
    person = world.person(email=EMAIL)
    link(person.caller, provider)
    [identity] = identities(person.caller)
    assert person.call("DELETE", f"/auth/identities/{identity['id']}").status_code == 204
    assert identities(person.caller) == []
    assert answer(sign_in(world, provider, ada())) == (409, "link_required")
    message = world.emails()[-1][1]
    assert message.subject == "Acme was unlinked from your account"
    assert f"The account {EMAIL} at Acme no longer signs you in" in message.text


def test_an_unlinked_identity_is_not_linked_again_by_its_address_but_by_its_owner(
    world: World, provider: MemoryProvider
) -> None:
    person = verified(world, email=EMAIL)
    first = sign_in(world, provider, ada())
    assert first.get_json()["user"]["id"] == str(person.id)
    [identity] = identities(person.caller)
    assert person.call("DELETE", f"/auth/identities/{identity['id']}").status_code == 204
    assert answer(sign_in(world, provider, ada())) == (409, "link_required")
    assert identities(person.caller) == []
    assert link(person.caller, provider) == {"linked": "oidc"}
    assert [found["id"] == identity["id"] for found in identities(person.caller)] == [False]
    assert sign_in(world, provider, ada()).status_code == 200


def test_an_unlinked_identity_may_be_linked_to_another_account(world: World, provider: MemoryProvider) -> None:
    before, after = world.person(), world.person()
    link(before.caller, provider)
    [identity] = identities(before.caller)
    assert before.call("DELETE", f"/auth/identities/{identity['id']}").status_code == 204
    assert link(after.caller, provider) == {"linked": "oidc"}
    assert sign_in(world, provider, ada()).get_json()["user"]["id"] == str(after.id)


@pytest.mark.parametrize("then", ["unlinked there too", "that account deleted", "the change of address undone"])
def test_an_account_remembers_what_it_has_unlinked_whatever_happens_elsewhere(
    world: World, provider: MemoryProvider, then: str
) -> None:
    owner = verified(world, email=EMAIL)
    assert sign_in(world, provider, ada()).status_code == 200
    [identity] = identities(owner.caller)
    assert owner.call("DELETE", f"/auth/identities/{identity['id']}").status_code == 204
    other = world.person()
    if then == "the change of address undone":
        change(owner)
        assert undo(world, undo_token(world, EMAIL)).status_code == 204
    else:
        assert link(other.caller, provider) == {"linked": "oidc"}
        [linked] = identities(other.caller)
        if then == "unlinked there too":
            ended = other.call("DELETE", f"/auth/identities/{linked['id']}")
        else:
            ended = other.call("DELETE", "/auth/me", {"password": PASSWORD})
        assert ended.status_code == 204
    assert answer(sign_in(world, provider, ada())) == (409, "link_required")


def test_a_sign_in_that_waits_for_a_code_ends_when_its_identity_is_unlinked(
    world: World, provider: MemoryProvider
) -> None:
    owner = verified(world, email=EMAIL)
    link(owner.caller, provider)
    app = enrol(owner)
    waiting = sign_in(world, provider, ada()).get_json()["mfa_token"]
    [identity] = identities(owner.caller)
    assert owner.call("DELETE", f"/auth/identities/{identity['id']}").status_code == 204
    assert answer(complete(world, waiting, code=app.code())) == (401, "invalid_mfa_token")


def test_unlinking_ends_other_sessions(world: World, provider: MemoryProvider) -> None:
    person = verified(world, email=EMAIL)
    other = world.caller(sign_in(world, provider, ada()).get_json()["access_token"])
    [identity] = identities(person.caller)
    assert person.call("DELETE", f"/auth/identities/{identity['id']}").status_code == 204
    assert answer(other.call("GET", "/auth/me")) == (401, "revoked_token")
    assert person.call("GET", "/auth/me").status_code == 200


def test_whoever_verifies_an_address_is_told_of_a_linked_provider_first(world: World, provider: MemoryProvider) -> None:
    person = world.person(email=EMAIL)
    assert person.call("POST", "/auth/email/resend", {"email": EMAIL}).status_code == 202
    before = world.token_for(EMAIL)
    assert link(person.caller, provider) == {"linked": "oidc"}
    assert answer(world.caller().call("POST", "/auth/email/verify", {"token": before})) == (410, "invalid_email_token")
    message = world.emails()[-1][1]
    assert "The account has 1 linked provider. If you have not added all of that, do not open the link." in (
        " ".join(message.text.split())
    )
    assert world.caller().call("POST", "/auth/email/verify", {"token": world.token_for(EMAIL)}).status_code == 204


def test_the_last_way_in_stays(world: World, provider: MemoryProvider) -> None:
    caller = world.caller(sign_in(world, provider, ada()).get_json()["access_token"])
    [identity] = identities(caller)
    assert answer(caller.call("DELETE", f"/auth/identities/{identity['id']}")) == (409, "last_way_in")
    world.sql("UPDATE users SET password_hash = 'x'")
    assert caller.call("DELETE", f"/auth/identities/{identity['id']}").status_code == 204


def test_an_identity_of_a_provider_that_is_not_configured_is_no_way_in(world: World, provider: MemoryProvider) -> None:
    caller = world.caller(sign_in(world, provider, ada()).get_json()["access_token"])
    link(caller, provider, "2")
    world.sql("UPDATE identities SET provider = 'google' WHERE subject = '2'")
    first, second = identities(caller)
    assert answer(caller.call("DELETE", f"/auth/identities/{first['id']}")) == (409, "last_way_in")
    assert caller.call("DELETE", f"/auth/identities/{second['id']}").status_code == 204


def test_an_identity_of_somebody_else_is_not_found(world: World, provider: MemoryProvider) -> None:
    owner, stranger = world.person(), world.person()
    link(owner.caller, provider)
    [identity] = identities(owner.caller)
    for id_ in (identity["id"], UNKNOWN_ID):
        assert answer(stranger.call("DELETE", f"/auth/identities/{id_}")) == (404, "identity_not_found")


def test_an_account_has_twenty_identities_at_most(world: World, provider: MemoryProvider) -> None:
    person = verified(world)
    for number in range(20):
        assert link(person.caller, provider, f"{number}") == {"linked": "oidc"}
    assert link(person.caller, provider, "21") == {"error": "limit_reached"}
    assert answer(sign_in(world, provider, ada("22", email=person.email))) == (409, "limit_reached")


def test_of_the_last_two_ways_in_that_all_remove_at_once_one_stays(world: World, provider: MemoryProvider) -> None:
    for round_ in range(ROUNDS):
        email = f"ada{round_}@example.com"
        signed_in = sign_in(world, provider, ada(f"{round_}", email=email)).get_json()
        caller = world.caller(signed_in["access_token"])
        link(caller, provider, f"{round_}b", email=email)

        def unlink(id_: str, token: str = signed_in["access_token"]) -> int:
            return world.caller(token).call("DELETE", f"/auth/identities/{id_}").status_code

        ids = [identity["id"] for identity in identities(caller)] * 8
        answers = Counter(all_at_once([partial(unlink, id_) for id_ in ids]))
        assert (answers[204], len(identities(caller))) == (1, 1)


def test_undoing_a_change_of_address_unlinks_what_was_linked_since(
    world: World, time: FrozenClock, provider: MemoryProvider
) -> None:
    person = verified(world)
    link(person.caller, provider, "before")
    time.advance(days=8)
    person = world.sign_in(person)
    link(person.caller, provider, "a moment before")
    change(person)
    link(person.caller, provider, "since")
    assert undo(world, undo_token(world, person.email)).status_code == 204
    assert [row.subject for row in world.sql("SELECT subject FROM identities")] == ["before"]
