"""Invitations, as they are sent and answered."""

from __future__ import annotations

from marshmallow import fields

from authapp.core import lengths
from authapp.core.enums import InvitationStatus
from authapp.schemas.emails import EMAIL, Email
from authapp.schemas.fields import Choice, Reply, Request, Text, Timestamp
from authapp.schemas.pagination import page_of, query_of
from authapp.schemas.permissions import RoleChoice

TOKEN = {"description": "From the email.", "examples": ["et_019aab1c7d3e7a409a552f2f6c1d9b10_…"]}


class Invitation(Reply):
    """An address that was invited, and its status."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata=EMAIL)
    role = RoleChoice(required=True)
    status = Choice(InvitationStatus, required=True)
    expires_at = Timestamp(required=True)
    invited_by = fields.UUID(required=True, metadata={"description": "The account that invited, or sent again, last."})
    created_at = Timestamp(required=True)


InvitationPage = page_of(Invitation, "InvitationPage")
InvitationQuery = query_of(InvitationPage)


class NewInvitation(Request):
    """Whom to invite, and as what."""

    email = Email(required=True)
    role = RoleChoice(required=True, metadata={"examples": ["viewer"]})


class InvitationToken(Request):
    """The token of an email."""

    token = Text(longest=lengths.OPAQUE_TOKEN, required=True, metadata=TOKEN)


class InvitingOrganization(Reply):
    """Who invites."""

    name = fields.String(required=True, metadata={"examples": ["Acme Research"]})


class InvitationPreview(Reply):
    """What an invitation offers, for whoever holds its token."""

    organization = fields.Nested(InvitingOrganization, required=True)
    email = fields.String(required=True, metadata=EMAIL)
    role = RoleChoice(required=True)
    expires_at = Timestamp(required=True)
