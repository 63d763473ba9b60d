"""The document tells the truth, and its page works without a network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import positive_data_acceptance

from authapp.web.application import Application
from authapp.web.guard_marks import guard_of
from authapp.web.openapi import path_template, routes
from tests.factories import UNKNOWN_ID, Caller, World

# A password policy, or that an address has a domain, is more than JSON Schema can say.
beyond_schemas = positive_data_acceptance
DOCUMENTED_ELSEWHERE = {"openapi", "docs", "docs_start", "docs_asset"}


def test_the_document_is_valid_openapi_3_1(client: Caller) -> None:
    response = client.get("/api/v1/openapi.json")
    document = response.get_json()
    assert document["openapi"].startswith("3.1")
    validate(document)
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_every_route_is_in_the_document_under_the_name_of_its_view(app: Application, openapi: dict[str, Any]) -> None:
    named = {
        operation["operationId"]
        for path in openapi["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    }
    assert named == {rule.endpoint.rpartition(".")[2] for rule, _, _ in routes(app)} - DOCUMENTED_ELSEWHERE


def test_every_operation_has_a_sentence_for_people(openapi: dict[str, Any]) -> None:
    for path in openapi["paths"].values():
        for method, operation in path.items():
            if method != "parameters":
                assert re.fullmatch(r"[A-Z][^.]+\.( [A-Z][^.]+\.)*", operation["summary"]), operation["summary"]


def test_requests_refuse_unknown_fields_and_replies_may_grow(openapi: dict[str, Any]) -> None:
    closed = {name for name, s in openapi["components"]["schemas"].items() if s.get("additionalProperties") is False}
    assert closed == {
        "Registration", "ProfileChange", "AccountDeletion", "Login", "Refresh", "Logout",
        "NewOrganization", "OrganizationChange", "RoleChange", "NewInvitation", "InvitationToken",
        "NewApiKey", "Rotation",
    }  # fmt: skip


def test_examples_of_requests_are_accepted_as_they_stand(world: World, openapi: dict[str, Any]) -> None:
    def example(name: str) -> dict[str, Any]:
        properties = openapi["components"]["schemas"][name]["properties"]
        return {field: schema["examples"][0] for field, schema in properties.items()}

    caller = world.caller()
    registered = caller.call("POST", "/auth/register", example("Registration"))
    assert registered.status_code == 201
    signed_in = caller.call("POST", "/auth/login", example("Login")).get_json()
    caller.access_token = signed_in["access_token"]
    assert caller.call("PATCH", "/auth/me", example("ProfileChange")).status_code == 200
    assert caller.call("POST", "/organizations", example("NewOrganization")).status_code == 201
    assert caller.call("POST", "/auth/logout", example("Logout")).status_code == 204


def test_examples_of_invalid_requests_are_true(world: World, openapi: dict[str, Any]) -> None:
    person = world.person("Acme")
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            if method == "parameters" or "422" not in operation["responses"]:
                continue
            examples = operation["responses"]["422"]["content"]["application/problem+json"]["examples"]
            errors = examples["validation_failed"]["value"]["errors"]
            [(location, fields)] = errors.items()
            made_up = dict.fromkeys(fields, "blue")
            filled = path if location == "path" else path.replace("{organization_id}", person.organization_id)
            answer = person.caller.open(
                re.sub(r"{\w+}", "blue" if location == "path" else UNKNOWN_ID, filled),
                method=method.upper(),
                json=made_up if location == "json" else None,
                query_string=made_up if location == "query" else None,
            )
            assert answer.status_code == 422, path
            assert fields.items() <= answer.get_json()["errors"][location].items()


class Sources(HTMLParser):
    """What a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.found += [value for name in ("src", "href") if (value := named.get(name))]
        self.inline += tag == "style" or (tag == "script" and "src" not in named)


def test_the_docs_page_loads_only_from_here_and_nothing_inline(client: Caller) -> None:
    page = client.get("/docs")
    sources = Sources()
    sources.feed(page.text)
    assert sources.inline == 0
    assert len(sources.found) >= 3
    for source in sources.found:
        with client.get(source) as asset:
            assert asset.status_code == 200
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert '"/api/v1/openapi.json"' in client.get("/docs/start.js").text


def test_every_operation_names_its_guard(app: Application, openapi: dict[str, Any]) -> None:
    for rule, method, view in routes(app):
        operation = openapi["paths"].get(path_template(rule), {}).get(method.lower())
        if operation:
            assert operation["description"] == f"Guard: `{guard_of(view)}`"


def test_no_generated_request_breaks_the_promises(world: World) -> None:
    """Schemathesis makes requests from the document, good and bad, and compares the answers with it."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app)
    operations = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(operations) >= 34
    for operation in operations:
        token = world.person("Acme").session["access_token"]
        try_out(operation, {"Authorization": f"Bearer {token}"})


def try_out(operation: Any, headers: dict[str, str]) -> None:
    @hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy())
    def hold_against_document(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=[beyond_schemas])

    hold_against_document()
