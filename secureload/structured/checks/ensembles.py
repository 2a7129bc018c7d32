"""Trees in estimators: what a tree asks of a row has to be there, in each place that skips the check."""

from __future__ import annotations

from functools import cache
from typing import Any

from secureload.structured.checks.fields import fitted, need, width_of
from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_array, an_instance, an_int, require

__all__ = ["CHECKS"]


@cache
def _classes() -> tuple[Any, Any]:
    """Return the classes of an estimator with a tree and of the tree: asked for each of a forest's hundreds."""
    from sklearn.tree import BaseDecisionTree
    from sklearn.tree._tree import Tree

    return BaseDecisionTree, Tree


def _tree(estimator: Any) -> Any:
    return an_instance(need(estimator, "tree_"), _classes()[1], "a decision tree")


def _check_tree(estimator: Any) -> None:
    if "tree_" not in vars(estimator):
        require(
            not fitted(estimator) or "n_features_in_" not in vars(estimator),
            "has a fitted decision tree without its tree",
        )
        return
    tree = _tree(estimator)
    require(
        tree.n_features == width_of(estimator),
        "has a decision tree for another number of columns than it says",
    )
    require(
        an_int(need(estimator, "n_outputs_"), "a number of outputs") == tree.n_outputs,
        "has a decision tree for another number of outputs than it says",
    )


def _check_forest(forest: Any) -> None:
    if "estimators_" not in vars(forest):
        return
    width = width_of(forest)
    outputs = an_int(vars(forest).get("n_outputs_", 1), "a number of outputs")
    for member in an_instance(need(forest, "estimators_"), list, "trees of a forest"):
        tree = _member(member)
        require(tree.n_features == width, "has a forest with a tree for another number of columns")
        require(tree.n_outputs == outputs, "has a forest with a tree for another number of outputs")


def _member(estimator: Any) -> Any:
    return _tree(an_instance(estimator, _classes()[0], "a tree of an ensemble"))


def _check_isolation(forest: Any) -> None:
    if "estimators_" not in vars(forest):
        return
    width = width_of(forest)
    chosen = an_int(need(forest, "_max_features"), "a number of columns", 1, max(width, 1))
    members = an_instance(need(forest, "estimators_"), list, "trees of a forest")
    columns = an_instance(need(forest, "estimators_features_"), list, "columns of a forest's trees")
    require(len(members) == len(columns), "has an isolation forest whose trees and columns do not fit")
    for member, picked in zip(members, columns, strict=True):
        tree = _member(member)
        picked = an_array(picked, "columns of a tree", (None,), "iu")
        require(
            len(picked) == tree.n_features and (chosen != width or tree.n_features == width),
            "has an isolation forest with a tree for other columns",
        )
        require(
            bool(((picked >= 0) & (picked < width)).all()),
            "has an isolation forest with a column that does not exist",
        )


def _check_gradient_boosting(model: Any) -> None:
    import numpy as np

    if "estimators_" not in vars(model):
        return
    stages = need(model, "estimators_")
    per_stage = an_int(need(model, "n_trees_per_iteration_"), "a number of trees a stage", 1, 1 << 20)
    if (
        not isinstance(stages, np.ndarray)
        or stages.dtype != object
        or stages.ndim != 2
        or stages.shape[1] != per_stage
    ):
        raise forged("has a gradient boosting whose trees do not stand in stages")
    width = width_of(model)
    for member in stages.ravel().tolist():
        tree = _member(member)
        require(
            tree.n_features == width and tree.n_outputs == 1 and int(tree.max_n_classes) == 1,
            "has a gradient boosting with a tree of another form",
        )
    _check_start(model, per_stage)


def _check_start(model: Any, per_stage: int) -> None:
    """The trees write into the first predictions: there has to be a column for each tree of a stage."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    start = need(model, "init_")
    loss = need(model, "_loss")
    several = bool(getattr(loss, "is_multiclass", False))
    classes = an_int(vars(model).get("n_classes_", 1), "a number of classes", 1)
    require(
        per_stage == (classes if several else 1),
        "has a gradient boosting with another number of trees a stage than its loss asks for",
    )
    if isinstance(start, str):
        require(start == "zero", "has a gradient boosting that starts with what is none")
    elif isinstance(start, DummyClassifier):
        require(
            len(need(start, "class_prior_")) == classes and start.strategy == "prior",
            "has a gradient boosting that starts with other classes",
        )
        require(
            an_int(need(start, "n_classes_"), "a number of classes") == classes,
            "has a gradient boosting that starts with other classes",
        )
    elif isinstance(start, DummyRegressor):
        an_array(need(start, "constant_"), "a constant", (1, 1))
    elif several:
        found = vars(start).get("classes_")
        require(
            found is not None and len(found) == classes,
            "has a gradient boosting that starts with other classes",
        )


CHECKS = {
    "sklearn.tree._classes:BaseDecisionTree": _check_tree,
    "sklearn.ensemble._forest:BaseForest": _check_forest,
    "sklearn.ensemble._iforest:IsolationForest": _check_isolation,
    "sklearn.ensemble._gb:BaseGradientBoosting": _check_gradient_boosting,
}
