"""Services that verify tokens themselves know what is revoked, as docs/verifying-tokens.md says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from threading import Event
from time import sleep
from typing import Any

import pytest
from authapp_verify import Authapp, Claims, RevocationFeed, Unauthenticated, Unavailable
from authapp_verify import client as client_module
from authapp_verify.http import Http
from redis import Redis

from authapp.core.clock import FrozenClock
from authapp.jobs import revocations
from tests.clients.services import counted, examples
from tests.factories import AppWith, Person, World
from tests.features.revocations.test_revocations import UNSETTLED
from tests.live import free_port
from tests.redis_server import redis_server
from tests.security.test_tokens import claims_of


def claims(person: Person) -> Claims:
    found = claims_of(person)
    named = {name: found[name] for name in ("sub", "sid", "jti", "type", "iat", "exp")}
    return Claims(**named, raw=found)


def check(world: World, time: FrozenClock, refresh: Callable[[], None], is_revoked: Callable[[Claims], bool]) -> None:
    """Three sign-ins of a person: one ends, then all; and another person."""
    person, other = world.person(), world.person()
    second, third = world.sign_in(person), world.sign_in(person)

    def revoked() -> list[bool]:
        while world.sql(UNSETTLED):
            sleep(0.01)
        refresh()
        return [is_revoked(claims(each)) for each in (person, second, third, other)]

    assert revoked() == [False] * 4
    second.call("POST", "/auth/logout")
    assert revoked() == [False, True, False, False]
    third.call("POST", "/auth/logout", {"everywhere": True})
    assert revoked() == [True, True, True, False]
    time.advance(seconds=10)
    assert not is_revoked(claims(world.sign_in(person)))


def test_a_service_that_follows_the_feed_knows_what_is_revoked(world: World, time: FrozenClock) -> None:
    with counted(world.app, port := free_port()) as server:
        feed = RevocationFeed(Http(f"http://127.0.0.1:{port}"), world.service_key("revocations"))
        check(world, time, feed.poll, feed.is_revoked)
        server.status = "500 Broken"
        with pytest.raises(Unavailable):
            feed.poll()
        assert feed.age < 60


def test_more_sessions_than_a_page_has_are_read_and_forgotten_after_they_have_expired(world: World) -> None:
    person = world.person()
    with counted(world.app, port := free_port()):
        feed = RevocationFeed(Http(f"http://127.0.0.1:{port}"), world.service_key("revocations"))
        world.sql(
            "INSERT INTO revocations (transaction_id, session_id, revoked_at, expires_at) SELECT 0, gen_random_uuid(), "
            "now(), now() + interval '3 seconds' FROM generate_series(1, 250)"
        )
        feed.poll()
        found = [replace(claims(person), sid=str(row[0])) for row in world.sql("SELECT session_id FROM revocations")]
        assert [feed.is_revoked(each) for each in found] == [True] * 250
        assert not feed.is_revoked(claims(person))
        sleep(3)
        feed.poll()
        assert not any(map(feed.is_revoked, found))


def test_a_feed_that_is_behind_is_503_or_accepted_for_a_while(
    world: World, app_with: AppWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    signing = world.with_app(app_with(algorithm="ES256", public_url=url, jwt_issuer=url))
    monkeypatch.setattr(client_module, "LAG", 0.5)
    with counted(signing.app, port) as server:
        key, person = signing.service_key("revocations"), signing.person()
        token = str(person.session["access_token"])
        refusing, accepting = Authapp(url, timeout=1), Authapp(url, on_stale="accept", accept_for=3, timeout=1)
        for auth in (refusing, accepting):
            auth.follow_revocations(key, interval=0.1)
            assert auth.verify(token).sid
        server.status = "500 Broken"
        sleep(1)
        assert accepting.verify(token).sid
        with pytest.raises(Unavailable, match="behind"):
            refusing.verify(token)
        sleep(2.5)
        with pytest.raises(Unavailable, match="behind"):
            accepting.verify(token)
        server.status = ""
        person.call("POST", "/auth/logout")
        for auth in (refusing, accepting):
            with pytest.raises(Unauthenticated) as caught:
                follow(auth, token)
            assert caught.value.code == "revoked_token"
        wrong = Authapp(url, timeout=0.2)
        wrong.follow_revocations("sk_wrong")
        with pytest.raises(Unavailable, match="behind"):
            wrong.verify(token)


def follow(auth: Authapp, token: str) -> None:
    """Verify until that is refused, for 10 seconds."""
    for _ in range(100):
        with suppress(Unavailable):
            auth.verify(token)
        sleep(0.1)


def test_a_service_that_asks_the_mirror_knows_what_is_revoked(
    world: World, app_with: AppWith, time: FrozenClock
) -> None:
    with redis_server() as server, Redis.from_url(server.url) as redis:
        app = app_with(redis_url=server.url)

        def refresh() -> None:
            with app.app_context():
                revocations.mirror(Event())

        module: dict[str, Any] = {"__name__": "revocation_mirror"}
        exec(examples()["revocation_mirror"], module)
        check(world, time, refresh, lambda claims: module["is_revoked"](redis, claims.raw))
