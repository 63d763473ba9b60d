"""Organizations, as they are sent and answered."""

from __future__ import annotations

from marshmallow import fields

from authapp.core import lengths
from authapp.core.enums import SubscriptionStatus
from authapp.schemas.fields import Choice, Flattened, Reply, Request, SingleLine, Slug, Text, Timestamp
from authapp.schemas.pagination import page_of, query_of
from authapp.schemas.permissions import RoleChoice


class OrganizationBrief(Reply):
    """An organization in brief."""

    id = fields.UUID(required=True)
    name = fields.String(required=True, metadata={"examples": ["Acme Research"]})
    slug = fields.String(required=True, metadata={"examples": ["acme-research"]})


class Subscription(Reply):
    """What an organization has subscribed to."""

    plan = fields.String(required=True, metadata={"examples": ["free"]})
    status = Choice(SubscriptionStatus, required=True, attribute="subscription_status")
    seats = fields.Integer(required=True, allow_none=True, metadata={"description": "null means unlimited"})
    trial_ends_at = Timestamp(required=True, allow_none=True)


class Organization(OrganizationBrief):
    """An organization, and the caller's role in it."""

    subscription = Flattened(Subscription, required=True)
    role = RoleChoice(required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


OrganizationPage = page_of(Organization, "OrganizationPage")
OrganizationQuery = query_of(
    OrganizationPage,
    slug=Text(
        longest=lengths.SLUG, metadata={"description": "Only the one with this slug.", "examples": ["acme-research"]}
    ),
)


class NewOrganization(Request):
    """An organization to create."""

    name = SingleLine(longest=lengths.ORGANIZATION_NAME, required=True, metadata={"examples": ["Acme Research"]})


class OrganizationChange(Request):
    """What to change. What is left out stays."""

    name = SingleLine(longest=lengths.ORGANIZATION_NAME, metadata={"examples": ["Acme Research"]})
    slug = Slug(
        longest=lengths.SLUG,
        metadata={
            "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$",
            "description": "Free again once its organization is deleted.",
            "examples": ["acme-research"],
        },
    )
