"""`openapi write` writes the document that the service serves."""

from __future__ import annotations

import json
from pathlib import Path

from authapp.web.application import Application
from tests.factories import AppWith, Caller


def test_openapi_write_writes_the_served_document(app: Application, client: Caller, tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    said = app.test_cli_runner().invoke(args=["openapi", "write", str(path)])
    assert (said.exit_code, said.stdout) == (0, "")
    assert said.stderr == f"The OpenAPI document is in {path}.\n"
    assert json.loads(path.read_text()) == client.get("/api/v1/openapi.json").get_json()
    assert path.read_text().endswith("\n}\n")


def test_openapi_write_needs_no_database_and_writes_the_same_each_time(app: Application, app_with: AppWith) -> None:
    said = (
        app_with(database_url="postgresql://nobody@127.0.0.1:1/none")
        .test_cli_runner()
        .invoke(args=["openapi", "write"])
    )
    assert said.exit_code == 0, said.output
    assert said.output == app.test_cli_runner().invoke(args=["openapi", "write"]).output


def test_openapi_write_says_that_a_file_cannot_be_written(app: Application, tmp_path: Path) -> None:
    said = app.test_cli_runner().invoke(args=["openapi", "write", str(tmp_path / "no" / "such" / "folder.json")])
    assert said.exit_code != 0
    assert "No such file or directory" in said.output


def test_flask_smorests_own_commands_are_replaced(app: Application) -> None:
    assert app.test_cli_runner().invoke(args=["openapi", "print"]).exit_code == 2
