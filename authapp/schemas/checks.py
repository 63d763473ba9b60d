"""What a check asks for."""

from __future__ import annotations

from marshmallow import EXCLUDE, ValidationError, fields
from marshmallow.validate import Length, OneOf

from authapp.core.permissions import declared_permissions
from authapp.schemas.fields import Id, Reply, Request
from authapp.schemas.permissions import RoleChoice

MOST_EVALUATIONS = 100  # of one request
SEMANTICS = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")


def require_declared(permission: str) -> None:
    """Pass if the application declares this permission."""
    if permission not in declared_permissions():
        raise ValidationError("No permission that is declared.")


class CheckQuery(Request):
    """The conditions that the caller has to meet, each of them if there are several."""

    organization_id = Id(metadata={"description": "It is of this organization. Default: of its own, for an API key."})
    role = RoleChoice(metadata={"description": "It has this role there, or a higher one."})
    permission = fields.String(
        validate=require_declared, metadata={"description": "It holds this permission there, by role or by grant."}
    )


class AuthzenRequest(Request):
    """An object of AuthZEN 1.0. Unknown members are ignored, as its certification asks."""

    class Meta:
        unknown = EXCLUDE


class Entity(AuthzenRequest):
    """A subject or a resource."""

    type = fields.String(required=True)
    id = fields.String(required=True)
    properties = fields.Dict(metadata={"description": "Ignored."})


class Action(AuthzenRequest):
    """What somebody would do."""

    name = fields.String(required=True, metadata={"description": "A role or a permission."})
    properties = fields.Dict(metadata={"description": "Ignored."})


class Evaluation(AuthzenRequest):
    """May this subject do this to this resource?"""

    subject = fields.Nested(Entity, required=True, metadata={"description": "Of the type `user`, with its id."})
    action = fields.Nested(Action, required=True)
    resource = fields.Nested(
        Entity, required=True, metadata={"description": "Of the type `organization`, with its id."}
    )
    context = fields.Dict(metadata={"description": "Ignored."})


class EvaluationOptions(AuthzenRequest):
    """How several questions are answered."""

    evaluations_semantic = fields.String(load_default=SEMANTICS[0], validate=OneOf(SEMANTICS))


class Evaluations(AuthzenRequest):
    """Several questions. What one lacks is that of the whole request. Without `evaluations` it is one question."""

    subject = fields.Dict()
    action = fields.Dict()
    resource = fields.Dict()
    context = fields.Dict(metadata={"description": "Ignored."})
    evaluations = fields.List(fields.Dict(), load_default=[], validate=Length(max=MOST_EVALUATIONS))
    options = fields.Nested(EvaluationOptions, load_default={"evaluations_semantic": SEMANTICS[0]})


class Decision(Reply):
    """Whether the subject may."""

    decision = fields.Boolean(required=True)
    context = fields.Dict(metadata={"description": "With `error` where a question of several is malformed."})


class Decisions(Reply):
    """The decisions in the order of the questions, or the only one."""

    decision = fields.Boolean()
    evaluations = fields.List(fields.Nested(Decision))
