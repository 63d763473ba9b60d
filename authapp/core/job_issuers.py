"""Issuers of tokens for jobs: those that have a name, and the form of all others."""

from __future__ import annotations

import re

from authapp.core import lengths

GITHUB, GITLAB = "github", "gitlab"
BY_NAME = {GITHUB: "https://token.actions.githubusercontent.com", GITLAB: "https://gitlab.com"}
_NAMES = {address: name for name, address in BY_NAME.items()}
_FORM = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?", re.ASCII)


def address_of(issuer: str) -> str | None:
    """The `iss` of an issuer that is given by its name or its address. None: it is neither."""
    address = BY_NAME.get(issuer, issuer)
    return address if len(address) <= lengths.ISSUER and _FORM.fullmatch(address) else None


def name_of(address: str) -> str:
    """The name of an issuer that has one, else its address."""
    return _NAMES.get(address, address)


def rules_of(address: str) -> str:
    """The name of the issuer whose claims these are. An enterprise of GitHub may have an address below GitHub's."""
    return GITHUB if address.startswith(f"{BY_NAME[GITHUB]}/") else name_of(address)
