"""`flask operators`: which accounts may call the operator's routes."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy import Row

from authapp.cli.listing import show_list, time_text
from authapp.cli.lookup import lock_account
from authapp.cli.output import json_option, show
from authapp.cli.transaction import committed
from authapp.services.operator import operators as service

_NO_FACTOR = "has no second factor. Its owner first sets up an authenticator app or a passkey at /account."

operators = AppGroup("operators", help="Accounts that may use the operator's console: grant, revoke, list.")


@operators.command()
@click.argument("email")
@json_option
def grant(email: str, *, as_json: bool) -> None:
    """Let the account with this EMAIL or id use the operator's console, with a second factor."""
    with committed():
        user = lock_account(email)
        if not user.is_active:
            raise click.ClickException(f"{user.email} is inactive. First run: users activate {user.email}")
        if not user.email_verified:
            raise click.ClickException(f"Nobody has verified {user.email}: anybody may have registered with it.")
        try:
            changed = service.grant(user)
        except service.NoSecondFactor:
            raise click.ClickException(f"{user.email} {_NO_FACTOR}") from None
    text = f"{user.email} {'is an operator now' if changed else 'was an operator already'}."
    show(as_json, {"id": user.id, "email": user.email, "is_operator": True}, text)


@operators.command()
@click.argument("email")
@json_option
def revoke(email: str, *, as_json: bool) -> None:
    """Let the account with this EMAIL or id use it no more, from its next request on."""
    with committed():
        user = lock_account(email)
        changed = service.end(user.id)
    text = f"{user.email} {'is no operator any more' if changed else 'was no operator'}."
    show(as_json, {"id": user.id, "email": user.email, "is_operator": False}, text)


@operators.command("list")
@json_option
def list_operators(*, as_json: bool) -> None:
    """List the operators, oldest account first."""
    show_list(as_json, service.listed, _line, "No account is an operator.")


def _line(user: Row[tuple[object, ...]]) -> str:
    app = "authenticator app" if user.mfa_enabled else "no authenticator app"
    return f"{user.id}  {user.email}  {app}, last sign-in: {time_text(user.last_login_at)}"
