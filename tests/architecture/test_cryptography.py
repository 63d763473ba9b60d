"""The inventory of keys and of uses of cryptography is that of the code."""

from __future__ import annotations

import re

from authapp.instance import ROOT
from authapp.security.keys import KEPT
from tests.pages import page

PAGE = page("docs/cryptography.md")
SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "authapp").rglob("*.py"))}
LIBRARIES = (
    r"(?m)^\s*(?:import|from) "
    r"(?:authlib|bcrypt|cryptography|hashlib|hmac|joserfc|jwt|pyotp|random|secrets|ssl|webauthn|zlib)\b"
)
OF_ANY_PURPOSE = {"authapp/security/keys.py", "authapp/services/rekey.py"}  # they keep what others derive
TLS = {"authapp/mail/transports.py", "authapp/providers/network.py", "authapp/services/webhooks/attempts.py"}


def test_the_inventory_has_every_module_that_uses_cryptography() -> None:
    using = {path for path, source in SOURCES.items() if re.search(LIBRARIES, source)}
    assert re.findall(r"^\| `(authapp/[\w/.]+)` \|", PAGE, re.MULTILINE) == sorted(using - TLS)


def test_the_inventory_has_every_key_that_is_derived() -> None:
    sources = [source for path, source in SOURCES.items() if path not in OF_ANY_PURPOSE]
    named = [purpose for source in sources for purpose in re.findall(r'derived?\([\w.]+, "([^"]+)"', source)]
    derived, calls = set(named), sum(len(re.findall(r"(?<!\.)\b(?:kept_or_)?derived?\(", source)) for source in sources)
    derived |= set(re.findall(r'derive\([\w.]+, "([^"]+)"\)', SOURCES["authapp/security/keys.py"]))
    assert len(named) == calls == len(set(named)), "a purpose is there twice, or no literal"
    rows = PAGE.partition("## Keys")[2].partition("## Uses")[0]
    assert set(re.findall(r"^\| `([\w ]+)` \|", rows, re.MULTILINE)) == derived


def test_the_keys_of_hashes_are_kept_when_the_secret_is_replaced() -> None:
    named = [re.findall(r'kept_or_derived\(secret, "([^"]+)"', source) for source in SOURCES.values()]
    assert {purpose for purposes in named for purpose in purposes} == set(KEPT)
