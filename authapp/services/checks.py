"""Checks: whether somebody may do something, for proxies and other services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, tuple_

from authapp.core.actor import Actor
from authapp.core.errors import Forbidden
from authapp.core.permissions import holds_permission
from authapp.core.roles import Role, declared_roles, shown_role
from authapp.db import transaction
from authapp.db.tenancy import set_operator
from authapp.models import Membership, Organization, User
from authapp.schemas.checks import SEMANTICS, Evaluation
from authapp.schemas.fields import parse_uuid
from authapp.web.application import current_app
from authapp.web.authzen import InvalidEvaluation

_EVALUATION = Evaluation()
_EXECUTE_ALL, _DENY_ON_FIRST_DENY, _ = SEMANTICS


class InvalidCheck(Forbidden):
    """403, because nginx takes any status of a check but 2xx, 401 and 403 for an error of its own."""

    code = "invalid_check"
    detail = "This check is malformed, and nobody passes it."


def headers_of(actor: Actor) -> dict[str, str]:
    """What a proxy tells the service behind it of the caller."""
    found = {
        "X-Auth-Subject": actor.id,
        "X-Auth-Type": actor.type,
        "X-Auth-Session": actor.session_id,
        "X-Auth-Organization": actor.organization and actor.organization.id,
        "X-Auth-Role": actor.role and shown_role(actor.role),
    }
    return {name: str(value) for name, value in found.items() if value}


class Question(NamedTuple):
    """Whether an account holds a role or permission in an organization."""

    user_id: UUID | None  # None: malformed, or not of the type that has one
    organization_id: UUID | None
    action: str

    @classmethod
    def of(cls, evaluation: dict[str, Any]) -> Question:
        """The question of an evaluation that is well-formed."""
        subject, resource = evaluation["subject"], evaluation["resource"]
        return cls(
            parse_uuid(subject["id"]) if subject["type"] == "user" else None,
            parse_uuid(resource["id"]) if resource["type"] == "organization" else None,
            evaluation["action"]["name"],
        )


def evaluate(evaluation: dict[str, Any]) -> dict[str, Any]:
    """The decision about one question. Unknown ids are denied as known ones are."""
    [decision] = _decide([Question.of(evaluation)])
    return {"decision": decision}


def evaluate_all(body: dict[str, Any]) -> dict[str, Any]:
    """The decisions about several questions, in their order, up to where the semantic ends.

    Raises:
        InvalidEvaluation: there are no `evaluations`, and the request is no single one either.
    """
    defaults: dict[str, Any] = {name: body[name] for name in ("subject", "action", "resource") if name in body}
    if not body["evaluations"]:
        if mistakes := _EVALUATION.validate(defaults):
            raise InvalidEvaluation.because(mistakes)
        return evaluate(defaults)
    found = list(_answers([_merged(defaults, each) for each in body["evaluations"]]))
    semantic = body["options"]["evaluations_semantic"]
    if semantic == _EXECUTE_ALL:
        return {"evaluations": found}
    last = semantic != _DENY_ON_FIRST_DENY  # the decision after which nothing is evaluated
    ends = next((place for place, each in enumerate(found, 1) if each["decision"] is last), None)
    return {"evaluations": found[:ends]}


def _merged(defaults: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """An evaluation whose entities are its own, and where those lack a type, id or name, the defaults'."""
    merged = {**defaults, **own}
    for name in defaults.keys() & own.keys():
        if isinstance(own[name], dict):
            merged[name] = {**defaults[name], **own[name]}
    return merged


def _answers(evaluations: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    mistakes = [_EVALUATION.validate(each) for each in evaluations]
    decisions = iter(
        _decide([Question.of(each) for each, wrong in zip(evaluations, mistakes, strict=True) if not wrong])
    )
    for wrong in mistakes:
        if wrong:
            yield {"decision": False, "context": {"error": {"status": 400, "message": InvalidEvaluation.detail}}}
        else:
            yield {"decision": next(decisions)}


def _decide(questions: list[Question]) -> list[bool]:
    roles = _roles({(each.user_id, each.organization_id) for each in questions})
    return [_holds(each.action, roles.get(each[:2])) for each in questions]


def _holds(action: str, role: Role | None) -> bool:
    """Whether a member with this role has the right that is named: a role, or a permission."""
    if role is None:
        return False
    return role.includes(Role(action)) if action in declared_roles() else holds_permission(action, role)


def _roles(pairs: Iterable[tuple[UUID | None, UUID | None]]) -> dict[tuple[UUID | None, UUID | None], Role]:
    """The roles that the guards would find, of accounts in organizations."""
    verified = [User.email_verified] if current_app.settings.email_verification == "required" else []
    set_operator()
    rows = transaction.execute(
        select(Membership.user_id, Membership.organization_id, Membership.role)
        .join(User, User.id == Membership.user_id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(tuple_(Membership.user_id, Membership.organization_id).in_([pair for pair in pairs if all(pair)]))
        .where(User.is_active, User.deleted_at.is_(None), Organization.is_live(), *verified)
    )
    return {(row.user_id, row.organization_id): row.role for row in rows}
