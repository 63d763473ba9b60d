"""The discovery document of an OpenID provider (OpenID Connect Discovery section 3)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from authapp.config_checks import DISCOVERY_PATH
from authapp.core import lengths
from authapp.providers.fetch import checked_address
from authapp.providers.provider import ProviderUnavailable

MICROSOFT = "login.microsoftonline.com"
TENANT = "{tenantid}"  # in the issuer of Microsoft's endpoints for the accounts of all tenants
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_OF_ALL_TENANTS = re.compile(r"(https://login\.microsoftonline\.com/)(?:common|organizations)(/v2\.0)")
_AUTHENTICATIONS = ("client_secret_basic", "client_secret_post")


class Discovery(NamedTuple):
    """A discovery document that was checked.

    Attributes:
        issuer: as id_tokens have it, or with TENANT in it.
        authorization_endpoint: where people are sent to.
        token_endpoint: redeems codes.
        userinfo_endpoint: tells more, where there is one.
        jwks_uri: where the keys are.
        authentication: of the client, at the token endpoint.
        tells_issuer: whether each authorization response has the parameter `iss` (RFC 9207 section 3).
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str | None
    jwks_uri: str
    authentication: str
    tells_issuer: bool

    def is_issuer(self, issuer: str) -> bool:
        """Whether tokens and responses may have this issuer."""
        before, tenant, behind = self.issuer.partition(TENANT)
        form = re.escape(before) + (UUID if tenant else "") + re.escape(behind)
        return re.fullmatch(form, issuer) is not None


def read_discovery(document: dict[str, Any], discovery_url: str, *, allow_private: bool) -> Discovery:
    """Check a discovery document.

    Args:
        document: the JSON.
        discovery_url: where it was fetched.
        allow_private: whether endpoints may have plain HTTP.

    Raises:
        ProviderUnavailable: it is another issuer's, or is not as the standard says.
    """
    issuer = document.get("issuer")
    if issuer != _expected_issuer(discovery_url) or len(issuer) > lengths.ISSUER:
        raise ProviderUnavailable(f"{discovery_url} is of another issuer: {issuer!a:.200}")
    userinfo = document.get("userinfo_endpoint")
    return Discovery(
        issuer,
        checked_address(document.get("authorization_endpoint"), allow_private=allow_private),
        checked_address(document.get("token_endpoint"), allow_private=allow_private),
        None if userinfo is None else checked_address(userinfo, allow_private=allow_private),
        checked_address(document.get("jwks_uri"), allow_private=allow_private),
        _authentication(document.get("token_endpoint_auth_methods_supported")),
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def is_microsoft(discovery_url: str) -> bool:
    return urlsplit(discovery_url).hostname == MICROSOFT


def _expected_issuer(discovery_url: str) -> str:
    """OpenID Connect Discovery section 4.3; Microsoft's endpoints for all tenants have a template instead."""
    issuer = discovery_url.removesuffix(DISCOVERY_PATH)
    return _OF_ALL_TENANTS.sub(rf"\g<1>{TENANT}\g<2>", issuer) if _OF_ALL_TENANTS.fullmatch(issuer) else issuer


def _authentication(supported: object) -> str:
    if supported is None:
        return _AUTHENTICATIONS[0]  # the default of the standard
    for method in _AUTHENTICATIONS:
        if isinstance(supported, list) and method in supported:
            return method
    raise ProviderUnavailable(f"no authentication of clients that is known: {supported!a:.200}")
