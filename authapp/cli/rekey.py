"""`flask rekey`."""

from __future__ import annotations

import time

import click
from flask.cli import with_appcontext

from authapp.cli.output import json_option, progress, show
from authapp.cli.transaction import committed
from authapp.db import tenancy
from authapp.services import rekey as service
from authapp.services.encrypted_columns import ENCRYPTED, Encrypted, left, renew
from authapp.web.application import current_app

_BOTH = "By now, every web and worker process must have both: SECRET_KEY, and SECRET_KEY_PREVIOUS."


@click.command()
@json_option
@with_appcontext
def rekey(*, as_json: bool) -> None:
    """Replace SECRET_KEY_PREVIOUS by SECRET_KEY, without signing anybody out.

    Run it when each process has both settings. It may be stopped and run again.
    """
    if current_app.settings.secret_key_previous:
        click.echo(_BOTH, err=True)
    try:
        with committed():
            switched_at, wait = service.switch()
    except service.NotPossible as error:
        raise click.ClickException(str(error)) from None
    if wait:
        click.echo(f"Waiting {wait:.0f} s, until each process signs and encrypts with SECRET_KEY.", err=True)
        time.sleep(wait)
    encrypted = {each.table.name: _renew(each) for each in ENCRYPTED}
    key_id = service.cipher_of_both().key_id
    with committed():
        tenancy.set_operator()  # the secrets of webhooks belong to organizations
        unreadable = {each.table.name: number for each in ENCRYPTED if (number := left(each, key_id))}
    needed_until = service.previous_is_needed_until(switched_at)
    lines = [f"Encrypted again: {', '.join(f'{name} {number}' for name, number in encrypted.items())}."]
    lines += [f"Cannot be decrypted, see the log: {name} {number}." for name, number in unreadable.items()]
    lines += [f"Remove SECRET_KEY_PREVIOUS after {needed_until:%Y-%m-%d %H:%M} UTC. Before, sessions would end."]
    data = {"switched_at": switched_at, "encrypted": encrypted, "unreadable": unreadable}
    show(as_json, {**data, "previous_is_needed_until": needed_until}, *lines)


def _renew(encrypted: Encrypted) -> int:
    """Encrypt a table again, a transaction for each batch. Returns how many rows that were."""
    cipher, done = service.cipher_of_both(), 0
    with committed():
        tenancy.set_operator()
        total = left(encrypted, cipher.key_id)
    with progress(f"Encrypting again: {encrypted.table.name}", total) as bar:
        batches = renew(encrypted, cipher)
        while True:
            with committed():
                tenancy.set_operator()
                number = next(batches, None)
            if number is None:
                return done
            done += number
            bar.update(number)
