"""Invitations, as the API speaks of them."""

from __future__ import annotations

from enum import StrEnum

from marshmallow import fields
from marshmallow.validate import OneOf

from authapp.core.actor import Role
from authapp.schemas.fields import EMAIL, Choice, Email, Reply, Request, Text, Timestamp
from authapp.schemas.organizations import ROLE
from authapp.schemas.pages import page_of

LONGEST_TOKEN = 200
TOKEN = {"description": "From the letter.", "examples": ["it_019aab1c7d3e7a409a552f2f6c1d9b10_…"]}


class InvitationStatus(StrEnum):
    """Where an invitation stands. A pending one whose time has passed is shown as expired before it is marked so."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Invitation(Reply):
    """An address that was invited, and what became of it."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata=EMAIL)
    role = fields.String(required=True, metadata=ROLE)
    status = fields.String(required=True, validate=OneOf(list(InvitationStatus)))
    expires_at = Timestamp(required=True)
    invited_by = fields.UUID(required=True, metadata={"description": "The account that invited, or sent again, last."})
    created_at = Timestamp(required=True)


InvitationPage = page_of(Invitation, "InvitationPage")


class NewInvitation(Request):
    """Whom to invite, and as what."""

    email = Email(required=True)
    role = Choice(Role, required=True)


class InvitationToken(Request):
    """The token of a letter."""

    token = Text(longest=LONGEST_TOKEN, required=True, metadata=TOKEN)


class InvitingOrganization(Reply):
    """Who invites."""

    name = fields.String(required=True, metadata={"examples": ["Acme Research"]})


class InvitationPreview(Reply):
    """What an invitation offers, for whoever holds its token."""

    organization = fields.Nested(InvitingOrganization, required=True)
    email = fields.String(required=True, metadata=EMAIL)
    role = fields.String(required=True, metadata=ROLE)
    expires_at = Timestamp(required=True)
