"""Rate limits: counted for each client network, in Redis or without it, before anything is looked up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import chain
from time import monotonic, sleep

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from authapp.core.clock import FrozenClock
from authapp.db import counters
from authapp.db.counters import LocalCounters
from authapp.decorators import rate_limits
from authapp.decorators.rate_limits import RATE_LIMITS, UnknownRoute
from authapp.web.application import Application
from authapp.web.blueprint import limit_of
from authapp.web.guard_marks import guard_of
from authapp.web.openapi import API_PREFIX, routes
from tests.factories import AppWith, World, all_at_once, statements
from tests.pages import page
from tests.redis_server import RedisServer, redis_server

DECLINE = "/invitations/decline"  # public, and answers 410 without much work
MOST = int(RATE_LIMITS[f"POST {DECLINE}"].split()[0])
CLIENTS = 32
FIRST, SECOND = "203.0.113.1", "203.0.113.2"


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def limited(world: World, app_with: AppWith) -> World:
    """The same world with rate limits, counted in the memory of the process."""
    return world.with_app(app_with(rate_limits="on"))


def decline(world: World, address: str = FIRST, **headers: str) -> TestResponse:
    return world.caller().call(
        "POST", DECLINE, {"token": "x" * 40}, headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )


def use_up(world: World, address: str = FIRST, **headers: str) -> None:
    statuses = {decline(world, address, **headers).status_code for _ in range(MOST)}
    assert statuses == {410}


def remaining(response: TestResponse) -> int:
    return int(re.findall(r";r=(\d+);", response.headers["RateLimit"])[0])


def test_one_request_too_many_is_a_429_that_says_when_to_try_again(limited: World, time: FrozenClock) -> None:
    time.advance(seconds=60 - time.now().timestamp() % 60 + 26.5)
    first = decline(limited)
    assert first.headers["RateLimit-Policy"] == f'"decline_invitation";q={MOST};w=60'
    assert first.headers["RateLimit"] == f'"decline_invitation";r={MOST - 1};t=34'
    assert "Retry-After" not in first.headers
    for left in range(MOST - 2, -1, -1):
        assert remaining(decline(limited)) == left
    refused = decline(limited)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert (refused.headers["Retry-After"], refused.headers["RateLimit"]) == ("34", '"decline_invitation";r=0;t=34')
    time.advance(seconds=33)
    assert decline(limited).status_code == 429
    time.advance(seconds=1)
    assert (decline(limited).status_code, remaining(decline(limited))) == (410, MOST - 2)


def test_the_limit_of_a_public_route_answers_before_any_statement_is_sent(limited: World, time: FrozenClock) -> None:
    use_up(limited)
    with statements(limited.app) as sent:
        assert decline(limited).status_code == 429
    assert sent == []


def test_the_limit_of_a_guarded_route_answers_before_the_guard(limited: World, time: FrozenClock) -> None:
    caller = limited.caller("no token at all")
    statuses = [caller.call("DELETE", "/auth/me", {}).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


def test_each_route_and_each_network_has_a_count_of_its_own(limited: World, time: FrozenClock) -> None:
    use_up(limited)
    assert decline(limited).status_code == 429
    assert decline(limited, SECOND).status_code == 410
    preview = limited.caller().call(
        "POST", "/invitations/preview", {"token": "x" * 40}, environ_overrides={"REMOTE_ADDR": FIRST}
    )
    assert preview.status_code == 410


@pytest.mark.parametrize(
    ("proxies", "forwarded", "other", "status"),
    [
        (0, "198.51.100.{n}", "198.51.100.250", 429),  # forged: not believed
        (1, "198.51.100.{n}, 192.0.2.7", "192.0.2.7", 429),
        (1, "192.0.2.7, 198.51.100.{n}", "192.0.2.7", 410),
        (2, "198.51.100.{n}, 192.0.2.7, 10.0.0.1", "192.0.2.7, 10.0.0.2", 429),
        (1, "2001:db8:1:2:{n}::1", "2001:db8:1:2:ffff::1", 429),  # one /64
        (1, "2001:db8:1:2::{n}", "2001:db8:1:3::1", 410),
    ],
)
def test_the_client_is_the_nth_forwarded_address_and_of_ipv6_the_64(
    world: World, app_with: AppWith, time: FrozenClock, proxies: int, forwarded: str, other: str, status: int
) -> None:
    limited = world.with_app(app_with(rate_limits="on", trusted_proxies=proxies))
    for n in range(1, MOST + 1):
        assert decline(limited, **{"X-Forwarded-For": forwarded.format(n=n)}).status_code == 410
    assert decline(limited, **{"X-Forwarded-For": other}).status_code == status


TO_A_PROVIDER = ("/authorize", "/callback")  # which is asked, and a row is written


def test_reads_have_no_limit_and_neither_has_a_preflight(limited: World, time: FrozenClock) -> None:
    person = limited.person()
    assert {"RateLimit", "RateLimit-Policy"}.isdisjoint(person.call("GET", "/auth/me").headers.keys())
    for rule, method, view in routes(limited.app):
        assert method != "GET" or limit_of(view) is None or rule.rule.endswith((*TO_A_PROVIDER, "/export")), rule.rule
    before = remaining(decline(limited))
    limited.caller().options(API_PREFIX + DECLINE, environ_overrides={"REMOTE_ADDR": FIRST})
    assert remaining(decline(limited)) == before - 1


def test_every_public_route_that_takes_a_post_has_a_limit(app: Application) -> None:
    without = [rule.rule for rule, method, view in routes(app) if method == "POST" and not limit_of(view)
               and guard_of(view) == "public"]  # fmt: skip
    assert without == []


def test_a_limit_for_a_route_that_does_not_exist_is_refused_at_the_start(
    app_with: AppWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rate_limits.RATE_LIMITS, "POST /auth/logni", "5 per minute")
    with pytest.raises(UnknownRoute, match="POST /auth/logni"):
        app_with()


def test_without_rate_limits_no_request_is_counted(world: World, app: Application) -> None:
    assert "RateLimit" not in decline(world).headers
    assert "count_request" not in {hook.__name__ for hook in app.before_request_funcs[None]}


def test_the_docs_have_the_table_of_rate_limits() -> None:
    rows = re.findall(r"^\| `(\w+) /api/v1(/\S+)` \| ([^|]+) \|", page("docs/rate-limits.md"), re.MULTILINE)
    assert {f"{method} {path}": limit for method, path, limit in rows} == RATE_LIMITS


def test_browsers_may_read_the_headers_of_rate_limits(app_with: AppWith) -> None:
    client = app_with(cors_origins=("https://app.example.com",), rate_limits="on").test_client()
    answer = client.post(API_PREFIX + DECLINE, json={}, headers={"Origin": "https://app.example.com"})
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed.split(", "))


def test_the_memory_for_counters_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "MOST_KEYS", 3)
    local = LocalCounters()
    assert [local.add("login", key, 1) for key in ("a", "b", "c", "b", "d", "b", "a")] == [1, 1, 1, 2, 1, 3, 1]
    assert local.add("login", "b", 2) == 1


@pytest.mark.parametrize("applications", [1, 2])
def test_simultaneous_clients_get_exactly_as_many_as_the_limit(
    world: World,
    app_with: AppWith,
    redis: RedisServer,
    time: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    applications: int,
) -> None:
    monkeypatch.setattr(counters, "SECONDS_TO_ANSWER", 30)  # however busy the machine is
    worlds = [world.with_app(app_with(rate_limits="on", redis_url=redis.url)) for _ in range(applications)]

    def three_times(limited: World) -> list[int]:
        return [decline(limited).status_code for _ in range(3)]

    answers = all_at_once([partial(three_times, worlds[n % applications]) for n in range(CLIENTS)])
    assert Counter(chain(*answers)) == {410: MOST, 429: CLIENTS * 3 - MOST}


def test_in_memory_simultaneous_clients_get_exactly_as_many_as_the_limit(limited: World, time: FrozenClock) -> None:
    answers = all_at_once([lambda: [decline(limited).status_code for _ in range(3)]] * CLIENTS)
    assert Counter(chain(*answers)) == {410: MOST, 429: CLIENTS * 3 - MOST}


@pytest.mark.parametrize("fault", ["kill", "hang"])
def test_while_redis_is_away_each_process_counts_and_then_all_share_again(
    world: World, app_with: AppWith, redis: RedisServer, time: FrozenClock, fault: str
) -> None:
    one, other = (world.with_app(app_with(rate_limits="on", redis_url=redis.url)) for _ in range(2))
    assert [remaining(decline(limited)) for limited in (one, other)] == [MOST - 1, MOST - 2]
    assert one.caller().get("/readyz").get_json() == {"status": "ready", "redis": "up"}
    getattr(redis, fault)()
    began = monotonic()
    assert [remaining(decline(limited)) for limited in (one, other)] == [MOST - 1, MOST - 1]
    assert monotonic() - began < 5
    began = monotonic()
    assert one.caller().get("/readyz").get_json() == {"status": "ready", "redis": "away"}
    for _ in range(MOST - 1):
        assert decline(one).status_code == 410
    assert decline(one).status_code == 429
    assert monotonic() - began < 5  # 60 waits would take 6 seconds

    time.advance(minutes=1)
    redis.start() if fault == "kill" else redis.go_on()
    began = monotonic()
    while [remaining(decline(limited, SECOND)) for limited in (one, other)] != [MOST - 1, MOST - 2]:
        time.advance(minutes=1)
        sleep(0.1)
        assert monotonic() - began < 10
    assert one.caller().get("/readyz").get_json() == {"status": "ready", "redis": "up"}


def test_a_redis_that_is_away_from_the_start_or_refuses_is_no_500(
    world: World, app_with: AppWith, redis: RedisServer, time: FrozenClock
) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    for url in (nowhere, redis.url.replace("://", "://user:wrong@"), redis.url.replace("/0", "/999")):
        limited = world.with_app(app_with(rate_limits="on", redis_url=url))
        use_up(limited)
        assert decline(limited).status_code == 429


def test_a_connection_that_redis_has_closed_is_replaced_within_the_request(
    world: World, app_with: AppWith, redis: RedisServer, time: FrozenClock
) -> None:
    limited = world.with_app(app_with(rate_limits="on", redis_url=redis.url))
    assert remaining(decline(limited)) == MOST - 1
    client = Redis.from_url(redis.url)
    client.client_kill_filter(_type="normal", skipme=True)
    client.close()
    assert remaining(decline(limited)) == MOST - 2


def test_redis_keeps_no_counter_longer_than_its_window(world: World, app_with: AppWith, redis: RedisServer) -> None:
    limited = world.with_app(app_with(rate_limits="on", redis_url=redis.url))
    decline(limited)
    client = Redis.from_url(redis.url, decode_responses=True)
    [key] = client.keys("*")
    assert str(key).startswith("authapp:limits:decline_invitation/203.0.113.1/")
    assert 0 < client.ttl(key) <= 60
    client.close()
