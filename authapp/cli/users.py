"""`flask users`."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import Row

from authapp.cli.listing import show_list, time_text
from authapp.cli.lookup import has_account, lock_account
from authapp.cli.new_account import read_account
from authapp.cli.output import json_option, show
from authapp.cli.transaction import committed
from authapp.services import accounts as account_service
from authapp.services import mfa
from authapp.services import organizations as organization_service
from authapp.services.email_changes import EmailTaken
from authapp.services.operator import accounts, suspension
from authapp.services.operator.suspension import Named

users = AppGroup("users", help="Accounts: create, list and show them, deactivate, end sessions, reset second factors.")


@users.command()
@click.argument("email")
@click.option("--first-name", help="Of its owner.")
@click.option("--last-name", help="Of its owner.")
@click.option("--verified", is_flag=True, help="The address counts as verified.")
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin, as its first line.")
@json_option
def create(email: str, *, verified: bool, password_stdin: bool, as_json: bool, **names: str | None) -> None:
    """Create an account with this EMAIL. Without a password, an email lets its owner set one."""
    account = read_account(email, password_stdin, **names)
    with committed():
        try:
            user_id = accounts.create(verified=verified, **account)
        except EmailTaken:
            raise click.ClickException(_taken(account["email"])) from None
    address, has_password = account["email"], account["password"] is not None
    told = "An email lets its owner set a password." if not has_password else "An email verifies the address."
    data = {"id": user_id, "email": address, "has_password": has_password, "email_verified": verified}
    show(as_json, data, f"{address} has the id {user_id}.", *([] if verified and has_password else [told]))


@users.command("list")
@click.option("--active/--inactive", "is_active", default=None, help="Only accounts in this state.")
@click.option("--search", metavar="TEXT", help="Only accounts with this text in the email, or this id.")
@json_option
def list_users(*, is_active: bool | None, search: str | None, as_json: bool) -> None:
    """List the accounts that are not deleted, oldest first."""
    show_list(
        as_json,
        lambda limit, cursor: accounts.listed(limit, cursor, is_active=is_active, search=search),
        lambda user: f"{user.id}  {'active' if user.is_active else 'inactive':8}  {user.email}",
        _none(is_active, search),
    )


@users.command("show")
@click.argument("email")
@json_option
def show_user(email: str, *, as_json: bool) -> None:
    """Show the account with this EMAIL or id: its state, how it signs in, its sessions. No secrets."""
    with committed():
        found = accounts.overview(lock_account(email).id)
    show(as_json, found._asdict(), *_described(found))


@users.command()
@click.argument("email")
@json_option
def deactivate(email: str, *, as_json: bool) -> None:
    """Deactivate the account with this EMAIL or id. Its sessions end.

    Organizations whose last active admin it is are suspended with it.
    """
    with committed():
        user = lock_account(email)
        suspended = account_service.deactivate(user)
    lines = _one_each("Suspended with it, as it was the last active admin:", suspended)
    data = {"email": user.email, "is_active": False, "suspended": _listed(suspended)}
    text = "is now inactive." if user.is_active else "was inactive already."
    show(as_json, data, f"{user.email} {text}", *lines)


@users.command()
@click.argument("email")
@json_option
def activate(email: str, *, as_json: bool) -> None:
    """Activate the account with this EMAIL or id again.

    Organizations are restored that were suspended because this admin was deactivated.
    """
    with committed():
        user = lock_account(email)
        restored = account_service.activate(user)
        suspended = suspension.still_suspended(user.id)
    lines = [
        *_one_each("Restored with it, as they have an active admin again:", restored),
        *_one_each("Still suspended by an operator (organizations restore ID):", suspended),
    ]
    data = {"email": user.email, "is_active": True, "restored": _listed(restored), "suspended": _listed(suspended)}
    text = "was active already." if user.is_active else "is now active."
    show(as_json, data, f"{user.email} {text}", *lines)


@users.command("end-sessions")
@click.argument("email", required=False)
@click.option("--everybody", is_flag=True, help="All accounts, in the place of EMAIL.")
@click.option("--yes", is_flag=True, help="Do not ask before everybody is signed out.")
@json_option
def end_sessions(email: str | None, *, everybody: bool, yes: bool, as_json: bool) -> None:
    """End every session of the account with this EMAIL or id. It may sign in again."""
    if everybody is (email is not None):
        raise click.UsageError("Give an EMAIL or --everybody.")
    if everybody and not yes:
        click.confirm("End every session of every account?", abort=True, err=True)
    with committed():
        ended = (
            account_service.end_all_sessions() if email is None else account_service.end_sessions(lock_account(email))
        )
    show(as_json, {"ended": ended}, f"Sessions ended: {ended}")


@users.command("reset-mfa")
@click.argument("email")
@json_option
def reset_mfa(email: str, *, as_json: bool) -> None:
    """Remove the authenticator app and the recovery codes of the account with this EMAIL or id. Its sessions end.

    Its passkeys stay.
    """
    with committed():
        user = lock_account(email)
        if not mfa.reset(user):
            raise click.ClickException(f"{user.email} has no second factor.")
    text = f"{user.email} has no second factor any more. An email tells its owner."
    show(as_json, {"email": user.email, "mfa_enabled": False}, text)


@users.command("organizations")
@click.argument("email")
@json_option
def list_organizations(email: str, *, as_json: bool) -> None:
    """List the organizations of the account with this EMAIL or id: id, role, slug and name."""
    with committed():
        found = organization_service.all_of_user(lock_account(email).id)
    shown = ("id", "slug", "name", "role", "suspended_at")
    lines = (f"{each.id}  {each.role:9}  {each.slug}  {each.name}{_suspended(each)}" for each in found)
    data = [{name: getattr(each, name) for name in shown} for each in found]
    show(as_json, data, *(lines if data else ["It is in no organization."]))


def _taken(email: str) -> str:
    if has_account(email):
        return f"There is an account with this email already. See: users show {email}"
    return "An account has had this email, and its owner can undo that change still. Choose another one."


def _none(is_active: bool | None, search: str | None) -> str:
    """What is said where a list is empty."""
    state = {None: "", True: "active", False: "inactive"}[is_active]
    if search is not None:
        return f"No {f'{state} ' if state else ''}account has {search} in its email."
    return f"No account is {state}." if state else "There is no account yet."


def _suspended(organization: Any) -> str:
    return "  (suspended)" if organization.suspended_at else ""


def _described(user: Row[Any]) -> list[str]:
    return [
        user.email,
        f"id: {user.id}",
        f"first name: {user.first_name or 'none'}",
        f"last name: {user.last_name or 'none'}",
        f"active: {_yes(user.is_active)}",
        f"email verified: {_yes(user.email_verified)}",
        f"password: {_yes(user.has_password)}",
        f"second factor: {_yes(user.mfa_enabled)}",
        f"recovery codes left: {user.recovery_codes_left}",
        f"passkeys: {user.passkeys}",
        f"linked providers: {user.identities}",
        f"sessions: {user.sessions}",
        f"organizations: {user.organizations}",
        f"last sign-in: {time_text(user.last_login_at)}",
        f"created: {time_text(user.created_at)}",
    ]


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _listed(organizations: list[Named]) -> list[dict[str, Any]]:
    return [organization._asdict() for organization in organizations]


def _one_each(title: str, organizations: list[Named]) -> list[str]:
    """Lines that name organizations, none where there is none."""
    return [title, *(f"{each.id}  {each.slug}  {each.name}" for each in organizations)] if organizations else []
