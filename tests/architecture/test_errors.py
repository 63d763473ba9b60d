"""One error format, for everything that can go wrong."""

from __future__ import annotations

import re

import pytest
from flask import abort
from sqlalchemy import text

from authapp.config import Settings
from authapp.core.errors import ApiError, BadRequest, catalogue
from authapp.db import transaction
from authapp.db.engine import db
from authapp.db.transaction import Stale
from authapp.decorators.guards import public
from authapp.instance import ROOT
from authapp.web.blueprint import Blueprint
from authapp.web.headers import security_headers
from authapp.web.key_store import KeysUnreadable
from authapp.web.problems import raw_response
from tests.factories import API, AppWith, Caller, World

ERRORS_PAGE = ROOT / "docs" / "errors.md"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/auth/login/", 404, "not_found"),
        ("GET", "/api/v1//auth/login", 404, "not_found"),
        ("GET", "/docs/assets/../../config.py", 404, "not_found"),
        ("GET", "/docs/assets/..%2f..%2fconfig.py", 404, "not_found"),
        ("GET", "/api/v1/auth/me/x.css", 404, "not_found"),
        ("GET", "/api/v1/auth/me;.js", 404, "not_found"),
        ("GET", "/.git/HEAD", 404, "not_found"),
        ("GET", "/.env", 404, "not_found"),
        ("GET", "/static/", 404, "not_found"),
        ("GET", "/pages/", 404, "not_found"),
        ("GET", "/console", 404, "not_found"),
        ("GET", "/api/v1/auth/login", 405, "method_not_allowed"),
        ("TRACE", "/api/v1/auth/login", 405, "method_not_allowed"),
        ("TRACE", "/docs", 405, "method_not_allowed"),
        ("BREW", "/api/v1/auth/login", 405, "method_not_allowed"),
        ("DELETE", "/healthz", 405, "method_not_allowed"),
    ],
)
def test_routes_that_are_not_there_answer_like_all_others(
    client: Caller, method: str, path: str, status: int, code: str
) -> None:
    response = client.open(path, method=method)
    body = response.get_json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == "/problems/" + code.replace("_", "-")
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", "application/json", 400, "invalid_json"),
        (b"{", "application/json", 400, "invalid_json"),
        (b"{'email': 1}", "application/json", 400, "invalid_json"),
        (b'{"email": NaN}', "application/json", 400, "invalid_json"),
        (b'{"email": "a", "email": "b"}', "application/json", 400, "invalid_json"),
        (b"{" + b",".join(b'"%d":0' % n for n in range(6000)) + b',"5999":1}', "application/json", 400, "invalid_json"),
        (b'{"x": {"email": "a", "email": "b"}}', "application/json", 400, "invalid_json"),
        (b'{"email": "\xff"}', "application/json", 400, "invalid_json"),
        ('{"email": "a"}'.encode("utf-16"), "application/json", 400, "invalid_json"),
        (b"[" * 21 + b"]" * 21, "application/json", 400, "invalid_json"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "application/json", 400, "invalid_json"),
        (b"[" * 30000, "application/json", 400, "invalid_json"),
        (b"9" * 5000, "application/json", 400, "invalid_json"),
        (b"[" * 20 + b"]" * 20, "application/json", 422, "validation_failed"),
        (b"null", "application/json", 422, "validation_failed"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b'"x"', "application/json", 422, "validation_failed"),
        (b'{"\\ud800": 1}', "application/json", 422, "validation_failed"),
        (b"{}", None, 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "application/merge-patch+json", 415, "unsupported_media_type"),
        (b"{}", "application/json; charset=latin-1", 415, "unsupported_media_type"),
        (b"email=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b" " * (64 * 1024 + 1), "application/json", 413, "body_too_large"),
        (b"{}" + b" " * (64 * 1024 - 2), "application/json", 422, "validation_failed"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(
    client: Caller, body: bytes, content_type: str | None, status: int, code: str
) -> None:
    response = client.open(f"{API}/auth/login", method="POST", data=body, content_type=content_type)
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_utf8_may_be_said_to_be_utf8(world: World) -> None:
    body = b'{"name": "\xc3\x84cme"}'
    response = world.person().caller.open(
        f"{API}/organizations", method="POST", data=body, content_type="application/json; charset=UTF-8"
    )
    assert response.get_json()["name"] == "Äcme"


def test_a_crash_tells_the_log_everything_and_the_caller_nothing(
    app_with: AppWith, capfd: pytest.CaptureFixture[str]
) -> None:
    blueprint = Blueprint("broken", __name__, url_prefix="/broken")

    @blueprint.get("")
    @public
    def broken() -> None:
        raise RuntimeError("a private matter")

    response = app_with(blueprints=[blueprint]).test_client().get("/api/v1/broken")
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_error")
    assert "private" not in response.text
    log = capfd.readouterr().out
    assert "a private matter" in log
    assert response.get_json()["request_id"] in log


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        ("SELECT 1 / 0", 422, "validation_failed"),
        ("SELECT 'x'::uuid", 422, "validation_failed"),
        ("SELECT pg_sleep(1)", 503, "service_unavailable"),
        ("INSERT INTO outbox (id, recipient, kind) SELECT '019aab1c-7d3e-7a40-9a55-000000000000', '', '' "
         "FROM generate_series(1, 2)", 409, "conflict"),
        ("INSERT INTO sessions"
         " (id, user_id, refresh_id, authenticated_at, amr, last_used_at, expires_at, ends_at_latest)"
         " SELECT id, id, id, now(), '{}', now(), now(), now() FROM gen_random_uuid() AS id", 409, "conflict"),
        ("SELECT 1 FROM nowhere", 503, "service_unavailable"),
        ("SELEKT 1", 500, "internal_error"),
    ],
)  # fmt: skip
def test_what_the_database_refuses_becomes_the_fitting_problem(
    world: World, app_with: AppWith, statement: str, status: int, code: str
) -> None:
    blueprint = Blueprint("raw", __name__, url_prefix="/raw")

    @blueprint.get("")
    @public
    def raw() -> dict[str, str]:
        db.session.execute(text("SET LOCAL statement_timeout = 100"))
        db.session.execute(text(statement))
        return {}

    response = app_with(blueprints=[blueprint]).test_client().get("/api/v1/raw")
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_what_others_abort_with_has_the_same_format(app_with: AppWith) -> None:
    blueprint = Blueprint("teapots", __name__, url_prefix="/teapots")
    blueprint.get("")(public(lambda: abort(418)))
    response = app_with(blueprints=[blueprint]).test_client().get("/api/v1/teapots")
    assert response.content_type == "application/problem+json"
    assert (response.status_code, response.get_json()["code"]) == (418, "im_a_teapot")


def test_a_raised_error_rolls_back_and_a_returned_error_too(world: World, app_with: AppWith) -> None:
    blueprint = Blueprint("half", __name__, url_prefix="/half")

    @blueprint.post("/<int:status>")
    @public
    def half(status: int) -> tuple[dict[str, str], int]:
        db.session.execute(text("UPDATE users SET first_name = :name"), {"name": str(status)})
        return {}, status

    client = app_with(blueprints=[blueprint]).test_client()
    world.person(first_name="Ada")
    for status, stored in ((400, "Ada"), (500, "Ada"), (201, "201")):
        client.post(f"/api/v1/half/{status}")
        assert world.sql("SELECT first_name FROM users")[0].first_name == stored


def own_errors() -> list[type[ApiError]]:
    """authapp's errors. In a clone, the tests may have imported further ones."""
    return [error for error in catalogue() if error.__module__.startswith("authapp.")]


def test_every_error_code_is_in_the_docs_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", ERRORS_PAGE.read_text(), re.MULTILINE)
    # the classes that only others derive from are never raised themselves
    parents = {"unauthorized", "forbidden"}
    codes = {error.code: str(error.status) for error in own_errors() if error.code not in parents}
    assert [(status, code) for code, status in codes.items()] == sorted(rows)
    assert [status for status, _ in rows] == sorted(status for status, _ in rows)


def test_error_codes_are_words_of_one_grammar_and_never_mean_two_things() -> None:
    codes = [error.code for error in own_errors() if error not in (Stale, KeysUnreadable)]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)
    assert all(error.detail.endswith(".") for error in own_errors())


def test_a_malformed_request_is_answered_with_the_security_headers_of_every_reply() -> None:
    settings = Settings(public_url="https://auth.example.com")
    _, raw = raw_response(BadRequest(), settings)
    head = raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "HTTP/1.1 400 Bad Request"
    assert {f"{name}: {value}" for name, value in security_headers(settings).items()} <= set(head)
    assert any(header.startswith("Strict-Transport-Security:") for header in head)


def test_a_request_has_time_limits_in_the_database_and_a_command_has_none(world: World, app_with: AppWith) -> None:
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    shown = text(f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}")
    blueprint = Blueprint("limits", __name__, url_prefix="/limits")

    @blueprint.get("/<kind>")
    @public
    def limits(kind: str) -> list[str]:
        if kind == "transaction":
            return list(db.session.execute(shown).one())
        return list(transaction.fetch_autocommit(str(shown), {}) or ())

    app = app_with(blueprints=[blueprint])
    for kind in ("transaction", "statement"):
        assert app.test_client().get(f"/api/v1/limits/{kind}").get_json() == ["1500ms", "6s", "15s"]
    with app.app_context():
        assert tuple(db.session.execute(shown).one()) == ("0", "0", "0")
