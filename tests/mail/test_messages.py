"""What all emails have in common, and how they name a browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from authapp.instance import ROOT
from authapp.mail import messages, user_agents
from authapp.mail.user_agents import short_name
from tests.factories import PASSWORD, AppWith, World
from tests.features.email_addresses.test_email_addresses import resend, verify
from tests.features.passwords.test_passwords import NEW, forget, verified
from tests.second_factors import enrol

TEMPLATES = sorted(path.stem for path in (ROOT / "authapp/mail/templates").glob("*.txt") if path.stem != "layout")
WORDS = ("email", "new_email", "organization", "inviter", "role", "organizations", "api_keys", "ip_address", "name",
         "provider", "address_there")  # fmt: skip
CONTEXT: dict[str, Any] = {
    **{name: f"<{name}>" for name in WORDS},
    "link": "https://example.com/page#token=et_x&take_back=1",
    "moment": datetime(2026, 11, 9, 8, 5, tzinfo=UTC),
    "user_agent": "curl",
    "left": 9,
    "passkeys": 2,
    "identities": 1,
    "by_recovery_code": True,
    "by_password": False,
    "by_counter": True,
    "has_app": True,
    "forgot": "https://example.com/forgot",
    "removed": False,
    "made": False,
    "has_password": True,
    "verified": False,
}
LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_email_names_the_service_and_says_the_same_as_text_and_as_html(app_with: AppWith, kind: str) -> None:
    has_token = "block developers" in (ROOT / f"authapp/mail/templates/{kind}.txt").read_text()
    token = {"token": "et_x", "expires_at": CONTEXT["moment"]} if has_token else {}
    with app_with(operator_name="Acme & Co").app_context():
        message = messages.render(kind, **CONTEXT, **token)
    body, _, footer = message.text.rpartition("\n\nAcme & Co\nhttp://localhost:8000\n")
    assert "Acme & Co" in body
    assert "Acme &amp; Co" in message.html
    assert "09 November" not in message.text + message.html
    assert "\n\n\n" not in message.text
    assert message.html.count(' style="display: inline-block') == 1
    assert "overflow-wrap: anywhere" in message.html
    assert "take_back=1" in message.html.replace("&amp;", "&")
    assert ("For developers: POST /api/v1/" in footer) is has_token
    assert body.count("For developers") == 0
    html = re.sub(r"\s+", " ", message.html)
    for paragraph in body.split("\n\n"):
        for line in paragraph.splitlines():
            if not line.endswith(":") and "#token" not in line:
                shown = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
                assert shown in html.replace("&#39;", "'"), line


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (LINUX, "Chrome on Linux"),
        (f"{LINUX} Edg/142.0.0.0", "Edge on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.32", "python-requests"),
        ("", ""),
    ],
)
def test_a_user_agent_is_shown_short(user_agent: str, name: str) -> None:
    assert short_name(user_agent) == name


def test_emails_and_pages_name_browsers_by_the_same_rules() -> None:
    script = Path(ROOT / "authapp/static/pages/user-agent.js").read_text()
    rules = {name: rule.replace("\\/", "/") for name, rule in re.findall(r'\["([^"]+)", /(.+)/\],', script)}
    assert rules == {**user_agents.BROWSERS, **user_agents.SYSTEMS}


def test_the_email_about_a_new_password_says_when_from_where_and_with_what(world: World) -> None:
    person = verified(world)
    body = {"current_password": PASSWORD, "new_password": NEW}
    headers = {"User-Agent": LINUX}
    assert person.call("POST", "/auth/password/change", body, headers=headers).status_code == 204
    message = world.emails()[-1][1]
    for part in (message.text, message.html):
        assert "Every other session of the account has ended." in part
        assert "From: 127.0.0.1" in part
        assert "With: Chrome on Linux" in part


def test_the_reset_email_after_taking_an_account_back_says_that_the_password_was_removed(world: World) -> None:
    person = world.person()
    assert verify(world, resend(world, person.email)).status_code == 204
    removed = world.emails()[-1][1]
    world.token_for(person.email)
    forget(world, person.email)
    asked_for = world.emails()[-1][1]
    for part in (removed.text, removed.html):
        assert "was removed, because somebody else may have known it" in part
        assert "the password stays as it is" not in part
    assert "the account stays without a password" in asked_for.text


def test_removing_the_second_factor_with_a_recovery_code_sends_one_email(world: World) -> None:
    person = verified(world)
    app = enrol(person)
    before = len(world.emails())
    body = {"recovery_code": app.recovery_codes[0]}
    assert person.call("DELETE", "/auth/mfa/totp", body).status_code == 204
    [(_, message)] = world.emails()[before:]
    assert "was removed with a recovery code" in message.text
