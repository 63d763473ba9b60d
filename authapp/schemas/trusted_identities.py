"""Trusted identities, and the exchange of a job's token, as they are sent and answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validates_schema
from marshmallow.validate import OneOf

from authapp.core import lengths
from authapp.core.job_issuers import BY_NAME, GITHUB, GITLAB, address_of, name_of, rules_of
from authapp.core.roles import Role
from authapp.schemas.fields import Reply, Request, SingleLine, Timestamp
from authapp.schemas.pagination import page_of, query_of
from authapp.schemas.permissions import RoleChoice

MOST_CLAIMS = 20
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105

STANDARD = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "nonce", "azp", "at_hash", "c_hash", "auth_time"})
"""Claims that every token has, or that differ from token to token."""

_IDS = {GITHUB: ("repository_id", "repository_owner_id"), GITLAB: ("project_id", "namespace_id")}
_NARROWER = {
    GITHUB: ("environment", "job_workflow_ref", "ref", "workflow_ref"),
    GITLAB: ("ci_config_ref_uri", "environment", "ref", "ref_path"),
}
_CLAIM_NAME = re.compile(rf"[!-~]{{1,{lengths.CLAIM_NAME}}}", re.ASCII)
_UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)
LARGEST_INTEGER = 2**53 - 1  # RFC 8259 section 6
_EXAMPLE = {"repository_id": "123456789", "environment": "production"}
_CLAIMS = {
    "type": "object",
    "additionalProperties": {"type": ["string", "boolean", "integer"]},
    "minProperties": 1,
    "maxProperties": MOST_CLAIMS,
    "examples": [_EXAMPLE],
}


class Issuer(fields.Field[str]):
    """An issuer by its name or its address. Loaded is the address, shown the name where it has one."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        address = address_of(value) if isinstance(value, str) else None
        if address is None:
            raise ValidationError(f"Give {', '.join(BY_NAME)}, or an https address as the tokens have it in `iss`.")
        return address

    def _serialize(self, value: str | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return value and name_of(value)


class Claims(fields.Field[dict[str, Any]]):
    """The claims that a token must have, each equal: a text, true, false or a whole number."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, dict) or not 0 < len(value) <= MOST_CLAIMS:
            raise ValidationError(f"Give an object of 1 to {MOST_CLAIMS} claims.")
        for name, claim in value.items():
            if not _CLAIM_NAME.fullmatch(name):
                raise ValidationError(f"A name has up to {lengths.CLAIM_NAME} ASCII characters and no space.")
            if name in STANDARD:
                raise ValidationError(f"{name}: This is no condition: it is checked anyway, or new in each token.")
            if mistake := _mistake_in(claim):
                raise ValidationError(f"{name}: {mistake}")
        return value


def _mistake_in(claim: Any) -> str | None:
    """What is wrong with the value of a claim."""
    if type(claim) is bool or (type(claim) is int and abs(claim) <= LARGEST_INTEGER):
        return None
    if not isinstance(claim, str) or not 0 < len(claim) <= lengths.CLAIM or _UNREADABLE.search(claim):
        return f"Give one line of 1 to {lengths.CLAIM} characters, true, false or a whole number."
    return "There are no wildcards: the claim has to be equal." if "*" in claim else None


def _mistake_in_rule(issuer: str, claims: dict[str, Any]) -> str | None:
    """Why this rule would let somebody in whom nobody means."""
    if claims.get("event_name") == "pull_request_target":
        return "A job of pull_request_target may run the code of a stranger, and is never accepted."
    name = rules_of(issuer)
    if name not in _IDS:
        is_enough = any(isinstance(value, str) for value in claims.values())
        return None if is_enough else "Give sub, or another claim with text: others tell nothing of whose job it is."
    return _mistake_with_ids(name, claims)


def _mistake_with_ids(name: str, claims: dict[str, Any]) -> str | None:
    """The same of an issuer that is known, whose numeric ids stay when something gets another name."""
    one, all_of_owner = _IDS[name]
    for id_ in (one, all_of_owner):
        if id_ in claims and not (isinstance(claims[id_], str) and _DIGITS.fullmatch(claims[id_])):
            return f'{id_} is a number in quotes: "123456789".'
    if one not in claims and all_of_owner not in claims:
        return f"Give {one} or {all_of_owner}: a name can be given up, and taken by somebody else."
    if one not in claims and not any(narrower in claims for narrower in _NARROWER[name]):
        return f"{all_of_owner} alone lets every job in. Add {one}, or one of {', '.join(_NARROWER[name])}."
    if name == GITLAB and "ref" in claims and "ref_type" not in claims:
        return "Add ref_type, branch or tag: a tag may have the name of a protected branch."
    return None


class TrustedIdentity(Reply):
    """Whose tokens an organization accepts."""

    id = fields.UUID(required=True)
    name = fields.String(required=True, metadata={"examples": ["deployments"]})
    issuer = Issuer(required=True, metadata={"type": "string", "examples": [GITHUB]})
    claims = fields.Dict(required=True, metadata=_CLAIMS)
    role = RoleChoice(highest=Role.DEVELOPER, required=True)
    created_by = fields.UUID(required=True)
    created_at = Timestamp(required=True)


TrustedIdentityPage = page_of(TrustedIdentity, "TrustedIdentityPage")
TrustedIdentityQuery = query_of(TrustedIdentityPage)


class NewTrustedIdentity(Request):
    """Whose tokens to accept: those of this issuer in which all of these claims are equal."""

    name = SingleLine(longest=lengths.TRUSTED_IDENTITY_NAME, required=True, metadata={"examples": ["deployments"]})
    issuer = Issuer(
        required=True,
        metadata={
            "type": "string",
            "maxLength": lengths.ISSUER,
            "description": "`github`, `gitlab`, or the https address that the tokens have in `iss`.",
            "examples": [GITHUB],
        },
    )
    claims = Claims(required=True, metadata=_CLAIMS)
    role = RoleChoice(highest=Role.DEVELOPER, required=True, metadata={"examples": ["developer"]})

    @validates_schema(skip_on_field_errors=False)
    def _run_rule(self, data: dict[str, Any], **kwargs: Any) -> None:
        if {"issuer", "claims"} <= data.keys() and (mistake := _mistake_in_rule(data["issuer"], data["claims"])):
            raise ValidationError({"claims": [mistake]})


def _parameter(description: str, *examples: str) -> fields.String:
    return fields.String(metadata={"description": description, "examples": list(examples)})


class TokenExchange(Request):
    """The token exchange of RFC 8693. What is missing or another value is answered with 400 (section 2.2.2)."""

    grant_type = _parameter("Required.", TOKEN_EXCHANGE)
    subject_token = _parameter("Required. The OIDC token of the job.", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln")
    subject_token_type = _parameter("Required.", ID_TOKEN)
    audience = _parameter(
        "Required. The id of the organization, and the only audience of the token.",
        "019aab1c-7d3e-7a40-9a55-2f2f6c1d9b10",
    )
    requested_token_type = _parameter("May be left out.", ACCESS_TOKEN)


class WorkloadToken(Reply):
    """An access token for a job (RFC 8693 section 2.2.1)."""

    access_token = fields.String(required=True)
    issued_token_type = fields.String(required=True, validate=OneOf([ACCESS_TOKEN]))
    token_type = fields.String(required=True, validate=OneOf(["Bearer"]))
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds, 900 at most.", "examples": [900]})
