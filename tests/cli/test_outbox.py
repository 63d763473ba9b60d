"""`flask outbox`."""

from __future__ import annotations

import pytest

from tests.cli.commands import as_json, said
from tests.factories import World

KILL = "UPDATE outbox SET dead_at = now(), due_at = NULL, attempts = 6, last_error = '550 No such user'"


def invite(world: World, *emails: str) -> None:
    founder = world.person("Acme")
    for email in emails:
        body = {"email": email, "role": "viewer"}
        assert founder.call("POST", f"/organizations/{founder.organization_id}/invitations", body).status_code == 201


def test_outbox_list_shows_the_emails_that_wait(world: World) -> None:
    assert said(world, "outbox", "list") == "No email waits.\n"
    invite(world, "grace@example.com")
    [line] = said(world, "outbox", "list").splitlines()
    assert line.endswith("UTC  invitation to grace@example.com")
    [message] = as_json(world, "outbox", "list")
    assert message.items() >= {"recipient": "grace@example.com", "kind": "invitation", "last_error": None}.items()
    assert "encrypted_body" not in message


def test_all_emails_that_were_given_up_are_tried_again(world: World) -> None:
    invite(world, "ada@example.com", "grace@example.com")
    world.sql(KILL)
    assert as_json(world, "outbox", "list") == []
    assert len(as_json(world, "outbox", "list", "--dead")) == 2
    assert said(world, "outbox", "retry", "--all") == "Emails due now: 2\n"
    assert as_json(world, "outbox", "retry", "--all") == {"retried": 0}
    assert len(world.emails()) == 2


@pytest.mark.parametrize("arguments", [[], ["--all", "019aab1c-7d3e-7a40-9a55-000000000000"]])
def test_outbox_retry_asks_for_one_email_or_all(world: World, arguments: list[str]) -> None:
    said(world, "outbox", "retry", *arguments, status=2)
