"""The lines of a file that `users import` reads. docs/import.md describes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, validates

from authapp.core import clock, lengths
from authapp.core.slugs import RESERVED_SLUGS
from authapp.schemas.emails import Email
from authapp.schemas.fields import (
    Request,
    SingleLine,
    Slug,
    StrictBoolean,
    StrictInteger,
    StrictTimestamp,
    Text,
)
from authapp.schemas.permissions import RoleChoice

MOST_SEATS = 2**31 - 1
LONGEST_HASH = 1000


def _in_the_past(moment: datetime | None) -> None:
    if moment and moment > clock.now():
        raise ValidationError("This moment is in the future.")


def _once_each(memberships: list[dict[str, str]]) -> None:
    if len({membership["slug"] for membership in memberships}) < len(memberships):
        raise ValidationError("Name each organization once.")


class ImportedMembership(Request):
    """An organization of an account, and the role in it."""

    slug = Slug(longest=lengths.SLUG, required=True)
    role = RoleChoice(required=True)


class ImportedAccount(Request):
    """A line that is an account."""

    email = Email(required=True)
    email_verified = StrictBoolean(load_default=False)
    first_name = SingleLine(longest=lengths.PERSON_NAME, load_default=None, allow_none=True)
    last_name = SingleLine(longest=lengths.PERSON_NAME, load_default=None, allow_none=True)
    is_active = StrictBoolean(load_default=True)
    created_at = StrictTimestamp(load_default=None, allow_none=True, validate=_in_the_past)
    password_hash = Text(longest=LONGEST_HASH, load_default=None, allow_none=True)
    organizations = fields.List(fields.Nested(ImportedMembership), load_default=list, validate=_once_each)


class ImportedOrganization(Request):
    """An organization."""

    slug = Slug(longest=lengths.SLUG, required=True)
    name = SingleLine(longest=lengths.ORGANIZATION_NAME, required=True)
    seats = StrictInteger(smallest=1, largest=MOST_SEATS, load_default=None, allow_none=True)
    created_at = StrictTimestamp(load_default=None, allow_none=True, validate=_in_the_past)

    @validates("slug")
    def refuse_reserved(self, value: str, **kwargs: Any) -> None:
        if value in RESERVED_SLUGS:
            raise ValidationError("This slug is reserved. Choose another.")


class ImportedOrganizationLine(Request):
    """A line that is an organization."""

    organization = fields.Nested(ImportedOrganization, required=True)
