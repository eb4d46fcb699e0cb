"""Array-tree arithmetic against trees written down recursively; the official file is in `conformance`."""

from __future__ import annotations

import pytest

from connexa.mls import tree_math


@pytest.mark.parametrize("n_leaves", [1, 2, 4, 8, 64])
def test_paths_and_spans(n_leaves: int) -> None:
    for leaf in range(n_leaves):
        path = tree_math.direct_path(leaf, n_leaves)
        assert len(path) == n_leaves.bit_length() - 1
        assert all(tree_math.parent(a) == b for a, b in zip([2 * leaf, *path], path, strict=False))
        copath = tree_math.copath(leaf, n_leaves)
        assert all({a, b} == {tree_math.left(p), tree_math.right(p)} for a, b, p in zip([2 * leaf, *path], copath, path, strict=False))
        for other in range(n_leaves):
            if other != leaf:
                common = tree_math.common_ancestor(leaf, other)
                assert common == next(node for node in path if node in tree_math.direct_path(other, n_leaves))
        for node in path:
            first, last = tree_math.span(node)
            assert first <= leaf <= last
            assert last - first + 1 == 1 << tree_math.level(node)
    assert tree_math.node_width(0) == 0
