"""The account of whom a provider has authenticated: the linked one, the one with the same address, or a new one."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from authapp.core.actor import UserRecord
from authapp.core.errors import Conflict, Forbidden
from authapp.db import transaction
from authapp.db.transaction import Stale
from authapp.models import User
from authapp.providers.provider import Person
from authapp.services import identities, invitation_acceptance, locks, registration
from authapp.services.email_changes import EmailTaken
from authapp.services.identities import IdentityTaken
from authapp.services.registration import CLOSED, RegistrationClosed
from authapp.services.ways_in import BesidePassword
from authapp.web.application import current_app


class LinkRequired(Conflict):
    code = "link_required"
    detail = (
        "An account with this email exists. Sign in with its password, or reset that first. Then link the provider in "
        "your account."
    )
    keeps_writes = True  # the code is used


class SsoEmailRequired(Forbidden):
    code = "sso_email_required"
    detail = (
        "The provider tells no email address that your account could have. Add one there and verify it, or register "
        "with a password."
    )
    keeps_writes = True


class Found(NamedTuple):
    """An account, and whether it was created for the person."""

    user_id: UUID
    is_new: bool = False


def find_or_create(person: Person) -> Found:
    """The account of a person, locked.

    The linked one; or else the one with the same address, which is linked if the provider as well as the account have
    verified it and it was not unlinked; or else a new one, as REGISTRATION_MODE allows.

    Raises:
        LinkRequired: an account has the address, and one side has not verified it, or the account was unlinked.
        SsoEmailRequired: a new account needs an address, and in the mode `safe` a verified one.
        RegistrationClosed: nobody may register, or only the invited.
        LimitReached: as `identities.link`.
        EmailTaken: the address is reserved for whoever can undo a change of it.
        Stale: the account changed meanwhile.
    """
    user_id = identities.find_account(person)
    if user_id:
        return Found(user_id)
    user = locks.lock_user(User.email == person.email) if person.email_verified else None
    if user is None:
        return Found(_create(person), is_new=True)
    if not user.email_verified or identities.was_unlinked(user.id, person):
        raise LinkRequired
    if user.is_active:
        _link(user, person)
    return Found(user.id)


def _create(person: Person) -> UUID:
    _require_may_register(person)  # first: an address that is not verified tells of no account where nobody registers
    user_id = registration.create(
        person.email or "",
        email_verified=person.email_verified,
        first_name=person.first_name,
        last_name=person.last_name,
    )
    if user_id is None:
        _explain_taken(person)
    user = locks.lock_user(User.id == user_id)
    if user is None:
        raise Stale("the account was deleted meanwhile")
    _link(user, person, tell=False)
    if not person.email_verified:
        registration.enqueue_verification(user.id, user.email, beside=BesidePassword(0, identities=1, has_app=False))
    return user.id


def _link(user: UserRecord, person: Person, *, tell: bool = True) -> None:
    try:
        identities.link(user, person, tell=tell)
    except IdentityTaken:
        raise Stale("another account was linked meanwhile") from None


def _explain_taken(person: Person) -> None:
    """Raise what keeps an address from a new account: another one, or a change that can be undone."""
    if transaction.scalar(select(User.id).where(User.email == person.email, User.deleted_at.is_(None))) is None:
        raise EmailTaken(keeps_writes=True)
    if person.email_verified:
        raise Stale("another request has created the account")
    raise LinkRequired


def _require_may_register(person: Person) -> None:
    mode = current_app.settings.registration_mode
    if mode == "closed":
        raise RegistrationClosed(detail=CLOSED, keeps_writes=True)
    if mode == "invitation" and not (person.email_verified and invitation_acceptance.is_invited(person.email or "")):
        raise RegistrationClosed(keeps_writes=True)
    if person.email is None or (mode == "safe" and not person.email_verified):
        raise SsoEmailRequired
