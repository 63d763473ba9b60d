"""How large a body may be: 64 KiB, or what its view says."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from marshmallow import fields

from authapp import Blueprint, Request, public
from authapp.web.openapi import document
from authapp.web.parsing import LARGEST_BODY, LARGEST_OF_ANY
from tests.factories import API, AppWith

LARGEST = 200_000


class Batch(Request):
    values = fields.List(fields.Integer(), required=True)


def batches() -> Blueprint:
    blueprint = Blueprint("batches", __name__, url_prefix="/batches")

    @blueprint.post("/large")
    @public
    @blueprint.arguments(Batch, largest=LARGEST)
    def add_batch(body: dict[str, Any]) -> dict[str, int]:
        """Add a batch."""
        return {"number": len(body["values"])}

    @blueprint.post("/small")
    @public
    @blueprint.arguments(Batch)
    def add_few(body: dict[str, Any]) -> dict[str, int]:
        """Add a few."""
        return {"number": len(body["values"])}

    return blueprint


def send(client: FlaskClient, path: str, size: int, *, chunked: bool) -> Any:
    body = b'{"values": [1]}'.ljust(size)
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"} if chunked else {}
    return client.post(
        f"{API}/batches/{path}",
        input_stream=io.BytesIO(body),
        content_length=None if chunked else size,
        content_type="application/json",
        environ_overrides=environ,
    )


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize(("path", "largest"), [("large", LARGEST), ("small", LARGEST_BODY)])
def test_a_body_may_be_as_large_as_its_view_says(app_with: AppWith, path: str, largest: int, chunked: bool) -> None:
    client = app_with([batches()]).test_client()
    assert send(client, path, largest, chunked=chunked).get_json() == {"number": 1}
    for size in (largest + 1, largest + 2, 10 * largest):
        refused = send(client, path, size, chunked=chunked)
        assert (refused.status_code, refused.get_json()["code"]) == (413, "body_too_large")
        assert ("200,000 bytes" if path == "large" else "64 KiB") in refused.get_json()["detail"]


def test_the_openapi_document_says_how_large_a_body_may_be(app_with: AppWith) -> None:
    paths = document(app_with([batches()]))["paths"]
    large, small = (paths[f"{API}/batches/{name}"]["post"] for name in ("large", "small"))
    assert large["requestBody"]["description"] == "At most 200,000 bytes."
    examples = large["responses"]["413"]["content"]["application/problem+json"]["examples"]
    assert examples["body_too_large"]["value"]["detail"] == "The body may have at most 200,000 bytes."
    assert "description" not in small["requestBody"]


@pytest.mark.parametrize("largest", [0, LARGEST_BODY - 1, LARGEST_OF_ANY + 1])
def test_a_limit_that_is_too_low_or_too_high_is_refused_at_the_start(largest: int) -> None:
    with pytest.raises(ValueError, match="at most 10000000 bytes"):
        Blueprint("b", __name__).arguments(Batch, largest=largest)
