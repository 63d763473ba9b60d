"""Emails to an account with 20,000 organizations and as many API keys: a few short statements, and a few names."""

from __future__ import annotations

import re

from authapp.mail import messages
from tests.factories import World, statements
from tests.features.accounts.test_busy_accounts import organizations
from tests.features.passwords.test_passwords import VERIFY, reset
from tests.plans import plans

MANY = 20_000
KEYS = (
    "INSERT INTO api_keys (id, organization_id, name, role, secret_hash, created_by, expires_at) "
    "SELECT uuidv7(), organization_id, 'key' || n, 'viewer', '', user_id, CASE WHEN n <= :expired THEN now() END "
    "FROM (SELECT *, row_number() OVER () AS n FROM memberships WHERE user_id = :id) AS mine"
)


def ask(world: World, email: str) -> str:
    world.caller().call("POST", "/auth/password/forgot", {"email": email})
    return world.token_for(email)


def test_emails_to_an_account_that_has_very_many_of_everything_stay_short_and_quick(world: World) -> None:
    busy, other = world.person(), world.person("Acme")
    for person in (busy, other):
        world.sql(VERIFY, id=person.id)
    organizations(world, "many", MANY, admin=busy)
    world.sql(KEYS, id=busy.id, expired=MANY // 2)
    world.sql("ANALYZE memberships, organizations, api_keys, users, outbox")
    sent_for = []
    for person in (other, busy):
        with statements(world.app) as sent:
            assert reset(world, ask(world, person.email)).status_code == 204
            world.emails()
        sent_for.append(sent)
    assert sent_for[0] == sent_for[1]
    with plans(world.app) as found:
        assert reset(world, ask(world, busy.email), "YetAnotherPassword7").status_code == 204
        world.emails()
    slowest = max(found, key=lambda plan: plan.milliseconds)
    assert slowest.milliseconds < 500, slowest.text
    texts = [message.text for to, message in world.emails() if to == busy.email]
    assert all(len(text) < 4000 for text in texts)
    assert texts[-2].count("many") == messages.MOST_NAMES
    assert "and others" in texts[-2]
    assert len(re.findall(r"\bkey\d+", texts[-1])) == messages.MOST_NAMES
    assert "and others" in texts[-1]
