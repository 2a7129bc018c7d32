"""Histogram-based gradient boosting: its trees, its bit sets of categories, and what goes before them."""

from __future__ import annotations

from typing import Any

from secureload.structured.checks.fields import need, width_of
from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_array, an_instance, an_int, require

__all__ = ["CHECKS"]

_BITSET_WORDS = 8
_MOST_CATEGORIES = 256


def _check_predictor(predictor: Any) -> None:
    """One tree on its own: children come after their parents, bit sets exist."""
    import numpy as np
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    nodes = need(predictor, "nodes")
    if (
        not isinstance(nodes, np.ndarray)
        or nodes.dtype != PREDICTOR_RECORD_DTYPE
        or nodes.ndim != 1
        or not len(nodes)
    ):
        raise forged(
            "has a boosted tree whose nodes are not those of the installed scikit-learn", reason="version"
        )
    sets = [
        an_array(need(predictor, name), "bit sets of categories", (None, _BITSET_WORDS), dtype="<u4")
        for name in ("binned_left_cat_bitsets", "raw_left_cat_bitsets")
    ]
    require(len(sets[0]) == len(sets[1]), "has a boosted tree whose bit sets do not fit")
    at = np.flatnonzero(nodes["is_leaf"] == 0)
    left, right = nodes["left"][at].astype(np.int64), nodes["right"][at].astype(np.int64)
    require(
        bool(
            (left > at).all()
            and (right > at).all()
            and (left < len(nodes)).all()
            and (right < len(nodes)).all()
        ),
        "has a boosted tree with a child that does not come after its parent, or does not exist",
    )
    require(
        bool((np.bincount(np.concatenate([left, right]), minlength=len(nodes)) <= 1).all()),
        "has a boosted tree with a node of two parents",
    )
    require(
        bool((nodes["feature_idx"][at] >= 0).all()),
        "has a boosted tree that asks for a feature that does not exist",
    )
    chosen = nodes["bitset_idx"][at][nodes["is_categorical"][at] != 0]
    require(bool((chosen < len(sets[0])).all()), "has a boosted tree with a bit set that does not exist")


def _check_model(model: Any) -> None:
    import numpy as np

    if "_predictors" not in vars(model):
        return
    width = width_of(model)
    categorical = _categorical(model, width)
    per_stage = an_int(need(model, "n_trees_per_iteration_"), "a number of trees a stage", 1, 1 << 20)
    stages = an_instance(need(model, "_predictors"), list, "stages of a boosting")
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    for stage in stages:
        require(
            len(an_instance(stage, list, "a stage of a boosting")) == per_stage,
            "has a boosting with a stage of too few or too many trees",
        )
        for predictor in stage:
            nodes = need(an_instance(predictor, TreePredictor, "a boosted tree"), "nodes")
            inner = nodes[nodes["is_leaf"] == 0]
            require(
                bool((inner["feature_idx"] < width).all()),
                "has a boosted tree that asks for a feature that does not exist",
            )
            asked = inner["feature_idx"][inner["is_categorical"] != 0]
            require(
                bool(np.asarray(categorical)[asked].all()),
                "has a boosted tree that takes a number for a category",
            )
    _check_preprocessor(model, width)


def _categorical(model: Any, width: int) -> Any:
    """Return which columns are categories, after a look at the categories: each is the number of a bit."""
    from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

    mapper = an_instance(need(model, "_bin_mapper"), _BinMapper, "a bin mapper")
    flags = an_array(need(mapper, "is_categorical_"), "flags of categories", (width,), "biu")
    thresholds = an_instance(need(mapper, "bin_thresholds_"), list, "thresholds of bins")
    require(len(thresholds) == width, "has a boosting with thresholds for another number of columns")
    for flag, values in zip(flags.tolist(), thresholds, strict=True):
        an_array(values, "thresholds of bins", (None,))
        if flag:
            require(
                bool(((values >= 0) & (values < _MOST_CATEGORIES)).all()),
                "has a boosting with a category that no bit stands for",
            )
    require(
        flags.dtype.kind == "b" or bool((flags <= 1).all()),
        "has flags of categories that are neither 0 nor 1",
    )
    return flags.astype(bool)


def _check_preprocessor(model: Any, width: int) -> None:
    """What is done to the columns first has to leave as many of them."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

    found = need(model, "_preprocessor")
    if found is None:
        return
    steps = need(an_instance(found, ColumnTransformer, "a boosting's preprocessor"), "transformers_")
    require(
        isinstance(steps, list) and all(isinstance(step, tuple) and len(step) == 3 for step in steps),
        "has a boosting with a preprocessor of another form",
    )
    if steps and steps[-1][:2] == ("remainder", "drop"):
        steps = steps[:-1]
    require(
        [step[0] for step in steps] in (["encoder", "numerical"], ["encoder"], ["numerical"]),
        "has a boosting with a preprocessor of another form",
    )
    total = 0
    for name, transformer, columns in steps:
        kind = OrdinalEncoder if name == "encoder" else FunctionTransformer
        an_instance(transformer, kind, "a boosting's preprocessor")
        mask = an_array(columns, "columns of a preprocessor", (width,), "b")
        chosen = int(mask.sum())
        total += chosen
        if name == "encoder":
            require(
                len(need(transformer, "categories_")) == chosen and width_of(transformer) == chosen,
                "has a boosting whose encoder is for other columns",
            )
    require(
        total == width and width_of(found) == width, "has a boosting whose preprocessor is for other columns"
    )


CHECKS = {
    "sklearn.ensemble._hist_gradient_boosting.predictor:TreePredictor": _check_predictor,
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting:BaseHistGradientBoosting": _check_model,
}
