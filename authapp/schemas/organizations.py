"""Organizations, as the API speaks of them."""

from __future__ import annotations

from enum import StrEnum

from marshmallow import fields

from authapp.core.actor import Role
from authapp.schemas.fields import Flattened, Line, Reply, Request, Slug, Timestamp
from authapp.schemas.pages import page_of

LONGEST_NAME = 200
LONGEST_SLUG = 63  # a DNS label, RFC 1035 section 2.3.4
ROLE = {"enum": [role.value for role in Role], "examples": ["developer"]}


class SubscriptionStatus(StrEnum):
    """Where a subscription stands."""

    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    CANCELED = "canceled"


class OrganizationBrief(Reply):
    """An organization in a sentence."""

    id = fields.UUID(required=True)
    name = fields.String(required=True, metadata={"examples": ["Acme Research"]})
    slug = fields.String(required=True, metadata={"examples": ["acme-research"]})


class Subscription(Reply):
    """What an organization has subscribed to."""

    plan = fields.String(required=True, metadata={"examples": ["free"]})
    status = fields.String(
        required=True,
        attribute="subscription_status",
        metadata={"enum": list(SubscriptionStatus)},
    )
    seats = fields.Integer(required=True, allow_none=True, metadata={"description": "null means unlimited"})
    trial_ends_at = Timestamp(required=True, allow_none=True)


class Organization(OrganizationBrief):
    """An organization, and the caller's role in it."""

    subscription = Flattened(Subscription, required=True)
    role = fields.String(required=True, metadata=ROLE)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


OrganizationPage = page_of(Organization, "OrganizationPage")


class NewOrganization(Request):
    """An organization to found."""

    name = Line(longest=LONGEST_NAME, required=True, metadata={"examples": ["Acme Research"]})


class OrganizationChange(Request):
    """What to change. What is left out stays."""

    name = Line(longest=LONGEST_NAME, metadata={"examples": ["Acme Research"]})
    slug = Slug(
        longest=LONGEST_SLUG,
        metadata={
            "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$",
            "description": "Free again once its organization is deleted.",
            "examples": ["acme-research"],
        },
    )
