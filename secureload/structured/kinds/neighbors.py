"""KD trees and ball trees. Every index in them is followed in C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_array, an_int, require
from secureload.structured.kinds.metrics import check_width

__all__ = ["KINDS"]

_PARTS = (
    "data",
    "indices",
    "nodes",
    "bounds",
    "leaf_size",
    "n_levels",
    "n_nodes",
    "n_trims",
    "n_leaves",
    "n_splits",
    "n_calls",
    "metric",
    "weights",
)


def _take_apart(tree: Any) -> Mapping[str, Any]:
    import numpy as np

    state = [
        np.asarray(part) if type(part).__name__ == "memoryview" else part for part in tree.__getstate__()
    ]
    # How the metric is taken apart is another file's; the counters are of queries that were made, and no state.
    return {**dict(zip(_PARTS, state, strict=True)), "n_trims": 0, "n_leaves": 0, "n_splits": 0, "n_calls": 0}


def _put_together(kind: Any, *parts: Any) -> Any:
    if len(parts) != len(_PARTS):
        raise forged("has a neighbour tree with parts missing")
    data, indices, nodes, bounds, leaf_size, n_levels, n_nodes, *counters, metric, weights = parts
    wide = kind.__name__.removesuffix("64").removesuffix("32")
    real = "<f4" if kind.__name__.endswith("32") else "<f8"
    an_array(data, "data of a neighbour tree", (None, None), dtype=real)
    rows, width = data.shape
    require(rows >= 1 and width >= 1, "has a neighbour tree without data")
    an_array(indices, "indices of a neighbour tree", (rows,), dtype="<i8")
    require(
        bool((indices >= 0).all() and (indices < rows).all()),
        "has a neighbour tree with a row that does not exist",
    )
    an_int(leaf_size, "a leaf size", 1)
    levels = an_int(n_levels, "a number of levels", 1, 48)
    count = an_int(n_nodes, "a number of nodes", 1, (1 << 48) - 1)
    require(count == (1 << levels) - 1, "has a neighbour tree whose nodes do not fill its levels")
    _check_nodes(nodes, count, rows)
    an_array(bounds, "bounds of a neighbour tree", (2 if wide == "KDTree" else 1, count, width), dtype=real)
    for counter in counters:
        an_int(counter, "a counter of a neighbour tree", 0, 1 << 31)
    if not type(metric).__module__ == "sklearn.metrics._dist_metrics" or type(metric).__name__.endswith(
        "32"
    ) != (real == "<f4"):
        raise forged("has a neighbour tree whose metric is none")
    check_width(metric, width)
    if weights is not None:
        an_array(weights, "weights of a neighbour tree", (rows,), dtype=real)
    require(
        all(part.flags.c_contiguous for part in (data, indices, nodes, bounds)),
        "has a neighbour tree whose arrays are not in C order",
    )
    tree = kind.__new__(kind)
    tree.__setstate__(parts)
    return tree


def _check_nodes(nodes: Any, count: int, rows: int) -> None:
    import numpy as np

    if (
        not isinstance(nodes, np.ndarray)
        or nodes.shape != (count,)
        or nodes.dtype.names != ("idx_start", "idx_end", "is_leaf", "radius")
    ):
        raise forged("has a neighbour tree whose nodes are none")
    if [nodes.dtype[name].str for name in nodes.dtype.names] != [
        "<i8",
        "<i8",
        "<i8",
        "<f8",
    ] or nodes.dtype.itemsize != 32:
        raise forged("has a neighbour tree whose nodes are none")
    start, end, leaf = nodes["idx_start"], nodes["idx_end"], nodes["is_leaf"]
    first_of_last_level = count // 2
    require(
        bool(((leaf == 0) | (leaf == 1)).all()) and bool((leaf[first_of_last_level:] == 1).all()),
        "has a neighbour tree with an inner node on its last level",
    )
    # The constructor gives every node its range, leaves above the last level leave those below them untouched.
    require(
        bool((start >= 0).all() and (start <= end).all() and (end <= rows).all()),
        "has a neighbour tree with a range of rows that do not exist",
    )


KINDS = {
    f"sklearn.neighbors._{module}:{name}{bits}": (_take_apart, _put_together)
    for module, name in (("kd_tree", "KDTree"), ("ball_tree", "BallTree"))
    for bits in ("", "64", "32")
}
