"""Recovery codes: ten, of 80 bits each, read however they are typed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authapp.security.recovery_codes import new_codes, normalize

CODE = "k7wd-3hzq-9fmx-e2pt"
NORMALIZED = "k7wd3hzq9fmxe2pt"


def test_there_are_ten_recovery_codes_of_four_groups_without_look_alikes() -> None:
    codes = [code for _ in range(200) for code in new_codes()]
    assert len(codes) == len(set(codes)) == 2000
    assert all(re.fullmatch("[2-9a-z]{4}(-[2-9a-z]{4}){3}", code) for code in codes)
    used = set("".join(codes)) - {"-"}
    assert len(used) == 32  # so 16 characters are 80 bits
    assert not used & set("01lo")


def test_a_new_recovery_code_is_read() -> None:
    for code in new_codes():
        assert normalize(code) == code.replace("-", "")


@pytest.mark.parametrize(
    "typed",
    [CODE, NORMALIZED, CODE.upper(), "K7wd 3hzQ 9fmx E2PT", f" {CODE}\r\n", "k7wd\u20113hzq\u20139fmx\u2212e2pt",
     "k7wd\u00a03hzq\u20099fmx\u3000e2pt", "-".join(NORMALIZED), f"\ufeff{CODE}\u200b"],
)  # fmt: skip
def test_case_spaces_and_hyphens_of_a_recovery_code_are_ignored(typed: str) -> None:
    assert normalize(typed) == NORMALIZED


@pytest.mark.parametrize(
    "typed",
    ["", " ", "-", "287082", NORMALIZED[:-1], NORMALIZED + "2", CODE.replace("7", "0"), CODE.replace("7", "1"),
     CODE.replace("7", "l"), CODE.replace("7", "o"), CODE.replace("-", "."), CODE.replace("-", "_"),
     CODE.replace("k", "\u212a"), CODE.replace("7", "７"), CODE.replace("7", "٧"), CODE.replace("e", "е"),
     CODE + "\x00", "\ud800" * 16, "ß" * 8, "ﬁ" * 8, "z" * 1_000_000, "a" * 15 + "\n" + "!"],
)  # fmt: skip
def test_what_cannot_be_a_recovery_code_is_not_read(typed: str) -> None:
    assert normalize(typed) is None


@given(st.text())
def test_any_text_as_a_recovery_code_is_answered_and_what_is_read_stays_as_it_is(typed: str) -> None:
    read = normalize(typed)
    assert read is None or normalize(read) == read
