"""Words that may stand in one module only, names of files, sizes of files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from statistics import median

import pytest

from authapp.core.enums import AuditAction
from authapp.instance import ROOT

SOURCES = sorted((ROOT / "authapp").rglob("*.py"))
TOP_LEVEL = {
    "LICENSE", "Makefile", "Procfile", "README.md", "SECURITY.md", "authapp", "config.py", "docs", "migrations",
    "pyproject.toml", "requirements.in", "requirements.txt", "tests", "wsgi.py",
}  # fmt: skip


@pytest.mark.parametrize(
    ("word", "homes", "why"),
    [
        (r"session\.(commit|rollback)\(", ["db/transaction.py"], "a request is one transaction"),
        (r"os\.environ|getenv", ["config.py", "dev/postgres.py"], "config.py alone reads the environment"),
        (r"datetime\.now|utcnow|time\.time\(", ["core/clock.py"], "a test can hold time still"),
        (r"\bbcrypt\.", ["security/passwords.py"], "hashing is bounded"),
        (r"jw[ts]\.(en|de)code", ["security/tokens.py"], "tokens are made and read in one place"),
        (r"flask_smorest", ["web/blueprint.py", "web/openapi.py"], "the framework of the document can be changed"),
        (r"set_config", ["db/tenancy.py", "services/api_keys.py"], "what sets a tenant can be reviewed"),
        (r"(?m)^\s*print\(", [], "what is said goes through the log or click"),
        (r"casefold|citext|func\.lower", [], "an email has one canonical form"),
    ],
)
def test_a_word_stands_only_in_its_home(word: str, homes: list[str], why: str) -> None:
    found = {str(path.relative_to(ROOT / "authapp")) for path in SOURCES if re.search(word, path.read_text())}
    assert found == set(homes), why


def test_only_views_decorators_and_core_know_the_request() -> None:
    for path in SOURCES:
        if path.parent.name in ("services", "models", "schemas"):
            assert not re.search(r"from flask import .*\b(request|g)\b", path.read_text()), path


def test_the_docs_list_every_action_of_the_audit_log() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| ", (ROOT / "docs" / "audit-log.md").read_text(), re.MULTILINE)
    assert rows == [action.value for action in AuditAction]


def test_files_stay_small_enough_to_read() -> None:
    lengths = [len(path.read_text().splitlines()) for path in SOURCES]
    assert max(lengths) <= 250
    assert median(lengths) <= 90


def test_the_top_level_is_these_names_and_no_others() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    visible = {Path(name).parts[0] for name in tracked}
    assert {name for name in visible if not name.startswith(".")} == TOP_LEVEL
