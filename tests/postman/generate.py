"""Writes the Postman collection and environment from the OpenAPI document and the tour: `make postman-collection`."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

from authapp import create_app
from authapp.config import Settings
from authapp.core.errors import catalogue
from authapp.web.openapi import document
from authapp.web.problems import CONTENT_TYPE, problem_document
from tests.postman.run import COLLECTION, ENVIRONMENT
from tests.postman.tour import EMAILS, TOUR, VARIABLES, Step

HERE = Path(__file__).parent
INFO = {
    "_postman_id": "7d1a3f52-6c0e-4b8e-9f43-2a5b8c1e6d70",
    "name": "authapp",
    "description": """A tour of authapp, a multi-tenant authentication and authorization API.

Import this collection and `authapp.postman_environment.json`, choose the environment **authapp (local)**, start the
service with `make run`, and send the requests from top to bottom, or run the whole collection. Tokens are saved and
refreshed for you. Each run makes a new account, so you can run it as often as you like.""",
    "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
}
ID = "019aab1c-7d3e-7a40-9a55-2f2f6c1d9b10"
SAMPLES = {"uuid": ID, "date-time": "2030-01-31T12:00:00.000Z", "boolean": False, "integer": 1, "object": {}}


class Generator:
    """Makes requests from steps and the OpenAPI document."""

    def __init__(self, openapi: dict[str, Any]) -> None:
        self._components = openapi["components"]
        self._operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, operations in openapi["paths"].items()
            for method, operation in operations.items()
            if method != "parameters"
        }

    def collection(self) -> dict[str, Any]:
        scripts = {"prerequest": HERE / "before_each.js", "test": HERE / "after_each.js"}
        return {
            "info": INFO,
            "auth": _bearer("{{access_token}}"),
            "event": [_event(listen, script.read_text("utf-8").splitlines()) for listen, script in scripts.items()],
            "item": [
                {"name": name, "description": text, "item": [self._item(step) for step in steps]}
                for name, text, steps in TOUR
            ],
        }

    def _item(self, step: Step) -> dict[str, Any]:
        """A request, its scripts, and the response that the document promises."""
        documented = " " not in step.operation
        method, path, operation = self._operations[step.operation] if documented else _undocumented(step)
        request = self._request(step, method, path, operation)
        status, content_type, reply = self._response(step, operation)
        reply = reply | {key: value for key, value in step.expects.items() if key in reply and "{{" not in str(value)}
        response = {
            "name": f"{status} {step.error or HTTPStatus(status).phrase}",
            "originalRequest": request,
            "status": HTTPStatus(status).phrase,
            "code": status,
            "_postman_previewlanguage": "json",
            "header": [{"key": "Content-Type", "value": content_type}] if content_type else [],
            "body": _pretty(reply) if content_type else "",
        }
        return {
            "name": f"{status} {step.name}" if step.error else step.name,
            "event": [_event("prerequest", _before(step)), _event("test", _tests(step, status))],
            "request": {
                **request,
                "description": step.text or (reply["detail"] if step.error else operation["summary"]),
            },
            "response": [response],
        }

    def _request(self, step: Step, method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
        request: dict[str, Any] = {"method": method, "header": [], "url": self._url(step, path, operation)}
        if step.token:
            request["auth"] = _bearer(step.token)
        elif step.token == "" or not operation["security"]:
            request["auth"] = {"type": "noauth"}
        if body := step.body or self._example_body(operation):
            raw = body if isinstance(body, str) else _pretty(body)
            request["header"] = [{"key": "Content-Type", "value": step.content_type}]
            request["body"] = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
        return request

    def _url(self, step: Step, path: str, operation: dict[str, Any]) -> dict[str, Any]:
        path = re.sub(r"{(\w+)}", r":\1", path)
        query = "&".join(f"{name}={value}" for name, value in step.query.items())
        return {
            "raw": f"{{{{base_url}}}}{path}{'?' if query else ''}{query}",
            "host": ["{{base_url}}"],
            "path": path.strip("/").split("/"),
            "query": [
                {
                    "key": parameter["name"],
                    "value": step.query.get(parameter["name"], str(self._sample(parameter["schema"]) or "")),
                    "description": parameter.get("description", ""),
                    "disabled": parameter["name"] not in step.query,
                }
                for parameter in map(self._resolve, operation.get("parameters", []))
                if parameter["in"] == "query"
            ],
            "variable": [
                {"key": name, "value": step.path.get(name, f"{{{{{name}}}}}")} for name in re.findall(r":(\w+)", path)
            ],
        }

    def _response(self, step: Step, operation: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        """Status, content type and body of the response that a step expects."""
        for status, response in operation["responses"].items():
            content = self._resolve(response).get("content", {})
            problem = content.get(CONTENT_TYPE, {}).get("examples", {}).get(step.error)
            if problem:
                return int(status), CONTENT_TYPE, self._resolve(problem)["value"]
            if not step.error and int(status) < 400:
                content_type, media_type = next(iter(content.items()), ("", {"schema": {}}))
                return int(status), content_type, self._sample(media_type["schema"])
        raise LookupError(f'"{step.name}": the document has no {step.error or "success"} for {step.operation}')

    def _example_body(self, operation: dict[str, Any]) -> dict[str, Any]:
        """The examples of the schema, with variables where there are some of that name."""
        content = self._resolve(operation.get("requestBody", {})).get("content", {})
        schema = self._resolve(content.get("application/json", {}).get("schema", {}))
        return {
            name: f"{{{{{name}}}}}" if name in variables() else self._sample(member)
            for name, member in schema.get("properties", {}).items()
            if member.get("examples", [None]) != [None] or name in schema.get("required", [])
        }

    def _sample(self, schema: dict[str, Any], name: str = "") -> Any:
        """A value that the schema allows: its example, or the simplest one."""
        schema = self._resolve(schema)
        if "properties" in schema:
            return {key: self._sample(member, key) for key, member in schema["properties"].items()}
        if "items" in schema:
            return [self._sample(schema["items"])]
        if "anyOf" in schema:
            return self._sample(schema["anyOf"][0])
        if "allOf" in schema:  # an enum, and those of its values that are allowed here
            return self._sample(schema["allOf"][-1])
        kind = schema.get("type", "object")
        simplest = None if isinstance(kind, list) else SAMPLES.get(schema.get("format", kind), f"<{name}>")
        return [*schema.get("examples", []), *schema.get("enum", []), schema.get("default", simplest)][0]

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        """What a `$ref` refers to."""
        while "$ref" in node:
            _, _, section, name = node["$ref"].split("/")
            node = self._components[section][name]
        return node


def _undocumented(step: Step) -> tuple[str, str, dict[str, Any]]:
    """Method and path of a route that the document does not have, and an operation with the error that it answers."""
    method, path = step.operation.split()
    [problem] = [problem_document(error, ID) for error in catalogue() if error.code == step.error]
    content = {CONTENT_TYPE: {"examples": {step.error: {"value": problem}}}}
    return method, path, {"security": [], "responses": {str(problem["status"]): {"content": content}}}


def variables() -> dict[str, str]:
    """Every variable of the environment, and its value at the start."""
    set_by_script = ("access_token", "refresh_token", "access_expires_at")
    set_by_steps = [
        name for *_, steps in TOUR for step in steps for name in {**step.before, **step.saves, **step.after}
    ]
    return VARIABLES | {name: "" for name in (*set_by_script, *EMAILS, *set_by_steps) if name not in VARIABLES}


def files(openapi: dict[str, Any]) -> dict[Path, str]:
    """The generated files and their content."""
    secret = ("token", "key", "password", "secret", "code")
    values = [
        {"key": name, "value": value, "type": "secret" if name.endswith(secret) else "default"}
        for name, value in variables().items()
    ]
    environment = {"id": "c2f0a9be-54d7-4e0b-8a3f-90d1b7e6a815", "name": "authapp (local)", "values": values}
    return {COLLECTION: _pretty(Generator(openapi).collection()) + "\n", ENVIRONMENT: _pretty(environment) + "\n"}


def _before(step: Step) -> list[str]:
    return _assignments(step.before) + ((HERE / "totp.js").read_text("utf-8").splitlines() if step.totp else [])


def _tests(step: Step, status: int) -> list[str]:
    expects = {**step.expects, "code": step.error} if step.error else step.expects
    lines = [f'pm.test("{status}", () => pm.response.to.have.status({status}));']
    if expects or step.saves:
        lines.append("const reply = pm.response.json();")
    for path, value in expects.items():
        title = json.dumps(f"{path} is {json.dumps(value)}")
        lines.append(f"pm.test({title}, () => pm.expect(reply.{path}).to.eql({_value(value)}));")
    for name, path in step.saves.items():
        lines.append(f'pm.test("{name} is saved", () => pm.expect(reply.{path}).to.be.a("string").and.not.empty);')
        lines.append(f'pm.environment.set("{name}", reply.{path});')
    return lines + _assignments(step.after)


def _assignments(values: dict[str, str]) -> list[str]:
    return [f'pm.environment.set("{name}", {_value(value)});' for name, value in values.items()]


def _value(value: Any) -> str:
    """A value in JavaScript. Variables of a text are replaced when the script runs."""
    text = json.dumps(value)
    return f"pm.variables.replaceIn({text})" if isinstance(value, str) and "{{" in value else text


def _bearer(token: str) -> dict[str, Any]:
    return {"type": "bearer", "bearer": [{"key": "token", "value": token, "type": "string"}]}


def _event(listen: str, lines: list[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": lines}}


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    settings = Settings(app_env="testing", secret_key="not-used" * 4, database_url="postgresql://")
    for file, text in files(document(create_app(settings))).items():
        file.write_text(text, "utf-8")
