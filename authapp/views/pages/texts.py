"""The texts of the pages: one file for each language in `authapp/texts/`, chosen by Accept-Language."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from flask import request

FOLDER = Path(__file__).parents[2] / "texts"
DEFAULT = "en"


@cache
def languages() -> list[str]:
    """The languages that have a file, the default one first."""
    return sorted((path.stem for path in FOLDER.glob("*.toml")), key=lambda name: (name != DEFAULT, name))


@cache
def texts(language: str) -> dict[str, Any]:
    """The texts of a language, by section and name."""
    return tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))


def preferred_language() -> str:
    """The language of the texts that suits this request best."""
    wanted = [tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0]
    return next((language for language in wanted if language in languages()), DEFAULT)
