"""The TypeScript types that openapi-typescript makes of the OpenAPI document are those that a client needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("npx")  # two at once would install into the same folder
CLIENT = Path(__file__).parent / "typescript" / "client.ts"
NPX = ["npx", "--yes", "--prefer-offline", "--package=openapi-typescript@7.13.0", "--package=typescript@5.9.3", "--"]
ENVIRONMENT = {**os.environ, "npm_config_fetch_retries": "0", "npm_config_fetch_timeout": "60000"}
EXPECTED_ERROR = re.compile(r"^ *// @ts-expect-error .*\n", re.MULTILINE)


def npx(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*NPX, *command], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `npx tsc` works."""
    if not shutil.which("npx"):
        pytest.skip("Node.js is not installed, and openapi-typescript needs it.")
    folder = tmp_path_factory.mktemp("typescript")
    installed = npx(folder, "tsc", "--version")
    if installed.returncode:
        pytest.skip(f"npx cannot install openapi-typescript and typescript. {installed.stderr[:200]}")
    return folder


@pytest.fixture(scope="module")
def types(compiler: Path, openapi: dict[str, Any]) -> Path:
    """The same folder, with the types of the document in schema.d.ts."""
    (compiler / "openapi.json").write_text(json.dumps(openapi))
    made = npx(compiler, "openapi-typescript", "openapi.json", "--output", "schema.d.ts")
    assert made.returncode == 0, made.stderr
    return compiler


def compile_strictly(folder: Path, source: str) -> list[str]:
    """The errors of tsc."""
    (folder / "client.ts").write_text(source)
    compiled = npx(folder, "tsc", "--noEmit", "--strict", "--target", "es2022", "client.ts")
    errors = re.findall(r"^client\.ts.*", compiled.stdout, re.MULTILINE)
    assert (compiled.returncode == 0) == (not errors), compiled.stdout + compiled.stderr
    return errors


def test_openapi_typescript_makes_types_that_a_client_compiles_with(types: Path) -> None:
    assert compile_strictly(types, CLIENT.read_text()) == []


def test_tsc_refuses_each_wrong_call_of_the_client(types: Path) -> None:
    source, wrong = EXPECTED_ERROR.subn("", CLIENT.read_text())
    errors = compile_strictly(types, source)
    assert len(errors) == wrong == 5
    assert "'\"owner\"' is not assignable" in errors[0]
