"""Merkle trees against the roots and paths that RFC 6962 implementations agree on, and against its definition."""

from __future__ import annotations

import pytest

from authapp.security.merkle import (
    EMPTY_ROOT,
    Frontier,
    Subtree,
    consistency_path,
    inclusion_path,
    leaf_hash,
    needed_for,
    node_hash,
    subtrees_of,
)

# of certificate-transparency's merkle_tree_test.cc, which other implementations use too
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LARGEST = 70
AROUND_STORED = (255, 256, 257, 511, 512, 513, 600, 1025)


class Grown:
    """A tree, with the root of each size and the nodes that were stored."""

    def __init__(self, leaves: list[bytes]) -> None:
        frontier = Frontier()
        self.leaves, self.stored, self.roots = [leaf_hash(leaf) for leaf in leaves], {}, [frontier.root]
        for position, leaf in enumerate(self.leaves):
            self.stored[0, position] = leaf
            self.stored |= {(node.level, node.position): node.hash for node in frontier.append(leaf)}
            frontier = Frontier(frontier.size, frontier.roots)  # what is stored of it is enough
            self.roots.append(frontier.root)

    def subtrees(self, position: int, size: int) -> Subtree:
        """What is made of the needed nodes alone."""
        spans = list(needed_for(position, size))
        keys = [(span.level, at) for span in spans for at in range(span.first, span.end)]
        return subtrees_of({key: self.stored[key] for key in keys})


@pytest.fixture(scope="module")
def grown() -> Grown:
    return Grown([str(number).encode() for number in range(max(AROUND_STORED))])


def defined(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word by word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(defined(leaves[:half]), defined(leaves[half:]))


def root_of_path(leaf: bytes, position: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.3.2."""
    last, root = size - 1, leaf
    for node in path:
        assert last
        if position & 1 or position == last:
            root = node_hash(node, root)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            root = node_hash(root, node)
        position, last = position >> 1, last >> 1
    assert last == 0
    return root


def roots_of_consistency(before: int, size: int, root: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """The roots of both sizes, RFC 9162 section 2.1.4.2."""
    path = [root, *path] if before & (before - 1) == 0 else path
    at, last = before - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for node in path[1:]:
        if at & 1 or at == last:
            first, second = node_hash(node, first), node_hash(node, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, node)
        at, last = at >> 1, last >> 1
    return first, second


def test_the_roots_are_those_that_are_known() -> None:
    assert [root.hex() for root in Grown(LEAVES).roots] == ROOTS


@pytest.mark.parametrize("size", [*range(1, LARGEST + 1), *AROUND_STORED])
def test_the_root_and_every_path_are_what_the_rfc_defines(grown: Grown, size: int) -> None:
    root = grown.roots[size]
    assert root == defined(grown.leaves[:size])
    for position in range(size) if size <= LARGEST else (0, 1, 254, size // 2, size - 2, size - 1):
        subtrees = grown.subtrees(position, size)
        path = inclusion_path(position, size, subtrees)
        assert root_of_path(grown.leaves[position], position, size, path) == root
        path = consistency_path(position + 1, size, subtrees)
        if position + 1 < size:
            assert roots_of_consistency(position + 1, size, grown.roots[position + 1], path) == (
                grown.roots[position + 1],
                root,
            )
        else:
            assert path == []


def test_a_path_needs_few_nodes_of_a_large_tree() -> None:
    needed = [span.end - span.first for span in needed_for(7_654_321, 10_000_000)]
    assert sum(needed) <= 6 * 256
