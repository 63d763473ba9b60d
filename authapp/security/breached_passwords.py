"""The passwords that were leaked: a file of their SHA-1 hashes, of tens of gigabytes, of which little is read."""

from __future__ import annotations

import hashlib
import os
import re
import weakref

from authapp.config import UnsafeSettings

_BLOCK = 4096  # bytes
_LONGEST_LINE = 64  # bytes: 40 of a hash, a colon, the digits of a count, a line end
_DIGITS = 40
_LINE = re.compile(rb"[0-9A-F]{40}(:[0-9]{1,20})?")
_SAMPLES = 64  # lines that are looked at when the file is opened
_HINT = "Give the list that is ordered by hash, with a SHA-1 hash on each line."


class BreachFile:
    """A text file of lines `HASH` or `HASH:COUNT`, in the order of the hashes.

    It is read where a look-up needs it, by position: processes that were forked may share it. It is not mapped into
    memory, because a process dies of SIGBUS when a mapped file is cut short.

    Args:
        path: of the file. Its content may not change while it is open, but another file may take its name.

    Raises:
        UnsafeSettings: it cannot be read, or has something else in it, or is in another order.
    """

    def __init__(self, path: str) -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self._file)
            self._blocks = -(-os.fstat(self._file).st_size // _BLOCK)
            samples = self._samples()
        except OSError as error:
            raise UnsafeSettings([f"PASSWORD_BREACH_FILE: cannot be read: {error.strerror}."]) from None
        if not all(map(_LINE.fullmatch, samples)):
            raise UnsafeSettings([f"PASSWORD_BREACH_FILE: not a list of SHA-1 hashes. {_HINT}"])
        hashes = [line[:_DIGITS] for line in samples]
        if hashes != sorted(hashes):
            raise UnsafeSettings([f"PASSWORD_BREACH_FILE: not in the order of the hashes. {_HINT}"])

    def contains(self, password: str) -> bool:
        """Whether the hash of the password is in the file. Binary search for its block, then this block is read."""
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        first, end = 0, self._blocks
        while end - first > 1:
            middle = (first + end) // 2
            line = self._first_line(middle)
            if line is not None and line[:_DIGITS] <= wanted:
                first = middle
            else:
                end = middle
        return b"\n" + wanted in self._read(first, _BLOCK + _DIGITS)

    def _samples(self) -> list[bytes]:
        """The first line, some between, and the last."""
        if not self._blocks:
            return []
        blocks = range(0, self._blocks, -(-self._blocks // _SAMPLES))
        lines = [line for block in blocks if (line := self._first_line(block)) is not None]
        last_two = self._read(max(0, self._blocks - 2), 2 * _BLOCK)
        return [*lines, last_two.removesuffix(b"\n").rpartition(b"\n")[2].removesuffix(b"\r")]

    def _first_line(self, block: int) -> bytes | None:
        """The first line behind a line end of this block. None: the file ends before there is one."""
        _, _, line = self._read(block, 2 * _LONGEST_LINE).partition(b"\n")
        return line.partition(b"\n")[0].removesuffix(b"\r") if line else None

    def _read(self, block: int, length: int) -> bytes:
        """So much of this block and what follows, in upper case. Each line is behind a line end, the first one too."""
        text = os.pread(self._file, length, block * _BLOCK).upper()
        return text if block else b"\n" + text
