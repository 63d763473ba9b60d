"""No password and no token is ever written down: not in the log, not in the database."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from authapp.core.logging import configure_logging
from authapp.dev.postgres import psql_path
from authapp.providers.openid import OpenIdProvider
from tests.factories import PASSWORD, World
from tests.providers.oidc_mock import oidc_mock
from tests.sso import BROWSER, exchange, query_of

WRONG = "AnotherPassword456"
CLIENT_SECRET = "client-secret-of-a-provider"


def test_the_log_and_a_dump_hold_no_secret_of_the_whole_flow(
    world: World, socket_folder: str, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logging("DEBUG")  # onto the stdout that this test reads
    person = world.person("Acme", first_name="Ada")
    secrets = {PASSWORD, WRONG, *tokens_in(person.session)}
    world.caller().call("POST", "/auth/login", {"email": person.email, "password": WRONG})
    world.caller().call("POST", "/auth/register", {"email": person.email, "password": PASSWORD})
    world.caller().call("POST", "/auth/register", {"email": "x@example.com", "password": WRONG, "role": WRONG})
    refreshed = person.call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).get_json()
    secrets |= tokens_in(refreshed)
    person.call("POST", "/auth/refresh", {"refresh_token": refreshed["access_token"]})
    person.call("GET", f"/auth/me?access_token={refreshed['access_token']}")
    person.call("POST", "/auth/login", {"email": person.email, "password": PASSWORD})
    person.caller.open(f"/nothing/{WRONG}?password={WRONG}")
    world.caller().call("POST", "/auth/login", {"email": person.email, "password": PASSWORD + "\x00"})
    organization = f"/organizations/{person.organization_id}"
    issued = person.call("POST", f"{organization}/api-keys", {"name": "k", "role": "viewer"}).get_json()
    rotated = person.call("POST", f"{organization}/api-keys/{issued['id']}/rotate", {"overlap_seconds": 60}).get_json()
    world.caller(issued["key"]).call("GET", organization)
    service_key = world.service_key("introspect")
    service = world.caller(service_key)
    for token in (refreshed["access_token"], issued["key"]):
        service.open("/api/v1/auth/introspect", method="POST", data={"token": token})
    service.call("GET", "/auth/revocations")
    world.caller(rotated["key"] + "x").call("GET", organization)
    person.call("POST", f"{organization}/invitations", {"email": "grace@example.com", "role": "viewer"})
    waiting = dump_of(world, socket_folder)  # while the email is in the outbox
    invitation = world.token_for("grace@example.com")
    world.caller().call("POST", "/invitations/preview", {"token": invitation})
    world.person(email="grace@example.com", invitation_token=invitation)
    secrets |= {issued["key"], rotated["key"], service_key, invitation}
    person.call("POST", "/auth/logout", {"everywhere": True})

    log = capfd.readouterr().out
    dump = dump_of(world, socket_folder) + waiting
    assert all(json.loads(line)["level"] for line in log.splitlines())
    assert person.email in dump
    assert str(person.id) in log
    for secret in secrets:
        assert secret not in log
        assert secret not in dump
        separator = "_" if re.match("(ak|it|sk)_", secret) else "."
        assert secret.split(separator)[-1] not in log + dump  # the secret part, or the signature, alone


class Watched(OpenIdProvider):
    """A provider whose tokens the test gets to see."""

    tokens: tuple[str, ...] = ()

    def _redeem(self, *args: Any) -> tuple[str, str]:
        self.tokens = id_token, access_token = super()._redeem(*args)
        return id_token, access_token


def test_the_log_and_a_dump_hold_no_secret_of_a_sign_in_with_a_provider(
    world: World, socket_folder: str, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logging("DEBUG")
    with oidc_mock() as mock:
        settings = world.app.settings
        provider = Watched("oidc", "Acme", mock.discovery_url, "authapp", CLIENT_SECRET, allow_private=True)
        world.app.providers["oidc"] = provider
        mock.put("ada", email="ada@example.com", email_verified=True)
        browser = world.caller()
        sent = browser.call("GET", "/auth/sso/oidc/authorize")
        asked = query_of(sent)
        cookie = sent.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
        answered = mock.sign_in(sent.headers["Location"], "ada")
        waiting = dump_of(world, socket_folder)
        landing = browser.call("GET", "/auth/sso/oidc/callback", query_string=answered, headers=BROWSER)
        waiting += dump_of(world, socket_folder)
        code = query_of(landing)["code"]
        assert exchange(browser, code).status_code == 200
        del world.app.providers["oidc"]
    log, dump = capfd.readouterr().out, dump_of(world, socket_folder) + waiting
    assert settings.public_url in asked["redirect_uri"]
    assert "ada@example.com" in dump
    own = {asked["state"], asked["nonce"], cookie, code, code.split("_")[-1]}
    for secret in {*own, answered["code"], CLIENT_SECRET, *provider.tokens}:
        assert secret not in log + dump


def tokens_in(session: dict[str, str]) -> set[str]:
    return {session["access_token"], session["refresh_token"]}


def dump_of(world: World, socket_folder: str) -> str:
    """Every row of every table, in plain text."""
    database = str(make_url(world.app.settings.database_url).database)
    command = [str(Path(psql_path()).with_name("pg_dump")), "--data-only", "--inserts"]
    return subprocess.run(
        [*command, "-h", socket_folder, "-U", "postgres", database],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    ).stdout
