"""Words that may stand in one module only, names of files, sizes of files."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from authapp.core.enums import AuditAction
from authapp.instance import ROOT
from tests.pages import page

SOURCES = sorted((ROOT / "authapp").rglob("*.py"))
TOP_LEVEL = {
    "CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "LICENSE", "Makefile", "Procfile", "README.md", "SECURITY.md",
    "app.json", "authapp", "clients", "compose.yaml", "config.py", "docs", "migrations", "pyproject.toml",
    "requirements.in", "requirements.txt", "tests", "wsgi.py",
}  # fmt: skip

# A word that nobody searches for, and the standard term. The same table is in CONTRIBUTING.md.
INSTEAD = {
    r"walls?|walled": "row-level security, policy, tenant context",
    r"letters?": "email, outbox message",
    r"proofs?|proves?|proved|proven": "credential look-up, check",
    r"offices?|authority|authorities|standing": "lock, role, permission",
    r"trails?|befell": "audit log, event",
    r"story|stories|floors?|houses?": "feature, layer, architecture, baseline",
    r"refusals?": "error, problem document",
    r"goodbyes?|dawdl\w*": "queue, slot, timeout",
}
# Letters of the alphabet are letters, and `flask letters` is a former command.
# An inclusion proof is what RFC 6962 and RFC 9162 call it, and the path of its route.
ALLOWED = re.compile(
    r"letters and digits|`flask letters`|(inclusion|consistency)[_ ]proofs?|/proof\b|\bproof\.json", re.IGNORECASE
)
ALPHABET = (
    "authapp/schemas/emails.py", "authapp/schemas/fields.py", "authapp/security/password_policy.py",
    "tests/security/test_password_policy.py",
)  # fmt: skip
CHECKED = ("authapp/", "migrations/", "docs/", "tests/", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md")
TEXTS = (".py", ".sql", ".md", ".html", ".txt", ".js")
UNCHECKED = ("tests/architecture/test_words.py",)


@pytest.mark.parametrize(
    ("word", "homes", "why"),
    [
        (r"session\.(commit|rollback)\(", ["db/transaction.py"], "a request is one transaction"),
        (
            r"os\.environ|getenv",
            ["config.py", "dev/postgres.py", "server/metric_files.py", "testing/postgres.py"],
            "config.py alone reads the environment",
        ),
        (r"datetime\.now|utcnow|time\.time\(", ["core/clock.py"], "a test can hold time still"),
        (r"\bbcrypt\.", ["security/imported_hashes.py", "security/passwords.py"], "hashing is bounded"),
        (r"jw[ts]\.(en|de)code", ["security/tokens.py"], "tokens are made and read in one place"),
        (r"flask_smorest", ["web/blueprint.py", "web/openapi.py"], "the framework of the document can be changed"),
        (
            r"\b_jwt_extended|_decode_jwt|JWTManager",
            ["web/jwt_extended.py"],
            "Flask-JWT-Extended may change its private names",
        ),
        (
            r"(?m)^\s*(from|import) gunicorn",
            ["server/logger.py", "server/worker.py", "web/parsing.py"],
            "other servers",
        ),
        (
            r"set_config",
            ["db/tenancy.py", "dev/database.py", "services/api_keys.py"],
            "what sets a tenant can be reviewed",
        ),
        (
            r"set_operator",
            [
                "cli/audit.py",
                "cli/erasure.py",
                "cli/exports.py",
                "cli/lookup.py",
                "cli/users_import.py",
                "db/tenancy.py",
                "jobs/audit.py",
                "jobs/erasure.py",
                "jobs/retention.py",
                "services/operator/organizations.py",
            ],
            "only commands, jobs and one list of the operator's routes see all organizations",
        ),
        (
            r"\bended_at\s*=(?!=)|[\"']ended_at[\"']\s*:",
            ["services/retention.py", "services/sessions.py"],
            "what ends a session tells other services",
        ),
        (r"(?m)^\s*print\(", [], "what is said goes through the log or click"),
        (
            r"subprocess|os\.(system|popen|exec|spawn)",
            ["dev/database.py", "dev/example.py", "dev/run.py", "testing/postgres.py"],
            "production starts no program",
        ),
        (
            r"(?<!\.)\b(eval|exec)\(|\b(pickle|marshal|shelve|yaml|xml)\b|\bMarkup\b|from_string",
            [],
            "data is never code, markup or an object",
        ),
        (r"\.i?like\(|\bI?LIKE\b|SIMILAR TO|regexp", [], "no pattern is made of what somebody sends"),
        (
            r"re\.escape",
            ["providers/discovery.py", "services/personal_data/addresses.py", "web/headers.py"],
            "what stands in a pattern stands for itself",
        ),
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


def test_the_words_are_the_standard_terms() -> None:
    checked = [path for path in tracked() if path.startswith(CHECKED) and not path.startswith(UNCHECKED)]
    found = [line for path in checked if Path(path).suffix in TEXTS for line in words_to_replace(path)]
    assert not found, "\n".join(found)


def words_to_replace(path: str) -> Iterator[str]:
    """The words of a file that are not the standard terms, names included: where, which, and what to write."""
    for number, line in enumerate(prose(path).splitlines(), 1):
        for pattern, standard in INSTEAD.items():
            for match in re.finditer(rf"\b({pattern})\b", ALLOWED.sub("", line).replace("_", " "), re.IGNORECASE):
                if not (path in ALPHABET and match[0].lower().startswith("letter")):
                    yield f"{path}:{number}: {match[0]}: write {standard}"


def prose(path: str) -> str:
    """The text of a file. CONTRIBUTING.md without its table of words, line by line."""
    text = page(path)
    if path == "CONTRIBUTING.md":
        [table] = re.findall(r"^\| write \| not \|\n(?:\|.*\n)+", text, re.MULTILINE)
        text = text.replace(table, "\n" * table.count("\n"))
    return text


def test_contributing_has_the_table_of_words() -> None:
    text = page("CONTRIBUTING.md")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text.partition("| write | not |")[2], re.MULTILINE)
    refused = {word for _, words in rows for word in words.split(", ")}
    for word, standard in INSTEAD.items():
        assert any(re.fullmatch(word, other) for other in refused), word
        assert standard in [row for row, _ in rows]


def test_the_docs_list_every_action_of_the_audit_log() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| ", page("docs/audit-log.md"), re.MULTILINE)
    assert rows == [action.value for action in AuditAction]


def test_files_stay_small_enough_to_read() -> None:
    lengths = [len(path.read_text().splitlines()) for path in SOURCES]
    assert max(lengths) <= 250
    assert median(lengths) <= 90


def test_the_top_level_is_these_names_and_no_others() -> None:
    visible = {Path(name).parts[0] for name in tracked()}
    assert {name for name in visible if not name.startswith(".")} == TOP_LEVEL


def tracked() -> list[str]:
    """The files of the repository."""
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
