"""SECRET_KEY is replaced: nobody is signed out, and nothing is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from authapp.core import clock
from authapp.core.clock import FrozenClock
from authapp.security.encryption import Cipher
from authapp.services import encrypted_columns, rekey
from authapp.services.encrypted_columns import ENCRYPTED
from tests.factories import PASSWORD, AppWith, Person, World, all_at_once
from tests.features.webhooks.receiver import create, deliver, receiving, rename, verifies, webhooks_of
from tests.second_factors import Authenticator, begin, complete, enrol

OLD, NEW, NEWER = (f"{name}-secret-for-tests-that-is-long-enough" for name in ("an-old", "a-new", "a-newer"))
ENCRYPTED_COLUMNS = (
    "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name LIKE 'encrypted%'"
)
HASHES = "SELECT count(*) FROM users WHERE password_hash LIKE 'ap1-%'"
SETTLED = "UPDATE kept_keys SET created_at = created_at - interval '2 minutes'"


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekey, "SETTLES_AFTER", rekey.SETTLES_AFTER * 0)


class Deployment:
    """Applications with different secrets on one database, which reload with every use."""

    def __init__(self, world: World, app_with: AppWith, **settings: Any) -> None:
        self._world, self._app_with, self._settings = world, app_with, settings

    def process(self, secret: str, previous: str | None = None) -> World:
        app = self._app_with(secret_key=secret, secret_key_previous=previous, **self._settings)
        app.keys.reload_seconds = app.keys.fewest_seconds = 0
        return self._world.with_app(app)


@pytest.fixture
def deployment(world: World, app_with: AppWith) -> Deployment:
    return Deployment(world, app_with)


def run(world: World) -> dict[str, Any]:
    """Run the command. It must succeed."""
    said = world.app.test_cli_runner().invoke(args=["rekey", "--json"])
    assert said.exit_code == 0, said.output
    result: dict[str, Any] = json.loads(said.stdout)
    return result


@dataclass
class Possessions:
    """All that somebody has that the secret protects."""

    organization: str
    person: Person
    app: Authenticator
    api_key: str
    invitation: str

    @classmethod
    def of(cls, world: World, name: str) -> Possessions:
        founder = world.person(name, email=f"{name}@example.com")
        api_key = world.api_key(founder, founder.organization_id, "viewer")
        invitation = world.invite(founder, founder.organization_id, f"invited-by-{name}@example.com", "viewer")
        return cls(f"/organizations/{founder.organization_id}", founder, enrol(founder), api_key, invitation)

    def assert_work(self, world: World, time: FrozenClock) -> None:
        """With this process: all of them, once more."""
        time.advance(seconds=31)
        caller = world.caller(self.person.session["access_token"])
        assert caller.call("GET", "/auth/me").status_code == 200
        response = world.caller().call("POST", "/auth/refresh", {"refresh_token": self.person.refresh_token})
        assert response.status_code == 200, response.text
        self.person.session |= response.get_json()
        assert world.caller(self.api_key).call("GET", self.organization).status_code == 200
        preview = world.caller().call("POST", "/invitations/preview", {"token": self.invitation})
        assert preview.status_code == 200, preview.text
        assert complete(world, begin(world, self.person), code=self.app.code()).status_code == 200
        code = self.app.recovery_codes.pop()
        assert complete(world, begin(world, self.person), recovery_code=code).status_code == 200


@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
def test_a_replaced_secret_signs_nobody_out_and_loses_nothing(
    world: World, app_with: AppWith, time: FrozenClock, algorithm: str
) -> None:
    deployment = Deployment(world, app_with, algorithm=algorithm)
    old = deployment.process(OLD)
    had = [Possessions.of(old, "before")]
    both = deployment.process(NEW, OLD)
    had.append(Possessions.of(both, "during"))
    for process in (old, both):  # some were restarted
        for each in had:
            each.assert_work(process, time)
    result = run(both)
    assert result["unreadable"] == {}
    assert result["encrypted"]["totp_factors"] == 2
    had.append(Possessions.of(both, "switched"))
    world.sql(SETTLED)
    for each in had:
        each.assert_work(both, time)
    new = deployment.process(NEW)
    had.append(Possessions.of(new, "after"))
    for each in had:
        each.assert_work(new, time)
    assert world.sql(HASHES) == [(4,)], "each password has the new pepper"
    newer = deployment.process(NEWER, NEW)
    run(newer)
    world.sql(SETTLED)
    last = deployment.process(NEWER)
    for each in had:
        each.assert_work(newer, time)
        each.assert_work(last, time)


def test_a_process_of_before_sees_nothing_of_the_new_secret_until_rekey(deployment: Deployment) -> None:
    old, both = deployment.process(OLD), deployment.process(NEW, OLD)
    person = both.person("Acme")
    for token in (person.session["access_token"], both.api_key(person, person.organization_id, "viewer")):
        path = f"/organizations/{person.organization_id}"
        assert old.caller(token).call("GET", path).status_code == 200
    assert both.app.cipher.key_id == Cipher(OLD).key_id
    run(both)
    assert both.app.cipher.key_id == Cipher(NEW).key_id


def test_emails_that_wait_are_sent_with_the_new_secret(world: World, deployment: Deployment) -> None:
    old = deployment.process(OLD)
    founder = old.person("Acme")
    body = {"email": "grace@example.com", "role": "viewer"}
    path = f"/organizations/{founder.organization_id}/invitations"
    assert founder.call("POST", path, body).status_code == 201
    old.sql("UPDATE outbox SET key_id = NULL")  # as an earlier version has written it
    both = deployment.process(NEW, OLD)
    assert run(both)["encrypted"]["outbox"] == 1
    assert [to for to, _ in deployment.process(NEW).emails()] == ["grace@example.com"]


def test_webhooks_are_signed_with_the_secrets_that_they_had(world: World, deployment: Deployment) -> None:
    old = deployment.process(OLD)
    founder = old.person("Acme")
    with receiving() as receiver:
        webhook = create(founder, receiver.url, ["organization.updated"])
        rotated = founder.call("POST", f"{webhooks_of(founder)}/{webhook['id']}/rotate-secret", {}).get_json()
        rename(founder, "New")
        assert run(deployment.process(NEW, OLD))["encrypted"]["webhooks"] == 1
        deliver(deployment.process(NEW))
    [message] = receiver.received
    assert verifies(message, webhook["secret"])
    assert verifies(message, rotated["secret"])


def test_all_encrypted_columns_are_encrypted_again(world: World) -> None:
    known = {(each.table.name, column) for each in ENCRYPTED for column in each.columns}
    assert known == {tuple(row) for row in world.sql(ENCRYPTED_COLUMNS)}


def test_rekey_goes_on_where_it_was_stopped(
    world: World, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encrypted_columns, "BATCH", 2)
    old = deployment.process(OLD)
    for _ in range(5):
        enrol(old.person())
    both = deployment.process(NEW, OLD)
    assert run(both)["encrypted"]["totp_factors"] == 5
    world.sql("UPDATE totp_factors SET key_id = 'lost' WHERE user_id = (SELECT min(id::text)::uuid FROM users)")
    again = run(both)
    assert again["encrypted"] == {"kept_keys": 0, "signing_keys": 0, "totp_factors": 1, "outbox": 0, "webhooks": 0}
    assert world.sql("SELECT count(*) FROM kept_keys WHERE purpose LIKE 'password pepper %'") == [(1,)]


def test_simultaneous_runs_switch_once(world: World, deployment: Deployment) -> None:
    enrol(deployment.process(OLD).person())
    runners = [deployment.process(NEW, OLD).app.test_cli_runner() for _ in range(6)]
    all_at_once([lambda runner=runner: runner.invoke(args=["rekey"]) for runner in runners])  # type: ignore[misc]
    assert world.sql("SELECT count(*) FROM totp_factors WHERE key_id <> :id", id=Cipher(NEW).key_id) == [(0,)]
    assert world.sql("SELECT count(*) FROM kept_keys") == [(7,)]
    assert world.sql("SELECT count(*) FROM audit_events WHERE action = 'secret_key.replaced'") == [(1,)]


def test_a_row_that_was_altered_stays_and_is_reported(world: World, deployment: Deployment) -> None:
    old = deployment.process(OLD)
    for _ in range(3):
        enrol(old.person())
    world.sql("UPDATE totp_factors SET encrypted_secret = 'x' WHERE user_id = (SELECT max(id::text)::uuid FROM users)")
    both = deployment.process(NEW, OLD)
    result = run(both)
    assert (result["encrypted"]["totp_factors"], result["unreadable"]) == (2, {"totp_factors": 1})
    said = both.app.test_cli_runner().invoke(args=["rekey"])
    assert "Cannot be decrypted, see the log: totp_factors 1." in said.output
    assert "Remove SECRET_KEY_PREVIOUS after 20" in said.output


def test_rekey_says_first_that_each_process_needs_both_secrets(deployment: Deployment) -> None:
    said = deployment.process(NEW, OLD).app.test_cli_runner().invoke(args=["rekey"])
    assert said.stderr.startswith("By now, every web and worker process must have both: SECRET_KEY, and ")
    assert said.stderr.count("\n") == 1


def test_rekey_needs_both_secrets(deployment: Deployment) -> None:
    said = deployment.process(NEW).app.test_cli_runner().invoke(args=["rekey"])
    assert (said.exit_code, said.output.startswith("Error: SECRET_KEY_PREVIOUS is not set.")) == (1, True)
    run(deployment.process(NEW, OLD))
    for secret, previous in ((NEWER, OLD), (OLD, NEWER)):
        said = deployment.process(secret, previous).app.test_cli_runner().invoke(args=["rekey"])
        assert said.exit_code == 1
        assert "SECRET_KEY_PREVIOUS is not the secret of this database." in said.output


def test_after_rekey_a_process_without_the_new_secret_does_not_serve(deployment: Deployment) -> None:
    running = deployment.process(OLD)
    person = running.person()
    run(deployment.process(NEW, OLD))
    assert person.call("GET", "/auth/me").status_code == 200  # it keeps what it has
    assert deployment.process(OLD).caller(person.session["access_token"]).call("GET", "/auth/me").status_code == 503


def test_a_new_pepper_is_used_only_when_each_process_has_it(world: World, deployment: Deployment) -> None:
    both = deployment.process(NEW, OLD)
    run(both)
    both.person()
    assert world.sql(HASHES) == [(0,)]
    world.sql(SETTLED)
    both.person()
    assert world.sql(HASHES) == [(1,)]


def test_a_password_pepper_of_its_own_stays(world: World, app_with: AppWith) -> None:
    deployment = Deployment(world, app_with, password_pepper="a-pepper-of-more-than-thirty-two-bytes")
    person = deployment.process(OLD).person()
    run(deployment.process(NEW, OLD))
    world.sql(SETTLED)
    credentials = {"email": person.email, "password": PASSWORD}
    assert deployment.process(NEW).caller().call("POST", "/auth/login", credentials).status_code == 200
    assert world.sql(HASHES) == [(0,)]


def test_tokens_of_the_secret_before_end_with_it(deployment: Deployment) -> None:
    """The emergency: SECRET_KEY_PREVIOUS is removed at once. Everybody signs in again, and can."""
    person = deployment.process(OLD).person()
    run(deployment.process(NEW, OLD))
    new = deployment.process(NEW)
    assert new.caller(person.session["access_token"]).call("GET", "/auth/me").status_code == 401
    assert new.caller().call("POST", "/auth/refresh", {"refresh_token": person.refresh_token}).status_code == 401
    credentials = {"email": person.email, "password": PASSWORD}
    assert new.caller().call("POST", "/auth/login", credentials).status_code == 200


def test_rekey_says_how_long_the_secret_before_is_needed(deployment: Deployment) -> None:
    needed = run(deployment.process(NEW, OLD))["previous_is_needed_until"]
    left = datetime.fromisoformat(needed) - clock.now()
    assert timedelta(days=6, hours=23) < left < timedelta(days=7, minutes=1)
