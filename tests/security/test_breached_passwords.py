"""The file of breached passwords: each is found, nothing else is, and a look-up reads little of the file."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authapp.config import UnsafeSettings
from authapp.security.breached_passwords import BreachFile
from tests.factories import AppWith, World

LEAKED = "SecurePassword456"
CANDIDATES = [f"password {number}" for number in range(400)]
FORKS = """
import os, sys
from authapp.security.breached_passwords import BreachFile

file = BreachFile(sys.argv[1])
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        right = all(file.contains(f"leaked {i}") and not file.contains(f"other {i}") for i in range(child, 4000, 4))
        os._exit(0 if right else 1)
    children.append(pid)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
"""


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


def write(path: Path, passwords: Iterable[str], line: str = "{}:7\r\n") -> BreachFile:
    path.write_bytes("".join(map(line.format, sorted(map(sha1, passwords)))).encode())
    return BreachFile(str(path))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("breached") / "hashes.txt"
    write(path, (f"leaked {number}" for number in range(100_000)))
    return path


def test_every_breached_password_of_a_large_file_is_found_and_no_other(large: Path) -> None:
    file = BreachFile(str(large))
    for number in range(0, 100_000, 9):
        assert file.contains(f"leaked {number}")
        assert not file.contains(f"other {number}")
    by_hash = sorted((f"leaked {number}" for number in range(100_000)), key=sha1)
    assert all(map(file.contains, by_hash[:200] + by_hash[-200:]))


def test_a_look_up_of_a_breached_password_reads_a_few_blocks_of_the_file(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    pread = os.pread

    def counted(file: int, length: int, offset: int) -> bytes:
        read.append(length)
        return pread(file, length, offset)

    monkeypatch.setattr(os, "pread", counted)
    file = BreachFile(str(large))
    assert sum(read) < 20_000 < large.stat().st_size / 200
    for password in [f"{kind} {number}" for kind in ("leaked", "other") for number in range(500)]:
        read.clear()
        file.contains(password)
        assert len(read) <= 12  # 1,123 blocks: log2 is 10.1
        assert sum(read) <= 12 * 128 + 4096


@settings(max_examples=60, deadline=None, database=None)
@given(
    leaked=st.sets(st.sampled_from(CANDIDATES)),
    line=st.sampled_from(["{}\n", "{}\r\n", "{}:1\n", "{}:23456789\r\n", "{}:" + "9" * 20 + "\r\n"]),
    lower=st.booleans(),
    ended=st.booleans(),
)
def test_a_breach_file_of_any_form_contains_what_its_set_of_passwords_does(
    leaked: set[str], line: str, lower: bool, ended: bool
) -> None:
    hashes = sorted(map(sha1, leaked))
    text = "".join(line.format(each.lower() if lower else each) for each in hashes)
    with tempfile.NamedTemporaryFile() as named:
        named.write((text if ended else text.rstrip("\r\n")).encode())
        named.flush()
        file = BreachFile(named.name)
        assert {password for password in CANDIDATES if file.contains(password)} == leaked


@pytest.mark.parametrize("count", [96, 97, 98, 99, 100, 195, 196])
@pytest.mark.parametrize("line", ["{}\n", "{}\r\n"])
def test_every_breached_password_is_found_wherever_a_block_ends(tmp_path: Path, count: int, line: str) -> None:
    leaked = CANDIDATES[:count]
    file = write(tmp_path / "hashes.txt", leaked, line)
    assert [password for password in CANDIDATES if file.contains(password)] == leaked


def test_a_line_that_starts_with_the_last_byte_of_a_block_is_found(tmp_path: Path) -> None:
    ordered = sorted(CANDIDATES, key=sha1)
    for shift in range(60):  # the first line is longer, so that all others move
        counts = ["1" * 20, "1" * 20, "1" * (shift % 20 + 1), *["1" * (shift // 20 + 1)] * 397]
        lines = (f"{sha1(password)}:{count}\n" for password, count in zip(ordered, counts, strict=True))
        (path := tmp_path / "hashes.txt").write_text("".join(lines))
        file = BreachFile(str(path))
        assert all(map(file.contains, ordered))


def test_an_empty_breach_file_contains_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "hashes.txt", [])
    assert not file.contains(LEAKED)


HASHES = sorted(map(sha1, CANDIDATES))
BY_COUNT = sorted(HASHES[1:-1], key=lambda each: each[::-1])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("\n", "not a list"),
        ("\n\n\n", "not a list"),
        ("password\nsecret\n", "not a list"),
        (f"{HASHES[0]}\n\n", "not a list"),
        (f"\n{HASHES[0]}\n", "not a list"),
        (f"\ufeff{HASHES[0]}\n", "not a list"),
        (f"{HASHES[0]}\r{HASHES[1]}\r", "not a list"),
        (f"{HASHES[0]}:\n", "not a list"),
        (f"{HASHES[0]}:many\n", "not a list"),
        (f"{HASHES[0]} 7\n", "not a list"),
        (f"{HASHES[0]}:7\npassword\n", "not a list"),
        (f"{HASHES[0][:-1]}\n", "not a list"),
        (hashlib.sha256(b"").hexdigest() + "\n", "not a list"),
        (hashlib.md5(b"").hexdigest() + "\n", "not a list"),
        ("x" * 1_000_000, "not a list"),
        (f"{HASHES[1]}\n{HASHES[0]}\n", "not in the order"),
        ("\n".join([HASHES[0], *BY_COUNT, HASHES[-1]]), "not in the order"),
    ],
)
def test_a_file_that_is_no_ordered_list_of_hashes_is_refused_at_start(
    tmp_path: Path, content: str, reason: str
) -> None:
    (path := tmp_path / "hashes.txt").write_bytes(content.encode())
    with pytest.raises(UnsafeSettings) as refused:
        BreachFile(str(path))
    [problem] = refused.value.problems
    assert problem.startswith("PASSWORD_BREACH_FILE: ")
    assert reason in problem


def test_a_breach_file_that_cannot_be_read_is_refused_at_start(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UnsafeSettings, match="PASSWORD_BREACH_FILE: cannot be read"):
            BreachFile(str(path))


def test_an_open_breach_file_may_be_replaced_and_survives_being_cut_short(tmp_path: Path) -> None:
    file = write(path := tmp_path / "hashes.txt", CANDIDATES)
    newer = write(tmp_path / "newer.txt", [LEAKED])
    (tmp_path / "newer.txt").replace(path)
    assert file.contains(CANDIDATES[0])
    assert not file.contains(LEAKED)
    assert newer.contains(LEAKED)
    path.write_bytes(b"")
    assert not newer.contains(LEAKED)


def test_a_breach_file_is_read_by_many_threads_and_forked_processes(large: Path) -> None:
    file = BreachFile(str(large))
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(file.contains, (f"leaked {number}" for number in range(2000))))
        assert not any(pool.map(file.contains, (f"other {number}" for number in range(2000))))
    subprocess.run([sys.executable, "-c", FORKS, str(large)], check=True, timeout=60)


def test_a_closed_application_closes_its_breach_file(tmp_path: Path) -> None:
    file = write(tmp_path / "hashes.txt", CANDIDATES)
    descriptor = file._file
    os.fstat(descriptor)
    del file
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_breached_password_cannot_be_chosen_at_registration(world: World, app_with: AppWith, tmp_path: Path) -> None:
    write(path := tmp_path / "hashes.txt", [LEAKED])
    careful = world.with_app(app_with(password_breach_file=str(path))).caller()
    body = {"email": "ada@example.com", "password": LEAKED}
    refused = careful.call("POST", "/auth/register", body)
    assert refused.status_code == 422
    complaint = "This password has appeared in a data breach. Choose another."
    assert refused.get_json()["errors"]["json"] == {"password": [complaint]}
    assert careful.call("POST", "/auth/register", {**body, "password": LEAKED + "7"}).status_code == 201
    assert world.caller().call("POST", "/auth/register", {**body, "email": "grace@example.com"}).status_code == 201
