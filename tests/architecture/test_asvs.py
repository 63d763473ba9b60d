"""The page of the OWASP ASVS: each requirement once, and what shows it exists."""

from __future__ import annotations

import csv
import re
from typing import Any

import pytest

from authapp.config import Settings
from authapp.instance import ROOT
from tests.pages import page

PAGE = page("docs/asvs.md")
OPERATING = " ".join(page("docs/operating.md").split())
# The requirements that apply to a service like this one, and their levels.
LEVELS = {row["id"]: row["level"] for row in csv.DictReader(page("tests/architecture/asvs.csv").splitlines())}
# What the first level asks for and authapp does otherwise, each with its reason on the page.
NOT_FULFILLED_OF_LEVEL_1 = {"v5.0.0-6.2.5", "v5.0.0-7.2.4"}
_ID = re.compile(r"v5\.0\.0-\d+\.\d+\.\d+")
_SENTENCE = re.compile(r'`docs/operating\.md`: "([^"]+)"')
_TEST = re.compile(r"`([\w/.]+\.py)::(\w+)`")
_FILE = re.compile(r"`((?:authapp|docs|tests|\.github)/[\w/.-]*|[\w-]+\.(?:toml|in|txt)|SECURITY\.md)`")


def rows(text: str = PAGE) -> dict[str, list[str]]:
    """The cells behind each id."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        first, *cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if first.startswith("v5"):
            assert first not in found, f"{first} is there twice"
            found[first] = cells
    return found


def order(requirement: str) -> list[int]:
    return [int(number) for number in requirement.rpartition("-")[2].split(".")]


def test_each_requirement_of_the_asvs_has_one_row_in_the_table_of_its_chapter() -> None:
    rows()
    chapters, _, missing = PAGE.partition("\n## Not fulfilled\n")
    for table in [*re.split(r"(?m)^## V", chapters)[1:], missing]:
        ids = list(rows(table))
        assert all(map(_ID.fullmatch, ids))
        assert ids == sorted(ids, key=order)
        assert table is missing or {order(each)[0] for each in ids} == {int(table.partition(" ")[0])}


def test_no_applicable_requirement_is_missing() -> None:
    assert sorted(LEVELS.keys() - rows().keys()) == []


def test_all_of_the_first_level_is_fulfilled_but_for_what_is_argued() -> None:
    missing = rows(PAGE.partition("\n## Not fulfilled\n")[2])
    assert {each for each in missing if LEVELS.get(each) == "L1"} == NOT_FULFILLED_OF_LEVEL_1


def test_each_fulfilled_requirement_names_what_shows_it() -> None:
    for requirement, cells in rows(PAGE.partition("\n## Not fulfilled\n")[0]).items():
        shown = cells[-1]
        assert _TEST.search(shown) or _FILE.search(shown) or _SENTENCE.search(shown), requirement


def test_each_test_file_and_sentence_that_the_page_names_is_there() -> None:
    for path, name in _TEST.findall(PAGE):
        assert re.search(rf"^def {name}\(", page(path), re.MULTILINE), f"{path}::{name}"
    assert [path for path in _FILE.findall(PAGE) if not (ROOT / path).exists()] == []
    assert [sentence for sentence in _SENTENCE.findall(PAGE) if sentence not in OPERATING] == []


def test_the_ways_in_are_the_routes_that_give_tokens(openapi: dict[str, Any]) -> None:
    giving = {
        f"{method.upper()} {path}"
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict) and "#/components/schemas/Session'" in str(operation.get("responses"))
    }
    table = PAGE.partition("\n### All ways in\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]+)` \|", table, re.MULTILINE)) == giving


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("access_token_expire_minutes", "lives for {} minutes"),
        ("refresh_token_expire_days", "ends after {} days without a refresh"),
        ("session_absolute_days", "{} days after sign-in at the latest"),
    ],
)
def test_the_lifetimes_of_sessions_are_those_of_the_settings(name: str, text: str) -> None:
    lifetimes = " ".join(PAGE.partition("\n### Lifetimes of sessions\n")[2].partition("\n## ")[0].split())
    assert text.format(getattr(Settings(), name)) in lifetimes
    assert f"(`{name.upper()}`)" in lifetimes
