"""Finds what a command names: an account by its email or id, an organization by its id or slug."""

from __future__ import annotations

from typing import Any

import click
from marshmallow import ValidationError
from sqlalchemy import ColumnElement, Row

from authapp.cli.transaction import committed
from authapp.core.actor import UserRecord
from authapp.db import tenancy
from authapp.models import User
from authapp.schemas.emails import canonical_email
from authapp.schemas.fields import parse_uuid
from authapp.services import locks
from authapp.services.operator import organizations
from authapp.services.personal_data import erasure


def lock_account(name: str) -> UserRecord:
    """The account with this email or id, which stays as it is until the command's transaction ends.

    Raises:
        click.ClickException: there is none.
    """
    user = locks.lock_user(_is_named(name))
    if user is None:
        raise _no_account(name)
    return user


def find_accounts(name: str) -> list[Row[Any]]:
    """The account with this id, or the accounts that have or had this email, but for those that are erased.

    Raises:
        click.ClickException: there is none.
    """
    named = erasure.find(canonical_or_unknown(name), parse_uuid(name))
    found = [user for user in named if not user.erased_at]
    if not found:
        raise _no_account(name)
    return found


def _no_account(name: str) -> click.ClickException:
    return click.ClickException(f"There is no account with the email {name}.")


def has_account(email: str) -> bool:
    """Whether an account that is not deleted has this canonical address."""
    return locks.lock_user(User.email == email) is not None


def _is_named(name: str) -> ColumnElement[bool]:
    user_id = parse_uuid(name)
    return User.email == canonical_or_unknown(name) if user_id is None else User.id == user_id


def find_organization(name: str, *, deleted: bool = False) -> Row[Any]:
    """The organization with this id or slug.

    It is looked up in a transaction of its own, so that the one of the command sees this organization alone.

    Args:
        name: as it was typed.
        deleted: also one that is deleted.

    Raises:
        click.ClickException: there is none.
    """
    with committed():
        tenancy.set_operator()
        found = organizations.find(name, parse_uuid(name), deleted=deleted)
    if found is None:
        raise click.ClickException(f"There is no organization {name}.")
    return found


def canonical_or_unknown(email: str) -> str:
    """The canonical form of an address, or an address that nobody has."""
    try:
        return canonical_email(email)
    except ValidationError:
        return ""
