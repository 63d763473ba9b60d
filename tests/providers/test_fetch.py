"""Requests to providers: what they connect to, how long they wait, and how much they read."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import pytest
from werkzeug import Request, Response

from authapp.instance import ROOT
from authapp.providers import network
from authapp.providers.addresses import OF_TENANTS, is_public, resolve
from authapp.providers.fetch import Fetcher
from authapp.providers.provider import ProviderUnavailable
from tests.live import free_port
from tests.providers.browser import EXCHANGE, response_of, sign_in
from tests.providers.certificates import certificates
from tests.providers.http_server import json_response, serving_bytes, serving_wsgi
from tests.providers.openid_server import OpenIdServer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"

IN_TIME = 8  # seconds: far more than the limit of a test, for a busy machine, and far less than without a limit

T = TypeVar("T")


def fetcher(*, allow_private: bool = True) -> Fetcher:
    return Fetcher(allow_private=allow_private)


def after(seconds: float, answer: Callable[[], T]) -> T:
    time.sleep(seconds)
    return answer()


@Request.application
def echo(request: Request) -> Response:
    headers = {name: request.headers.get(name) for name in ("User-Agent", "Accept", "Host", "Content-Type")}
    return Response(json.dumps({**headers, "body": request.get_data(as_text=True)}))


def test_a_form_is_sent_and_json_received() -> None:
    with serving_wsgi(echo) as address:
        answer = fetcher().post(f"{address}/x", {"code": "a&b=ü"}).object()
    assert answer == {
        "User-Agent": "authapp",
        "Accept": "application/json",
        "Host": address.removeprefix("http://"),
        "Content-Type": "application/x-www-form-urlencoded",
        "body": "code=a%26b%3D%C3%BC",
    }


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_tls_checks_the_certificate_of_the_host_name(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = certificates(tmp_path, host)
    other = "localhost" if host != "localhost" else "127.0.0.1"
    with serving_wsgi(echo, server) as address:
        port = address.rpartition(":")[2]
        with pytest.raises(ProviderUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            fetcher().get(f"https://{host}:{port}/")
        monkeypatch.setattr(network, "tls", lambda: client)
        assert fetcher().post(f"https://{host}:{port}/", {"text": "x" * 100_000}).object()["Host"] == f"{host}:{port}"
        with pytest.raises(ProviderUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            fetcher().get(f"https://{other}:{port}/")


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([b""], "disconnected"),
        ([b"HTTP/1.1 200 OK\r\n\r\n<html>"], "not JSON"),
        ([HEAD + b"\r\n"], "not JSON"),
        ([HEAD + b"\r\n[]"], "no JSON object"),
        ([HEAD + b'\r\n"text"'], "no JSON object"),
        ([HEAD + b'\r\n{"a": 1, "a": 2}'], "twice"),
        ([HEAD + b'\r\n{"a": NaN}'], "NaN"),
        ([HEAD + b'\r\n{"a": "\xe9"}'], "not JSON"),
        ([HEAD + b"\r\n\xef\xbb\xbf{}"], "not JSON"),
        ([HEAD + b"\r\n" + '{"a": 1}'.encode("utf-16")], "not JSON"),
        ([HEAD + b"\r\n" + b"[" * 100_000], "not JSON"),
        ([HEAD + b'\r\n{"a": ' + b"9" * 10_000 + b"}"], "not JSON"),
        ([HEAD + b"Content-Length: 100\r\n\r\n{}"], "RemoteProtocolError"),
        ([HEAD + b"Content-Length: -1\r\n\r\n{}"], "RemoteProtocolError"),
        ([HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08"], "not JSON"),
        ([HEAD + b"Transfer-Encoding: chunked\r\n\r\nx"], "RemoteProtocolError"),
        ([b"SSH-2.0-OpenSSH\r\n"], "RemoteProtocolError"),
        ([b"HTTP/1.1 301 x\r\nLocation: http://169.254.169.254/\r\n\r\n{}"], "status 301"),
        ([b"HTTP/1.1 304 x\r\n\r\n"], "status 304"),
        ([b"HTTP/1.1 101 x\r\n\r\n"], "RemoteProtocolError"),
        ([b"HTTP/1.1 500 x\r\n\r\n{}"], "status 500"),
        ([b"HTTP/1.1 503 x\r\n\r\n{}"], "status 503"),
        ([b"HTTP/1.1 429 x\r\n\r\n{}"], "status 429"),
        ([b"HTTP/1.1 404 x\r\n\r\n{}"], "status 404"),
        ([HEAD + b"Content-Length: 104857600\r\n\r\n" + b" " * 300_000], "more than"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000], "RemoteProtocolError|more than"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000], "more than"),
    ],
)
def test_an_answer_that_is_not_of_the_protocol_is_refused(parts: list[bytes], reason: str) -> None:
    with serving_bytes(*parts) as host, pytest.raises(ProviderUnavailable) as caught:
        fetcher().get(f"http://{host}/").object()
    assert re.search(reason, caught.value.reason), caught.value.reason


def test_an_endless_answer_is_read_up_to_the_limit() -> None:
    started = time.monotonic()
    endless = serving_bytes(HEAD + b"\r\n", endless=b" " * 65_536)
    with endless as host, pytest.raises(ProviderUnavailable, match="more than 262144 bytes"):
        fetcher().get(f"http://{host}/")
    assert time.monotonic() - started < IN_TIME


SLOW: dict[str, dict[str, Any]] = {
    "nothing": {"parts": [b""], "seconds": 60},
    "head byte by byte": {"parts": [b"HTTP/1.1 200 OK\r\n", *[b"X"] * 100], "seconds": 0.2},
    "body byte by byte": {"parts": [HEAD + b"\r\n", *[b" "] * 100], "seconds": 0.2},
    "chunk by chunk": {"parts": [HEAD + CHUNKED, *[b"1\r\n \r\n"] * 100], "seconds": 0.2},
    "many interim responses": {"parts": [b"HTTP/1.1 102 Processing\r\n\r\n"] * 100, "seconds": 0.2},
}
SLOW_TLS = [b"\x16\x03\x03\x40\x00", *[b"\x02"] * 100]  # the head of a record of 16 KB, and its first bytes


@pytest.mark.parametrize("kind", SLOW)
def test_the_deadline_is_for_the_whole_answer(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authapp.providers.fetch.SECONDS", 1.0)
    parts, seconds = SLOW[kind]["parts"], SLOW[kind]["seconds"]
    with serving_bytes(*parts, seconds=seconds) as host:
        assert _seconds_until_unavailable(f"http://{host}/") < IN_TIME


def test_the_deadline_is_for_the_handshake_of_tls_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authapp.providers.fetch.SECONDS", 1.0)
    with serving_bytes(*SLOW_TLS, seconds=0.2) as host:
        assert _seconds_until_unavailable(f"https://{host}/") < IN_TIME


def test_the_deadline_is_for_sending_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authapp.providers.fetch.SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            fetcher().post(f"http://127.0.0.1:{listener.getsockname()[1]}/", {"text": "x" * 20_000_000})
        assert time.monotonic() - started < IN_TIME


def test_the_deadline_is_for_the_resolver_too(monkeypatch: pytest.MonkeyPatch) -> None:
    over, ended = Event(), Event()

    def hanging(*_: object, **__: object) -> list[Any]:
        over.wait()
        ended.set()
        return []

    monkeypatch.setattr("authapp.providers.fetch.SECONDS", 1.0)
    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    assert _seconds_until_unavailable("https://id.example.com/") < IN_TIME
    over.set()
    assert ended.wait(IN_TIME)


def _seconds_until_unavailable(url: str) -> float:
    started = time.monotonic()
    with pytest.raises(ProviderUnavailable):
        fetcher().get(url)
    return time.monotonic() - started


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_sign_in_with_a_provider_that_sends_a_byte_a_second_ends_within_6_seconds(
    openid: OpenIdServer, part: str
) -> None:
    first = {"head": b"HTTP/1.1 200 OK\r\nX: ", "body": HEAD + b"\r\n"}[part]
    with serving_bytes(first, seconds=1, endless=b" ") as host:
        openid.discovery = {"token_endpoint": f"http://{host}/token"}
        provider = openid.provider()
        code = response_of(provider.authorization_url(EXCHANGE))["code"]
        started = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="time"):
            provider.authenticate(EXCHANGE, code, None)
        assert 4 < time.monotonic() - started < 12


def test_all_requests_of_a_sign_in_have_one_limit(openid: OpenIdServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authapp.providers.fetch.SECONDS", 1.0)
    monkeypatch.setattr("authapp.providers.fetch.SECONDS_OF_ALL", 1.5)

    provider = openid.provider()
    sign_in(provider)
    openid.claims = {"email": None}
    openid.answers["userinfo"] = lambda: after(0.8, lambda: json_response(openid.userinfo))
    assert sign_in(provider).email == "userinfo@example.com"
    code = response_of(provider.authorization_url(EXCHANGE))["code"]
    openid.make_token = lambda claims: after(0.8, lambda: openid.signed(claims))
    with pytest.raises(ProviderUnavailable, match="time"):
        provider.authenticate(EXCHANGE, code, None)


def test_a_jwk_set_of_100_mb_is_refused(openid: OpenIdServer) -> None:
    openid.answers["jwks"] = lambda: Response(b'{"keys": [' + b" " * 65_536 for _ in range(1600))
    started = time.monotonic()
    with pytest.raises(ProviderUnavailable, match="more than 262144 bytes"):
        sign_in(openid.provider())
    assert time.monotonic() - started < IN_TIME


@pytest.mark.parametrize("endpoint", [".well-known/openid-configuration", "token", "jwks", "userinfo"])
def test_no_redirect_is_followed(openid: OpenIdServer, endpoint: str) -> None:
    openid.claims = {"email": None}
    openid.answers[endpoint] = lambda: Response(status=302, headers={"Location": f"{openid.address}/other"})
    with pytest.raises(ProviderUnavailable, match="status 302"):
        sign_in(openid.provider())
    assert openid.count("other") == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost:{port}/",
        "https://127.0.0.1:{port}/",
        "https://127.1:{port}/",
        "https://2130706433:{port}/",
        "https://0x7f000001:{port}/",
        "https://0:{port}/",
        "https://[::1]:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://[64:ff9b::7f00:1]:{port}/",
        "https://[2002:7f00:1::]:{port}/",
        "https://169.254.169.254/",
        "https://10.0.0.1/",
    ],
)
def test_production_connects_to_no_private_address(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        with pytest.raises(ProviderUnavailable, match=r"no public address|cannot be resolved"):
            fetcher(allow_private=False).get(url.format(port=listener.getsockname()[1]))
        with pytest.raises(TimeoutError):
            listener.accept()


def test_production_uses_no_plain_http() -> None:
    with pytest.raises(ProviderUnavailable, match="not an https address"):
        fetcher(allow_private=False).get("http://example.com/")


def test_the_address_that_was_checked_is_the_one_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that has a public address for the check, and a private one a moment later (DNS rebinding)."""
    asked = []

    def rebinding(host: str, port: int, **kwargs: Any) -> list[Any]:
        asked.append(host)
        address = "2001:db8::1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with pytest.raises(ProviderUnavailable, match="no public address"):
        fetcher(allow_private=False).get("https://id.example.com/")
    assert asked == ["id.example.com"]


def test_the_next_address_is_tried_where_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving_wsgi(echo) as address:
        port = int(address.rpartition(":")[2])
        answers = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", free_port(), 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answers)
        assert fetcher().get(f"http://id.example.com:{port}/").object()["Host"] == f"id.example.com:{port}"


PRIVATE = """0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8
192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::a00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::808:808 100::1
2001::1 2001:10::1 2001:db8::1 2002:a00:1::1 2002:808:808::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0
fec0::1 ff02::1"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "140.82.121.4", "2a00:1450:4001:80e::200d", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_that_is_public(address: str) -> None:
    assert is_public(address)


GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, sys, time
from authapp.providers import fetch
from authapp.providers.provider import ProviderUnavailable

fetch.SECONDS = 2.0
ticks = []

def tick():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.05)

gevent.spawn(tick)

def seconds(url):
    started = time.monotonic()
    try:
        fetch.Fetcher(allow_private=True).get(url)
    except ProviderUnavailable:
        return time.monotonic() - started

assert fetch.Fetcher(allow_private=True).post(sys.argv[1], {"a": "b"}).object()["body"] == "a=b"
slow = [gevent.spawn(seconds, url) for url in sys.argv[2:]]
gevent.joinall(slow)
print(max(greenlet.value for greenlet in slow))
print(max(after - before for before, after in zip(ticks, ticks[1:])))
"""


def test_the_deadline_holds_under_gevent_and_others_run_meanwhile() -> None:
    with ExitStack() as stack:
        hosts = [stack.enter_context(serving_bytes(*kind["parts"], seconds=kind["seconds"])) for kind in SLOW.values()]
        tls = stack.enter_context(serving_bytes(*SLOW_TLS, seconds=0.2))
        address = stack.enter_context(serving_wsgi(echo))
        urls = [address, *(f"http://{host}/" for host in hosts), f"https://{tls}/"]
        command = [sys.executable, "-W", "error", "-c", GEVENT, *urls]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    longest, pause = map(float, run.stdout.split())
    assert longest < IN_TIME
    assert pause < 1.5  # a request that blocks the others does so for the 2 seconds of its limit


def test_the_certificates_are_checked() -> None:
    assert network.tls().verify_mode == ssl.CERT_REQUIRED
    assert network.tls().check_hostname


def test_hosts_of_tenants_that_hang_hold_no_other_look_up_up() -> None:
    with serving_wsgi(echo) as address, ExitStack() as taken:
        for _ in range(8):
            assert OF_TENANTS.acquire(blocking=False)
            taken.callback(OF_TENANTS.release)
        assert fetcher().get(address).status == 200
        until = time.monotonic() + 0.1
        with pytest.raises(ProviderUnavailable, match="resolver"):
            resolve("127.0.0.1", 80, until, allow_private=True, look_ups=OF_TENANTS)
