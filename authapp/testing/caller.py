"""The test client."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from authapp.web.application import Application
from authapp.web.openapi import API_PREFIX, path_template


class Caller(FlaskClient):
    """A test client that compares every answer with the OpenAPI document: status, code and shape.

    Attributes:
        openapi: the document.
        access_token: what each request is sent with, or an API key. None for a stranger.
    """

    openapi: dict[str, Any]
    access_token: str | None = None

    @classmethod
    def of(cls, app: Application, openapi: dict[str, Any], access_token: str | None = None) -> Caller:
        """Make one for an application with this document."""
        caller = cls(app, app.response_class, use_cookies=True)
        caller.openapi, caller.access_token = openapi, access_token
        return caller

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if self.access_token and "Authorization" not in (kwargs.get("headers") or {}):
            kwargs["headers"] = {**(kwargs.get("headers") or {}), "Authorization": f"Bearer {self.access_token}"}
        response = super().open(*args, **kwargs)
        self._compare_with_document(response)
        return response

    def call(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        """Call a path below /api/v1."""
        return self.open(API_PREFIX + path, method=method, **({"json": json} if json is not None else {}), **kwargs)

    def _compare_with_document(self, response: TestResponse) -> None:
        declared = self._declared_responses(response)
        if response.status_code >= 400:
            assert response.content_type == "application/problem+json", response.text
            self._validate(response.json, {"$ref": "#/components/schemas/Problem"})
        if declared is None or (response.status_code in (404, 405) and str(response.status_code) not in declared):
            return
        assert str(response.status_code) in declared, f"undocumented: {response.status} {response.text}"
        content = declared[str(response.status_code)].get("content", {})
        if response.status_code >= 400:
            codes = content["application/problem+json"]["examples"]
            assert response.json is not None
            assert response.json["code"] in codes, f"undocumented code: {response.text}"
            documented = codes[response.json["code"]]["value"]
            assert response.json.keys() ^ documented.keys() <= {"errors"}, f"undocumented members: {response.text}"
            self._validate(response.json, content["application/problem+json"]["schema"])
        elif "application/json" in content:
            self._validate(response.json, content["application/json"]["schema"])

    def _declared_responses(self, response: TestResponse) -> dict[str, Any] | None:
        """What the document says of the operation that answered, None where it names no such operation."""
        try:
            rule, _ = self.application.url_map.bind("").match(
                response.request.path, method=response.request.method, return_rule=True
            )
        except HTTPException:
            return None
        operation = self.openapi["paths"].get(path_template(rule), {}).get(response.request.method.lower())
        return operation["responses"] if operation else None

    def _validate(self, body: Any, schema: dict[str, Any]) -> None:
        Draft202012Validator({**schema, "components": self.openapi["components"]}).validate(body)
