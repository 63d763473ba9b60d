"""Sign-in with a provider."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request

from authapp.core.errors import LimitReached
from authapp.core.logging import log_context
from authapp.decorators.guards import public
from authapp.providers.provider import ProviderUnavailable, SsoFailed
from authapp.schemas.sessions import Session
from authapp.schemas.sso import SsoExchange, SsoProviders, SsoStart
from authapp.services.admission import InactiveAccount, WrongCredentials
from authapp.services.email_changes import EmailTaken
from authapp.services.identities import IdentityTaken
from authapp.services.mfa_challenges import MfaRequired
from authapp.services.registration import RegistrationClosed
from authapp.services.session_tokens import SignedIn
from authapp.services.sso import code_flow
from authapp.services.sso.accounts import LinkRequired, SsoEmailRequired
from authapp.services.sso.code_flow import Landing, Listed, ProviderNotFound, SsoDenied
from authapp.services.sso.codes import InvalidSsoCode
from authapp.web.blueprint import Blueprint, raises, takes_any_query
from authapp.web.browser_mode import token_response
from authapp.web.cookies import bind_browser, browser_hash
from authapp.web.problems import prefers_html

LOCATION = {"Location": {"description": "Where the browser goes.", "schema": {"type": "string"}}}
ANSWER = ("state", "code", "error", "iss")  # RFC 6749 section 4.1.2, RFC 9207

bp = Blueprint("sso", __name__, url_prefix="/auth/sso", description="Sign-in with Google, GitHub, any OpenID provider.")


@bp.get("")
@public
@bp.response(200, SsoProviders)
def list_providers() -> dict[str, list[Listed]]:
    """List the providers to sign in with."""
    return {"items": code_flow.listed()}


@bp.get("/<provider>/authorize")
@public
@raises(ProviderNotFound, ProviderUnavailable)
@bp.arguments(SsoStart, location="query")
@bp.response(302, headers=LOCATION)
def authorize_sso(query: dict[str, Any], provider: str) -> Response:
    """Send the browser to a provider. From a link of another site it gets to the sign-in page first, with one click."""
    if query["return_to"] is None and request.headers.get("Sec-Fetch-Site") == "cross-site":
        return _go(Landing(code_flow.SIGN_IN))
    return _go(code_flow.begin(provider, browser_hash=bind_browser(), **query))


@bp.get("/<provider>/callback")
@public
@raises(ProviderNotFound, ProviderUnavailable, SsoFailed, SsoDenied, IdentityTaken, LimitReached)
@bp.doc(parameters=[{"in": "query", "name": name, "schema": {"type": "string"}} for name in ANSWER])
@bp.response(302, headers=LOCATION)
@takes_any_query
def receive_sso(provider: str) -> Response:
    """Take the answer of a provider, and send the browser on, also with an error. A program gets the error itself."""
    answer = {name: request.args.get(name) for name in ANSWER}
    return _go(code_flow.receive(provider, browser_hash(), **answer))


@bp.post("/exchange")
@public
@raises(InvalidSsoCode, LinkRequired, SsoEmailRequired, RegistrationClosed, EmailTaken, LimitReached)
@raises(MfaRequired, InactiveAccount, WrongCredentials)
@bp.arguments(SsoExchange)
@token_response(bp, 200, Session, takes=("device_token",))
def exchange_sso_code(body: dict[str, Any]) -> SignedIn:
    """Exchange the code of a sign-in with a provider for a session."""
    return code_flow.exchange(**body, browser_hash=browser_hash())


def _go(landing: Landing) -> Response:
    """Send a browser on. Whoever does not show pages gets the error itself."""
    if landing.error:
        if not prefers_html():
            raise landing.error
        log_context().update(code=landing.error.code, reason=landing.error.reason or None)
    return redirect(landing.address)  # type: ignore[return-value]
