"""`flask service-keys`: the credentials of other services."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import click
from flask.cli import AppGroup

from authapp.cli.output import json_option, show
from authapp.cli.transaction import committed
from authapp.core import lengths
from authapp.core.enums import ServiceRight
from authapp.services import service_keys as service

LONGEST_OVERLAP = 7 * 24 * 3600  # seconds
_NAME = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{lengths.SERVICE_KEY_NAME - 1}}}", re.ASCII)
_ONLY_HERE = "This is shown once. Keep it as a secret."

service_keys = AppGroup("service-keys", help="Keys of other services, which ask about tokens, revocations and metrics.")


@service_keys.command()
@click.argument("name")
@click.option(
    "--right",
    "rights",
    type=click.Choice([right.value for right in ServiceRight]),
    multiple=True,
    required=True,
    help="What the key may do. Give it again for each further right.",
)
@json_option
def create(name: str, rights: tuple[str, ...], *, as_json: bool) -> None:
    """Create a key with this NAME, and print it."""
    if not _NAME.fullmatch(name):
        most = lengths.SERVICE_KEY_NAME
        raise click.ClickException(f"Make a name of a-z, 0-9, dot, hyphen and underscore, {most} characters at most.")
    with committed():
        created = service.create(name, map(ServiceRight, rights))
        if created is None:
            raise click.ClickException(f"There is a service key {name}. Rotate or revoke it, or choose another name.")
    show(as_json, created, created["key"], _ONLY_HERE)


@service_keys.command("list")
@json_option
def list_keys(*, as_json: bool) -> None:
    """List the keys that are not revoked."""
    with committed():
        found = service.live()
    show(as_json, found, *(map(_line, found) if found else ["There is no service key."]))


@service_keys.command()
@click.argument("name")
@click.option(
    "--overlap-seconds",
    type=click.IntRange(0, LONGEST_OVERLAP),
    default=0,
    show_default=True,
    help="How long the present secret lives on.",
)
@json_option
def rotate(name: str, overlap_seconds: int, *, as_json: bool) -> None:
    """Give the key with this NAME a new secret, and print it."""
    with committed():
        rotated = service.rotate(name, timedelta(seconds=overlap_seconds))
        if rotated is None:
            raise _unknown(name)
    show(as_json, rotated, rotated["key"], _ONLY_HERE)


@service_keys.command()
@click.argument("name")
@json_option
def revoke(name: str, *, as_json: bool) -> None:
    """End the key with this NAME. Its next request is refused."""
    with committed():
        if not service.revoke(name):
            raise _unknown(name)
    show(as_json, {"name": name, "revoked": True}, f"{name} is revoked.")


def _unknown(name: str) -> click.ClickException:
    return click.ClickException(f"There is no live service key {name}. List them with: service-keys list")


def _line(key: dict[str, Any]) -> str:
    used = f"last used {key['last_used_at']:%Y-%m-%d %H:%M} UTC" if key["last_used_at"] else "never used"
    return f"{key['id']}  {key['name']}  {', '.join(key['rights'])}  {used}"
