"""Workloads of the tests: jobs that have signed in as a trusted identity, and the rule that lets them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from authapp.core import clock
from tests.factories import API, Caller, Person, World

RULE = {
    "name": "deployments",
    "issuer": "github",
    "claims": {"repository_id": "74", "environment": "production"},
    "role": "developer",
}
FORM = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
}


def trust(admin: Person, organization_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """Let an organization, by default the one that the admin has founded, trust an identity."""
    path = f"/organizations/{organization_id or admin.organization_id}/trusted-identities"
    response = admin.call("POST", path, {**RULE, **changes})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.get_json()
    return made


def exchange(world: World, organization_id: str, token: str, **changes: Any) -> Any:
    """What the token of a job is answered with. A change to None leaves the field out."""
    form = {**FORM, "audience": organization_id, "subject_token": token, **changes}
    form = {name: value for name, value in form.items() if value is not None}
    return world.caller().post(f"{API}/auth/token", data=form)


def workload(world: World, trusted: dict[str, Any], **changes: Any) -> Caller:
    """A workload of a trusted identity, without the exchange."""
    now = clock.now()
    claims = {"sub": trusted["id"], "sid": str(uuid4()), "auth_time": int(now.timestamp()), "amr": [], **changes}
    return world.caller(world.app.tokens.issue("workload", claims, now, now + timedelta(minutes=15)))
