"""One-time codes that a browser exchanges for a session, after a provider has authenticated somebody."""

from __future__ import annotations

import hmac
from datetime import timedelta

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import delete, insert
from uuid_utils.compat import uuid7

from authapp.core import clock
from authapp.core.errors import Unauthorized
from authapp.db import transaction
from authapp.models import SsoCode
from authapp.providers.provider import Person
from authapp.services.sso.states import Answered
from authapp.web.application import current_app

PREFIX = "sc"
LIFETIME = timedelta(seconds=60)


class InvalidSsoCode(Unauthorized):
    code = "invalid_sso_code"
    detail = "This code is not valid: used, expired, or of another browser or code_verifier. Sign in again."
    keeps_writes = True  # the code is used


def issue(person: Person, answered: Answered) -> str:
    """Make a code for a session of whom a provider has authenticated."""
    code_id = uuid7()
    code, token_hash = current_app.opaque_tokens.make(PREFIX, code_id)
    transaction.execute(
        insert(SsoCode).values(
            id=code_id,
            token_hash=token_hash,
            browser_hash=answered.browser_hash,
            code_challenge=answered.code_challenge,
            person=person._asdict(),
            expires_at=clock.now() + LIFETIME,
        )
    )
    return code


def use(code: str, code_verifier: str | None, browser_hash: bytes | None) -> Person:
    """Use a code, once. It is used up as well by somebody who may not use it.

    Args:
        code: as it was issued.
        code_verifier: of the `code_challenge` that the request had, None where it had none.
        browser_hash: of this browser.

    Raises:
        InvalidSsoCode: it is used, expired or none of ours, or the code_verifier is wrong, missing, or unexpected; or
            it was issued without a `code_challenge` to another browser.
    """
    presented = current_app.opaque_tokens.read(code, PREFIX)
    if presented is None:
        raise InvalidSsoCode("not a code")
    live = (SsoCode.token_hash == presented.digest, SsoCode.expires_at > clock.now())
    used = delete(SsoCode).where(SsoCode.id == presented.id, *live)
    columns = (SsoCode.browser_hash, SsoCode.code_challenge, SsoCode.person)
    row = transaction.execute(used.returning(*columns)).one_or_none()
    if row is None:
        raise InvalidSsoCode
    if row.code_challenge is None:
        if code_verifier is not None or browser_hash is None or not hmac.compare_digest(row.browser_hash, browser_hash):
            raise InvalidSsoCode("another browser, or a code_verifier without a code_challenge")
    elif not hmac.compare_digest(row.code_challenge, create_s256_code_challenge(code_verifier or "")):
        raise InvalidSsoCode("wrong code_verifier")
    return Person(**row.person)
