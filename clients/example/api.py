"""The example's own API: two lists of each organization, with authapp's guards. `make example` serves it.

They are kept in memory, for one process. docs/building.md shows a table with row-level security in their place.
"""

from collections import defaultdict
from uuid import UUID, uuid4

from marshmallow import fields

from authapp import Blueprint, Role, create_app, current_actor, require_organization_access, require_organization_role
from authapp.core import clock
from authapp.schemas.fields import Reply, Request, SingleLine, Timestamp

bp = Blueprint("mlops", __name__, url_prefix="/organizations/<organization_id>")
_experiments: dict[UUID, list[dict[str, object]]] = defaultdict(list)
_deployments: dict[UUID, list[dict[str, object]]] = defaultdict(list)


class NewExperiment(Request):
    """An experiment to start."""

    name = SingleLine(longest=100, required=True)


class Experiment(Reply):
    """An experiment."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    started_by = fields.UUID(required=True)
    started_at = Timestamp(required=True)


class NewDeployment(Request):
    """A model to deploy."""

    model = SingleLine(longest=100, required=True)


class Deployment(Reply):
    """A model that is deployed."""

    id = fields.UUID(required=True)
    model = fields.String(required=True)
    deployed_at = Timestamp(required=True)


@bp.get("/experiments")
@require_organization_access
@bp.response(200, Experiment(many=True))
def list_experiments(organization_id: UUID) -> list[dict[str, object]]:
    """List the experiments of the organization."""
    return _experiments[organization_id]


@bp.post("/experiments")
@require_organization_role(Role.DEVELOPER)
@bp.arguments(NewExperiment)
@bp.response(201, Experiment)
def start_experiment(body: dict[str, str], organization_id: UUID) -> dict[str, object]:
    """Start an experiment in the organization."""
    started = {"id": uuid4(), "name": body["name"], "started_by": current_actor.id, "started_at": clock.now()}
    _experiments[organization_id].insert(0, started)
    return started


@bp.get("/deployments")
@require_organization_role(Role.DEVELOPER)
@bp.response(200, Deployment(many=True))
def list_deployments(organization_id: UUID) -> list[dict[str, object]]:
    """List the deployments of the organization."""
    return _deployments[organization_id]


@bp.post("/deployments")
@require_organization_role(Role.DEVELOPER)
@bp.arguments(NewDeployment)
@bp.response(201, Deployment)
def deploy_model(body: dict[str, str], organization_id: UUID) -> dict[str, object]:
    """Deploy a model in the organization."""
    deployed = {"id": uuid4(), "model": body["model"], "deployed_at": clock.now()}
    _deployments[organization_id].insert(0, deployed)
    return deployed


app = create_app(blueprints=[bp])
