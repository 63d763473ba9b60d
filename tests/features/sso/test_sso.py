"""Sign-in with a provider: whom a code signs in, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from authapp.core.clock import FrozenClock
from tests.architecture.test_statements import SIGNED_IN
from tests.factories import CLIENTS, ROUNDS, AppWith, World, all_at_once, statements
from tests.second_factors import WRONG, Authenticator, answer, complete, enrol
from tests.sso import BROWSER, EMAIL, MemoryProvider, ada, code_of, come_back, exchange, query_of, sign_in, start

VERIFIER = "a-code-verifier-of-more-than-forty-three-characters"
CHALLENGE = create_s256_code_challenge(VERIFIER)
RETURN_TO = "https://app.example.com/signed-in"
SAME_ORIGIN = "http://localhost:8000/signed-in"


def verified(world: World, **registration: Any) -> Any:
    """Somebody who has registered with a password, and verified the address."""
    person = world.person(email=EMAIL, **registration)
    world.sql("UPDATE users SET email_verified = true WHERE id = :id", id=person.id)
    return person


def test_a_new_person_gets_an_account_without_a_password(world: World, provider: MemoryProvider) -> None:
    answered = sign_in(world, provider, ada())
    assert answered.status_code == 200, answered.text
    session = answered.get_json()
    user = session["user"]
    assert (user["email"], user["email_verified"], user["has_password"]) == (EMAIL, True, False)
    assert (user["first_name"], user["last_name"]) == ("Ada", "Lovelace")
    assert (session["organization"], bool(session["device_token"])) == (None, True)
    assert world.caller(session["access_token"]).call("GET", "/auth/me").status_code == 200
    [row] = world.sql("SELECT amr FROM sessions")
    assert row.amr == ["fed"]


def test_the_same_identity_signs_in_to_the_same_account_whatever_its_address(
    world: World, provider: MemoryProvider
) -> None:
    first = sign_in(world, provider, ada()).get_json()
    again = sign_in(world, provider, ada(email="other@example.com")).get_json()
    assert again["user"]["id"] == first["user"]["id"]
    assert again["user"]["email"] == EMAIL
    assert world.sql("SELECT email FROM identities") == [("other@example.com",)]


def test_the_same_subject_of_another_issuer_is_somebody_else(world: World, provider: MemoryProvider) -> None:
    first = sign_in(world, provider, ada()).get_json()
    other = ada(issuer="https://other.example.com", email="other@example.com")
    assert sign_in(world, provider, other).get_json()["user"]["id"] != first["user"]["id"]


def test_a_known_address_is_linked_if_both_sides_have_verified_it(world: World, provider: MemoryProvider) -> None:
    person = verified(world)
    signed_in = sign_in(world, provider, ada()).get_json()
    assert signed_in["user"]["id"] == str(person.id)
    assert [kind for to, kind in emails(world) if to == EMAIL] == ["You can sign in with Acme now", NEW_DEVICE]
    assert actions(world, "identity.linked") == 1


NEW_DEVICE = "New sign-in to your account"


def emails(world: World) -> list[tuple[str, str]]:
    return [(to, message.subject) for to, message in world.emails()]


def actions(world: World, action: str) -> int:
    [[count]] = world.sql("SELECT count(*) FROM audit_events WHERE action = :action", action=action)
    return int(count)


@pytest.mark.parametrize(("mine", "theirs"), [(False, True), (True, False), (False, False)])
def test_a_known_address_that_one_side_has_not_verified_needs_a_link(
    world: World, provider: MemoryProvider, mine: bool, theirs: bool
) -> None:
    person = world.person(email=EMAIL)
    world.sql("UPDATE users SET email_verified = :mine", mine=mine)
    assert answer(sign_in(world, provider, ada(email_verified=theirs))) == (409, "link_required")
    assert world.sql("SELECT * FROM identities") == []
    assert person.call("GET", "/auth/me").status_code == 200


def test_an_address_that_the_provider_has_not_verified_is_sent_a_verification(
    world: World, provider: MemoryProvider
) -> None:
    user = sign_in(world, provider, ada(email_verified=False)).get_json()["user"]
    assert (user["email"], user["email_verified"]) == (EMAIL, False)
    assert "The account has 1 linked provider" in " ".join(world.emails()[-1][1].text.split())
    assert world.caller().call("POST", "/auth/email/verify", {"token": world.token_for(EMAIL)}).status_code == 204
    again = sign_in(world, provider, ada(email_verified=False)).get_json()["user"]
    assert (again["id"], again["email_verified"]) == (user["id"], True)


def test_a_person_without_an_address_gets_no_account(world: World, provider: MemoryProvider) -> None:
    assert answer(sign_in(world, provider, ada(email=None, email_verified=False))) == (403, "sso_email_required")


def test_the_second_factor_of_an_account_is_asked_for(world: World, provider: MemoryProvider) -> None:
    app: Authenticator = enrol(verified(world))
    waiting = sign_in(world, provider, ada())
    assert answer(waiting) == (401, "mfa_required")
    done = complete(world, waiting.get_json()["mfa_token"], code=app.code())
    assert done.status_code == 200
    assert world.sql("SELECT amr FROM sessions ORDER BY id DESC LIMIT 1")[0].amr == ["fed", "otp", "mfa"]
    assert answer(sign_in(world, provider, ada())) == (401, "mfa_required")


def test_the_owner_is_told_of_a_wrong_code_behind_a_provider(world: World, provider: MemoryProvider) -> None:
    enrol(verified(world))
    waiting = sign_in(world, provider, ada()).get_json()["mfa_token"]
    assert answer(complete(world, waiting, code=WRONG)) == (401, "wrong_code")
    message = world.emails()[-1][1]
    assert message.subject == "Somebody has begun to sign in to your account"
    assert "Set a new password at the provider." in message.text
    assert "Open your account:\nhttp://localhost:8000/account\n" in message.text
    assert "knows your password" not in message.text


def test_an_inactive_account_is_refused_and_not_linked(world: World, provider: MemoryProvider) -> None:
    verified(world)
    world.sql("UPDATE users SET is_active = false")
    assert answer(sign_in(world, provider, ada())) == (403, "inactive_account")
    assert world.sql("SELECT * FROM identities") == []


def test_a_linked_account_that_is_inactive_is_refused(world: World, provider: MemoryProvider) -> None:
    sign_in(world, provider, ada())
    world.sql("UPDATE users SET is_active = false")
    assert answer(sign_in(world, provider, ada())) == (403, "inactive_account")


@pytest.mark.parametrize(
    ("mode", "person", "expected"),
    [
        ("open", ada(), (200, None)),
        ("safe", ada(), (200, None)),
        ("safe", ada(email_verified=False), (403, "sso_email_required")),
        ("closed", ada(), (403, "registration_closed")),
        ("invitation", ada(), (403, "registration_closed")),
    ],
)
def test_who_may_register_with_a_provider_is_up_to_the_registration_mode(
    world: World, app_with: AppWith, provider: MemoryProvider, mode: str, person: Any, expected: tuple[int, str | None]
) -> None:
    other = world.with_app(app_with(registration_mode=mode))
    other.app.providers[provider.id] = provider
    assert answer(sign_in(other, provider, person)) == expected


@pytest.mark.parametrize("mode", ["safe", "closed", "invitation"])
def test_an_address_that_is_not_verified_tells_of_no_account_where_it_could_register_none(
    world: World, app_with: AppWith, provider: MemoryProvider, mode: str
) -> None:
    verified(world)
    other = world.with_app(app_with(registration_mode=mode))
    other.app.providers[provider.id] = provider
    known, unknown = (
        sign_in(other, provider, ada(email=email, email_verified=False)) for email in (EMAIL, "no@example.com")
    )
    assert answer(known) == answer(unknown)
    assert answer(known)[0] == 403


def test_a_link_of_another_site_leads_to_the_sign_in_page_and_not_to_the_provider(
    world: World, app_with: AppWith, provider: MemoryProvider
) -> None:
    front = world.with_app(app_with(sso_return_to=(RETURN_TO,)))
    front.app.providers[provider.id] = provider
    cross_site = {"headers": {"Sec-Fetch-Site": "cross-site"}}
    sent = front.caller().call("GET", "/auth/sso/oidc/authorize", **cross_site)
    assert sent.headers["Location"] == "/sign-in"
    query = {"return_to": RETURN_TO, "code_challenge": CHALLENGE}
    sent = front.caller().call("GET", "/auth/sso/oidc/authorize", query_string=query, **cross_site)
    assert sent.headers["Location"].startswith("https://provider.example.com/")


def test_whoever_has_an_account_signs_in_in_every_registration_mode(
    world: World, app_with: AppWith, provider: MemoryProvider
) -> None:
    sign_in(world, provider, ada())
    for mode in ("open", "safe", "closed", "invitation"):
        other = world.with_app(app_with(registration_mode=mode))
        other.app.providers[provider.id] = provider
        assert sign_in(other, provider, ada()).status_code == 200


def test_an_invitation_is_accepted_by_signing_in_with_a_provider(
    world: World, app_with: AppWith, provider: MemoryProvider
) -> None:
    admin = world.person("Acme Research")
    token = world.invite(admin, admin.organization_id, EMAIL, "developer")
    invited = world.with_app(app_with(registration_mode="invitation"))
    invited.app.providers[provider.id] = provider
    assert answer(sign_in(invited, provider, ada(email_verified=False))) == (403, "registration_closed")
    session = sign_in(invited, provider, ada()).get_json()
    joined = invited.caller(session["access_token"]).call("POST", "/invitations/accept", {"token": token})
    assert (joined.status_code, joined.get_json()["role"]) == (200, "developer")


@pytest.mark.parametrize(
    "end", ["revoked", "declined", "organization deleted", "inviter demoted", "inviter deactivated"]
)
def test_an_invitation_that_has_ended_lets_nobody_register(
    world: World, app_with: AppWith, provider: MemoryProvider, end: str
) -> None:
    admin, other = world.person("Acme Research"), world.person()
    world.join(other, admin.organization_id, "admin")
    organization = f"/organizations/{admin.organization_id}"
    token = world.invite(admin, admin.organization_id, EMAIL, "admin")
    if end == "revoked":
        [invitation] = admin.call("GET", f"{organization}/invitations").get_json()["items"]
        ended = admin.call("DELETE", f"{organization}/invitations/{invitation['id']}")
    elif end == "declined":
        ended = world.caller().call("POST", "/invitations/decline", {"token": token})
    elif end == "organization deleted":
        ended = admin.call("DELETE", organization)
    elif end == "inviter demoted":
        ended = other.call("PATCH", f"{organization}/members/{admin.id}", {"role": "viewer"})
    else:
        assert world.app.test_cli_runner().invoke(args=["users", "deactivate", admin.email]).exit_code == 0
        ended = other.call("GET", organization)
    assert ended.status_code < 300, ended.text
    invited = world.with_app(app_with(registration_mode="invitation"))
    invited.app.providers[provider.id] = provider
    assert answer(sign_in(invited, provider, ada())) == (403, "registration_closed")


def test_a_known_device_is_told_of_no_new_device(world: World, provider: MemoryProvider) -> None:
    device_token = sign_in(world, provider, ada()).get_json()["device_token"]
    browser = world.caller()
    again = exchange(browser, code_of(browser, provider, ada()), device_token=device_token)
    assert again.status_code == 200
    assert emails(world) == []
    sign_in(world, provider, ada())
    assert emails(world) == [(EMAIL, NEW_DEVICE)]


def test_the_code_goes_to_an_allowed_address_and_needs_its_code_verifier(
    world: World, app_with: AppWith, provider: MemoryProvider
) -> None:
    app = app_with(sso_return_to=(RETURN_TO, SAME_ORIGIN), public_url="http://localhost:8000")
    front = world.with_app(app)
    front.app.providers[provider.id] = provider
    browser = front.caller()
    state = start(browser, return_to=RETURN_TO, code_challenge=CHALLENGE)
    provider.people["good"] = ada()
    landing = come_back(browser, state)
    assert landing.headers["Location"].startswith(f"{RETURN_TO}?code=sc_")
    elsewhere = front.caller()
    assert exchange(elsewhere, query_of(landing)["code"], code_verifier=VERIFIER).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"return_to": "https://app.example.com/signed-in/"}, "return_to"),
        ({"return_to": "https://app.example.com/signed-in?x=1"}, "return_to"),
        ({"return_to": "https://app.example.com.evil.example/signed-in"}, "return_to"),
        ({"return_to": "//app.example.com/signed-in"}, "return_to"),
        ({"return_to": RETURN_TO}, "code_challenge"),
        ({"return_to": RETURN_TO, "code_challenge": "short"}, "code_challenge"),
        ({"return_to": RETURN_TO, "code_challenge": "+" * 43}, "code_challenge"),
        ({"return_to": RETURN_TO, "code_challenge": CHALLENGE, "scope": "all"}, "scope"),
    ],
)
def test_authorize_refuses_what_is_not_allowed(
    world: World, app_with: AppWith, provider: MemoryProvider, query: dict[str, str], field: str
) -> None:
    front = world.with_app(app_with(sso_return_to=(RETURN_TO,)))
    front.app.providers[provider.id] = provider
    refused = front.caller().call("GET", "/auth/sso/oidc/authorize", query_string=query)
    assert refused.status_code == 422
    assert list(refused.get_json()["errors"]["query"]) == [field]
    assert world.sql("SELECT * FROM sso_states") == []


def test_an_unknown_provider_is_not_found(world: World) -> None:
    for path in ("/auth/sso/nobody/authorize", "/auth/sso/nobody/callback"):
        assert answer(world.caller().call("GET", path)) == (404, "provider_not_found")


def test_the_providers_that_are_configured_are_listed(world: World, provider: MemoryProvider) -> None:
    url = f"{world.app.settings.public_url}/api/v1/auth/sso/oidc/authorize"
    listed = world.caller().call("GET", "/auth/sso").get_json()
    assert listed == {"items": [{"provider": "oidc", "name": "Acme", "authorize_url": url}]}


def test_the_answer_of_a_provider_is_taken_once(world: World, provider: MemoryProvider) -> None:
    browser = world.caller()
    state = start(browser)
    provider.people |= {"good": ada(), "better": ada()}
    assert "code" in query_of(come_back(browser, state))
    assert query_of(come_back(browser, state, "better")) == {"error": "sso_failed"}


def test_a_state_is_for_its_browser_its_provider_and_ten_minutes(
    world: World, time: FrozenClock, provider: MemoryProvider
) -> None:
    other = MemoryProvider("google", "Google")
    world.app.providers["google"] = other
    browser, stranger = world.caller(), world.caller()
    start(stranger)
    failed = {"error": "sso_failed"}
    provider.people["good"] = other.people["good"] = ada()
    try:
        assert query_of(come_back(stranger, start(browser))) == failed
        assert query_of(come_back(world.caller(), start(browser))) == failed
        assert query_of(come_back(browser, start(browser), provider="google")) == failed
    finally:
        del world.app.providers["google"]
    state = start(browser)
    time.advance(minutes=10)
    assert query_of(come_back(browser, state)) == failed
    for made_up in ("st_x", "é" * 50, state[:-1] + "x"):
        assert query_of(come_back(browser, made_up))["error"] == "sso_failed"
    assert "good" in provider.people  # nobody has asked the provider


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"error": "access_denied"}, "sso_denied"),
        ({"error": "server_error"}, "sso_failed"),
        ({}, "sso_failed"),
        ({"code": "unknown"}, "sso_failed"),
        ({"code": "good", "iss": "https://evil.example.com"}, "sso_failed"),
    ],
)
def test_a_browser_is_sent_on_with_the_error_and_everybody_else_gets_it(
    world: World, provider: MemoryProvider, query: dict[str, str], error: str
) -> None:
    provider.people["good"] = ada()
    browser = world.caller()
    path = "/auth/sso/oidc/callback"
    shown = browser.call("GET", path, query_string={"state": start(browser), **query}, headers=BROWSER)
    assert shown.headers["Location"] == f"/sign-in#error={error}"
    assert answer(browser.call("GET", path, query_string={"state": start(browser), **query})) == (401, error)


def test_the_log_says_why_a_browser_was_sent_on_with_an_error(
    world: World, provider: MemoryProvider, capfd: pytest.CaptureFixture[str]
) -> None:
    browser = world.caller()
    come_back(browser, start(browser), "unknown")
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if "sso_failed" in line]
    assert [(line["status"], line["code"], line["reason"]) for line in lines] == [(302, "sso_failed", "no such code")]


def test_a_provider_that_is_away_is_a_503_and_a_browser_goes_back(world: World, provider: MemoryProvider) -> None:
    browser = world.caller()
    state = start(browser)
    provider.is_away = True
    refused = browser.call("GET", "/auth/sso/oidc/authorize")
    assert (answer(refused), refused.headers["Retry-After"]) == ((503, "provider_unavailable"), "60")
    for shown in (browser.call("GET", "/auth/sso/oidc/authorize", headers=BROWSER), come_back(browser, state)):
        assert shown.headers["Location"] == "/sign-in#error=provider_unavailable"


def test_a_code_is_valid_once_and_for_a_minute(world: World, time: FrozenClock, provider: MemoryProvider) -> None:
    browser = world.caller()
    code = code_of(browser, provider, ada())
    assert exchange(browser, code).status_code == 200
    assert answer(exchange(browser, code)) == (401, "invalid_sso_code")
    late = code_of(browser, provider, ada())
    time.advance(seconds=60)
    assert answer(exchange(browser, late)) == (401, "invalid_sso_code")


def test_a_code_without_a_code_challenge_is_for_the_browser_that_came_back(
    world: World, provider: MemoryProvider
) -> None:
    browser, stranger = world.caller(), world.caller()
    start(stranger)
    for other in (stranger, world.caller()):
        code = code_of(browser, provider, ada())
        assert answer(exchange(other, code)) == (401, "invalid_sso_code")
        assert answer(exchange(browser, code)) == (401, "invalid_sso_code")  # it is used up


@pytest.mark.parametrize("verifier", [None, "", VERIFIER + "x", CHALLENGE, "é" * 43, "a" * 129, "\x00" * 43])
def test_a_code_with_a_code_challenge_needs_its_code_verifier(
    world: World, provider: MemoryProvider, verifier: str | None
) -> None:
    browser = world.caller()
    code = code_of(browser, provider, ada(), code_challenge=CHALLENGE)
    refused = exchange(browser, code, code_verifier=verifier)
    assert answer(refused) in [(401, "invalid_sso_code"), (422, "validation_failed")]


def test_a_code_verifier_without_a_code_challenge_is_refused(world: World, provider: MemoryProvider) -> None:
    browser = world.caller()
    code = code_of(browser, provider, ada())
    assert answer(exchange(browser, code, code_verifier=VERIFIER)) == (401, "invalid_sso_code")


@pytest.mark.parametrize("code", ["", "sc_x", "\x00", "é", "a" * 201, None, 7])
def test_a_code_that_is_none_of_ours_is_refused(world: World, code: Any) -> None:
    assert exchange(world.caller(), code).status_code in (401, 422)


def test_a_refused_code_is_used_up(world: World, app_with: AppWith, provider: MemoryProvider) -> None:
    closed = world.with_app(app_with(registration_mode="closed"))
    closed.app.providers[provider.id] = provider
    browser = closed.caller()
    code = code_of(browser, provider, ada())
    assert answer(exchange(browser, code)) == (403, "registration_closed")
    assert answer(exchange(browser, code)) == (401, "invalid_sso_code")


def test_the_cookie_binds_the_browser_and_no_script_reads_it(
    world: World, app_with: AppWith, provider: MemoryProvider
) -> None:
    secure = world.with_app(app_with(public_url="https://auth.example.com"))
    secure.app.providers[provider.id] = provider
    browser = secure.caller()
    first = browser.call("GET", "/auth/sso/oidc/authorize").headers["Set-Cookie"]
    name, _, attributes = first.partition(";")
    assert name.startswith("__Host-authapp_browser=")
    assert {part.strip() for part in attributes.split(";") if "Expires" not in part} == {
        "Secure", "HttpOnly", "Max-Age=900", "Path=/", "SameSite=Lax",
    }  # fmt: skip


def test_several_tabs_of_a_browser_sign_in_side_by_side(world: World, provider: MemoryProvider) -> None:
    browser = world.caller()
    states = [start(browser) for _ in range(3)]
    for state in states:
        provider.people["good"] = ada()
        assert exchange(browser, query_of(come_back(browser, state))["code"]).status_code == 200


def test_a_state_that_all_send_at_once_gives_one_code(world: World, provider: MemoryProvider) -> None:
    for _ in range(ROUNDS):
        browser = world.caller()
        state = start(browser)
        cookie = browser._cookies
        provider.people |= {f"good{number}": ada() for number in range(CLIENTS)}

        def come(number: int, state: str = state, cookie: Any = cookie) -> bool:
            tab = world.caller()
            tab._cookies = dict(cookie)
            return "code" in query_of(come_back(tab, state, f"good{number}"))

        assert sum(all_at_once([partial(come, number) for number in range(CLIENTS)])) == 1


def test_a_code_that_all_exchange_at_once_gives_one_session(world: World, provider: MemoryProvider) -> None:
    for round_ in range(ROUNDS):
        browser = world.caller()
        code = code_of(browser, provider, ada(f"{round_}", email=f"ada{round_}@example.com"), code_challenge=CHALLENGE)

        def redeem(code: str = code) -> tuple[int, str | None]:
            return answer(exchange(world.caller(), code, code_verifier=VERIFIER))

        answers = Counter(all_at_once([redeem] * CLIENTS))
        assert answers == {(200, None): 1, (401, "invalid_sso_code"): CLIENTS - 1}
    assert world.sql("SELECT count(*) FROM sessions")[0] == (ROUNDS,)


def test_one_person_who_signs_in_for_the_first_time_everywhere_at_once_gets_one_account(
    world: World, provider: MemoryProvider
) -> None:
    for round_ in range(5):
        person = ada(f"{round_}", email=f"ada{round_}@example.com")
        codes = [code_of(world.caller(), provider, person, code_challenge=CHALLENGE) for _ in range(CLIENTS)]

        def redeem(code: str) -> int:
            return exchange(world.caller(), code, code_verifier=VERIFIER).status_code

        assert Counter(all_at_once([partial(redeem, code) for code in codes])) == {200: CLIENTS}
        assert world.sql("SELECT count(*) FROM users")[0] == (round_ + 1,)


def test_the_statements_of_a_sign_in_with_a_provider(world: World, provider: MemoryProvider) -> None:
    browser = world.caller()
    with statements(world.app) as sent:
        state = start(browser)
    assert sent == ["insert"]
    provider.people["good"] = ada()
    with statements(world.app) as sent:
        code = query_of(come_back(browser, state))["code"]
    assert sent == ["one:delete", "insert"]  # the state is used; the code
    with statements(world.app) as sent:
        assert exchange(browser, code).status_code == 200
    # the code; identity and account; the account, its event; how many identities, one more, none unlinked, its event;
    # the session
    created = ["delete", "select", "select", "insert", "insert", "select", "select", "insert", "delete", "insert"]
    assert sent == [*created, "select", *SIGNED_IN]
    code = code_of(browser, provider, ada())
    with statements(world.app) as sent:
        assert exchange(browser, code).status_code == 200
    # the code; the identity, its account, when it was used; the account is locked and changed; the session and an email
    assert sent == ["delete", "select", "select", "update", "select", "update", *SIGNED_IN, "select", "insert"]


def test_the_id_of_a_state_or_code_is_worth_nothing_without_its_secret(world: World, provider: MemoryProvider) -> None:
    def with_another_secret(token: str) -> str:
        prefix, id_, _ = token.split("_")
        return world.app.opaque_tokens.make(prefix, UUID(id_))[0]

    browser = world.caller()
    state = start(browser)
    provider.people["good"] = ada()
    assert query_of(come_back(browser, with_another_secret(state))) == {"error": "sso_failed"}
    code = query_of(come_back(browser, state))["code"]
    assert answer(exchange(browser, with_another_secret(code))) == (401, "invalid_sso_code")
    assert exchange(browser, code).status_code == 200


def test_invitations_that_were_revoked_do_not_crowd_out_another(
    world: World, app_with: AppWith, provider: MemoryProvider
) -> None:
    admin, spammer = world.person("Acme Research"), world.person("Elsewhere")
    world.invite(admin, admin.organization_id, EMAIL, "developer")
    path = f"/organizations/{spammer.organization_id}/invitations"
    for _ in range(21):
        created = spammer.call("POST", path, {"email": EMAIL, "role": "viewer"}).get_json()
        assert spammer.call("DELETE", f"{path}/{created['id']}").status_code == 204
    invited = world.with_app(app_with(registration_mode="invitation"))
    invited.app.providers[provider.id] = provider
    assert sign_in(invited, provider, ada()).status_code == 200
