"""Webhooks: list, create, change, rotate the secret, delete; their deliveries, and a replay of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from authapp.core.actor import current_actor
from authapp.core.errors import LimitReached
from authapp.core.roles import Role
from authapp.db.pagination import Page
from authapp.decorators.guards import require_organization_role
from authapp.schemas.webhooks import (
    IssuedWebhook,
    NewWebhook,
    SecretRotation,
    Webhook,
    WebhookChange,
    WebhookDelivery,
    WebhookDeliveryPage,
    WebhookDeliveryQuery,
    WebhookPage,
    WebhookQuery,
)
from authapp.services.admission import ReauthenticationRequired
from authapp.services.webhooks import deliveries, subscriptions
from authapp.services.webhooks.deliveries import DeliveryNotFound, DeliveryPending, WebhookDisabled
from authapp.services.webhooks.subscriptions import WebhookNotFound
from authapp.web.blueprint import Blueprint, raises

bp = Blueprint(
    "webhooks",
    __name__,
    url_prefix="/organizations/<organization_id>/webhooks",
    description="Events that are sent to other services.",
)


@bp.get("")
@require_organization_role(Role.ADMIN)
@bp.arguments(WebhookQuery, location="query")
@bp.response(200, WebhookPage)
def list_webhooks(query: dict[str, Any], organization_id: UUID) -> Page:
    """List the webhooks of an organization, newest first."""
    return subscriptions.of_organization(organization_id, **query)


@bp.post("")
@require_organization_role(Role.ADMIN, recent=True)
@raises(LimitReached)
@bp.arguments(NewWebhook)
@bp.response(201, IssuedWebhook)
def create_webhook(body: dict[str, Any], organization_id: UUID) -> dict[str, Any]:
    """Create a webhook. This reply is the only place that shows its secret."""
    return subscriptions.create(current_actor, organization_id, **body)


@bp.get("/<webhook_id>")
@require_organization_role(Role.ADMIN)
@raises(WebhookNotFound)
@bp.response(200, Webhook)
def get_webhook(organization_id: UUID, webhook_id: UUID) -> Row[*tuple[Any, ...]]:
    """Read a webhook."""
    return subscriptions.get(organization_id, webhook_id)


@bp.patch("/<webhook_id>")
@require_organization_role(Role.ADMIN)
@raises(WebhookNotFound, ReauthenticationRequired)
@bp.arguments(WebhookChange)
@bp.response(200, Webhook)
def change_webhook(body: dict[str, Any], organization_id: UUID, webhook_id: UUID) -> Row[*tuple[Any, ...]]:
    """Change a webhook, disable it, or enable it again. Another address needs a recent sign-in."""
    return subscriptions.change(current_actor, organization_id, webhook_id, body)


@bp.delete("/<webhook_id>")
@require_organization_role(Role.ADMIN)
@raises(WebhookNotFound)
@bp.response(204)
def delete_webhook(organization_id: UUID, webhook_id: UUID) -> None:
    """Delete a webhook. What waits is not sent any more."""
    subscriptions.delete(current_actor, organization_id, webhook_id)


@bp.post("/<webhook_id>/rotate-secret")
@require_organization_role(Role.ADMIN, recent=True)
@raises(WebhookNotFound)
@bp.arguments(SecretRotation)
@bp.response(201, IssuedWebhook)
def rotate_webhook_secret(body: dict[str, Any], organization_id: UUID, webhook_id: UUID) -> dict[str, Any]:
    """Give a webhook a new secret. Messages are signed with the one before as well for the overlap."""
    overlap = timedelta(seconds=body["overlap_seconds"])
    return subscriptions.rotate(current_actor, organization_id, webhook_id, overlap)


@bp.get("/<webhook_id>/deliveries")
@require_organization_role(Role.ADMIN)
@raises(WebhookNotFound)
@bp.arguments(WebhookDeliveryQuery, location="query")
@bp.response(200, WebhookDeliveryPage)
def list_webhook_deliveries(query: dict[str, Any], organization_id: UUID, webhook_id: UUID) -> Page:
    """List what was sent to a webhook and what waits, newest first."""
    return deliveries.of_webhook(organization_id, webhook_id, **query)


@bp.post("/<webhook_id>/deliveries/<delivery_id>/replay")
@require_organization_role(Role.ADMIN)
@raises(WebhookNotFound, DeliveryNotFound, DeliveryPending, WebhookDisabled)
@bp.response(202, WebhookDelivery)
def replay_webhook_delivery(organization_id: UUID, webhook_id: UUID, delivery_id: UUID) -> Row[*tuple[Any, ...]]:
    """Send an event again that has arrived or was given up. The message keeps its id."""
    return deliveries.replay(current_actor, organization_id, webhook_id, delivery_id)
