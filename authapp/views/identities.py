"""My linked providers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from authapp.core.actor import current_actor
from authapp.decorators.guards import require_active_user
from authapp.providers.provider import ProviderUnavailable
from authapp.schemas.identities import Identities, LinkStart
from authapp.services import identities
from authapp.services.identities import IdentityNotFound
from authapp.services.sso import code_flow
from authapp.services.sso.code_flow import ProviderNotFound
from authapp.services.ways_in import LastWayIn
from authapp.web.blueprint import Blueprint, raises
from authapp.web.cookies import bind_browser

bp = Blueprint("identities", __name__, url_prefix="/auth/identities", description="Linked providers of an account.")


@bp.get("")
@require_active_user
@bp.response(200, Identities)
def list_identities() -> dict[str, list[dict[str, Any]]]:
    """List my linked providers, oldest first."""
    return {"items": identities.of_account(current_actor)}


@bp.post("/<provider>/link")
@require_active_user(recent=True)
@raises(ProviderNotFound, ProviderUnavailable)
@bp.response(200, LinkStart)
def link_identity(provider: str) -> dict[str, str]:
    """Begin to link a provider. Only the browser that asks for it can complete it."""
    return {"authorize_url": code_flow.begin_link(current_actor, provider, bind_browser())}


@bp.delete("/<identity_id>")
@require_active_user(recent=True)
@raises(IdentityNotFound, LastWayIn)
@bp.response(204)
def unlink_identity(identity_id: UUID) -> None:
    """Unlink a provider."""
    identities.unlink(current_actor, identity_id)
