"""Every feature has one name on every layer, and what is not a feature does not stand among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from authapp.factory import FEATURES
from authapp.instance import ROOT

NAMES = [feature.__name__.rpartition(".")[2] for feature in FEATURES]
SHARED_SERVICES = {
    "account_credentials", "admission", "audit", "audit_partitions", "audit_seals", "discovery", "email_changes",
    "encrypted_columns", "hooks", "invitation_acceptance", "key_uses", "known_devices", "locks", "mfa_challenges",
    "monitoring", "one_time_tokens", "passkey_assertions", "passkey_challenges", "personal_data", "profiles",
    "registration", "rekey", "retention", "second_factors", "service_keys", "session_refresh", "session_tokens",
    "sign_in", "signing_keys", "throttle", "user_import", "ways_in", "workload_claims", "workloads",
}  # fmt: skip
SHARED_VIEWS = {"docs", "pages", "system"}
PLACES = [
    "authapp/views/{}.py",
    "authapp/schemas/{}.py",
    "authapp/services/{}.py",
    "tests/features/{}/test_{}.py",
    "docs/features/{}.md",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_has_a_view_a_schema_a_service_tests_and_a_page_of_its_name(name: str) -> None:
    page = name.replace("_", "-")
    paths = [place.format(*[page if place.startswith("docs") else name] * 2) for place in PLACES]
    assert [path for path in paths if not ((ROOT / path).is_file() or (ROOT / path).with_suffix("").is_dir())] == []


@pytest.mark.parametrize(("layer", "shared"), [("services", SHARED_SERVICES), ("views", SHARED_VIEWS)])
def test_every_module_of_a_feature_layer_is_a_feature_or_known_to_be_shared(layer: str, shared: set[str]) -> None:
    assert modules(ROOT / "authapp" / layer) == {*NAMES, *shared}


def test_every_page_of_the_features_is_of_a_feature_or_of_what_has_no_routes_of_its_own() -> None:
    pages = {path.stem.replace("-", "_") for path in (ROOT / "docs" / "features").glob("*.md")}
    assert pages == {*NAMES, "audit_log", "service_keys"}


def modules(folder: Path) -> set[str]:
    """The modules of a layer, and the folders of features that have more than three."""
    found = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return found - {"__init__"}
