"""The package authapp-verify: what it verifies, what it asks, and what it keeps."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jwt
import pytest
from authapp_verify import Authapp, Forbidden, Guard, Member, Refused, Unauthenticated, Unavailable
from authapp_verify import checks as checks_module
from authapp_verify import client as client_module
from authapp_verify import keys as keys_module
from authapp_verify.http import LONGEST_BODY, Http
from cryptography.hazmat.primitives.asymmetric import ec

from tests.clients.forging import forged, sign
from tests.clients.services import PACKAGE, Counted, counted
from tests.factories import UNKNOWN_ID, AppWith, Person, World, all_at_once
from tests.live import free_port
from tests.security.test_signing_keys import LONG_AGO, with_reload
from tests.security.test_signing_keys import run_json as keys

CHECK, JWKS = "/auth/check", "/jwks.json"
FORKING = """
import os, sys
from authapp_verify import Authapp

url, key, token, here = sys.argv[1:]
auth = Authapp(url)
auth.follow_revocations(key)


def use():
    auth.verify(token)
    auth.member().check(f"Bearer {token}", here)


use()
child = os.fork()
if child == 0:
    connections = auth._http._pool
    use()
    os._exit(0 if auth._feed._thread.is_alive() and auth._http._pool is not connections else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
Ask = Callable[[Guard, str, str], Member]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def signing(world: World, app_with: AppWith, port: int) -> World:
    """An application that signs with ES256."""
    url = f"http://127.0.0.1:{port}"
    return with_reload(world.with_app(app_with(algorithm="ES256", public_url=url, jwt_issuer=url)))


@pytest.fixture
def server(signing: World, port: int) -> Iterator[Counted]:
    """The same in a server whose requests are counted."""
    with counted(signing.app, port) as server:
        yield server


@pytest.fixture
def admin(signing: World, server: Counted) -> Person:
    return signing.person("Acme")


@pytest.fixture
def auth(server: Counted) -> Authapp:
    return Authapp(server.url)


@pytest.fixture(params=["check", "acheck"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Ask a guard about a token, with and without coroutines."""
    if request.param == "check":
        return lambda guard, token, here: guard.check(f"Bearer {token}", here)
    return lambda guard, token, here: acheck(guard, f"Bearer {token}", here)


def acheck(guard: Guard, authorization: str | None, here: str) -> Member:
    return asyncio.run(guard.acheck(authorization, here))


def token_of(person: Person) -> str:
    return str(person.session["access_token"])


def code_of(action: Callable[[], Any]) -> str:
    """The code of the error."""
    with pytest.raises(Refused) as caught:
        action()
    return caught.value.code


def test_a_good_token_gives_its_claims_and_asks_nothing_but_the_keys(
    auth: Authapp, server: Counted, admin: Person
) -> None:
    claims = auth.verify(token_of(admin))
    assert (claims.sub, claims.type) == (str(admin.id), "access")
    assert claims.raw == jwt.decode(token_of(admin), options={"verify_signature": False})
    assert asyncio.run(auth.averify(token_of(admin))) == claims
    assert server.paths == ["/.well-known/oauth-authorization-server", "/.well-known/jwks.json"]


def test_no_forged_token_passes_and_authapp_is_asked_about_none(
    auth: Authapp, server: Counted, signing: World, admin: Person, ask: Ask
) -> None:
    expected = {name: code for name, _, code in forged(signing, admin)}
    guard = auth.member()
    found = {
        name: (code_of(partial(auth.verify, token)), code_of(partial(ask, guard, token, admin.organization_id)))
        for name, token, _ in forged(signing, admin)
    }
    assert found == {name: (code, code) for name, code in expected.items()}
    assert code_of(lambda: auth.verify(admin.refresh_token)) == "invalid_token"
    assert code_of(lambda: auth.verify(signing.api_key(admin, admin.organization_id, "viewer"))) == "invalid_token"
    assert server.count(CHECK) == 0


def test_a_token_of_a_workload_is_one_and_no_person(auth: Authapp, signing: World, admin: Person) -> None:
    claims = jwt.decode(token_of(admin), options={"verify_signature": False})
    workload = sign(signing, {**claims, "type": "workload"})
    assert auth.verify(workload).type == "workload"
    for max_age in (0, None):
        guard = auth.user(max_age=max_age)
        assert code_of(partial(guard.check, f"Bearer {workload}")) == "api_key_not_allowed"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [(None, "missing_token"), ("", "missing_token"), ("Bearer", "missing_token"), ("Bearer ", "missing_token"),
     ("Basic YTpi", "missing_token"), ("Bearer  x", "invalid_token"), ("Bearer x y", "invalid_token"),
     ("Bearer \udcff\xe4", "invalid_token"), ("Bearer ak_", "invalid_token"),
     ("bearer ak_x\r\nHost: y", "invalid_token"),
     ("Bearer " + "ak_" + "x" * 5000, "invalid_token")],
)  # fmt: skip
def test_a_malformed_header_is_401_and_authapp_is_not_asked(
    auth: Authapp, server: Counted, admin: Person, authorization: str | None, code: str
) -> None:
    for guard in (auth.member(), auth.user(), auth.user(max_age=None)):
        assert code_of(partial(guard.check, authorization, admin.organization_id)) == code
        assert code_of(partial(acheck, guard, authorization, admin.organization_id)) == code
    assert server.paths == []


@pytest.mark.parametrize("here", ["", "acme", "{id}&role=viewer", "{id}\n", " {id}", "{{{id}}}", "{hex}", "{id}/"])
def test_a_malformed_organization_is_403_and_authapp_is_not_asked(
    auth: Authapp, server: Counted, admin: Person, here: str
) -> None:
    own = admin.organization_id
    place = here.replace("{hex}", own.replace("-", "")).replace("{id}", own)
    assert code_of(lambda: auth.member().check(f"Bearer {token_of(admin)}", place)) == "not_a_member"
    assert server.count(CHECK) == 0


def test_a_member_is_asked_about_once_in_max_age_and_each_time_without(
    auth: Authapp, server: Counted, admin: Person, ask: Ask
) -> None:
    here, claims = admin.organization_id, auth.verify(token_of(admin))
    expected = Member(str(admin.id), "user", here, "admin", claims.sid, claims)
    kept, each_time = auth.member("developer", max_age=60), auth.member("developer")
    assert [ask(kept, token_of(admin), here) for _ in range(3)] == [expected] * 3
    assert server.count(CHECK) == 1
    for _ in range(3):
        assert ask(each_time, token_of(admin), here) == expected
    assert server.count(CHECK) == 4
    ask(auth.user(max_age=60), token_of(admin), "")
    ask(auth.member("admin", max_age=60), token_of(admin), here)
    assert server.count(CHECK) == 6


def test_an_error_is_kept_no_longer_than_max_age(
    auth: Authapp, server: Counted, signing: World, admin: Person, ask: Ask
) -> None:
    person, here = signing.person(), admin.organization_id
    guard = auth.member(max_age=0.5)
    for _ in range(2):
        assert code_of(lambda: ask(guard, token_of(person), here)) == "not_a_member"
    assert server.count(CHECK) == 1
    signing.join(person, here, "viewer")
    time.sleep(0.5)
    assert ask(guard, token_of(person), here).role == "viewer"
    person.call("POST", "/auth/logout")
    time.sleep(0.5)
    assert code_of(lambda: ask(guard, token_of(person), here)) == "revoked_token"


def test_api_keys_are_asked_about_each_time_and_are_no_person(
    auth: Authapp, server: Counted, signing: World, admin: Person, ask: Ask
) -> None:
    here = admin.organization_id
    key = signing.api_key(admin, here, "developer")
    for _ in range(2):
        found = ask(auth.member("developer", max_age=60), key, here)
        assert (found.type, found.role, found.session_id, found.claims) == ("api_key", "developer", None, None)
    assert server.count(CHECK) == 2
    assert code_of(lambda: ask(auth.member(max_age=60), key, UNKNOWN_ID)) == "not_a_member"
    for guard in (auth.user(), auth.user(max_age=None)):
        assert code_of(partial(ask, guard, key, "")) == "api_key_not_allowed"


def test_a_permission_that_is_not_declared_is_403(auth: Authapp, admin: Person, ask: Ask) -> None:
    guard = auth.member(permission="models.deploy", max_age=5)
    assert code_of(lambda: ask(guard, token_of(admin), admin.organization_id)) == "invalid_check"


def test_simultaneous_identical_questions_are_asked_once(auth: Authapp, server: Counted, admin: Person) -> None:
    here, header = admin.organization_id, f"Bearer {token_of(admin)}"
    auth.verify(token_of(admin))
    server.delay = 0.3
    guard = auth.member(max_age=5)
    assert len(set(all_at_once([lambda: guard.check(header, here).subject] * 16))) == 1

    async def together() -> list[Member]:
        return await asyncio.gather(*(auth.member("admin", max_age=5).acheck(header, here) for _ in range(200)))

    assert len(asyncio.run(together())) == 200
    assert server.count(CHECK) == 2


def test_a_coroutine_that_is_cancelled_takes_the_answer_from_no_other(
    auth: Authapp, server: Counted, admin: Person
) -> None:
    here, header = admin.organization_id, f"Bearer {token_of(admin)}"
    auth.verify(token_of(admin))
    server.delay = 0.3
    guard = auth.member(max_age=5)

    async def race() -> Member:
        first, second = (asyncio.create_task(guard.acheck(header, here)) for _ in range(2))
        await asyncio.sleep(0.1)
        first.cancel()
        return await second

    assert asyncio.run(race()).role == "admin"


def test_an_answer_is_as_old_as_its_question(auth: Authapp, server: Counted, admin: Person) -> None:
    """Who asks after a change gets no answer to a question from before max_age, even if it is still on its way."""
    here, header = admin.organization_id, f"Bearer {token_of(admin)}"
    auth.verify(token_of(admin))
    server.delay = 0.6
    guard = auth.member(max_age=0.2)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(guard.check, header, here)
        time.sleep(0.3)
        pool.submit(guard.check, header, here).result()
        assert first.result().role == "admin"
    guard.check(header, here)
    assert server.count(CHECK) == 3


def test_the_number_of_kept_answers_is_bounded_and_the_least_recently_used_goes(
    server: Counted, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "KEPT", 2)
    auth = Authapp(server.url)
    header, here = f"Bearer {token_of(admin)}", admin.organization_id
    guards = [auth.member(role, max_age=60) for role in ("viewer", "developer", "viewer", "admin", "viewer")]
    for guard in guards:
        guard.check(header, here)
    assert server.count(CHECK) == 3
    guards[1].check(header, here)
    assert server.count(CHECK) == 4


def test_made_up_api_keys_push_no_answer_out(server: Counted, admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "KEPT", 2)
    guard, here = Authapp(server.url).member(max_age=60), admin.organization_id
    guard.check(f"Bearer {token_of(admin)}", here)
    for number in range(3):
        assert code_of(partial(guard.check, f"Bearer ak_{number}", here)) == "invalid_api_key"
    guard.check(f"Bearer {token_of(admin)}", here)
    assert server.count(CHECK) == 4


def test_an_earlier_answer_that_comes_late_does_not_replace_a_later_one(
    server: Counted, signing: World, admin: Person
) -> None:
    person, here = signing.person(), admin.organization_id
    signing.join(person, here, "viewer")
    auth, header = Authapp(server.url), f"Bearer {token_of(person)}"
    auth.verify(token_of(person))
    server.delay_after = 1.0
    with ThreadPoolExecutor() as pool:
        late = pool.submit(auth.member().check, header, here)
        time.sleep(0.5)
        server.delay_after = 0.0
        admin.call("DELETE", f"/organizations/{here}/members/{person.id}")
        assert code_of(lambda: auth.member().check(header, here)) == "not_a_member"
        assert late.result().role == "viewer"
    assert code_of(lambda: auth.member(max_age=60).check(header, here)) == "not_a_member"


def test_an_answer_about_somebody_else_is_503(auth: Authapp, server: Counted, signing: World, admin: Person) -> None:
    other, here = signing.person("Other"), admin.organization_id
    auth.verify(token_of(admin))
    for subject, organization in ((other.id, here), (admin.id, other.organization_id), ("", here)):
        server.headers = {
            "X-Auth-Subject": str(subject), "X-Auth-Type": "user", "X-Auth-Organization": organization,
            "X-Auth-Role": "admin",
        }  # fmt: skip
        server.status = "204 Fine"
        guard = auth.member(max_age=60)
        assert code_of(partial(guard.check, f"Bearer {token_of(admin)}", here)) == "authapp_unavailable"


def test_keys_are_not_fetched_in_plain_text_from_another_host(app_with: AppWith, world: World) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    app = app_with(algorithm="ES256", public_url="http://auth.example.com", jwt_issuer=url)
    with counted(app, port):
        token = token_of(world.with_app(app).person())
        with pytest.raises(Unavailable, match="https address"):
            Authapp(url).verify(token)


def test_a_kept_answer_is_not_given_for_a_session_whose_end_the_feed_has_told(
    server: Counted, signing: World, admin: Person, ask: Ask
) -> None:
    auth = Authapp(server.url)
    auth.follow_revocations(signing.service_key("revocations"), interval=0.1)
    guard, here, claims = auth.member(max_age=600), admin.organization_id, auth.verify(token_of(admin))
    assert auth._feed
    assert ask(guard, token_of(admin), here).role == "admin"
    admin.call("POST", "/auth/logout")
    end = time.monotonic() + 10
    while not auth._feed.is_revoked(claims) and time.monotonic() < end:
        time.sleep(0.05)
    assert code_of(lambda: ask(guard, token_of(admin), here)) == "revoked_token"
    assert server.count(CHECK) == 1


@pytest.mark.parametrize(
    "status", ["500 Broken", "302 Found", "429 Slow down", "404 Nothing", "200 Fine", "204 Nobody"]
)
def test_any_other_answer_is_503_and_no_redirect_is_followed(
    auth: Authapp, server: Counted, admin: Person, ask: Ask, status: str
) -> None:
    auth.verify(token_of(admin))
    server.status = status
    with pytest.raises(Unavailable) as caught:
        ask(auth.member(max_age=5), token_of(admin), admin.organization_id)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "2")
    assert "/healthz" not in server.paths


def test_what_authapp_cannot_be_asked_about_is_503_or_the_last_answer(
    server: Counted, signing: World, admin: Person, ask: Ask
) -> None:
    here, stranger = admin.organization_id, signing.person()
    refusing, accepting = Authapp(server.url), Authapp(server.url, on_stale="accept", accept_for=2)
    for auth in (refusing, accepting):
        ask(auth.member(), token_of(admin), here)
        assert code_of(partial(ask, auth.member(), token_of(stranger), here)) == "not_a_member"
    server.status = "500 Broken"
    asked = server.count(CHECK)
    assert code_of(lambda: ask(refusing.member(), token_of(admin), here)) == "authapp_unavailable"
    assert ask(accepting.member(), token_of(admin), here).role == "admin"
    assert ask(accepting.member(), token_of(admin), here).role == "admin"
    assert server.count(CHECK) == asked + 2  # it is not asked again for a second
    for auth, token, role in ((accepting, stranger, ""), (accepting, admin, "developer"), (refusing, stranger, "")):
        assert code_of(partial(ask, auth.member(role), token_of(token), here)) == "authapp_unavailable"
    time.sleep(2)
    assert code_of(lambda: ask(accepting.member(), token_of(admin), here)) == "authapp_unavailable"
    server.status = ""
    assert ask(refusing.member(), token_of(admin), here).role == "admin"


def test_an_answer_is_not_accepted_for_a_token_that_has_expired_meanwhile(
    server: Counted, signing: World, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "LEEWAY", 0)
    auth = Authapp(server.url, on_stale="accept", accept_for=600)
    claims = jwt.decode(token_of(admin), options={"verify_signature": False})
    short = sign(signing, {**claims, "exp": int(time.time()) + 3})
    guard = auth.member(max_age=600)
    guard.check(f"Bearer {short}", admin.organization_id)
    server.status = "500 Broken"
    time.sleep(3)
    assert code_of(lambda: guard.check(f"Bearer {short}", admin.organization_id)) == "expired_token"


def test_a_kept_answer_that_is_refused_later_is_not_accepted(server: Counted, signing: World, admin: Person) -> None:
    auth, person, here = Authapp(server.url, on_stale="accept"), signing.person(), admin.organization_id
    signing.join(person, here, "viewer")
    auth.member().check(f"Bearer {token_of(person)}", here)
    admin.call("DELETE", f"/organizations/{here}/members/{person.id}")
    assert code_of(lambda: auth.member().check(f"Bearer {token_of(person)}", here)) == "not_a_member"
    server.status = "500 Broken"
    assert code_of(lambda: auth.member().check(f"Bearer {token_of(person)}", here)) == "authapp_unavailable"


def test_unknown_keys_are_looked_up_by_one_fetch_in_30_seconds(
    auth: Authapp, server: Counted, signing: World, admin: Person
) -> None:
    claims = jwt.decode(token_of(admin), options={"verify_signature": False})

    def hammer(number: int) -> str:
        return code_of(lambda: auth.verify(sign(signing, claims, kid=f"unknown{number}")))

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(hammer, range(300))) == {"invalid_token"}
    assert server.count(JWKS) == 1
    auth.verify(token_of(admin))
    assert server.count(JWKS) == 1


def test_the_last_keys_are_good_while_authapp_is_away_and_unknown_ones_are_503(
    auth: Authapp, server: Counted, signing: World, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = auth.verify(token_of(admin))
    monkeypatch.setattr(keys_module, "LIFETIME", 0.0)
    monkeypatch.setattr(keys_module, "INTERVAL", 0.0)
    server.status = "500 Broken"
    assert auth.verify(token_of(admin)) == claims
    assert code_of(lambda: auth.verify(sign(signing, dict(claims.raw), kid="new"))) == "authapp_unavailable"
    assert server.count(JWKS) == 1
    assert code_of(lambda: Authapp(server.url).verify(token_of(admin))) == "authapp_unavailable"
    server.status = ""
    assert code_of(lambda: auth.verify(sign(signing, dict(claims.raw), kid="new"))) == "invalid_token"


def test_keys_rotate_and_no_token_is_refused(
    auth: Authapp, signing: World, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the times of docs/operating.md: a key is published for longer than the set is kept."""
    monkeypatch.setattr(keys_module, "LIFETIME", 0.3)
    monkeypatch.setattr(keys_module, "INTERVAL", 0.1)
    old = admin
    auth.verify(token_of(old))
    for _ in range(2):
        keys(signing, "generate")
        time.sleep(0.5)
        auth.verify(token_of(old))
        signing.sql(LONG_AGO)
        keys(signing, "rotate")
        new = signing.sign_in(old)
        assert auth.verify(token_of(new)).sub == auth.verify(token_of(old)).sub
        signing.sql(LONG_AGO)
        [[before]] = signing.sql("SELECT kid FROM signing_keys WHERE state = 'previous'")
        keys(signing, "retire", before)
        time.sleep(0.5)
        auth.verify(token_of(new))
        with pytest.raises(Unauthenticated):
            auth.verify(token_of(old))
        old = new


def test_an_authapp_that_signs_with_hs256_or_has_another_issuer_gives_503(
    world: World, app_with: AppWith, server: Counted, admin: Person
) -> None:
    other = Authapp(server.url, issuer="https://auth.example.com")
    assert code_of(lambda: other.verify(token_of(admin))) == "authapp_unavailable"
    url = f"http://127.0.0.1:{(port := free_port())}"
    plain = world.with_app(app_with(public_url=url, jwt_issuer=url))
    with counted(plain.app, port):
        token = token_of(plain.person(email="plain@example.com"))
        with pytest.raises(Unavailable, match="set its ALGORITHM to ES256"):
            Authapp(url).verify(token)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "alg": "HS256", "k": "c2VjcmV0"},
        {"kty": "oct", "alg": "ES256", "k": "c2VjcmV0"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"use": "enc"},
        {"kid": 1},
        {"x": 1},
        {"x": "AAAA"},
        {"crv": "P-1"},
    ],
    ids=str,
)
def test_a_published_key_that_is_none_for_tokens_is_left_out(key: dict[str, Any]) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    own = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(own.public_key()))
    good = {**public, "kid": "a", "alg": "ES256", "use": "sig"}
    answers = {
        JWKS: {"keys": [{**good, **key}]},
        "/oauth-authorization-server": {"issuer": url, "jwks_uri": url + JWKS},
    }

    def issuer(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 Fine", [])
        return [json.dumps(answers["/" + environ["PATH_INFO"].rpartition("/")[2]]).encode()]

    token = jwt.encode({"iss": url}, "secret" * 8, "HS256", headers={"kid": "a", "typ": "at+jwt"})
    with counted(issuer, port):
        with pytest.raises(Unavailable, match="no keys"):
            Authapp(url).verify(token)
        answers[JWKS] = {"keys": ["a", None, {**good, **key}, {**good, "kid": "b"}]}
        with pytest.raises(Unauthenticated):
            Authapp(url).verify(token)


@pytest.mark.parametrize(
    "url",
    ["http://auth.example.com", "ftp://localhost", "auth.example.com", "https://", "https://user:pw@auth.example.com",
     "http://localhost.example.com", "https://auth.example.com/?x=1", "http://[::1]:80@evil.example.com"],
)  # fmt: skip
def test_addresses_to_which_no_token_may_go_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https address"):
        Authapp(url)


def test_plain_http_is_for_this_host_or_for_who_asks_for_it() -> None:
    for url in ("http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000", "https://auth.example.com"):
        Authapp(url)
    Authapp("http://authapp.internal:8000", insecure=True)
    with pytest.raises(ValueError, match="on_stale"):
        Authapp("https://auth.example.com", on_stale="ignore")  # type: ignore[arg-type]


def test_an_answer_without_end_is_503() -> None:
    def endless(_: Any, start_response: Any) -> Any:
        start_response("200 Fine", [])
        return [b"x" * (LONGEST_BODY + 1)]

    with counted(endless, port := free_port()), pytest.raises(Unavailable, match="too much"):
        Http(f"http://127.0.0.1:{port}").get(f"http://127.0.0.1:{port}/")


def test_coroutines_that_wait_for_authapp_are_bounded(
    auth: Authapp, server: Counted, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks_module, "WAITING", 0)
    auth.verify(token_of(admin))
    with pytest.raises(Unavailable, match="too many"):
        asyncio.run(auth.member().acheck(f"Bearer {token_of(admin)}", admin.organization_id))
    assert server.count(CHECK) == 0


def test_a_coroutine_waits_no_longer_for_a_thread_than_for_an_answer(
    server: Counted, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks_module, "CONNECTIONS", 2)
    auth = Authapp(server.url, timeout=2.5)
    auth.verify(token_of(admin))
    server.delay = 1

    async def together() -> list[Member | BaseException]:
        asked = (auth.member().acheck(f"Bearer {token_of(admin)}", admin.organization_id) for _ in range(10))
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(together())
    assert {type(each) for each in found} == {Member, Unavailable}
    assert server.count(CHECK) == sum(isinstance(each, Member) for each in found) < 8


def test_a_process_that_forks_has_its_own_connections_and_follows_the_feed_again(
    server: Counted, signing: World, admin: Person
) -> None:
    arguments = [server.url, signing.service_key("revocations"), token_of(admin), admin.organization_id]
    done = subprocess.run(
        [sys.executable, "-c", FORKING, *arguments], env={"PYTHONPATH": PACKAGE}, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_errors_are_problem_documents() -> None:
    for error, status in ((Unauthenticated("a", "missing_token"), 401), (Forbidden("a"), 403), (Unavailable("a"), 503)):
        document = error.document()
        assert document.keys() == {"type", "title", "status", "detail", "code"}
        assert (document["status"], error.headers["Content-Type"]) == (status, "application/problem+json")
    assert Unauthenticated("a", "missing_token").headers["WWW-Authenticate"] == "Bearer"
    assert Unauthenticated("a").headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
