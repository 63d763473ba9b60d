"""The types of clients/js are those that openapi-typescript makes of the OpenAPI document."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.packages import npm

pytestmark = pytest.mark.xdist_group("npm")


def check_types(openapi: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Compare api.ts with what is made of a document."""
    document = folder / "openapi.json"
    document.write_text(json.dumps(openapi))
    return npm("exec", "--", "openapi-typescript", str(document), "--output", "js/src/api.ts", "--check")


def test_the_types_of_the_client_are_up_to_date(packages: Path, openapi: dict[str, Any], tmp_path: Path) -> None:
    checked = check_types(openapi, tmp_path)
    assert checked.returncode == 0, f"clients/js/src/api.ts is stale. Run: make client-types. {checked.stderr}"


def test_types_of_another_document_are_stale(packages: Path, openapi: dict[str, Any], tmp_path: Path) -> None:
    schemas = openapi["components"]["schemas"]
    changed = {**openapi, "components": {**openapi["components"], "schemas": {**schemas, "Added": {"type": "string"}}}}
    assert check_types(changed, tmp_path).returncode
