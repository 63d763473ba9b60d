"""`flask keys`: the keys that sign access tokens, where ALGORITHM is ES256, EdDSA or RS256."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
from flask.cli import AppGroup

from authapp.cli.output import json_option, show
from authapp.cli.transaction import committed
from authapp.security.keys import JWKS_MAX_AGE_SECONDS
from authapp.services import signing_keys
from authapp.services.signing_keys import NotPossible

MINUTES = JWKS_MAX_AGE_SECONDS // 60
FORCED = {
    "rotate": "Services that have not read the new key refuse new access tokens, for up to "
    f"{MINUTES} minutes, unless they ask for a key that they do not know.",
    "retire": "Access tokens that it has signed are refused from now on. Clients refresh.",
}
COMPROMISED = (
    "Access tokens that they have signed are refused within seconds, and clients refresh: nobody is signed out. Other "
    f"services accept them until they read the key set again, for up to {MINUTES} minutes, and may refuse new ones as "
    "long."
)
keys = AppGroup("keys", help="Keys that sign access tokens: make, publish, rotate and retire them.")
force_option = click.option("--force", is_flag=True, help="Do it now, and say what breaks.")


@keys.command("list")
@json_option
def list_keys(*, as_json: bool) -> None:
    """List all keys, newest first, with what each is good for."""
    with _changed():
        found = signing_keys.listed()
    show(as_json, found, *(map(_line, found) if found else ["There are no keys."]))


@keys.command()
@json_option
def generate(*, as_json: bool) -> None:
    """Make the next key and publish it. It signs after `keys rotate`."""
    with _changed():
        made = signing_keys.generate()
    text = f"The key {made.kid} is published. It may sign from {made.may_sign_from:%Y-%m-%d %H:%M:%S} UTC."
    show(as_json, made._asdict(), text)


@keys.command()
@force_option
@click.option("--compromised", is_flag=True, help="Somebody else has the keys: take all out at once. A new one signs.")
@json_option
def rotate(*, force: bool, compromised: bool, as_json: bool) -> None:
    """Let the next key sign. The one before verifies until `keys retire`."""
    if compromised:
        _replace(None, as_json)
        return
    with _changed():
        kid = signing_keys.rotate(force=force)
    broken = [FORCED["rotate"]] if force else []
    show(as_json, {"kid": kid, "broken": broken}, f"The key {kid} signs.", *broken)


@keys.command(context_settings={"ignore_unknown_options": True})  # a kid may begin with a hyphen
@click.argument("kid")
@force_option
@click.option("--compromised", is_flag=True, help="Somebody else has the key: take it out at once, even if it signs.")
@json_option
def retire(kid: str, *, force: bool, compromised: bool, as_json: bool) -> None:
    """Take the key with this KID out: it verifies no more."""
    if compromised:
        _replace(kid, as_json)
        return
    with _changed():
        signing_keys.retire(kid, force=force)
    broken = [FORCED["retire"]] if force else []
    show(as_json, {"kid": kid, "broken": broken}, f"The key {kid} is retired.", *broken)


def _replace(kid: str | None, as_json: bool) -> None:
    with _changed():
        made, retired = signing_keys.replace_compromised(kid)
    lines = [f"Retired: {', '.join(retired)}.", *([f"The key {made} signs."] if made else []), COMPROMISED]
    show(as_json, {"kid": made, "retired": retired, "broken": [COMPROMISED]}, *lines)


@contextmanager
def _changed() -> Iterator[None]:
    """One transaction, and a sentence where it is not possible."""
    try:
        with committed():
            yield
    except NotPossible as error:
        raise click.ClickException(str(error)) from None


def _line(key: dict[str, Any]) -> str:
    times = [f"{name.removesuffix('_at').replace('_', ' ')} {_minute(value)}" for name, value in key.items()
             if isinstance(value, datetime)]  # fmt: skip
    return f"{key['kid']}  {key['algorithm']:5}  {key['state']:8}  {', '.join(times)}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
