"""The fields of an account that a command creates, under the rules of the API."""

from __future__ import annotations

import sys
from typing import Any

import click
from marshmallow import ValidationError

from authapp.schemas.accounts import Registration
from authapp.services import accounts

_FIELDS = ("email", "password", "first_name", "last_name")


def read_account(email: str, password_stdin: bool, **names: str | None) -> dict[str, Any]:
    """Check what was typed. The password is None where none is to be read.

    Raises:
        click.ClickException: something is not valid. Says what, for all fields.
    """
    given = {"email": email, **names}
    if password_stdin:
        given["password"] = sys.stdin.readline().rstrip("\r\n")
    schema = Registration(check=accounts.password_errors, only=_FIELDS, partial=("password",))
    try:
        return {"password": None, **schema.load(given)}
    except ValidationError as error:
        found: dict[str, list[str]] = error.messages_dict
    raise click.ClickException(" ".join(f"{field}: {' '.join(texts)}" for field, texts in found.items()))
