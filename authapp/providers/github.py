"""Sign-in with GitHub, which has OAuth 2 without OpenID Connect."""

from __future__ import annotations

from typing import Any

from authapp.providers.fetch import Answer, Fetcher
from authapp.providers.oauth import authorization_url, bearer, tokens_of
from authapp.providers.people import email_address, first_and_last_name
from authapp.providers.provider import Exchange, Person, ProviderUnavailable, SsoFailed

WEB, API = "https://github.com", "https://api.github.com"
_SCOPE = "user:email"


class GitHub:
    """GitHub.

    Args:
        client_id: ours.
        client_secret: the same.
        web: where people sign in. It is the issuer as well.
        api: where accounts are read.
        allow_private: whether private addresses and plain HTTP are allowed, as they are outside production.
    """

    id, name = "github", "GitHub"

    def __init__(
        self, client_id: str, client_secret: str, web: str = WEB, api: str = API, *, allow_private: bool = False
    ) -> None:
        self._client_id, self._client_secret, self._allow_private = client_id, client_secret, allow_private
        self._web, self._api = web, api

    def authorization_url(self, exchange: Exchange) -> str:
        """As `Provider` has it."""
        return authorization_url(f"{self._web}/login/oauth/authorize", self._client_id, _SCOPE, exchange)

    def authenticate(self, exchange: Exchange, code: str, issuer: str | None) -> Person:
        """As `Provider` has it."""
        if issuer not in (None, self._web, f"{self._web}/login/oauth"):
            raise SsoFailed(f"the response is of another issuer: {issuer!a:.200}")
        fetcher = Fetcher(allow_private=self._allow_private)
        form = {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "code": code,
            "redirect_uri": exchange.redirect_uri,
            "code_verifier": exchange.code_verifier,
        }
        headers = bearer(tokens_of(fetcher.post(f"{self._web}/login/oauth/access_token", form))["access_token"])
        user = _accepted(fetcher.get(f"{self._api}/user", headers)).object()
        emails = _accepted(fetcher.get(f"{self._api}/user/emails?per_page=100", headers)).json()
        email = email_address(_primary(emails))
        return Person(
            self.id, self._web, _subject(user), email, email is not None, *first_and_last_name(user.get("name"))
        )


def _accepted(answer: Answer) -> Answer:
    if answer.is_error:
        raise SsoFailed(f"the API answers with status {answer.status}: {answer.excerpt()}")
    return answer


def _subject(user: dict[str, Any]) -> str:
    """The number of the account. Its login may be given to somebody else later."""
    number = user.get("id")
    if type(number) is not int or number not in range(1, 2**63):
        raise ProviderUnavailable(f"the account has no number: {number!a:.50}")
    return str(number)


def _primary(emails: object) -> object:
    """The address that is primary and verified, None where none is."""
    if not isinstance(emails, list):
        raise ProviderUnavailable("the addresses are no list")
    for entry in emails:
        if isinstance(entry, dict) and entry.get("primary") is True and entry.get("verified") is True:
            return entry.get("email")
    return None
