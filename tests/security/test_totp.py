"""TOTP: a code is of one of three time steps, whatever people type around it; and what the app scans is the secret."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

import pyotp
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from authapp.core import lengths
from authapp.security.totp import matching_step, new_secret, otpauth_uri, qr_svg

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_CODES = [  # RFC 6238 appendix B, SHA1, the last six of eight digits
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]
NOW = datetime.fromtimestamp(1111111109, UTC)
STEP = 1111111109 // 30
CODE = "081804"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES)
def test_the_totp_codes_of_rfc_6238_match(seconds: int, code: str) -> None:
    assert matching_step(RFC_SECRET, code, at(seconds)) == seconds // 30


@pytest.mark.parametrize(
    ("moved", "matches"), [(-2, False), (-1, True), (0, True), (1, True), (2, False), (1000, False)]
)
def test_a_totp_code_matches_in_its_own_step_and_both_neighbours_and_says_which(moved: int, matches: bool) -> None:
    for second in (0, 29):
        now = at((STEP + moved) * 30 + second)
        assert matching_step(RFC_SECRET, CODE, now) == (STEP if matches else None)


def test_the_first_totp_step_has_none_before_it() -> None:
    assert matching_step(RFC_SECRET, "755224", at(0)) == 0  # RFC 4226 appendix D
    assert matching_step(RFC_SECRET, "287082", at(0)) == 1
    assert matching_step(RFC_SECRET, "000000", at(0)) is None


@pytest.mark.parametrize(("earlier", "later", "code"), [(37079356, 37079357, "186519"), (37353814, 37353816, "137227")])
def test_a_totp_code_that_is_of_two_steps_is_of_the_later_one(earlier: int, later: int, code: str) -> None:
    """Such pairs were found by trying. Were it of the earlier step, the code could be used again in the later one."""
    assert matching_step(RFC_SECRET, code, at((later - 1) * 30)) == later
    assert matching_step(RFC_SECRET, code, at((earlier - 1) * 30)) == earlier  # the later one is not a neighbour yet
    assert matching_step(RFC_SECRET, code, at((later + 1) * 30)) == later


@pytest.mark.parametrize(
    "typed",
    ["081 804", " 081804\r\n", "081-804", "08 18 04", "0\u00a081\u20098\u300004", "081\u2011804", "081\u2013804",
     "\u200e081804\u200b", "\ufeff081804", "081\u2212804", "0-8-1-8-0-4", "\t081804\v\f\x1c\x85\u2028"],
)  # fmt: skip
def test_spaces_and_hyphens_in_a_totp_code_are_ignored(typed: str) -> None:
    assert matching_step(RFC_SECRET, typed, NOW) == STEP


@pytest.mark.parametrize(
    "typed",
    ["", " ", "-", "08180", "0818044", "81804", "181804", "O81804", "08180a", "+81804", "-81804", "081.804", "081_804",
     "0x1804", "8.18e4", "٠٨١٨٠٤", "۰۸۱۸۰۴", "０８１８０４", "08180４", "०८१८०४", "𝟎𝟖𝟏𝟖𝟎𝟒", "⁰⁸¹⁸⁰⁴", "08180\u0664",
     "081804\x00", "\x00", "\ud800", "08180\udc34", "081804" * 2, "9" * 1_000_000, "None", "true", "081804;",
     "<081804>"],
)  # fmt: skip
def test_what_is_no_totp_code_of_six_ascii_digits_matches_no_step(typed: str) -> None:
    assert matching_step(RFC_SECRET, typed, NOW) is None


@given(st.text())
def test_any_text_as_a_totp_code_is_answered(typed: str) -> None:
    digits = re.sub(r"[^0-9]", "", typed)
    assert matching_step(RFC_SECRET, typed, NOW) is None or digits in {
        pyotp.TOTP(RFC_SECRET).generate_otp(STEP + offset) for offset in (-1, 0, 1)
    }


def test_a_totp_code_of_another_secret_matches_no_step() -> None:
    assert matching_step(base64.b32encode(b"98765432109876543210").decode(), CODE, NOW) is None


def test_a_totp_secret_has_160_bits_and_is_new_each_time() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch("[A-Z2-7]{32}", secret) and len(base64.b32decode(secret)) == 20 for secret in secrets)


@pytest.mark.parametrize(
    ("email", "issuer", "label", "named"),
    [
        ("ada@example.com", "authapp", "authapp:ada@example.com", "authapp"),
        ("a+b/c?d#e&f%41@example.com", "Acme & Söhne", "Acme & Söhne:a+b/c?d#e&f%41@example.com", "Acme & Söhne"),
        ("ada@example.com", "Acme: Auth?x=1", "Acme Auth?x=1:ada@example.com", "Acme Auth?x=1"),
        ("ada@example.com", "名" * 300, "名" * 40 + ":ada@example.com", "名" * 40),
    ],
)
def test_the_otpauth_uri_names_the_issuer_and_the_account(email: str, issuer: str, label: str, named: str) -> None:
    secret = new_secret()
    uri = otpauth_uri(secret, email, issuer)
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("otpauth", "totp", f"/{label}")
    assert parse_qs(parts.query) == {"secret": [secret], "issuer": [named]}
    assert uri.isascii()
    assert "+" not in uri.replace("%2B", "")  # some apps take a plus sign for itself, others for a space


@pytest.mark.parametrize("issuer", [":", " : ", ""])
def test_an_otpauth_uri_without_a_usable_issuer_has_the_account_alone(issuer: str) -> None:
    uri = otpauth_uri(RFC_SECRET, "ada@example.com", issuer)
    assert uri == f"otpauth://totp/ada%40example.com?secret={RFC_SECRET}"
    assert pyotp.parse_uri(uri).name == "ada@example.com"


def test_the_apps_code_from_the_otpauth_uri_matches() -> None:
    uri = otpauth_uri(secret := new_secret(), "ada@example.com", "Acme")
    app = pyotp.parse_uri(uri)
    assert isinstance(app, pyotp.TOTP)
    assert matching_step(secret, app.at(NOW), NOW) == STEP


def modules_of(svg: str) -> list[list[int]]:
    """The dark modules that an SVG draws, row by row: what a scanner sees."""
    root = ET.fromstring(svg)
    size = int(root.attrib["viewBox"].split()[2])
    background, dark = root.findall("{*}path")
    assert background.attrib == {"fill": "#fff", "d": f"M0 0h{size}v{size}h-{size}z"}
    assert dark.attrib == {"stroke": "#000", "d": dark.attrib["d"]}
    grid = [[0] * size for _ in range(size)]
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", dark.attrib["d"]):
        values = [float(number) for number in re.findall(r"-?\d*\.?\d+", numbers)]
        if command == "h":
            for column in range(int(x), int(x + values[0])):
                grid[int(y)][column] = 1
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return grid


@pytest.mark.parametrize("email", ["ada@example.com", "%" * 64 + "@" + "%" * (lengths.EMAIL - 65)])
def test_the_qr_code_shows_the_whole_uri_on_white_with_a_margin_of_four_modules(email: str) -> None:
    uri = otpauth_uri(new_secret(), email, "名" * 300)
    code = segno.make_qr(uri, error="m")
    assert modules_of(qr_svg(uri)) == [list(row) for row in code.matrix_iter(border=4)]


def test_the_qr_code_is_a_small_svg_that_runs_and_loads_nothing() -> None:
    svg = qr_svg(otpauth_uri(new_secret(), "ada@example.com", "Acme"))
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert {element.tag.rpartition("}")[2] for element in root.iter()} == {"svg", "title", "path"}
    allowed = {"width", "height", "viewBox", "role", "shape-rendering", "fill", "stroke", "d"}
    assert {name for element in root.iter() for name in element.attrib} <= allowed  # no style, class, href, on…
    assert len(svg) < 4000
    assert "<?xml" not in svg
