"""A receiver that is hostile costs ten seconds, learns nothing, and leads to no other address."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from authapp.providers import network
from authapp.security.webhook_signatures import new_secret
from authapp.services.webhooks import attempts
from authapp.services.webhooks.attempts import Message, Outcome
from tests.factories import World
from tests.features.webhooks.receiver import create, deliver, deliveries, receiving, rename
from tests.providers.certificates import certificates
from tests.providers.http_server import serving_bytes, serving_wsgi

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def send(url: str, *, allow_private: bool = True) -> Outcome:
    return attempts.send(Message(uuid7(), url, b"{}", [new_secret()]), allow_private=allow_private)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    monkeypatch.setattr(attempts, "SECONDS", 1.0)
    started = time.monotonic()
    yield started
    assert time.monotonic() - started < 10  # without the limit it is 30 seconds or more


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([b""], "the answer is not HTTP"),
        ([b"HTTP/1.1 301 x\r\nLocation: http://169.254.169.254/\r\n\r\n"], "status 301"),
        ([b"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:1/\r\n\r\n"], "status 307"),
        ([b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=<script>\r\n\r\n<script>"], "status 401"),
        ([b"HTTP/1.1 204 x\r\nX: " + b"x" * 300_000], "the answer is not HTTP|more than 262144 bytes"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000], "more than 262144 bytes|the connection was closed"),
        ([b"HTTP/1.1 101 x\r\n\r\n"], "the answer is not HTTP"),
        ([b"HTTP/1.1 2000 x\r\n\r\n"], "the answer is not HTTP"),
        ([b"SSH-2.0-OpenSSH\r\n"], "the answer is not HTTP"),
        ([b"\x15\x03\x01\x00\x02\x02\x46"], "the answer is not HTTP"),
    ],
)
def test_what_is_no_success_is_told_without_the_text_of_the_answer(parts: list[bytes], expected: str) -> None:
    with serving_bytes(*parts) as host:
        outcome = send(f"http://{host}/")
    assert outcome.error is not None
    assert re.fullmatch(f"(the answer has )?({expected})", outcome.error), outcome.error


def test_an_endless_body_is_not_read(impatient: float) -> None:
    with serving_bytes(b"HTTP/1.1 200 OK\r\n\r\n", endless=b"x" * 65_536) as host:
        assert send(f"http://{host}/") == Outcome(200, None)


@pytest.mark.parametrize(
    "parts",
    [
        [b""],
        [b"HTTP/1.1 200 OK\r\n", *[b"X"] * 100],
        [b"HTTP/1.1 102 Processing\r\n\r\n"] * 100,
        [b"\x16\x03\x03\x40\x00"],
    ],
    ids=["nothing", "a byte now and then", "interim responses", "half a record"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_slow_receiver_has_one_deadline_over_everything(scheme: str, parts: list[bytes], impatient: float) -> None:
    with serving_bytes(*parts, seconds=0.3 if len(parts) > 1 else 60) as host:
        outcome = send(f"{scheme}://{host}/")
    assert outcome.status is None
    assert outcome.error is not None
    assert outcome.error in ("no answer in time", "the answer is not HTTP") or outcome.error.startswith("TLS: ")


def test_a_receiver_that_takes_no_bytes_has_the_same_deadline(impatient: float) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    with listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        message = Message(uuid7(), url, b"x" * 50_000_000, [new_secret()])
        assert attempts.send(message, allow_private=True).error == "no answer in time"


def test_tls_checks_the_name_of_the_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, client = certificates(tmp_path, "localhost")
    with receiving() as receiver, serving_wsgi(receiver, server) as address:
        port = address.rpartition(":")[2]
        untrusted = send(f"https://localhost:{port}/")
        monkeypatch.setattr(network, "tls", lambda: client)
        assert send(f"https://localhost:{port}/") == Outcome(204, None)
        wrong_name = send(f"https://127.0.0.1:{port}/")
    assert len(receiver.received) == 1
    assert (untrusted.error or "").startswith("TLS: ")
    assert "not valid for '127.0.0.1'" in (wrong_name.error or "")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fc00::1", "ff02::1", "::",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "fd00:ec2::254",
    ],
)  # fmt: skip
def test_a_name_that_resolves_to_an_address_that_is_not_public_is_not_connected_to(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_look_ups(monkeypatch, [address])
    connected = record_connections(monkeypatch)
    outcome = send("https://hooks.example.com/", allow_private=False)
    assert outcome == Outcome(None, "hooks.example.com has no public address")
    assert connected == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer_look_ups(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    connected = record_connections(monkeypatch)
    outcome = send("https://hooks.example.com/", allow_private=False)
    assert (outcome.status, asked) == (None, ["hooks.example.com"])
    assert [host for host, *_ in connected] == ["1.1.1.1"]


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/", "https://user:password@hooks.example.com/", "file:///etc/passwd"]
)
def test_an_address_that_was_stored_in_another_way_is_checked_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connected = record_connections(monkeypatch)
    assert "not an" in (send(url, allow_private=False).error or "")
    assert connected == []


def test_neither_the_answer_nor_the_secret_is_stored_or_shown(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    ada = world.person("Acme")
    with serving_bytes(b"HTTP/1.1 500 leaked-reason\r\nX: leaked-header\r\n\r\nleaked-body") as host:
        webhook = create(ada, f"http://{host}/hook?token=in-the-address", ["organization.updated"])
        rename(ada, "New")
        deliver(world)
    shown = [str(deliveries(ada, webhook)), capfd.readouterr().out]
    tables = ("webhooks", "webhook_deliveries", "audit_events")
    shown += [str(world.sql(f"SELECT to_jsonb(t) FROM {table} t")) for table in tables]
    assert "status 500" in shown[0]
    assert not [text for text in shown if "leaked" in text or webhook["secret"][6:] in text]
    assert "in-the-address" not in shown[-1]


def answer_look_ups(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the resolver give these addresses, one answer after the other. Returns what it is asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        families = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in found}
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for address, family in families.items()]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def record_connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Connect to nothing. Returns what would have been connected to."""
    connected: list[Any] = []
    own, really = threading.get_ident(), socket.socket.connect

    def connect(connection: socket.socket, address: Any) -> None:
        if threading.get_ident() != own:  # of another test, whose threads are still ending
            return really(connection, address)
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return connected
