"""The configurations of `docs/proxies.md`: that of nginx with a real one, between clients, the check and a service."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from authapp.instance import ROOT
from tests.factories import API, PASSWORD, UNKNOWN_ID
from tests.live import ask, free_port, is_open

pytestmark = pytest.mark.xdist_group("live")  # which has the server
PAGE = (ROOT / "docs" / "proxies.md").read_text()
NUMBERS = itertools.count(1)
FORGED = {
    "X-Auth-Subject": UNKNOWN_ID,
    "X-Auth-Type": "user",
    "X-Auth-Session": UNKNOWN_ID,
    "X-Auth-Organization": UNKNOWN_ID,
    "X-Auth-Role": "admin",
    "X_Auth_Subject": UNKNOWN_ID,
    "X_Auth_Session": UNKNOWN_ID,
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


class Service(BaseHTTPRequestHandler):
    """A service that answers with the headers that reach it."""

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers.items())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def service() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def nginx(server: int, service: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an nginx with the configuration of the page, its addresses replaced."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    [block] = blocks("nginx")
    for address, actual in (("8080", f"127.0.0.1:{port}"), ("127.0.0.1:8000", f"127.0.0.1:{server}"),
                            ("127.0.0.1:9000", f"127.0.0.1:{service}")):  # fmt: skip
        assert address in block
        block = block.replace(address, actual)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary_folders(folder)} {block} }}"
    )
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(configuration)], stderr=subprocess.PIPE)
    while not is_open(port):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    yield port
    process.terminate()
    process.communicate(timeout=30)


def temporary_folders(folder: Path) -> str:
    return " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )


class Answer(NamedTuple):
    """What a client gets."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Visitor:
    """Somebody with a credential, who asks through nginx."""

    nginx: int
    token: str

    def send(self, organization: str, forged: bool = False, method: str = "GET", body: bytes | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.nginx, timeout=30)
        with closing(connection):
            headers = {
                **(FORGED if forged else {}),
                **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            }
            connection.request(method, f"/organizations/{organization}/models", body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def status(self, organization: str, forged: bool = False) -> int:
        return self.send(organization, forged).status

    def auth_headers(
        self, organization: str, forged: bool = False, method: str = "GET", body: bytes | None = None
    ) -> dict[str, str]:
        answer = self.send(organization, forged, method, body)
        assert answer.status == 200
        seen = json.loads(answer.body)
        return {name.lower(): value for name, value in seen.items() if re.match("x[-_]auth", name, re.IGNORECASE)}


class Scene:
    """An organization with an admin and an API key, and a stranger."""

    def __init__(self, server: int, nginx: int) -> None:
        self.server, self.nginx = server, nginx
        self.session, self.other = self.register("Acme"), self.register("Other")
        self.organization_id = self.session["organization"]["id"]
        self.admin = Visitor(nginx, self.session["access_token"])
        self.stranger = Visitor(nginx, self.other["access_token"])

    def register(self, organization: str) -> Any:
        body = {"email": f"proxied{next(NUMBERS)}@example.com", "password": PASSWORD, "organization_name": organization}
        status, session = ask(self.server, "POST", f"{API}/auth/register", body)
        assert status == 201
        return session

    def api_key(self, role: str) -> Visitor:
        path = f"{API}/organizations/{self.organization_id}/api-keys"
        status, made = ask(self.server, "POST", path, {"name": "k", "role": role}, self.admin.token)
        assert status == 201
        return Visitor(self.nginx, made["key"])


@pytest.fixture
def scene(server: int, nginx: int) -> Scene:
    return Scene(server, nginx)


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", b"x" * 10_000)])
def test_nginx_passes_a_member_on_and_tells_the_service_who_it_is(
    scene: Scene, method: str, body: bytes | None
) -> None:
    found = scene.admin.auth_headers(scene.organization_id, method=method, body=body)
    _, sessions = ask(scene.server, "GET", f"{API}/auth/sessions", token=scene.admin.token)
    assert found == {
        "x-auth-subject": scene.session["user"]["id"],
        "x-auth-type": "user",
        "x-auth-session": sessions["items"][0]["id"],
        "x-auth-organization": scene.organization_id,
        "x-auth-role": "admin",
    }


def test_nginx_passes_an_api_key_on_whose_role_is_enough(scene: Scene) -> None:
    found = scene.api_key("developer").auth_headers(scene.organization_id)
    assert found.keys() == {"x-auth-subject", "x-auth-type", "x-auth-organization", "x-auth-role"}
    assert (found["x-auth-type"], found["x-auth-role"]) == ("api_key", "developer")
    assert scene.api_key("viewer").status(scene.organization_id) == 403


def test_no_header_that_a_client_has_forged_reaches_the_service(scene: Scene) -> None:
    for visitor in (scene.admin, scene.api_key("developer")):
        honest = visitor.auth_headers(scene.organization_id)
        assert visitor.auth_headers(scene.organization_id, forged=True) == honest
        assert UNKNOWN_ID not in honest.values()


def test_nginx_refuses_strangers_and_whoever_has_no_token(scene: Scene) -> None:
    assert scene.stranger.status(scene.organization_id, forged=True) == 403
    assert scene.admin.status(UNKNOWN_ID) == 403
    for token in ("", "junk", scene.session["refresh_token"]):
        answer = Visitor(scene.nginx, token).send(scene.organization_id, forged=True)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_nginx_refuses_at_once_after_a_sign_out(scene: Scene) -> None:
    assert scene.admin.status(scene.organization_id) == 200
    assert ask(scene.server, "POST", f"{API}/auth/logout", {}, scene.admin.token)[0] == 204
    assert scene.admin.status(scene.organization_id) == 401


@pytest.mark.parametrize("malformed", ["-", "abc", "{id}0", "{id}{id}", "{short}", "0" * 36, "0" * 3000])
def test_a_malformed_organization_is_403_and_no_error_of_nginx(scene: Scene, malformed: str) -> None:
    organization = malformed.replace("{id}", scene.organization_id).replace("{short}", scene.organization_id[:-1])
    assert scene.admin.status(organization) == 403


@pytest.mark.parametrize(
    "added",
    ["%23", "%26role=viewer", "%26organization_id={id}", "%3f", "%20HTTP/1.1%0d%0aAuthorization:%20x", "%0d%0a", "%00",
     "%2f..%2f", "%25"],
)  # fmt: skip
def test_nothing_of_the_path_gets_into_the_query_but_the_characters_of_an_id(scene: Scene, added: str) -> None:
    viewer = scene.api_key("viewer")
    added = added.replace("{id}", scene.organization_id)
    assert viewer.status(scene.organization_id + added) in (400, 403, 404)
    assert viewer.status(added + scene.organization_id) in (400, 403, 404)


def test_a_number_sign_in_the_address_of_a_check_cuts_no_condition_off(scene: Scene) -> None:
    viewer = scene.api_key("viewer")
    for query in ("#", "#&role=developer", "&role=developer#"):
        path = f"{API}/auth/check?organization_id={scene.organization_id}{query}"
        status, answer = ask(scene.server, "GET", path, token=viewer.token)
        assert (status, answer["code"]) == (403, "invalid_check")


def test_the_configurations_in_yaml_parse_and_name_all_headers() -> None:
    traefik, envoy = blocks("yaml")
    names = {"X-Auth-Subject", "X-Auth-Type", "X-Auth-Session", "X-Auth-Organization", "X-Auth-Role"}
    middlewares = yaml.safe_load(traefik)["http"]["middlewares"]
    assert {*middlewares["check"]["forwardAuth"]["authResponseHeaders"]} == names
    removed = middlewares["no-underscores"]["headers"]["customRequestHeaders"]
    assert {name.replace("_", "-") for name in removed} == names
    clients, _ = yaml.safe_load(envoy)["static_resources"]["listeners"]
    [connection_manager] = clients["filter_chains"][0]["filters"]
    mutation, check, _ = connection_manager["typed_config"]["http_filters"]
    mutations = mutation["typed_config"]["mutations"]["request_mutations"]
    assert {each["remove"] for each in mutations} == {name.lower() for name in names}
    assert check["typed_config"]["failure_mode_allow"] is False
