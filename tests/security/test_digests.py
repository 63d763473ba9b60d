"""Keyed hashes: nothing that differs has the same, and nothing can be hashed without SECRET_KEY."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authapp.security.digests import Digests
from authapp.security.opaque_tokens import OpaqueTokens
from authapp.security.recovery_codes import new_codes, normalize

SECRET = "a-secret-for-tests-that-is-long-enough"
ADA, GRACE = UUID(int=1), UUID(int=2)
CODE = "k7wd-3hzq-9fmx-e2pt"
digests = Digests(SECRET)


def test_a_recovery_code_has_the_same_digest_as_shown_and_as_it_is_read() -> None:
    for code in new_codes():
        read = normalize(f" {code.upper()} ")
        assert read is not None
        assert digests.recovery_code(ADA, read) == digests.recovery_code(ADA, code)


@pytest.mark.parametrize(
    "other",
    [
        lambda: digests.recovery_code(GRACE, CODE),
        lambda: digests.recovery_code(ADA, CODE[:-1] + "u"),
        lambda: digests.recovery_code(ADA, CODE[:-1]),
        lambda: Digests(SECRET + "x").recovery_code(ADA, CODE),
        lambda: digests.throttle_key(CODE),
        lambda: digests.throttle_key(ADA.bytes.decode(), CODE.replace("-", "")),
    ],
)
def test_a_recovery_code_of_another_account_code_key_or_kind_has_another_digest(other: Callable[[], bytes]) -> None:
    assert other() != digests.recovery_code(ADA, CODE)


def test_a_throttle_key_is_the_same_each_time_and_another_for_another_secret_key() -> None:
    key = digests.throttle_key("login", "ada@example.com", "192.0.2.0/24")
    assert key == Digests(SECRET).throttle_key("login", "ada@example.com", "192.0.2.0/24")
    assert key != Digests(SECRET + "x").throttle_key("login", "ada@example.com", "192.0.2.0/24")
    assert len(key) == 32


def test_no_two_lists_of_parts_have_the_same_throttle_key() -> None:
    lists = [("login",), ("login", ""), ("login", "", ""), ("", "login"), ("login", "ab", "c"), ("login", "a", "bc"),
             ("login", "abc"), ("logina", "bc"), ("loginabc",), ("login", "bc", "a"), ("login", "a\x00bc"),
             ("login", "a", "bc", ""), ("login", "é"), ("login", "e\u0301"), ("login", "\x00\x00\x00\x00")]  # fmt: skip
    assert len({digests.throttle_key(*parts) for parts in lists}) == len(lists)


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_throttle_keys_are_equal_for_equal_parts_alone(one: list[str], other: list[str]) -> None:
    assert (digests.throttle_key(*one) == digests.throttle_key(*other)) == (one == other)


def test_the_keys_of_digests_and_opaque_tokens_differ() -> None:
    keys = {digests._recovery_codes, digests._throttle_keys, OpaqueTokens(SECRET)._key}
    assert len(keys) == 3


def test_digests_stay_as_they_are_for_the_rows_that_have_them() -> None:
    assert digests.recovery_code(ADA, CODE).hex()[:16] == "423e296b34129605"
    assert digests.throttle_key("login", "ada@example.com").hex()[:16] == "6419ae0b36fba669"
