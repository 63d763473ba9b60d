"""The examples of docs/verifying-tokens.md run as they stand there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import sleep
from typing import Any

import jwt
from redis import Redis
from werkzeug.serving import make_server

from authapp.core.clock import FrozenClock
from authapp.jobs import revocations
from tests.factories import AppWith, Person, World
from tests.features.revocations.test_revocations import UNSETTLED
from tests.pages import blocks, page
from tests.redis_server import redis_server

PAGE = "docs/verifying-tokens.md"


def example(name: str) -> dict[str, Any]:
    """What is defined in one of the files."""
    names = re.findall(r"Save\s+this\s+as\s+`(\w+)\.py`:\n\n```python", page(PAGE))
    module: dict[str, Any] = {"__name__": name}
    exec(dict(zip(names, blocks(PAGE, "python"), strict=True))[name], module)
    return module


@contextmanager
def served(world: World) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def claims(person: Person) -> dict[str, Any]:
    return dict(jwt.decode(person.session["access_token"], options={"verify_signature": False}))


def check(world: World, time: FrozenClock, refresh: Callable[[], None], is_revoked: Callable[..., bool]) -> None:
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
    with served(world) as url:
        feed = example("revocation_feed")["RevocationFeed"](url, world.service_key("revocations"))
        check(world, time, feed.poll, feed.is_revoked)


def test_a_service_that_asks_the_mirror_knows_what_is_revoked(
    world: World, app_with: AppWith, time: FrozenClock
) -> None:
    with redis_server() as server, Redis.from_url(server.url) as redis:
        app = app_with(redis_url=server.url)

        def refresh() -> None:
            with app.app_context():
                revocations.mirror(Event())

        is_revoked = example("revocation_mirror")["is_revoked"]
        check(world, time, refresh, lambda claims: is_revoked(redis, claims))
