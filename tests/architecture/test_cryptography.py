"""The inventory of keys and of uses of cryptography is that of the code."""

from __future__ import annotations

import re

from authapp.instance import ROOT
from tests.pages import page

PAGE = page("docs/cryptography.md")
SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "authapp").rglob("*.py"))}
LIBRARIES = (
    r"(?m)^\s*(?:import|from) "
    r"(?:authlib|bcrypt|cryptography|hashlib|hmac|joserfc|jwt|pyotp|random|secrets|ssl|webauthn|zlib)\b"
)
TLS = {"authapp/mail/transports.py", "authapp/providers/network.py"}


def test_the_inventory_has_every_module_that_uses_cryptography() -> None:
    using = {path for path, source in SOURCES.items() if re.search(LIBRARIES, source)}
    assert re.findall(r"^\| `(authapp/[\w/.]+)` \|", PAGE, re.MULTILINE) == sorted(using - TLS)


def test_the_inventory_has_every_key_that_is_derived() -> None:
    derived = {purpose for source in SOURCES.values() for purpose in re.findall(r'derive\([\w.]+, "([^"]+)"\)', source)}
    calls = sum(len(re.findall(r"(?<!def )(?<!\.)\bderive\(", source)) for source in SOURCES.values())
    assert len(derived) == calls, "a purpose is there twice, or no literal"
    rows = PAGE.partition("## Keys")[2].partition("## Uses")[0]
    assert set(re.findall(r"^\| `([\w ]+)` \|", rows, re.MULTILINE)) == derived
