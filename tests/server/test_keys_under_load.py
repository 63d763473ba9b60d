"""Keys rotate, and the secret is replaced, while servers answer: no token is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest

from authapp.config import Settings
from authapp.services import rekey
from tests.factories import API, AppWith, World
from tests.live import ask, free_port, serving
from tests.security.test_rekey import NEW, OLD, SETTLED
from tests.security.test_signing_keys import LONG_AGO
from tests.security.test_signing_keys import run_json as keys

pytestmark = pytest.mark.xdist_group("servers")  # a group begins early, and its last test is not that of the run
RELOAD_SECONDS, MAX_AGE_SECONDS = 0.2, 0.4  # in the place of 10 and 300
PAUSE = 0.02  # of a client, so that the servers get to restart
EVERYBODY_KNOWS = 1.0  # seconds after which each process and each service has read what was changed
WSGI = f"from authapp import create_app\napp = create_app()\napp.keys.reload_seconds = {RELOAD_SECONDS}\n"


class Traffic:
    """Clients with a session each, who call any server, and a service that verifies with a key set of a while ago."""

    def __init__(self, ports: list[int]) -> None:
        self.ports, self.over = ports, threading.Event()
        self.accepted = 0
        self.refused: list[object] = []
        self._known: tuple[float, dict[str, Any]] = (0.0, {})

    @contextmanager
    def of(self, sessions: list[dict[str, Any]], algorithm: str) -> Iterator[None]:
        threads = [threading.Thread(target=self._client, args=[each, algorithm]) for each in sessions]
        for thread in threads:
            thread.start()
        yield
        self.over.set()
        for thread in threads:
            thread.join()

    def _client(self, session: dict[str, Any], algorithm: str) -> None:
        turn = 0
        while not self.over.wait(PAUSE):
            turn += 1
            token = session["access_token"]
            if algorithm != "HS256":
                self._verify(token, algorithm)
            for port in self.ports:
                self._count(self._ask(port, "GET", "/auth/me", token=token))
            if turn % 3 == 0:
                body = {"refresh_token": session["refresh_token"]}
                answer = self._ask(self.ports[turn % len(self.ports)], "POST", "/auth/refresh", body)
                self._count(answer)
                session.update(answer[1] if answer and answer[0] == 200 else {})

    def _ask(self, port: int, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any] | None:
        try:
            return ask(port, method, f"{API}{path}", body, token, timeout=5)
        except OSError:
            return None  # this server is just restarted

    def _count(self, answer: tuple[int, Any] | None) -> None:
        if answer and answer[0] != 200:
            self.refused.append(answer)
        self.accepted += bool(answer)

    def _verify(self, token: str, algorithm: str) -> None:
        read_at, keys = self._known
        if time.monotonic() - read_at > MAX_AGE_SECONDS:
            document = ask(self.ports[0], "GET", "/.well-known/jwks.json")[1]
            self._known = time.monotonic(), {key["kid"]: key for key in document["keys"]}
            keys = self._known[1]
        try:
            jwt.decode(token, jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]]), [algorithm], audience="authapp")
        except (KeyError, jwt.PyJWTError) as error:
            self.refused.append(error)


class Servers:
    """Real servers on the database of the test."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        (folder / "quick.py").write_text(WSGI)
        self.ports = [free_port(), free_port()]
        self._folder = folder
        self._stacks = [ExitStack(), ExitStack()]
        self._common = {"DATABASE_URL": settings.database_url, "PUBLIC_URL": settings.public_url, "BCRYPT_ROUNDS": "4"}

    def restart(self, place: int, **environment: str) -> None:
        self._stacks[place].close()
        command = ("gunicorn", "-c", "python:authapp.server.settings", "--graceful-timeout", "2", "quick:app")
        settings = {**self._common, "PORT": str(self.ports[place]), "WEB_CONCURRENCY": "1", "MAIL_URL": "memory:"}
        self._stacks[place].enter_context(serving(*command, folder=self._folder, **settings, **environment))

    def stop(self) -> None:
        for stack in self._stacks:
            stack.close()


@pytest.fixture
def servers(world: World, settings: Settings, tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(settings, tmp_path)
    yield servers
    servers.stop()


def sessions(world: World, number: int = 3) -> list[dict[str, Any]]:
    return [world.person().session for _ in range(number)]


def test_three_rotations_under_load_refuse_no_token(world: World, app_with: AppWith, servers: Servers) -> None:
    operator = world.with_app(app_with(algorithm="ES256", secret_key=OLD))
    for place in (0, 1):
        servers.restart(place, SECRET_KEY=OLD, ALGORITHM="ES256")
    traffic = Traffic(servers.ports)
    with traffic.of(sessions(operator), "ES256"):
        for _ in range(3):
            keys(operator, "generate")
            time.sleep(EVERYBODY_KNOWS)
            operator.sql(LONG_AGO)
            keys(operator, "rotate")
            time.sleep(EVERYBODY_KNOWS)
            operator.sql(LONG_AGO)
            [[before]] = operator.sql("SELECT kid FROM signing_keys WHERE state = 'previous'")
            keys(operator, "retire", before)
    assert traffic.refused == []
    assert traffic.accepted > 100


def test_a_replaced_secret_under_load_refuses_no_token(
    world: World, app_with: AppWith, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekey, "SETTLES_AFTER", rekey.SETTLES_AFTER / 60)
    people = sessions(world.with_app(app_with(secret_key=OLD)))
    servers.restart(0, SECRET_KEY=OLD)
    servers.restart(1, SECRET_KEY=NEW, SECRET_KEY_PREVIOUS=OLD)
    traffic = Traffic(servers.ports)
    with traffic.of(people, "HS256"):
        servers.restart(0, SECRET_KEY=NEW, SECRET_KEY_PREVIOUS=OLD)
        said = app_with(secret_key=NEW, secret_key_previous=OLD).test_cli_runner().invoke(args=["rekey"])
        assert said.exit_code == 0, said.output
        world.sql(SETTLED)
        time.sleep(2 * EVERYBODY_KNOWS)  # each client refreshes meanwhile
        for place in (0, 1):
            servers.restart(place, SECRET_KEY=NEW)
    assert traffic.refused == []
    assert traffic.accepted > 100
