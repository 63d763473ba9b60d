"""Sign-in with an OpenID provider: the authorization code flow (OpenID Connect Core section 3.1)."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import quote_plus

from authapp.providers.cached import Cached
from authapp.providers.discovery import TENANT, UUID, Discovery, is_microsoft, read_discovery
from authapp.providers.fetch import Fetcher
from authapp.providers.id_tokens import Expected, IdToken, check_claims, read_id_token
from authapp.providers.key_sets import KeySet, signing_keys
from authapp.providers.oauth import authorization_url, bearer, tokens_of
from authapp.providers.people import email_address, person_name
from authapp.providers.provider import Exchange, Person, SsoFailed

GOOGLE = "https://accounts.google.com"
_SCOPE = "openid email profile"


class OpenIdProvider:
    """An OpenID provider. Its discovery document and its keys are fetched when they are needed, and kept.

    Args:
        id: its name in addresses.
        name: what people read.
        discovery_url: the address of its discovery document.
        client_id: ours.
        client_secret: the same.
        allow_private: whether private addresses and plain HTTP are allowed, as they are outside production.
    """

    def __init__(
        self,
        id: str,  # noqa: A002  as the attribute is named
        name: str,
        discovery_url: str,
        client_id: str,
        client_secret: str,
        *,
        allow_private: bool = False,
    ) -> None:
        self.id, self.name, self.discovery_url = id, name, discovery_url
        self._client_id, self._client_secret, self._allow_private = client_id, client_secret, allow_private
        self._discovery = Cached(self._fetch_discovery)
        self._keys = KeySet(Cached(lambda fetcher: signing_keys(fetcher.get(self._jwks_uri(fetcher)).object())))

    def authorization_url(self, exchange: Exchange) -> str:
        """As `Provider` has it."""
        discovery = self._discovery.get(Fetcher(allow_private=self._allow_private))
        endpoint = discovery.authorization_endpoint
        return authorization_url(endpoint, self._client_id, _SCOPE, exchange, nonce=exchange.nonce)

    def authenticate(self, exchange: Exchange, code: str, issuer: str | None) -> Person:
        """As `Provider` has it."""
        fetcher = Fetcher(allow_private=self._allow_private)
        discovery = self._discovery.get(fetcher)
        if not discovery.is_issuer(issuer) if issuer is not None else discovery.tells_issuer:
            raise SsoFailed(f"the response is of another issuer: {issuer!a:.200}")
        id_token, access_token = self._redeem(discovery, exchange, code, fetcher)
        token = read_id_token(id_token, self._keys, fetcher)
        own_issuer = _issuer_of(token, discovery)
        check_claims(token, own_issuer, Expected(self._client_id, exchange.nonce, access_token))
        if issuer not in (None, own_issuer):
            raise SsoFailed("the response is of another tenant than the id_token")
        told = token.claims
        if told.get("email") is None and discovery.userinfo_endpoint is not None:
            told = _userinfo(discovery.userinfo_endpoint, told["sub"], access_token, fetcher)
        return self._person(own_issuer, token.claims, told)

    def _person(self, issuer: str, signed: dict[str, Any], told: dict[str, Any]) -> Person:
        """The person of the signed claims. Those of the userinfo endpoint tell more."""
        email = email_address(told.get("email"))
        subject, is_verified = signed["sub"], email is not None and told.get("email_verified") is True
        if issuer == GOOGLE:  # of other addresses it does not know whose they are by now
            is_verified = is_verified and (bool(signed.get("hd")) or str(email).endswith("@gmail.com"))
        if is_microsoft(self.discovery_url):
            subject, is_verified = _microsoft_subject(signed), False  # the admin of a tenant sets any address
        first_name, last_name = (person_name({**told, **signed}.get(name)) for name in ("given_name", "family_name"))
        return Person(self.id, issuer, subject, email, is_verified, first_name, last_name)

    def _redeem(self, discovery: Discovery, exchange: Exchange, code: str, fetcher: Fetcher) -> tuple[str, str]:
        """The id_token and the access token that an authorization code is worth (RFC 6749 section 4.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": exchange.redirect_uri,
            "code_verifier": exchange.code_verifier,
        }
        headers = {}
        if discovery.authentication == "client_secret_basic":
            headers["Authorization"] = _basic(self._client_id, self._client_secret)
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        answer = fetcher.post(discovery.token_endpoint, form, headers)
        tokens = tokens_of(answer)
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise SsoFailed("the token endpoint gives no id_token")
        return id_token, tokens["access_token"]

    def _fetch_discovery(self, fetcher: Fetcher) -> Discovery:
        document = fetcher.get(self.discovery_url).object()
        return read_discovery(document, self.discovery_url, allow_private=self._allow_private)

    def _jwks_uri(self, fetcher: Fetcher) -> str:
        return self._discovery.get(fetcher).jwks_uri


def _basic(client_id: str, client_secret: str) -> str:
    """RFC 6749 section 2.3.1: both are encoded before. Authlib does not."""
    credentials = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def _issuer_of(token: IdToken, discovery: Discovery) -> str:
    """The exact issuer that the id_token must have. Microsoft's keys are for a tenant each, or for all."""
    tenant = token.claims.get("tid")
    if TENANT not in discovery.issuer:
        return discovery.issuer
    if not isinstance(tenant, str) or not re.fullmatch(UUID, tenant):
        raise SsoFailed("the id_token has no tid")
    issuer = discovery.issuer.replace(TENANT, tenant)
    if token.key.issuer is not None and token.key.issuer.replace(TENANT, tenant) != issuer:
        raise SsoFailed("the id_token is signed with the key of another tenant")
    return issuer


def _microsoft_subject(claims: dict[str, Any]) -> str:
    """`sub` is another one for each client, so that a new registration would lose everybody."""
    parts = [claims.get("tid"), claims.get("oid")]
    if not all(isinstance(part, str) and re.fullmatch(UUID, part) for part in parts):
        raise SsoFailed("the id_token has no tid and oid")
    return ".".join(map(str, parts))


def _userinfo(endpoint: str, subject: str, access_token: str, fetcher: Fetcher) -> dict[str, Any]:
    """The claims of the userinfo endpoint, which must be the same person's (OpenID Connect Core section 5.3.2)."""
    answer = fetcher.get(endpoint, bearer(access_token))
    if answer.is_error:
        raise SsoFailed(f"the userinfo endpoint answers with status {answer.status}: {answer.excerpt()}")
    claims = answer.object()
    if claims.get("sub") != subject:
        raise SsoFailed("the userinfo endpoint tells of somebody else")
    return claims
