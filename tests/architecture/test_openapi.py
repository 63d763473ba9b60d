"""The document tells the truth, and its page works without a network."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from html.parser import HTMLParser
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import positive_data_acceptance

import authapp
from authapp.config import Settings
from authapp.core.enums import (
    ROLES,
    ActorType,
    AuditAction,
    DeliveryStatus,
    DisabledReason,
    InvitationStatus,
    OrganizationState,
    OutboxState,
    SubscriptionStatus,
    SuspensionReason,
    UserState,
)
from authapp.core.errors import catalogue
from authapp.decorators.guards import public
from authapp.instance import ROOT
from authapp.schemas.fields import Choice, Reply
from authapp.web.application import Application, TakenName
from authapp.web.blueprint import Blueprint
from authapp.web.guard_marks import guard_of
from authapp.web.openapi import document, path_template, routes
from tests.factories import UNKNOWN_ID, AppWith, Caller, World
from tests.operators import operator

# A password policy, or that an address has a domain, is more than JSON Schema can say.
beyond_schemas = positive_data_acceptance
ENUMS: tuple[type[StrEnum], ...] = (
    ActorType, AuditAction, DeliveryStatus, DisabledReason, InvitationStatus, OrganizationState, OutboxState,
    SubscriptionStatus, SuspensionReason, UserState,
)  # fmt: skip
DOCUMENTED_ELSEWHERE = {"index", "openapi", "docs", "docs_start", "docs_style", "docs_asset"}
PAGES = ("hosted_pages.", "page_assets.")


def test_the_document_is_valid_openapi_3_1(client: Caller) -> None:
    response = client.get("/api/v1/openapi.json")
    document = response.get_json()
    assert document["openapi"].startswith("3.1")
    validate(document)
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_info_names_title_version_license_and_contact(openapi: dict[str, Any]) -> None:
    info = openapi["info"]
    assert (info["title"], info["version"]) == ("authapp", authapp.__version__)
    assert info["license"] == {"name": "MIT", "identifier": "MIT"}
    assert info["contact"] == {"name": "the authapp authors"}


def test_an_api_built_on_authapp_has_a_title_and_version_of_its_own(settings: Settings) -> None:
    app = authapp.create_app(settings, title="Acme API", version="2.3.0")
    info = document(app)["info"]
    assert (info["title"], info["version"]) == ("Acme API", "2.3.0")
    assert {"license", "contact"}.isdisjoint(info)  # those are authapp's
    assert "<title>Acme API</title>" in app.test_client().get("/docs").text


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"] == {"path": "authapp/__init__.py"}


def test_every_route_is_in_the_document_under_the_name_of_its_view(app: Application, openapi: dict[str, Any]) -> None:
    named = [
        operation["operationId"]
        for path in openapi["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    endpoints = {rule.endpoint for rule, _, _ in routes(app) if not rule.endpoint.startswith(PAGES)}
    views = {endpoint.rpartition(".")[2] for endpoint in endpoints} - DOCUMENTED_ELSEWHERE
    assert sorted(named) == sorted(views)


def test_a_view_with_the_operation_id_of_another_is_refused_at_registration(app_with: AppWith) -> None:
    blueprint = Blueprint("theirs", __name__, url_prefix="/theirs")

    @blueprint.post("/login")
    @public
    def login() -> None:
        """Sign in to something else."""

    with pytest.raises(TakenName, match=r"POST /api/v1/theirs/login: .* named login. Rename the function"):
        app_with(blueprints=[blueprint])


def test_a_view_of_two_methods_has_no_operation_id_for_the_second(app_with: AppWith) -> None:
    blueprint = Blueprint("theirs", __name__, url_prefix="/theirs")
    blueprint.route("", methods=["GET", "POST"])(public(dict))
    with pytest.raises(TakenName, match="a function for each"):
        app_with(blueprints=[blueprint])


def test_fields_of_requests_and_replies_have_no_default_and_query_parameters_do(openapi: dict[str, Any]) -> None:
    for name, schema in openapi["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            assert "default" not in described, (name, field)
    parameters = openapi["paths"]["/api/v1/auth/sessions"]["get"]["parameters"]
    assert parameters[0]["schema"]["default"] == 50


@pytest.mark.parametrize("name", ["authorize", "callback"])
def test_a_redirect_has_the_header_that_says_where_to(openapi: dict[str, Any], name: str) -> None:
    responses = openapi["paths"][f"/api/v1/auth/sso/{{provider}}/{name}"]["get"]["responses"]
    assert "Location" in responses["302"]["headers"]


WITH_LOWER_ROLES = ("ApiKey", "IssuedApiKey", "NewApiKey", "TrustedIdentity", "NewTrustedIdentity")


def test_every_enum_is_named_once_and_referred_to(openapi: dict[str, Any]) -> None:
    named = {name: schema["enum"] for name, schema in openapi["components"]["schemas"].items() if "enum" in schema}
    assert named == {
        **{enum.__name__: list(enum) for enum in ENUMS},
        "Role": list(reversed(ROLES)),
        "ErrorCode": sorted({error.code for error in catalogue()}),
    }
    repeated = {path for path, values in lists_of("enum", openapi) if set(values) & set().union(*named.values())}
    assert repeated == {f"components/schemas/{name}/enum" for name in named} | {
        f"components/schemas/{name}/properties/role/allOf/1/enum" for name in WITH_LOWER_ROLES
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Member/properties/role", {"$ref": "#/components/schemas/Role"}),
        ("NewInvitation/properties/role/$ref", "#/components/schemas/Role"),
        ("Invitation/properties/status", {"$ref": "#/components/schemas/InvitationStatus"}),
        ("Subscription/properties/status", {"$ref": "#/components/schemas/SubscriptionStatus"}),
        ("AuditEvent/properties/action/$ref", "#/components/schemas/AuditAction"),
        ("AuditEvent/properties/actor_type/anyOf", [{"$ref": "#/components/schemas/ActorType"}, {"type": "null"}]),
        ("Problem/properties/code", {"$ref": "#/components/schemas/ErrorCode"}),
        ("NewApiKey/properties/role/allOf",
         [{"$ref": "#/components/schemas/Role"}, {"enum": ["developer", "viewer"]}]),
    ],
)  # fmt: skip
def test_a_field_refers_to_its_enum(openapi: dict[str, Any], path: str, expected: object) -> None:
    found = openapi["components"]["schemas"]
    for key in path.split("/"):
        found = found[key]
    assert found == expected


def test_query_parameters_refer_to_their_enums(openapi: dict[str, Any]) -> None:
    def schema(path: str, name: str) -> Any:
        parameters = openapi["paths"][f"/api/v1/organizations/{{organization_id}}/{path}"]["get"]["parameters"]
        return next(parameter["schema"] for parameter in parameters if parameter["name"] == name)

    assert schema("members", "role")["$ref"] == "#/components/schemas/Role"
    assert schema("audit-events", "action")["$ref"] == "#/components/schemas/AuditAction"


def test_an_enum_with_the_name_of_another_is_refused_at_registration(app_with: AppWith) -> None:
    class Role(StrEnum):
        CAPTAIN = "captain"

    blueprint = Blueprint("theirs", __name__, url_prefix="/theirs")
    schema = Reply.from_dict({"role": Choice(Role)}, name="Sailor")
    blueprint.get("")(public(blueprint.response(200, schema)(dict)))
    with pytest.raises(TakenName, match="Two schemas are named Role"):
        app_with(blueprints=[blueprint])


def lists_of(key: str, node: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Every list with this key in a JSON document, with its path."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in children:
        if name == key and isinstance(value, list):
            yield f"{path}{name}", value
        yield from lists_of(key, value, f"{path}{name}/")


def test_every_operation_has_a_sentence_for_people(openapi: dict[str, Any]) -> None:
    for path in openapi["paths"].values():
        for method, operation in path.items():
            if method != "parameters":
                assert re.fullmatch(r"[A-Z][^.]+\.( [A-Z][^.]+\.)*", operation["summary"]), operation["summary"]


def test_requests_refuse_unknown_fields_and_replies_may_grow(openapi: dict[str, Any]) -> None:
    closed = {name for name, s in openapi["components"]["schemas"].items() if s.get("additionalProperties") is False}
    assert closed == {
        "Registration", "ProfileChange", "AccountDeletion", "Login", "Refresh", "Logout",
        "PasswordChange", "ForgottenPassword", "PasswordReset", "EmailChange", "VerificationRequest", "EmailToken",
        "MfaLogin", "SsoExchange", "Reauthentication", "TotpCode", "TotpRemoval",
        "PasskeyLogin", "MfaToken", "NewPasskey", "PasskeyName",
        "NewOrganization", "OrganizationChange", "RoleChange", "NewInvitation", "InvitationToken",
        "NewApiKey", "ApiKeyChange", "Rotation", "NewTrustedIdentity", "TokenExchange", "IntrospectionRequest",
        "NewWebhook", "WebhookChange", "SecretRotation",
    }  # fmt: skip


def test_examples_of_requests_are_accepted_as_they_stand(world: World, openapi: dict[str, Any]) -> None:
    def example(name: str) -> dict[str, Any]:
        properties = openapi["components"]["schemas"][name]["properties"]
        return {field: schema["examples"][0] for field, schema in properties.items() if "examples" in schema}

    caller = world.caller()
    registered = caller.call("POST", "/auth/register", example("Registration"))
    assert registered.status_code == 201
    signed_in = caller.call("POST", "/auth/login", example("Login")).get_json()
    caller.access_token = signed_in["access_token"]
    assert caller.call("PATCH", "/auth/me", example("ProfileChange")).status_code == 200
    assert caller.call("POST", "/organizations", example("NewOrganization")).status_code == 201
    assert caller.call("POST", "/auth/logout", example("Logout")).status_code == 204


def test_examples_of_invalid_requests_are_true(world: World, openapi: dict[str, Any]) -> None:
    person, service = world.person("Acme"), world.caller(world.service_key("introspect", "revocations"))
    console = operator(world)
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            if method == "parameters" or "422" not in operation["responses"]:
                continue
            examples = operation["responses"]["422"]["content"]["application/problem+json"]["examples"]
            errors = examples["validation_failed"]["value"]["errors"]
            [(location, fields)] = errors.items()
            made_up = dict.fromkeys(fields, "blue")
            filled = path if location == "path" else path.replace("{organization_id}", person.organization_id)
            caller = service if {"service_key": []} in operation["security"] else person.caller
            caller = console.caller if path.startswith("/api/v1/operator/") else caller
            answer = caller.open(
                re.sub(r"{\w+}", "blue" if location == "path" else UNKNOWN_ID, filled),
                method=method.upper(),
                json=made_up if location == "json" else None,
                data=made_up if location == "form" else None,
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


PARTS = 6  # of the operations: a test for each, which workers share


@pytest.mark.parametrize("part", range(PARTS))
def test_no_generated_request_breaks_the_promises(world: World, part: int) -> None:
    """Schemathesis makes requests from the document, good and bad, and compares the answers with it."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app)
    operations = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(operations) >= 34
    for operation in operations[part::PARTS]:
        is_for_services = {"service_key": []} in operation.definition.raw["security"]
        rights = ("introspect", "revocations", "decide")
        token = world.service_key(*rights) if is_for_services else world.person("Acme").session["access_token"]
        try_out(operation, {"Authorization": f"Bearer {token}"})


def try_out(operation: Any, headers: dict[str, str]) -> None:
    @hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy())
    def hold_against_document(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=[beyond_schemas])

    hold_against_document()
