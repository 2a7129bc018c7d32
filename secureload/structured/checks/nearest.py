"""Neighbours: the rows that a search may answer with, and what is looked up under their numbers."""

from __future__ import annotations

from typing import Any

from secureload.structured.checks.fields import need, width_of
from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_array, an_int, require

__all__ = ["CHECKS"]


def _check_neighbors(model: Any) -> None:
    if "_fit_X" not in vars(model):
        return
    rows = need(model, "_fit_X")
    width = width_of(model)
    shape = getattr(rows, "shape", None)
    count = an_int(need(model, "n_samples_fit_"), "a number of rows", 1)
    require(shape == (count, width), "has neighbours whose rows do not fit")
    tree = need(model, "_tree")
    if tree is not None:
        if type(tree).__module__ not in ("sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree"):
            raise forged("has neighbours whose tree is none")
        require(
            tuple(tree.get_arrays()[0].shape) == (count, width), "has neighbours whose tree is of other rows"
        )
    method = need(model, "_fit_method")
    require(
        method in ("brute", "kd_tree", "ball_tree") and (method == "brute") == (tree is None),
        "has neighbours that search in an unknown way",
    )
    target = vars(model).get("_y")
    if target is not None:
        require(
            getattr(target, "ndim", 0) in (1, 2) and len(target) == count,
            "has neighbours whose answers do not fit their rows",
        )


def _check_classes(model: Any) -> None:
    """The class of each row is a number that counts in ``classes_``."""
    if "_y" not in vars(model):
        return
    target, classes = need(model, "_y"), need(model, "classes_")
    several = isinstance(classes, list)
    target = an_array(target, "classes of rows", (None, len(classes)) if several else (None,), "iu")
    for column, labels in enumerate(classes if several else [classes]):
        values = target[:, column] if several else target
        require(
            bool(((values >= 0) & (values < len(labels))).all()),
            "has neighbours of a class that does not exist",
        )


def _check_density(model: Any) -> None:
    if "tree_" in vars(model):
        require(
            tuple(need(model, "tree_").get_arrays()[0].shape)[1] == width_of(model),
            "has a density whose tree is of other columns",
        )


CHECKS = {
    "sklearn.neighbors._base:NeighborsBase": _check_neighbors,
    "sklearn.neighbors._classification:KNeighborsClassifier": _check_classes,
    "sklearn.neighbors._classification:RadiusNeighborsClassifier": _check_classes,
    "sklearn.neighbors._kde:KernelDensity": _check_density,
}
