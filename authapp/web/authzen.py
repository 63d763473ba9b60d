"""HTTP as the AuthZEN Authorization API 1.0 has it: 400 for what is malformed, and any `X-Request-ID` comes back."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, cast

import marshmallow as ma
from flask import Request, Response, request

from authapp.core.errors import ApiError, BadRequest, BodyTooLarge, InvalidJson, RequestTimeout, UnsupportedMediaType
from authapp.web.blueprint import Blueprint
from authapp.web.parsing import StrictParser


class InvalidEvaluation(BadRequest):
    code = "invalid_evaluation"
    detail = "The body is no request of the AuthZEN Authorization API 1.0."

    @classmethod
    def because(cls, messages: Any) -> InvalidEvaluation:
        """With the first of the mistakes that a schema has found, and where it is."""
        path = []
        while isinstance(messages, dict):
            name, messages = next(iter(messages.items()))
            path.append(str(name))
        mistake = f"{'.'.join(path)}: {messages[0]}"
        return cls(mistake, detail=f"{cls.detail} {mistake}")


class _Parser(StrictParser):
    DEFAULT_VALIDATION_STATUS = InvalidEvaluation.status

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        try:
            return super().load_json(req, schema)
        except UnsupportedMediaType as error:
            raise InvalidEvaluation(error.reason, detail=error.detail) from None

    def handle_error(self, error: ma.ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        raise InvalidEvaluation.because(cast("dict[str, Any]", error.messages)["json"])


class AuthzenBlueprint(Blueprint):
    """A blueprint of its routes."""

    ARGUMENTS_PARSER = _Parser()
    ARGUMENTS_ERRORS: ClassVar[dict[str, tuple[type[ApiError], ...]]] = {
        "json": (RequestTimeout, InvalidJson, BodyTooLarge, InvalidEvaluation)
    }

    def __init__(self, name: str, import_name: str, **options: Any) -> None:
        super().__init__(name, import_name, ignore_unknown_query=True, **options)
        self.after_request(_return_request_id)


def _return_request_id(response: Response) -> Response:
    """An id that the log does not take is the caller's all the same: the specification has any text for one."""
    if offered := request.headers.get("X-Request-ID"):
        response.headers["X-Request-ID"] = offered
    return response
