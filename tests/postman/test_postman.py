"""The Postman collection agrees with the OpenAPI document: request by request, example by example."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from authapp.core.errors import catalogue
from authapp.web.problems import problem_document

HERE = Path(__file__).parent
FILES = [HERE / "authapp.postman_collection.json", HERE / "authapp.postman_environment.json"]
COLLECTION, ENVIRONMENT = (json.loads(file.read_text("utf-8")) for file in FILES)
VALUES: dict[str, str] = {variable["key"]: variable["value"] for variable in ENVIRONMENT["values"]}
ERROR_TOUR = "8 Error tour"
FOLDERS = [
    "1 Start here",
    "2 My account",
    "3 Organizations",
    "4 Invitations",
    "5 Members",
    "6 API keys",
    "7 Staying signed in",
    ERROR_TOUR,
    "9 For other services",
    "10 Leaving",
]
GUIDED = [item for folder in COLLECTION["item"] if folder["name"] != ERROR_TOUR for item in folder["item"]]
TOUR = [item for folder in COLLECTION["item"] if folder["name"] == ERROR_TOUR for item in folder["item"]]
FROM_LETTERS = {"invitation_token", "accepted_token", "declined_token", "member_id", "member_access_token"}
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
VARIABLE = re.compile(r"\{\{(.+?)\}\}")


def name_of(item: dict[str, Any]) -> str:
    return str(item["name"])


each_request = pytest.mark.parametrize("item", GUIDED + TOUR, ids=name_of)
each_guided_request = pytest.mark.parametrize("item", GUIDED, ids=name_of)


def address_of(item: dict[str, Any]) -> tuple[str, str]:
    """The method and the path template, written as in the document."""
    segments = [re.sub(r"^:(\w+)$", r"{\1}", segment) for segment in item["request"]["url"]["path"]]
    return item["request"]["method"].lower(), "/" + "/".join(segments)


def operations(openapi: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation of the document by its method and path template."""
    return {
        (method, path): operation
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


def scripts_of(item: dict[str, Any], listen: str) -> str:
    return "\n".join(line for event in item["event"] if event["listen"] == listen for line in event["script"]["exec"])


def check(openapi: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Validate against a schema whose references lead into the document."""
    whole = {**schema, "components": openapi["components"]}
    Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


def filled_in(template: str) -> str:
    """The text as it is sent: with each variable's value, or its name while it has none."""
    return VARIABLE.sub(lambda match: VALUES.get(match[1]) or match[1], template)


def test_the_folders_stand_in_the_order_that_a_newcomer_needs() -> None:
    assert [folder["name"] for folder in COLLECTION["item"]] == FOLDERS


def test_the_collection_sends_the_access_token_unless_a_request_says_otherwise() -> None:
    assert COLLECTION["auth"]["type"] == "bearer"
    assert {entry["key"]: entry["value"] for entry in COLLECTION["auth"]["bearer"]}["token"] == "{{access_token}}"


@each_guided_request
def test_exactly_the_public_operations_go_out_without_a_token(openapi: dict[str, Any], item: dict[str, Any]) -> None:
    without_token = item["request"].get("auth") == {"type": "noauth"}
    assert without_token == (not operations(openapi)[address_of(item)]["security"])


def test_every_operation_of_the_document_has_a_request(openapi: dict[str, Any]) -> None:
    assert set(operations(openapi)) - {address_of(item) for item in GUIDED} == set()


@each_guided_request
def test_every_request_names_an_operation_of_the_document(openapi: dict[str, Any], item: dict[str, Any]) -> None:
    operation = operations(openapi)[address_of(item)]
    documented = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    assert {parameter["key"] for parameter in item["request"]["url"].get("query", [])} <= documented


@each_guided_request
def test_every_body_is_one_that_the_document_allows(openapi: dict[str, Any], item: dict[str, Any]) -> None:
    documented = operations(openapi)[address_of(item)].get("requestBody", {})
    body = item["request"].get("body")
    if body is None:
        assert not documented.get("required")
        return
    [content_type] = [header["value"] for header in item["request"]["header"] if header["key"] == "Content-Type"]
    check(openapi, documented["content"][content_type]["schema"], json.loads(filled_in(body["raw"])))


@each_request
def test_every_example_is_a_reply_that_the_document_promises(openapi: dict[str, Any], item: dict[str, Any]) -> None:
    responses = operations(openapi).get(address_of(item), {"responses": {}})["responses"]
    for example in item["response"]:
        status = str(example["code"])
        if item in TOUR and status in {"404", "405"} and status not in responses:
            check(openapi, {"$ref": "#/components/schemas/Problem"}, json.loads(example["body"]))
            continue
        content = responses[status].get("content")
        if content is None:
            assert example["body"] == ""
            continue
        [content_type] = [header["value"] for header in example["header"] if header["key"] == "Content-Type"]
        body = json.loads(example["body"])
        check(openapi, content[content_type]["schema"], body)
        if content_type == "application/problem+json":
            assert body["code"] in content[content_type]["examples"]


@each_request
def test_every_request_explains_itself_and_checks_its_reply(item: dict[str, Any]) -> None:
    assert item["request"]["description"].endswith(".")
    assert "pm.test(" in scripts_of(item, "test")
    assert "pm.response.to.have.status(" in scripts_of(item, "test")
    assert item["response"], "no example"


@each_request
def test_exactly_what_needs_a_letter_is_skipped_while_nobody_has_copied_it(item: dict[str, Any]) -> None:
    script = scripts_of(item, "prerequest")
    needed = FROM_LETTERS & set(VARIABLE.findall(json.dumps(item["request"])))
    assert needed <= set(re.findall(r'!pm\.environment\.get\("(\w+)"\)', script))
    assert ("pm.execution.skipRequest();" in script) == bool(needed)
    assert ("skipped" in item["request"]["description"]) == bool(needed)


@each_request
def test_every_error_of_an_example_says_what_the_catalogue_says(item: dict[str, Any]) -> None:
    catalogued = {refusal.code: problem_document(refusal, None) for refusal in catalogue()}
    for example in item["response"]:
        body = json.loads(example["body"] or "{}")
        if "code" in body:
            for member in ("type", "title", "status"):
                assert body[member] == catalogued[body["code"]][member]


@each_request
def test_every_example_shows_the_status_that_the_request_checks_for(item: dict[str, Any]) -> None:
    [expected] = re.findall(r"to\.have\.status\((\d+)\)", scripts_of(item, "test"))
    assert {example["code"] for example in item["response"]} == {int(expected)}


@each_request
def test_every_variable_is_in_the_environment_or_set_by_a_script(item: dict[str, Any]) -> None:
    url = item["request"]["url"]
    assert url["host"] == ["{{base_url}}"]
    in_path = {segment[1:] for segment in url["path"] if segment.startswith(":")}
    assert {variable["key"] for variable in url.get("variable", [])} == in_path
    used = {name for name in VARIABLE.findall(json.dumps(item["request"])) if not name.startswith("$")}
    set_before = set(re.findall(r'pm\.variables\.set\("(\w+)"', scripts_of(item, "prerequest")))
    assert used - set_before <= set(VALUES)


@pytest.mark.parametrize("item", [COLLECTION, *GUIDED, *TOUR], ids=lambda item: item.get("name", "the collection"))
def test_every_script_keeps_to_the_variables_of_the_environment(item: dict[str, Any]) -> None:
    scripts = scripts_of(item, "prerequest") + scripts_of(item, "test")
    assert set(re.findall(r'\b(?:environment|env)\.[gs]et\("(\w+)"', scripts)) <= set(VALUES)


def test_the_environment_holds_no_secret_but_a_password_to_play_with() -> None:
    secrets = {variable["key"]: variable["value"] for variable in ENVIRONMENT["values"] if variable["type"] == "secret"}
    assert {name for name, value in secrets.items() if value} == {"password"}
    assert {name for name in VALUES if name.endswith(("token", "api_key", "password"))} == set(secrets)
    assert not any(VALUES[name] for name in FROM_LETTERS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_files_hold_no_token_and_are_written_for_people(file: Path) -> None:
    text = file.read_text("utf-8")
    assert not re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text)
    assert not re.search(r"\b(ak|it)_[0-9a-f]{32}", text), "an API key or the token of a letter"
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
