"""The pages of the documentation, and the examples and commands in them, for the tests that run them."""

from __future__ import annotations

import re

from authapp.instance import ROOT

BUILDING = "docs/building.md"


def page(path: str) -> str:
    """The text of a page."""
    return (ROOT / path).read_text()


def blocks(path: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page(path), re.DOTALL | re.MULTILINE)


def examples(path: str = BUILDING) -> dict[str, str]:
    """The Python examples of a page, by the name of the file to save each as."""
    named = re.findall(r"Save this\s+as\s+`(\w+\.py)`:\n\n```python\n(.*?)^```", page(path), re.DOTALL | re.MULTILINE)
    assert [example for _, example in named] == blocks(path, "python"), "an example does not say its file name"
    return dict(named)
