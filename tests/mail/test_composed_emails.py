"""Emails that are composed when they are sent, and how many an address gets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from authapp.core.clock import FrozenClock
from authapp.core.email import Message
from authapp.core.errors import NotFound
from authapp.db import transaction
from authapp.mail import composers, outbox, sending
from authapp.mail.composers import Waiting, composed_when_sent
from authapp.mail.transports import MemoryMailer
from tests.factories import PASSWORD, AppWith, World, all_at_once
from tests.features.passwords.test_passwords import VERIFY, forget, reset, verified

ADA = "ada@example.com"
ROWS = (
    "SELECT kind, attempts, last_error, sent_at IS NOT NULL AS sent, dead_at IS NOT NULL AS dead "
    "FROM outbox ORDER BY id"
)


class Broken(MemoryMailer):
    """A mail server that is away."""

    def send(self, message_id: str, recipient: str, message: Message) -> None:
        super().send(message_id, recipient, message)
        raise OSError("away")


@pytest.fixture
def kinds() -> Iterator[list[str]]:
    """The kinds of emails that a test adds."""
    before = dict(composers._COMPOSERS)
    added: list[str] = []
    yield added
    composers._COMPOSERS.clear()
    composers._COMPOSERS.update(before)


def enqueue(world: World, kind: str, recipient: str = ADA, *, always: bool = False, **context: Any) -> bool:
    """Enqueue an email, with what its composer needs."""
    with world.app.app_context():
        added = outbox.enqueue_uncomposed(recipient, kind, always=always, **context)
        transaction.commit()
        return added


def test_an_email_is_composed_once_and_each_attempt_sends_the_same_token(world: World, time: FrozenClock) -> None:
    person, mailer = verified(world), Broken()
    world.caller().call("POST", "/auth/password/forgot", {"email": person.email})
    with world.app.app_context():
        sending.send_due(mailer)
        time.advance(minutes=1)
        sending.send_due(mailer)
    [first, second] = mailer.sent
    assert first == second
    time.advance(minutes=3)
    assert world.emails() == [first]
    assert reset(world, world.token_for(person.email)).status_code == 204


def test_a_composer_that_fails_stops_no_other_email_and_undoes_what_it_wrote(
    world: World, time: FrozenClock, kinds: list[str]
) -> None:
    person = verified(world)

    @composed_when_sent("broken")
    def compose(waiting: Waiting) -> Message | None:
        transaction.execute(text("UPDATE users SET is_active = false"))
        if waiting.context["how"] == "in the database":
            transaction.execute(text("SELECT 1 / 0"))
        raise NotFound

    enqueue(world, "broken", how="by itself")
    enqueue(world, "broken", how="in the database")
    enqueue(world, "no such kind")
    assert len(forget(world, person.email)) > 20
    assert [(row.kind, row.attempts, row.sent, row.dead) for row in world.sql(ROWS)] == [
        ("broken", 1, False, False),
        ("broken", 1, False, False),
        ("no such kind", 1, False, False),
        ("password_reset", 1, True, False),
    ]
    assert world.sql("SELECT FROM users WHERE NOT is_active") == []
    for _ in range(6):
        time.advance(hours=7)
        world.emails()
    broken = world.sql(ROWS)[0]
    assert (broken.dead, broken.last_error[:8]) == (True, "NotFound")


def test_the_context_of_an_email_is_encrypted_and_erased(world: World, app_with: AppWith) -> None:
    safe = world.with_app(app_with(registration_mode="safe"))
    body = {"email": ADA, "password": PASSWORD, "first_name": "Augusta"}
    assert safe.caller().call("POST", "/auth/register", body).status_code == 202
    [[context]] = world.sql("SELECT encrypted_context FROM outbox")
    assert b"Augusta" not in bytes(context)
    assert b"$2b$" not in bytes(context)
    assert len(safe.emails()) == 1
    assert world.sql("SELECT encrypted_context, encrypted_body FROM outbox") == [(None, None)]


def test_a_worker_that_comes_back_too_late_leaves_the_token_of_the_other_valid(
    world: World, time: FrozenClock, kinds: list[str]
) -> None:
    person = verified(world)
    compose = composers._COMPOSERS["password_reset"]

    @composed_when_sent("password_reset")
    def compose_slowly(waiting: Waiting) -> Message | None:
        transaction.rollback()
        composers._COMPOSERS["password_reset"] = compose
        time.advance(minutes=6)  # longer than the lease
        world.emails()
        return compose(waiting)

    token = forget(world, person.email)
    assert len(world.emails()) == 1
    assert reset(world, token).status_code == 204


def test_workers_at_once_compose_each_email_once(world: World) -> None:
    people = [verified(world) for _ in range(6)]
    for person in people:
        world.caller().call("POST", "/auth/password/forgot", {"email": person.email})

    def deliver() -> int:
        return len(world.emails())

    all_at_once([deliver] * 6)
    assert sorted(to for to, _ in world.emails()) == sorted(person.email for person in people)
    for person in people:
        assert reset(world, world.token_for(person.email)).status_code == 204


def test_the_operator_sees_an_email_that_is_not_composed_yet(world: World) -> None:
    enqueue(world, "password_reset")
    printed = world.app.test_cli_runner().invoke(args=["outbox", "list"]).output
    assert f"password_reset to {ADA}" in printed
    assert world.emails() == []
    assert "No email waits." in world.app.test_cli_runner().invoke(args=["outbox", "list"]).output


def test_an_address_gets_five_emails_an_hour_and_twenty_a_day(world: World, time: FrozenClock) -> None:
    for hour, expected in enumerate([5, 5, 5, 5, 0]):
        added = [enqueue(world, f"kind{number}") for number in range(7)]
        assert added == [True] * expected + [False] * (7 - expected), hour
        time.advance(hours=1)
    assert enqueue(world, "another", "grace@example.com")
    time.advance(hours=20)
    assert enqueue(world, "the next day")


def test_what_anybody_can_cause_and_all_else_leave_each_other_some_emails(world: World, time: FrozenClock) -> None:
    for anybody, others in [(5, 2), (5, 2), (5, 2), (0, 2), (0, 0)]:
        added = [enqueue(world, "password_reset") for _ in range(6)]
        assert added == [True] * anybody + [False] * (6 - anybody)
        added = [enqueue(world, "of somebody who is known") for _ in range(4)]
        assert added == [True] * others + [False] * (4 - others)
        time.advance(hours=1)


def test_notices_that_are_always_sent_leave_emails_that_reset_the_password(world: World) -> None:
    assert all(enqueue(world, "password_changed", always=True) for _ in range(20))
    assert [enqueue(world, "password_reset") for _ in range(4)] == [True] * 3 + [False]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/password/forgot", {}),
        ("/auth/email/resend", {}),
        ("/auth/register", {"password": PASSWORD}),
    ],
)
def test_a_stranger_cannot_keep_the_email_about_a_new_device_from_its_owner(
    world: World, app_with: AppWith, path: str, body: dict[str, str]
) -> None:
    person = world.person()
    safe = world.with_app(app_with(registration_mode="safe"))
    for _ in range(6):
        assert safe.caller().call("POST", path, {"email": person.email, **body}).status_code == 202
    [[rows]] = world.sql("SELECT count(*) FROM outbox WHERE recipient = :email", email=person.email)
    assert rows == 5
    world.sign_in(person)
    assert world.sql("SELECT FROM outbox WHERE kind = 'new_device'") != []


def test_emails_that_protect_an_account_are_always_sent_and_count(world: World) -> None:
    assert [enqueue(world, "notice", always=True) for _ in range(7)] == [True] * 7
    assert not enqueue(world, "other")


def test_emails_at_once_stop_at_the_limit_whoever_causes_them(world: World) -> None:
    person = verified(world)
    paths = ["/auth/password/forgot", "/auth/email/resend"] * 8

    def ask(path: str) -> int:
        return world.caller().call("POST", path, {"email": person.email}).status_code

    assert set(all_at_once([partial(ask, path) for path in paths])) == {202}
    [[rows]] = world.sql("SELECT count(*) FROM outbox")
    assert rows == 5


def test_an_email_beyond_the_limit_is_dropped_with_a_line_in_the_log(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(6):
        enqueue(world, "other")
    assert '"event": "email.dropped"' in capfd.readouterr().out


def test_an_invitation_beyond_the_limit_is_an_error_and_leaves_nothing_behind(world: World) -> None:
    admin = world.person("Acme")
    for _ in range(5):
        enqueue(world, "other")
    body = {"email": ADA, "role": "viewer"}
    invitations = f"/organizations/{admin.organization_id}/invitations"
    response = admin.call("POST", invitations, body)
    assert (response.status_code, response.get_json()["code"]) == (409, "limit_reached")
    assert "too many emails" in response.get_json()["detail"]
    assert world.sql("SELECT FROM invitations") == []
    world.sql("DELETE FROM outbox")
    invitation_id = admin.call("POST", invitations, body).get_json()["id"]
    for _ in range(4):
        enqueue(world, "other")
    world.emails()
    assert admin.call("POST", f"{invitations}/{invitation_id}/resend").status_code == 409
    assert world.sql(VERIFY, id=admin.id) == []
    [[token_used]] = world.sql("SELECT used_at FROM one_time_tokens WHERE purpose = 'invitation'")
    assert token_used is None
