"""The exchange of a job's token for an access token: what is accepted, and every attack on it."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any
from uuid import uuid4

import jwt
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from werkzeug import Response

from authapp.config_checks import DISCOVERY_PATH
from authapp.core import clock
from authapp.core.clock import FrozenClock
from authapp.core.job_issuers import BY_NAME
from authapp.providers.job_tokens import JobIssuers
from tests.factories import CLIENTS, UNKNOWN_ID, AppWith, World, all_at_once, statements
from tests.jobs.test_retention import run as prune
from tests.providers.http_server import json_response
from tests.providers.job_server import JOB, JobServer
from tests.providers.openid_server import EC, ED25519, RSA
from tests.workloads import exchange, trust

REFUSED = "SELECT details FROM audit_events WHERE action = 'workload.refused' ORDER BY id"
OTHER = RSAKey.generate_key(2048, {"kid": "rsa"})  # which claims to be the issuer's


def problem_of(response: Any) -> tuple[int, str, str]:
    answer = response.get_json()
    return response.status_code, answer["code"], answer.get("error")


NOT_ACCEPTED = (400, "invalid_subject_token", "invalid_request")


def test_a_job_exchanges_its_token_for_an_access_token(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trusted = trust(admin)
    answer = exchange(world, admin.organization_id, jobs.token(admin.organization_id))
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    token = body.pop("access_token")
    assert body == {
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": pytest.approx(360, abs=2),
    }
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    assert (header["typ"], claims["type"], claims["sub"]) == ("at+jwt", "workload", trusted["id"])
    assert claims.keys() == {"iss", "aud", "sub", "sid", "jti", "type", "iat", "exp", "auth_time", "amr"}
    caller = world.caller(token)
    assert caller.call("GET", f"/organizations/{admin.organization_id}").get_json()["role"] == "developer"
    [event] = world.sql("SELECT * FROM audit_events WHERE action = 'workload.signed_in'")
    assert (event.actor_type, str(event.actor_id), str(event.session_id)) == ("workload", trusted["id"], claims["sid"])
    kept = {name: value for name, value in JOB.items() if not name.startswith("actor")}
    assert event.details == {"name": "deployments", "role": "developer", "claims": kept}


def test_the_access_token_lives_for_15_minutes_and_no_longer_than_that_of_the_job(
    world: World, jobs: JobServer
) -> None:
    admin = world.person("Acme")
    trust(admin)
    soon = int(clock.now().timestamp()) + 3600
    for expires_at, expected in ((soon, 900), (soon - 3595, 65)):
        answer = exchange(world, admin.organization_id, jobs.token(admin.organization_id, exp=expires_at))
        assert answer.get_json()["expires_in"] == pytest.approx(expected, abs=3)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED25519, "EdDSA"), (RSA, "PS256")])
def test_issuers_sign_with_any_of_our_algorithms(world: World, jobs: JobServer, key: Any, algorithm: str) -> None:
    admin = world.person("Acme")
    trust(admin)
    token = jobs.token([admin.organization_id], key=key, algorithm=algorithm)
    assert exchange(world, admin.organization_id, token).status_code == 200


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grant_type": None}, (400, "invalid_request", "invalid_request")),
        ({"grant_type": "client_credentials"}, (400, "unsupported_grant_type", "unsupported_grant_type")),
        ({"subject_token": None}, (400, "invalid_request", "invalid_request")),
        ({"subject_token": ""}, (400, "invalid_request", "invalid_request")),
        ({"subject_token_type": None}, (400, "invalid_request", "invalid_request")),
        (
            {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"},
            (400, "invalid_request", "invalid_request"),
        ),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            (400, "invalid_request", "invalid_request"),
        ),
        ({"audience": None}, (400, "invalid_request", "invalid_request")),
        ({"audience": "acme"}, (400, "invalid_target", "invalid_target")),
        ({"actor_token": "x"}, (422, "validation_failed", None)),
        ({"subject_token": "a.b"}, NOT_ACCEPTED),
        ({"subject_token": "..."}, NOT_ACCEPTED),
        ({"subject_token": "é.é.é"}, NOT_ACCEPTED),
        ({"subject_token": "W10.W10.x"}, NOT_ACCEPTED),
        ({"subject_token": "x" * 20_000}, NOT_ACCEPTED),
    ],
)
def test_what_is_no_token_exchange(
    world: World, jobs: JobServer, changes: dict[str, Any], expected: tuple[int, str, str | None]
) -> None:
    admin = world.person("Acme")
    trust(admin)
    response = exchange(world, admin.organization_id, jobs.token(admin.organization_id), **changes)
    assert problem_of(response) == expected
    assert jobs.requests == []


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://github.com/octo"},
        {"aud": None},
        {"aud": ["{organization_id}", "sts.amazonaws.com"]},
        {"aud": []},
        {"aud": {"{organization_id}": 1}},
        {"iss": "http://token.actions.githubusercontent.com"},
        {"iss": "https://token.actions.githubusercontent.com/../"},
        {"iss": "github"},
        {"iss": 1},
        {"iss": "https://\x00"},
        {"iss": "https://\ud800"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": [1]},
        {"exp": 10**400},
        {"exp": -61.0},
        {"exp": 90_000.0},
        {"iat": None},
        {"iat": 120.0, "exp": 500.0},
        {"iat": 10.0, "exp": 10.0},
        {"nbf": 120.0},
        {"nbf": "x"},
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": "x" * 501},
        {"sub": None},
        {"sub": ""},
        {"sub": {"repository_id": "74"}},
        {"event_name": "pull_request_target"},
        {"header": {"typ": "at+jwt"}},
        {"header": {"typ": "logout+jwt"}},
        {"header": {"alg": "HS256"}, "key": OctKey.import_key("s" * 32)},
        {"header": {"alg": "none"}, "key": OctKey.import_key("s" * 32)},
        {"header": {"alg": "RS512"}},
    ],
)
def test_a_token_that_nobody_would_accept_is_refused_before_the_issuer_is_asked(
    world: World, jobs: JobServer, changes: dict[str, Any]
) -> None:
    admin = world.person("Acme")
    trust(admin)
    now = clock.now().timestamp()
    moved: dict[str, Any] = {
        name: now + value if isinstance(value, float) else value for name, value in changes.items()
    }
    audience = json.dumps(moved.pop("aud", "{organization_id}")).replace("{organization_id}", admin.organization_id)
    token = jobs.token(json.loads(audience), **moved)
    assert problem_of(exchange(world, admin.organization_id, token)) == NOT_ACCEPTED
    assert jobs.requests == []


def test_clocks_may_differ_by_a_minute(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin)
    now = int(clock.now().timestamp())
    changes: list[dict[str, Any]] = [{"iat": now - 300, "exp": now - 50}, {"iat": now + 50, "nbf": now + 50}]
    for times in changes:
        token = jobs.token(admin.organization_id, **times)
        assert exchange(world, admin.organization_id, token).status_code == 200


def test_an_issuer_that_nobody_trusts_is_not_asked_and_the_answer_tells_nothing(world: World, jobs: JobServer) -> None:
    admin, other, nobody = world.person("Acme"), world.person("Other"), world.person("Nobody")
    trust(admin)
    trust(other, issuer="gitlab", claims={"project_id": "20"})
    answers = [
        exchange(world, organization_id, jobs.token(organization_id))
        for organization_id in (other.organization_id, nobody.organization_id, UNKNOWN_ID)
    ]
    assert jobs.requests == []
    answers.append(exchange(world, admin.organization_id, jobs.token(admin.organization_id, environment="test")))
    bodies = [{**answer.get_json(), "request_id": None} for answer in answers]
    assert bodies == [bodies[0]] * 4
    assert len(world.sql(REFUSED)) == 1  # in the history of the organization that trusts the issuer


def signature_by(key: Any, **header: Any) -> Any:
    return lambda jobs, audience: jobs.token(audience, key=key, header=header)


def altered(jobs: JobServer, audience: str) -> str:
    head, payload, signature = jobs.token(audience, environment="test").split(".")
    claims = {**json.loads(base64.urlsafe_b64decode(payload + "==")), "environment": "production"}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"


def with_header(**header: Any) -> Any:
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    return lambda jobs, audience: f"{encoded}.{jobs.token(audience).partition('.')[2]}"


@pytest.mark.parametrize(
    "forge",
    [
        signature_by(OTHER),
        signature_by(OTHER, kid="unknown"),
        signature_by(OTHER, jwk=OTHER.as_dict(private=False)),
        signature_by(OTHER, kid="unknown", jku="https://127.0.0.1/evil"),
        signature_by(ECKey.generate_key("P-256", {"kid": "ec"}), alg="ES256"),
        with_header(alg="RS256", kid="rsa", crit=["b64"], b64=False),
        with_header(alg=["RS256"], kid="rsa"),
        with_header(alg={"RS256": 1}, kid="rsa"),
        with_header(alg="RS256", kid=["rsa"]),
        lambda jobs, audience: jobs.token(audience)[:-8],
        lambda jobs, audience: f"{jobs.token(audience)[:-8]}AAAAAAAA",
        lambda jobs, audience: f"{jobs.token(audience).rpartition('.')[0]}.",
        altered,
    ],
)
def test_a_forged_token_is_refused_and_leaves_no_event(world: World, jobs: JobServer, forge: Any) -> None:
    admin = world.person("Acme")
    trust(admin)
    token = forge(jobs, admin.organization_id)
    assert problem_of(exchange(world, admin.organization_id, token)) == NOT_ACCEPTED
    assert world.sql(REFUSED) == []


def test_the_token_of_another_issuer_that_is_trusted_is_not_that_of_this_one(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin)
    trust(admin, issuer=jobs.address, claims={"sub": "x"})
    jobs.issuer = jobs.address  # signs with its own keys, as an issuer that somebody else runs
    token = jobs.token(admin.organization_id)
    refused = exchange(world, admin.organization_id, token)
    assert problem_of(refused) == NOT_ACCEPTED
    jobs.discovery = {"issuer": BY_NAME["github"]}
    world.app.job_issuers = JobIssuers(allow_private=True)
    down = exchange(world, admin.organization_id, jobs.token(admin.organization_id))
    assert (down.status_code, down.get_json()["code"]) == (503, "issuer_unavailable")


RULE_CLAIMS = {"repository_id": "74", "environment": "production"}


@pytest.mark.parametrize(
    ("rule", "job"),
    [
        (RULE_CLAIMS, {"environment": "test"}),
        (RULE_CLAIMS, {"environment": None}),
        (RULE_CLAIMS, {"environment": "Production"}),
        (RULE_CLAIMS, {"environment": ["production"]}),
        (RULE_CLAIMS, {"environment": {"environment": "production"}}),
        (RULE_CLAIMS, {"repository_id": 74}),
        (RULE_CLAIMS, {"repository_id": "074"}),
        (RULE_CLAIMS, {"repository_id": "75", "sub": "repo:octo/models:environment:production"}),
        (RULE_CLAIMS, {"repository_id": None, "claims": RULE_CLAIMS}),
        ({**RULE_CLAIMS, "level": 1}, {"level": True}),
        ({**RULE_CLAIMS, "level": 1}, {"level": 1.0}),
        ({**RULE_CLAIMS, "level": 1}, {"level": "1"}),
        ({**RULE_CLAIMS, "level": True}, {"level": 1}),
        ({**RULE_CLAIMS, "level": True}, {"level": "true"}),
    ],
)
def test_a_job_in_which_a_claim_differs_is_refused(
    world: World, jobs: JobServer, rule: dict[str, Any], job: dict[str, Any]
) -> None:
    admin = world.person("Acme")
    trust(admin, claims=rule)
    token = jobs.token(admin.organization_id, **job)
    assert problem_of(exchange(world, admin.organization_id, token)) == NOT_ACCEPTED


def test_numbers_and_booleans_are_equal_as_json_has_them(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin, claims={**RULE_CLAIMS, "level": 3, "protected": False})
    token = jobs.token(admin.organization_id, level=3, protected=False)
    assert exchange(world, admin.organization_id, token).status_code == 200


def test_a_repository_with_another_name_is_the_same(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin)
    token = jobs.token(admin.organization_id, repository="octo/renamed", sub="repo:octo/renamed:environment:production")
    assert exchange(world, admin.organization_id, token).status_code == 200


def test_of_several_trusted_identities_the_highest_role_counts_and_then_the_oldest(
    world: World, jobs: JobServer
) -> None:
    admin = world.person("Acme")
    trust(admin, role="viewer")
    developer = trust(admin, claims={"repository_id": "74"})
    trust(admin)
    answer = exchange(world, admin.organization_id, jobs.token(admin.organization_id))
    claims = jwt.decode(answer.get_json()["access_token"], options={"verify_signature": False})
    assert claims["sub"] == developer["id"]


def test_admins_see_which_claims_came_and_nobody_who_started_the_job(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin)
    hostile: dict[str, Any] = {
        "environment": "test",
        "ref": "x" * 501,
        "workflow": "\x00",
        "token": "secret",
        "run_id": "\ud800",
    }
    exchange(world, admin.organization_id, jobs.token(admin.organization_id, **hostile, job_id=10**30))
    path = f"/organizations/{admin.organization_id}/audit-events?action=workload.refused"
    [event] = admin.call("GET", path).get_json()["items"]
    assert (event["actor_id"], event["details"]["issuer"], event["details"]["reason"]) == (None, "github", "no_match")
    left_out = {"actor", "actor_id", *hostile}
    expected = {name: value for name, value in JOB.items() if name not in left_out}
    assert event["details"]["claims"] == {**expected, "environment": "test"}


def test_a_rule_may_name_a_claim_that_is_not_kept_otherwise(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin, claims={"repository_id": "74", "actor_id": "1"})
    exchange(world, admin.organization_id, jobs.token(admin.organization_id))
    [[details]] = world.sql(REFUSED)
    assert details["claims"]["actor_id"] == "1815"


def test_refused_jobs_do_not_fill_the_audit_log(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin, claims={"repository_id": "1"})

    def attempt() -> int:
        return int(exchange(world, admin.organization_id, jobs.token(admin.organization_id)).status_code)

    assert set(all_at_once([attempt] * CLIENTS)) <= {400, 503}
    while attempt() != 400 or len(world.sql(REFUSED)) < 10:
        pass
    assert len(world.sql(REFUSED)) == 10


def test_of_16_clients_that_replay_a_token_one_gets_an_access_token(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin)
    for _ in range(4):
        token = jobs.token(admin.organization_id)
        answers = Counter(
            all_at_once([lambda t=token: exchange(world, admin.organization_id, t).status_code] * CLIENTS)  # type: ignore[misc]
        )
        assert answers[200] == 1
        assert answers.keys() <= {200, 400, 503}
        assert problem_of(exchange(world, admin.organization_id, token)) == NOT_ACCEPTED
    assert "used_before" in {details["reason"] for [details] in world.sql(REFUSED)}


def test_another_organization_or_issuer_does_not_use_a_jti_up(world: World, jobs: JobServer) -> None:
    first, second = world.person("Acme"), world.person("Other")
    for admin in (first, second):
        trust(admin)
        token = jobs.token(admin.organization_id, jti="one")
        assert exchange(world, admin.organization_id, token).status_code == 200
    trust(first, issuer=jobs.address, claims={"repository_id": "74"})
    jobs.issuer = jobs.address
    assert exchange(world, first.organization_id, jobs.token(first.organization_id, jti="one")).status_code == 200


def test_used_tokens_are_kept_until_they_are_not_accepted_any_more(
    world: World, jobs: JobServer, time: FrozenClock
) -> None:
    admin = world.person("Acme")
    trust(admin)
    token = jobs.token(admin.organization_id)
    assert exchange(world, admin.organization_id, token).status_code == 200
    world.sql(
        "INSERT INTO used_job_tokens (digest, expires_at) SELECT sha256(n::text::bytea), :now - interval '2 minutes' "
        "FROM generate_series(1, 20000) AS n",
        now=clock.now(),
    )
    assert prune(world) == {"used_job_tokens": 20_000}
    assert problem_of(exchange(world, admin.organization_id, token)) == NOT_ACCEPTED
    time.advance(seconds=359)
    assert prune(world) == {}
    assert problem_of(exchange(world, admin.organization_id, token)) == NOT_ACCEPTED
    time.advance(seconds=62)
    assert prune(world) == {"used_job_tokens": 1}
    assert problem_of(exchange(world, admin.organization_id, token)) == NOT_ACCEPTED


def test_keys_are_fetched_once_and_again_for_a_key_that_is_not_known(
    world: World, jobs: JobServer, time: FrozenClock
) -> None:
    admin = world.person("Acme")
    trust(admin)

    def sign_in(**how: Any) -> int:
        return int(exchange(world, admin.organization_id, jobs.token(admin.organization_id, **how)).status_code)

    assert [sign_in(), sign_in()] == [200, 200]
    assert Counter(jobs.requests) == {DISCOVERY_PATH: 1, "/jwks": 1}
    rotated = RSAKey.generate_key(2048, {"kid": "rotated"})
    jobs.keys = [rotated.as_dict(private=False)]
    assert sign_in(key=rotated) == 400  # the keys were fetched a moment ago
    time.advance(seconds=31)
    assert sign_in(key=rotated) == 200
    assert Counter(jobs.requests)["/jwks"] == 2
    assert sign_in() == 400  # its key is gone
    jobs.answers = {"/jwks": lambda: Response(status=500), DISCOVERY_PATH: lambda: Response(status=500)}
    time.advance(hours=2)
    assert sign_in(key=rotated) == 200  # with the last good keys


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (DISCOVERY_PATH, lambda: Response(status=500)),
        (DISCOVERY_PATH, lambda: Response(status=302, headers={"Location": "http://169.254.169.254/"})),
        (DISCOVERY_PATH, lambda: json_response([])),
        (DISCOVERY_PATH, lambda: json_response({"issuer": "https://evil.example.com"})),
        (DISCOVERY_PATH, lambda: json_response({"issuer": BY_NAME["github"], "jwks_uri": "file:///etc/passwd"})),
        (DISCOVERY_PATH, lambda: json_response({"issuer": BY_NAME["github"], "jwks_uri": "https://[1.2.3.4]/"})),
        (DISCOVERY_PATH, lambda: json_response({"issuer": BY_NAME["github"]})),
        ("/jwks", lambda: Response(status=302, headers={"Location": "http://127.0.0.1/"})),
        ("/jwks", lambda: Response(b" " * 300_000)),
        ("/jwks", lambda: json_response({"keys": []})),
        ("/jwks", lambda: json_response({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"}]})),
    ],
)
def test_an_issuer_that_does_not_tell_its_keys_is_asked_once_in_30_seconds(
    world: World, jobs: JobServer, time: FrozenClock, path: str, answer: Any
) -> None:
    admin = world.person("Acme")
    trust(admin)
    jobs.answers = {path: answer}
    for _ in range(3):
        refused = exchange(world, admin.organization_id, jobs.token(admin.organization_id))
        assert (refused.status_code, refused.get_json()["code"]) == (503, "issuer_unavailable")
    assert jobs.requests.count(path) == 1
    jobs.answers = {}
    time.advance(seconds=31)
    token = jobs.token(admin.organization_id)
    assert exchange(world, admin.organization_id, token).status_code == 200
    assert world.sql(REFUSED) == []


def test_in_production_an_issuer_with_a_private_address_is_not_asked(
    world: World, jobs: JobServer, app_with: AppWith
) -> None:
    admin = world.person("Acme")
    trust(admin)
    public_url = "https://auth.example.com"
    production = app_with(app_env="production", public_url=public_url, jwt_issuer=public_url, mail_url="memory:")
    there = world.with_app(production)
    refused = there.caller().post(
        "/api/v1/auth/token",
        base_url=public_url,
        data={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "audience": admin.organization_id,
            "subject_token": jobs.token(admin.organization_id),
        },
    )
    assert (refused.status_code, refused.get_json()["code"]) == (503, "issuer_unavailable")
    assert jobs.requests == []


def test_a_suspended_or_deleted_organization_gives_no_token(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin)
    suspended = "suspended_at = now(), suspension_reason = 'operator'"
    deleted = "suspended_at = NULL, suspension_reason = NULL, deleted_at = now()"
    for change in (suspended, deleted):
        world.sql(f"UPDATE organizations SET {change}")
        token = jobs.token(admin.organization_id)
        assert problem_of(exchange(world, admin.organization_id, token)) == NOT_ACCEPTED
    assert jobs.requests == []


def test_no_row_has_a_token_or_its_jti(world: World, jobs: JobServer) -> None:
    admin = world.person("Acme")
    trust(admin)
    jti = str(uuid4())
    token = jobs.token(admin.organization_id, jti=jti)
    assert exchange(world, admin.organization_id, token).status_code == 200
    stored = str(world.sql("SELECT t, e FROM used_job_tokens t, audit_events e"))
    assert jti not in stored
    assert token not in stored


def test_an_exchange_sends_two_statements_before_the_issuer_is_asked_and_four_after(
    world: World, jobs: JobServer
) -> None:
    admin = world.person("Acme")
    trust(admin)
    token = jobs.token(admin.organization_id)
    with statements(world.app) as sent:
        assert exchange(world, admin.organization_id, token).status_code == 200
    # the tenant, what it trusts; the tenant again, the lock; the token is used; the event
    assert sent == ["select", "select", "select", "select", "insert", "insert"]


def test_the_keys_of_a_named_issuer_are_kept_however_many_others_are_asked_for() -> None:
    issuers = JobIssuers(allow_private=False)
    github, other = issuers.find(BY_NAME["github"]), issuers.find("https://other.example.com")
    for number in range(200):
        issuers.find(f"https://{number}.example.com")
    assert issuers.find(BY_NAME["github"]) is github
    assert issuers.find("https://other.example.com") is not other
