"""Decision trees: ``Tree`` of scikit-learn. Its nodes are read in C without a look at the bounds.

A forged index reads and writes outside the arrays, a cycle never ends, and a tree deeper than it says overruns
the buffer of ``decision_path``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_array, an_int, require

__all__ = ["KINDS", "TREE", "Links", "check_trees", "links_of"]

Links: TypeAlias = tuple[Any, Any, Any]

TREE = "sklearn.tree._tree:Tree"
_LEAF = -1


def take_apart(tree: Any) -> Mapping[str, Any]:
    """Return the tree's sizes and arrays."""
    _, (n_features, n_classes, n_outputs), state = tree.__reduce__()
    return {
        "n_features": n_features,
        "n_classes": n_classes.tolist(),
        "n_outputs": n_outputs,
        **{name: state[name] for name in ("max_depth", "node_count", "nodes", "values")},
    }


def put_together(
    kind: Any,
    n_features: Any,
    n_classes: Any,
    n_outputs: Any,
    max_depth: Any,
    node_count: Any,
    nodes: Any,
    values: Any,
) -> Any:
    """Return the tree; its nodes are looked at later, with those of all others (:func:`check_trees`)."""
    import numpy as np

    an_int(n_features, "a number of features", 0, 1 << 31)
    count = an_int(node_count, "a number of nodes", 1, 1 << 40)
    an_int(max_depth, "a depth", 0, 1 << 31)
    require(
        isinstance(n_classes, list)
        and len(n_classes) == n_outputs
        and set(map(type, n_classes)) == {int}
        and min(n_classes) > 0
        and max(n_classes) < 1 << 31,
        "has a tree with classes that do not fit its outputs",
    )
    if not isinstance(nodes, np.ndarray) or not _holds_nodes(nodes.dtype) or nodes.shape != (count,):
        raise forged("has a tree whose nodes are not those of the installed scikit-learn", reason="version")
    values = an_array(values, "values of a tree", (count, n_outputs, max(n_classes)), dtype="<f8")
    tree = kind(int(n_features), np.array(n_classes, np.intp), int(n_outputs))
    if not nodes.flags.c_contiguous or not values.flags.c_contiguous:
        raise forged("has a tree whose arrays are not in C order")
    tree.__setstate__({"max_depth": int(max_depth), "node_count": count, "nodes": nodes, "values": values})
    return tree


@lru_cache(maxsize=16)
def _holds_nodes(dtype: Any) -> bool:
    """Whether records are those of the installed scikit-learn: numpy compares them field by field."""
    from sklearn.tree._tree import NODE_DTYPE

    return bool(dtype == NODE_DTYPE)


def links_of(nodes: Any) -> Links:
    """Return the left child, the right child and the feature of each node, taken while the cache still has them."""
    return nodes["left_child"].copy(), nodes["right_child"].copy(), nodes["feature"].copy()


def check_trees(found: Sequence[tuple[Any, Links]]) -> None:
    """Check the nodes of all trees of a model, in one pass.

    Raises:
        MalformedError: a node's children do not come after it, a node has no parent or two, a feature does not
            exist, or a tree is deeper than it says.
    """
    import numpy as np

    if not found:
        return
    sizes = np.array([len(links[0]) for _, links in found])
    ends = np.cumsum(sizes)
    starts = ends - sizes
    left, right, feature = map(np.concatenate, zip(*[links for _, links in found], strict=True))
    inner = left != _LEAF
    own = np.flatnonzero(inner)
    require(np.count_nonzero(right != _LEAF) == len(own), "has a tree with a node of one child")
    # Of each tree as many as it has inner nodes: what belongs to the tree is repeated so often.
    counts = np.add.reduceat(inner, starts, dtype=np.int64)
    base, end = np.repeat(starts, counts), np.repeat(ends, counts)
    # Where adding the start wraps around, the sum is negative, and refused.
    left, right = left[own] + base, right[own] + base
    require(
        bool((np.minimum(left, right) > own).all() and (np.maximum(left, right) < end).all()),
        "has a tree with a child that does not come after its parent, or does not exist",
    )
    widths = np.repeat(np.array([tree.n_features for tree, _ in found], np.uint64), counts)
    require(
        # Read without a sign, a negative number is larger than any width.
        bool((feature[own].view(np.uint64) < widths).all()),
        "has a tree that asks for a feature that does not exist",
    )
    seen = np.zeros(len(inner), bool)
    seen[left] = seen[right] = seen[starts] = True
    require(
        2 * len(own) + len(found) == len(inner) and bool(seen.all()),
        "has a tree with a node that has no parent, or two",
    )
    # It counts from one, and follows children that were just looked at.
    depths = np.concatenate([tree.compute_node_depths() for tree, _ in found])
    most = np.array([tree.max_depth for tree, _ in found])
    require(
        bool((np.maximum.reduceat(depths, starts) <= most + 1).all()),
        "has a tree that is deeper than it says",
    )


KINDS = {TREE: (take_apart, put_together)}
