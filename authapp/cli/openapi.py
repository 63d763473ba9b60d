"""`flask openapi`. It takes the place of flask-smorest's group of this name, whose document lacks guards and errors."""

from __future__ import annotations

import json
from typing import TextIO

import click
from flask.cli import AppGroup

from authapp.web.application import current_app
from authapp.web.openapi import document

_STDOUT = ("-", "<stdout>")

openapi = AppGroup("openapi", help="Write the OpenAPI document into a file.")


@openapi.command()
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True), default="-")
def write(file: TextIO) -> None:
    """Write the OpenAPI document, as the service serves it, to FILE or to stdout. It needs no database."""
    file.write(json.dumps(document(current_app), ensure_ascii=False, indent=2) + "\n")
    if file.name not in _STDOUT:
        click.echo(f"The OpenAPI document is in {file.name}.", err=True)
