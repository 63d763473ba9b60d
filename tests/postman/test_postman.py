"""The Postman collection is up to date, reaches every operation, and its examples match the OpenAPI document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.postman import run
from tests.postman.generate import files
from tests.postman.tour import EMAILS, IN_A_BROWSER, OF_THE_OPERATOR, TOUR, VARIABLES, Step

STEPS = [step for *_, steps in TOUR for step in steps]
SUCCEEDING = [step for step in STEPS if not step.error]
VARIABLE = re.compile(r"\{\{(\w+)\}\}|environment\.get\(['\"](\w+)")


@pytest.fixture
def operations(openapi: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The operations of the document by their operationId."""
    return {
        operation["operationId"]: operation
        for path in openapi["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    }


@pytest.fixture
def collection(openapi: dict[str, Any]) -> dict[str, Any]:
    """The collection as it is generated now."""
    return dict(json.loads(files(openapi)[run.COLLECTION]))


@pytest.fixture
def items(collection: dict[str, Any]) -> list[dict[str, Any]]:
    """The request of each step."""
    return [item for folder in collection["item"] for item in folder["item"]]


def script_of(item: dict[str, Any], listen: str) -> str:
    return "\n".join(line for event in item["event"] if event["listen"] == listen for line in event["script"]["exec"])


def check(openapi: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Validate against a schema whose references lead into the document."""
    whole = {**schema, "components": openapi["components"]}
    Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


def test_the_postman_files_are_up_to_date(openapi: dict[str, Any]) -> None:
    for file, text in files(openapi).items():
        assert file.read_text("utf-8") == text, f"{file.name} is stale. Run: make postman-collection"


def test_every_operation_has_a_request_that_succeeds(operations: dict[str, dict[str, Any]]) -> None:
    exempt = IN_A_BROWSER | OF_THE_OPERATOR
    missing = operations.keys() - {step.operation for step in SUCCEEDING} - exempt
    missing |= exempt - {step.operation for step in STEPS}
    assert not missing, "Add a step to tests/postman/tour.py"


@pytest.mark.parametrize("step", SUCCEEDING, ids=lambda step: step.name)
def test_every_body_and_example_matches_its_schema(
    openapi: dict[str, Any], operations: dict[str, dict[str, Any]], items: list[dict[str, Any]], step: Step
) -> None:
    declared, item = operations[step.operation], items[STEPS.index(step)]
    if body := item["request"].get("body"):
        sent = re.sub(r"{{(\w+)}}", lambda match: VARIABLES.get(match[1]) or match[1], body["raw"])
        check(openapi, declared["requestBody"]["content"]["application/json"]["schema"], json.loads(sent))
    else:
        assert not declared.get("requestBody", {}).get("required")
    [example] = item["response"]
    for content_type, media_type in declared["responses"][str(example["code"])].get("content", {}).items():
        assert example["header"] == [{"key": "Content-Type", "value": content_type}]
        check(openapi, media_type["schema"], json.loads(example["body"]))


def test_every_query_and_path_parameter_of_the_tour_is_declared(items: list[dict[str, Any]]) -> None:
    for step, item in zip(STEPS, items, strict=True):
        url = item["request"]["url"]
        assert step.query.keys() <= {parameter["key"] for parameter in url["query"]}
        assert step.path.keys() <= {parameter["key"] for parameter in url["variable"]}


def test_every_variable_has_a_value_before_it_is_used(collection: dict[str, Any], items: list[dict[str, Any]]) -> None:
    known = {*VARIABLES, *EMAILS}

    def assign(script: str) -> None:
        for name, value in re.findall(r'environment\.set\("(\w+)", (.*)\);', script):
            (known.discard if value == '""' and name not in EMAILS else known.add)(name)

    for item in items:
        assign(script_of(item, "prerequest"))
        used = json.dumps(item["request"]) + script_of(item, "test")
        used += "" if "auth" in item["request"] else "{{access_token}}"
        assert {one or other for one, other in VARIABLE.findall(used)} <= known, item["name"]
        if '"access_token"' in item["response"][0]["body"]:
            assign(script_of(collection, "test"))
        assign(script_of(item, "test"))


def test_the_postman_files_contain_no_secret_but_the_password_of_the_tour() -> None:
    for file in (run.COLLECTION, run.ENVIRONMENT):
        text = file.read_text("utf-8")
        assert not re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text), "a JWT"
        assert not re.search(r"\b(ak|it|sk)_[0-9a-f]{32}_\w", text), "a key or the token of an email"
    values = json.loads(run.ENVIRONMENT.read_text("utf-8"))["values"]
    assert [value["key"] for value in values if value["type"] == "secret" and value["value"]] == ["password"]


def test_the_runner_sends_every_request_once_and_in_order(
    collection: dict[str, Any], items: list[dict[str, Any]]
) -> None:
    parts = list(run.parts(collection["item"]))
    assert [item for _, folders in parts for folder in folders for item in folder["item"]] == items
    assert [needed for needed, _ in parts] == [[], *([name] for name in EMAILS)]


def test_the_runner_takes_the_token_of_the_newest_email_with_this_recipient_and_subject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(name: str, recipient: str, organization: str, token: str) -> None:
        text = f"To: {recipient}\nSubject: You are invited to {organization}\n\nhttp://x/docs#token={token}\n"
        (tmp_path / f"{name}.txt").write_text(text)

    write("1", "ada@example.com", "Acme", "old")
    write("2", "ada@example.com", "Acme", "new")
    write("3", "ada@example.com", "Other", "of another organization")
    write("4", "grace+ada@example.com", "Acme", "of somebody else")
    assert run.token_in_email(tmp_path, "ada@example.com", "Acme") == "new"
    monkeypatch.setattr(run, "SECONDS_TO_WAIT", 0.1)
    with pytest.raises(run.NoEmail, match="No email to eve@example"):
        run.token_in_email(tmp_path, "eve@example.com", "")
