"""Decision trees: ``Tree`` of scikit-learn. Its nodes are read in C without a look at the bounds.

A forged index reads and writes outside the arrays, a cycle never ends, and a tree deeper than it says overruns
the buffer of ``decision_path``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_array, an_int, require

__all__ = ["KINDS", "TREE", "check_trees"]

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
        and n_outputs >= 1
        and all(type(n) is int and 0 < n < 1 << 31 for n in n_classes),
        "has a tree with classes that do not fit its outputs",
    )
    if not isinstance(nodes, np.ndarray) or nodes.dtype != _node_dtype() or nodes.shape != (count,):
        raise forged("has a tree whose nodes are not those of the installed scikit-learn", reason="version")
    values = an_array(values, "values of a tree", (count, n_outputs, max(n_classes)), dtype="<f8")
    tree = kind(int(n_features), np.array(n_classes, np.intp), int(n_outputs))
    if not nodes.flags.c_contiguous or not values.flags.c_contiguous:
        raise forged("has a tree whose arrays are not in C order")
    tree.__setstate__({"max_depth": int(max_depth), "node_count": count, "nodes": nodes, "values": values})
    return tree


def _node_dtype() -> Any:
    from sklearn.tree._tree import NODE_DTYPE

    return NODE_DTYPE


def check_trees(found: Sequence[tuple[Any, Any]]) -> None:
    """Check the nodes of all trees of a model, each with its records, in one pass.

    Raises:
        MalformedError: a node's children do not come after it, a node has no parent or two, a feature does not
            exist, or a tree is deeper than it says.
    """
    import numpy as np

    if not found:
        return
    left, right, feature = (
        np.concatenate([nodes[name] for _, nodes in found])
        for name in ("left_child", "right_child", "feature")
    )
    sizes = np.array([len(nodes) for _, nodes in found])
    ends = np.cumsum(sizes)
    starts = ends - sizes
    inner = left != _LEAF
    own = np.flatnonzero(inner)
    require(int((right != _LEAF).sum()) == len(own), "has a tree with a node of one child")
    which = np.repeat(np.arange(len(found)), sizes)[own]
    base, left, right, feature = starts[which], left[own], right[own], feature[own]
    left, right = left + base, right + base
    end = ends[which]
    require(
        bool((left > own).all() and (right > own).all() and (left < end).all() and (right < end).all()),
        "has a tree with a child that does not come after its parent, or does not exist",
    )
    features = np.array([tree.n_features for tree, _ in found])[which]
    require(
        bool((feature >= 0).all() and (feature < features).all()),
        "has a tree that asks for a feature that does not exist",
    )
    seen = np.zeros(len(inner), bool)
    seen[left] = seen[right] = seen[starts] = True
    require(
        2 * len(own) + len(found) == len(inner) and bool(seen.all()),
        "has a tree with a node that has no parent, or two",
    )
    for tree, _ in found:
        # It counts from one, and follows children that were just looked at.
        require(
            int(tree.compute_node_depths().max()) <= tree.max_depth + 1,
            "has a tree that is deeper than it says",
        )


KINDS = {TREE: (take_apart, put_together)}
