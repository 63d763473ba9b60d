"""The pages of the documentation, and the examples and commands in them, for the tests that run them."""

from __future__ import annotations

import re

from authapp.instance import ROOT

BUILDING = "docs/building.md"
BUILDING_PAGES = (
    BUILDING,
    *(f"docs/building/{name}.md" for name in ("tables", "requests", "jobs", "events-and-emails")),
)


def page(path: str) -> str:
    """The text of a page."""
    return (ROOT / path).read_text()


def blocks(path: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page(path), re.DOTALL | re.MULTILINE)


def examples(*paths: str) -> dict[str, str]:
    """The examples of these pages, by default those of docs/building.md and behind it, by the file to save each as."""
    found: dict[str, str] = {}
    for path in paths or BUILDING_PAGES:
        named = re.findall(
            r"Save this\s+as\s+`([\w/]+\.(?:py|txt))`[^`\n]*(?:`[^\n]*)?:\n\n```(?:python|jinja)\n(.*?)^```",
            page(path),
            re.DOTALL | re.MULTILINE,
        )
        unnamed = "an example does not say its file name"
        assert {text for _, text in named} == {*blocks(path, "python"), *blocks(path, "jinja")}, unnamed
        found |= dict(named)
    return found
