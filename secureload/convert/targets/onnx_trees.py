"""Missing values in trees that skl2onnx converted: it forgets to which side of a split they go.

A tree of scikit-learn sends a missing value to the side that it learnt, or to that of the most rows; ONNX has an
attribute for it (``nodes_missing_value_tracks_true`` of ``TreeEnsembleClassifier`` and ``TreeEnsembleRegressor``,
ai.onnx.ml version 3), which skl2onnx leaves at 0. Trees are found again by their splits; the proof decides about
the result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

__all__ = ["restore_missing"]

_OPERATORS = ("TreeEnsembleClassifier", "TreeEnsembleRegressor")
_MAX_OBJECTS = 200_000


def restore_missing(made: Any, model: Any) -> None:
    """Write into the trees of the ONNX model ``made`` where missing values go in those of ``model``."""
    import numpy as np

    known: dict[tuple[bytes, bytes], list[Any]] = defaultdict(list)
    for tree in _trees_of(model):
        nodes = tree.__getstate__()["nodes"]
        known[_key(nodes["left_child"], nodes["feature"])].append(nodes)
    for node in made.graph.node:
        if node.op_type not in _OPERATORS:
            continue
        said = {one.name: one for one in node.attribute}
        if "nodes_missing_value_tracks_true" not in said:
            continue
        values = _numbers(said)
        which, left, feature = (
            np.array(said[name].ints) for name in ("nodes_treeids", "nodes_truenodeids", "nodes_featureids")
        )
        flags = np.array(said["nodes_missing_value_tracks_true"].ints)
        if values is None or not len(which) == len(left) == len(feature) == len(flags) == len(values):
            continue
        starts = np.flatnonzero(np.r_[True, which[1:] != which[:-1]])
        for start, end in zip(starts, [*starts[1:], len(which)], strict=True):
            found = _nearest(known.get(_key(left[start:end], feature[start:end])), values[start:end])
            if found is not None:
                flags[start:end] = found["missing_go_to_left"] * (found["left_child"] > 0)
        del said["nodes_missing_value_tracks_true"].ints[:]
        said["nodes_missing_value_tracks_true"].ints.extend(flags.tolist())


def _key(left: Any, feature: Any) -> tuple[bytes, bytes]:
    """Return what a tree is recognised by: the left child and the feature of each split, zeros for leaves."""
    import numpy as np

    left = np.maximum(np.asarray(left, np.int64), 0)
    return left.tobytes(), np.where(left > 0, np.asarray(feature, np.int64), 0).tobytes()


def _nearest(candidates: list[Any] | None, values: Any) -> Any:
    """Return the nodes whose thresholds are those of ``values``, as far as single precision can say."""
    import numpy as np

    if not candidates:
        return None

    def distance(nodes: Any) -> float:
        split = (nodes["left_child"] > 0) & (nodes["threshold"] != values)  # both may be infinite
        return float(np.abs(nodes["threshold"][split] - values[split]).max(initial=0.0))

    found = min(candidates, key=distance)
    if len(candidates) > 1:  # trees that split alike stand in the same order here and there
        candidates[:] = [nodes for nodes in candidates if nodes is not found]
    return found


def _numbers(said: dict[str, Any]) -> Any:
    import numpy as np
    from onnx import numpy_helper

    if "nodes_values_as_tensor" in said:
        return numpy_helper.to_array(said["nodes_values_as_tensor"].t)
    return np.array(said["nodes_values"].floats) if "nodes_values" in said else None


def _trees_of(model: Any) -> Iterator[Any]:
    """Yield the decision trees in a model, wherever its estimators keep them, in their order."""
    import numpy as np
    from sklearn.tree._tree import Tree

    waiting: list[Any] = [model]
    seen: set[int] = set()
    while waiting and len(seen) < _MAX_OBJECTS:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Tree):
            yield value
        elif isinstance(value, list | tuple):
            waiting += value[::-1]
        elif isinstance(value, dict):
            waiting += list(value.values())[::-1]
        elif isinstance(value, np.ndarray) and value.dtype == object:
            waiting += value.ravel().tolist()[::-1]
        elif type(value).__module__.partition(".")[0] == "sklearn" and hasattr(value, "__dict__"):
            waiting += list(vars(value).values())[::-1]
