"""The documentation: its links lead somewhere, the README stays short, and the layers are those of import-linter."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from authapp.instance import ROOT
from tests.pages import page

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LONGEST_README = 150  # lines
LONGEST_FEATURE = 60
PACKAGE = ROOT / "authapp"
# The feature that CONTRIBUTING.md adds, files of projects and examples, routes and media types, what git does not have.
_PLACEHOLDER = re.compile(r"projects|NNNN|^mlops/|^/|^application/|^instance/|^templates/emails/")
_CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(path: Path) -> None:
    assert list(broken_links(path)) == []


def broken_links(path: Path) -> Iterator[str]:
    for link in _LINK.findall(_CODE.sub("", path.read_text())):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.is_relative_to(ROOT) or not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


def anchors(path: Path) -> set[str]:
    """The headings of a page as GitHub turns them into anchors."""
    text = _CODE.sub("", path.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(path: Path) -> None:
    text = _CODE.sub("", path.read_text())
    named = {name for name in re.findall(r"`([\w./-]+/[\w.-]*)`", text) if not _PLACEHOLDER.search(name)}
    assert [name for name in sorted(named) if not any((folder / name).exists() for folder in (ROOT, PACKAGE))] == []


def test_every_page_is_linked_from_another_one() -> None:
    linked = {
        (path.parent / link.partition("#")[0]).resolve()
        for path in PAGES
        for link in _LINK.findall(path.read_text())
        if not link.startswith(("http", "#"))
    }
    assert [str(path.relative_to(ROOT)) for path in PAGES if path not in linked] == []


def test_the_readme_and_the_pages_of_features_stay_short() -> None:
    assert len(page("README.md").splitlines()) <= LONGEST_README
    for path in (ROOT / "docs" / "features").glob("*.md"):
        assert len(path.read_text().splitlines()) <= LONGEST_FEATURE, path


def test_the_architecture_page_has_the_layers_of_import_linter() -> None:
    settings = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]
    [layers] = [contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers"]
    text = page("docs/architecture.md")
    assert f"\n    {' > '.join(layers)}\n" in text
    [drawing] = re.findall(r"^```mermaid\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    drawn = set(re.findall(r"^  (\w+)\[", drawing, re.MULTILINE)) | set(re.findall(r"--> (\w+)", drawing))
    drawn |= set(re.findall(r"& (\w+)", drawing))
    assert drawn == {name for layer in layers for name in layer.split(" | ")}
