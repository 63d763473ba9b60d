"""Merkle trees (RFC 6962 section 2.1), and what is kept of one so that it grows and gives paths without being read.

A node is named by its level, 0 for leaves, and its position among the nodes of that level. Those of each eighth level
are stored; the others follow from at most 256 of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

HASH_BYTES = 32
STORED_LEVELS = 8  # every eighth level is stored
_TILE = 1 << STORED_LEVELS
EMPTY_ROOT = hashlib.sha256().digest()

Subtree = Callable[[int, int], bytes]
"""The root of the leaves from one position to another, which is excluded."""


class Node(NamedTuple):
    """A node that is stored."""

    level: int
    position: int
    hash: bytes


class Span(NamedTuple):
    """Stored nodes of one level, from one position to another, which is excluded."""

    level: int
    first: int
    end: int


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: the zero keeps a leaf from being taken for a node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree, to which leaves are appended.

    Args:
        size: how many leaves the tree has.
        roots: those of its perfect subtrees, the largest first, one behind the other.
    """

    def __init__(self, size: int = 0, roots: bytes = b"") -> None:
        self.size = size
        self._roots = [roots[start : start + HASH_BYTES] for start in range(0, len(roots), HASH_BYTES)]

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf by its hash. Returns the nodes to store beside it, which it has completed."""
        node, level, stored = leaf, 0, []
        while self.size >> level & 1:
            node = node_hash(self._roots.pop(), node)
            level += 1
            if level % STORED_LEVELS == 0:
                stored.append(Node(level, self.size >> level, node))
        self._roots.append(node)
        self.size += 1
        return stored

    @property
    def roots(self) -> bytes:
        return b"".join(self._roots)

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self._roots:
            return EMPTY_ROOT
        *others, root = self._roots
        for left in reversed(others):
            root = node_hash(left, root)
        return root


def needed_for(position: int, size: int) -> Iterator[Span]:
    """The stored nodes of which the paths of a leaf in a tree of this size are made."""
    for level in range(0, size.bit_length(), STORED_LEVELS):
        nodes = size >> level
        for tile in sorted({position >> level >> STORED_LEVELS, nodes >> STORED_LEVELS}):
            yield Span(level, tile * _TILE, min((tile + 1) * _TILE, nodes))


def subtrees_of(stored: Mapping[tuple[int, int], bytes]) -> Subtree:
    """What gives the root of any subtree, made of the stored nodes."""

    def perfect(level: int, position: int) -> bytes:
        if level % STORED_LEVELS == 0:
            return stored[level, position]
        return node_hash(perfect(level - 1, 2 * position), perfect(level - 1, 2 * position + 1))

    def subtree(start: int, end: int) -> bytes:
        middle = start + _split(end - start)
        if end - start == 1 or middle == end:
            level = (end - start).bit_length() - 1
            return perfect(level, start >> level)
        return node_hash(subtree(start, middle), subtree(middle, end))

    return subtree


def inclusion_path(position: int, size: int, subtree: Subtree) -> list[bytes]:
    """The hashes that lead from a leaf to the root, the nearest first (RFC 6962 section 2.1.1)."""
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _half(end - start)
        if position < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def consistency_path(before: int, size: int, subtree: Subtree) -> list[bytes]:
    """The hashes that show that a tree of this size begins with one of the size before (RFC 6962 section 2.1.2)."""
    start, end, path = 0, size, []
    while before != end:
        middle = start + _half(end - start)
        if before <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1] if start == 0 else [subtree(start, end), *path[::-1]]


def _split(width: int) -> int:
    """The largest power of two up to a width."""
    return 1 << width.bit_length() - 1


def _half(width: int) -> int:
    """The largest power of two below a width: how wide the left subtree is."""
    return _split(width - 1)
