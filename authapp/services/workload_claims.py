"""Which claims of a job's token the audit log keeps: those that a rule is made of, and that tell which job it was.

Not those that tell who has started it, such as GitHub's `actor`, unless a rule of the organization names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from authapp.core import lengths
from authapp.schemas.trusted_identities import LARGEST_INTEGER

KEPT = (
    # all issuers
    "sub", "environment", "ref", "ref_type", "runner_environment", "sha",
    # GitHub
    "repository", "repository_id", "repository_owner", "repository_owner_id", "repository_visibility", "event_name",
    "workflow", "workflow_ref", "job_workflow_ref", "run_id", "run_attempt",
    # GitLab
    "project_id", "project_path", "namespace_id", "namespace_path", "ref_path", "ref_protected",
    "environment_protected", "deployment_tier", "pipeline_source", "ci_config_ref_uri", "pipeline_id", "job_id",
)  # fmt: skip
MOST = 40
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def shown(claims: dict[str, Any], trusted: Iterable[Row[Any]]) -> dict[str, Any]:
    """The claims to keep: as they came, or not at all where a rule could not name them.

    Args:
        claims: of a token whose signature is verified.
        trusted: the trusted identities with its issuer.
    """
    names = dict.fromkeys([*KEPT, *(name for identity in trusted for name in identity.claims)])
    kept = [name for name in names if name in claims and _is_storable(claims[name])]
    return {name: claims[name] for name in kept[:MOST]}


def _is_storable(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= lengths.CLAIM and not _UNSTORABLE.search(value)
    return isinstance(value, bool) or (isinstance(value, int) and abs(value) <= LARGEST_INTEGER)
