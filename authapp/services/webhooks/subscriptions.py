"""The webhooks of an organization: create, change, rotate the secret, delete."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, func, insert, literal, null, select, update
from uuid_utils.compat import uuid7

from authapp.core import clock, ids
from authapp.core.actor import Actor
from authapp.core.enums import AuditAction, DisabledReason
from authapp.core.errors import LimitReached, NotFound, ValidationFailed
from authapp.db import transaction
from authapp.db.pagination import Page, fetch
from authapp.models import Webhook
from authapp.providers.addresses import is_public
from authapp.providers.fetch import checked_address
from authapp.providers.provider import ProviderUnavailable
from authapp.security.encryption import CannotDecrypt
from authapp.security.webhook_signatures import new_secret
from authapp.services import admission, audit, locks
from authapp.web.application import current_app

MOST = 20  # of an organization
ALL = "all"  # what the audit log has where no action is named
SECRET_PURPOSE = "webhook secret"  # noqa: S105
PREVIOUS_SECRET_PURPOSE = "previous webhook secret"  # noqa: S105


class WebhookNotFound(NotFound):
    code = "webhook_not_found"
    detail = "This organization has no webhook with this id."


def of_organization(organization_id: UUID, limit: int, cursor: UUID | None) -> Page:
    """The webhooks of an organization, newest first."""
    statement = select(*_shown()).where(Webhook.organization_id == organization_id, Webhook.deleted_at.is_(None))
    return fetch(statement, Webhook.id, limit, cursor, newest_first=True)


def get(organization_id: UUID, webhook_id: UUID) -> Row[*tuple[Any, ...]]:
    """One of them.

    Raises:
        WebhookNotFound: there is none.
    """
    row = transaction.execute(select(*_shown()).where(is_listed(organization_id, webhook_id))).one_or_none()
    if row is None:
        raise WebhookNotFound
    return row


def create(
    actor: Actor, organization_id: UUID, url: str, actions: list[str] | None, description: str | None
) -> dict[str, Any]:
    """Create a webhook. Only what this returns ever has the secret.

    Raises:
        ValidationFailed: nothing is sent to such an address.
        LimitReached: the organization has as many webhooks as it may.
    """
    _check(url)
    locks.lock_as_admin(actor, organization_id)  # and count only then: of simultaneous requests each counts the others
    present = select(func.count()).where(Webhook.organization_id == organization_id, Webhook.deleted_at.is_(None))
    if transaction.scalar(present) >= MOST:
        raise LimitReached(detail=f"This organization has {MOST} webhooks, the most it may. Delete one.")
    webhook_id, secret, cipher = uuid7(), new_secret(), current_app.cipher
    values = {
        "id": webhook_id,
        "organization_id": organization_id,
        "url": url,
        "actions": actions,
        "description": description,
        "encrypted_secret": cipher.encrypt(secret, webhook_id, SECRET_PURPOSE),
        "key_id": cipher.key_id,
        "free_at": clock.now(),
        "created_at": ids.moment_of(webhook_id),  # no later than any event of this very request
    }
    row = transaction.execute(insert(Webhook).values(values).returning(*_shown())).one()
    _record(AuditAction.WEBHOOK_CREATED, actor, organization_id, webhook_id, host=_host(url), actions=actions or ALL)
    return {**row._mapping, "secret": secret}


def change(actor: Actor, organization_id: UUID, webhook_id: UUID, changes: dict[str, Any]) -> Row[*tuple[Any, ...]]:
    """Change a webhook. What is as it was is no change.

    Raises:
        ValidationFailed: nothing is sent to such an address.
        ReauthenticationRequired: it is another address, and the caller has not signed in recently.
        WebhookNotFound: there is none.
    """
    if "url" in changes:
        _check(changes["url"])
    locks.lock_as_admin(actor, organization_id)
    before = get(organization_id, webhook_id)
    changed = {name: value for name, value in changes.items() if value != getattr(before, name)}
    if "url" in changed:
        admission.require_recent(actor)
    if not changed:
        return before
    values = {name: value for name, value in changed.items() if name != "enabled"}
    if "url" in changed or changed.get("enabled"):
        values |= {"failures": 0, "failing_since": None, "free_at": clock.now()}
    if "enabled" in changed:
        values["disabled_reason"] = None if changed["enabled"] else DisabledReason.ADMIN
    listed = is_listed(organization_id, webhook_id)
    row = transaction.execute(update(Webhook).where(listed).values(values).returning(*_shown())).one()
    named = {**changed, "actions": changed.get("actions") or ALL}
    shown: dict[str, Any] = {name: named[name] for name in ("actions", "enabled") if name in changed}
    details: dict[str, Any] = {"host": _host(row.url), "fields": sorted(changed), **shown}
    _record(AuditAction.WEBHOOK_CHANGED, actor, organization_id, webhook_id, **details)
    return row


def rotate(actor: Actor, organization_id: UUID, webhook_id: UUID, overlap: timedelta) -> dict[str, Any]:
    """Give a webhook a new secret. The one before signs as well for the overlap; any older one does not.

    Raises:
        WebhookNotFound: there is none.
    """
    locks.lock_as_admin(actor, organization_id)
    listed = is_listed(organization_id, webhook_id)
    encrypted = transaction.scalar(select(Webhook.encrypted_secret).where(listed).with_for_update(key_share=True))
    if encrypted is None:
        raise WebhookNotFound
    cipher, secret = current_app.cipher, new_secret()
    previous = _as_previous(encrypted, webhook_id) if overlap else None
    values = {
        "encrypted_secret": cipher.encrypt(secret, webhook_id, SECRET_PURPOSE),
        "encrypted_previous_secret": previous or null(),
        "previous_expires_at": clock.now() + overlap if previous else null(),
        "key_id": cipher.key_id,
    }
    row = transaction.execute(update(Webhook).where(listed).values(values).returning(*_shown())).one()
    seconds = int(overlap.total_seconds()) if previous else 0
    _record(AuditAction.WEBHOOK_SECRET_ROTATED, actor, organization_id, webhook_id, overlap_seconds=seconds)
    return {**row._mapping, "secret": secret}


def _as_previous(encrypted: bytes, webhook_id: UUID) -> bytes | None:
    """A secret as the one before, None where it cannot be read because SECRET_KEY has changed since."""
    cipher = current_app.cipher
    try:
        secret = cipher.decrypt(encrypted, webhook_id, SECRET_PURPOSE)
    except CannotDecrypt:
        return None
    return cipher.encrypt(secret, webhook_id, PREVIOUS_SECRET_PURPOSE)


def delete(actor: Actor, organization_id: UUID, webhook_id: UUID) -> None:
    """Delete a webhook and its secrets. What waits is not sent; the worker removes the row with its deliveries later.

    Raises:
        WebhookNotFound: there is none.
    """
    locks.lock_as_admin(actor, organization_id)
    values = {"deleted_at": clock.now(), "encrypted_secret": null(), "encrypted_previous_secret": null()}
    url = transaction.scalar(
        update(Webhook).where(is_listed(organization_id, webhook_id)).values(values).returning(Webhook.url)
    )
    if url is None:
        raise WebhookNotFound
    _record(AuditAction.WEBHOOK_DELETED, actor, organization_id, webhook_id, host=_host(url))


def is_listed(organization_id: UUID, webhook_id: UUID) -> ColumnElement[bool]:
    """The condition that a webhook is this one, and not deleted."""
    return and_(Webhook.organization_id == organization_id, Webhook.id == webhook_id, Webhook.deleted_at.is_(None))


def _check(url: str) -> None:
    """Refuse an address that nothing would be sent to. Which addresses a name has is checked at each attempt."""
    try:
        checked_address(url, allow_private=not current_app.settings.in_production)
    except ProviderUnavailable:
        raise _not_accepted("Give an https address without a user, a password and a fragment.") from None
    with suppress(ValueError):  # a name
        if current_app.settings.in_production and not is_public(_host(url)):
            raise _not_accepted("Give a public address.")


def _host(url: str) -> str:
    """What the audit log has of an address: a path may have a token."""
    return urlsplit(url).hostname or ""


def _not_accepted(why: str) -> ValidationFailed:
    return ValidationFailed(errors={"json": {"url": [why]}})


def _record(action: AuditAction, actor: Actor, organization_id: UUID, webhook_id: UUID, **details: Any) -> None:
    audit.record(action, actor, target_id=webhook_id, organization_id=organization_id, **details)


def _shown() -> tuple[Any, ...]:
    """The columns of a webhook, without its secrets."""
    overlapping = case((Webhook.previous_expires_at > literal(clock.now()), Webhook.previous_expires_at))
    columns = (Webhook.id, Webhook.url, Webhook.actions, Webhook.description, Webhook.disabled_reason)
    return (
        *columns,
        Webhook.failing_since,
        Webhook.created_at,
        Webhook.is_enabled().label("enabled"),
        overlapping.label("previous_secret_expires_at"),
    )
