"""Time-based one-time codes (TOTP, RFC 6238), and what an authenticator app scans to make them."""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from io import BytesIO

import pyotp

from authapp.security.typed_codes import without_separators

_CODE = re.compile(r"[0-9]{6}")
_BASE32_CHARACTERS = 32  # 160 bits, RFC 4226 section 4, R6
_NEIGHBOURS = (-1, 0, 1)  # RFC 6238 section 5.2: for a code that is late, and section 6: for clocks that differ
_LONGEST_ISSUER = 40  # characters: with the longest email it still fits into a QR code
_PIXELS = 4  # for each module


def new_secret() -> str:
    """A random secret in base32, as authenticator apps take it."""
    return pyotp.random_base32(_BASE32_CHARACTERS)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step that a code is of: the present one, the one before or the one after. None: of none of them.

    A code must count once only (RFC 6238 section 5.2): accept a step only if it is later than the last one accepted.
    Where a code is of two steps, this is the later one, so that it is not accepted again when time has moved on.

    Args:
        secret: in base32.
        code: as it was typed, with any spaces and hyphens.
        now: the present moment.
    """
    typed = without_separators(code)
    if not _CODE.fullmatch(typed):
        return None
    totp = pyotp.TOTP(secret)
    present = totp.timecode(now)
    # Not verify(): it does not tell which step, and stops at the first.
    steps = [present + offset for offset in _NEIGHBOURS if present + offset >= 0]
    matching = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), typed)]
    return max(matching, default=None)


def otpauth_uri(secret: str, account_email: str, issuer: str) -> str:
    """The address that an authenticator app takes a secret from.

    Args:
        secret: in base32.
        account_email: the app shows it below the issuer.
        issuer: the name of the service. A colon would end it, so it becomes a space; what is too long is cut off.
    """
    name = " ".join(issuer.replace(":", " ").split())[:_LONGEST_ISSUER].strip()
    return pyotp.TOTP(secret).provisioning_uri(name=account_email, issuer_name=name or None)


def qr_svg(uri: str) -> str:
    """The QR code of an address, as an SVG document for a page or a file, without styles and scripts.

    The background is white, with the margin that a scanner needs, on a dark page too.
    """
    import segno  # noqa: PLC0415  50 ms and 4 MB, and not for every command

    code, document = segno.make_qr(uri, error="m"), BytesIO()
    code.save(
        document, kind="svg", xmldecl=False, nl=False, svgclass=None, lineclass=None, omitsize=True,
        dark="#000", light="#fff", title="QR code",
    )  # fmt: skip
    width, height = code.symbol_size(scale=_PIXELS)
    size = f'<svg role="img" width="{width}" height="{height}" shape-rendering="crispEdges"'
    return size + document.getvalue().decode().removeprefix("<svg")
