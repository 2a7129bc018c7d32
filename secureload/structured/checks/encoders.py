"""Encoders that write column numbers of sparse matrices from what they keep."""

from __future__ import annotations

from typing import Any

from secureload.structured.checks.fields import need
from secureload.structured.kinds.expect import an_array, an_instance, an_int, increasing_names, require

__all__ = ["CHECKS"]


def _check_one_hot(encoder: Any) -> None:
    if "categories_" not in vars(encoder):
        return
    import numpy as np

    widths = [len(values) for values in an_instance(need(encoder, "categories_"), list, "categories")]
    dropped = vars(encoder).get("drop_idx_")
    infrequent = bool(vars(encoder).get("_infrequent_enabled"))
    if infrequent:
        widths = [
            _frequent(width, mapping)
            for width, mapping in zip(widths, need(encoder, "_default_to_infrequent_mappings"), strict=True)
        ]
    if dropped is not None:
        drops = np.asarray(dropped, dtype=object).ravel().tolist()
        require(len(drops) == len(widths), "has an encoder that drops from other columns")
        widths = [width if drop is None else width - 1 for width, drop in zip(widths, drops, strict=True)]
    found = [an_int(width, "a number of columns") for width in need(encoder, "_n_features_outs")]
    require(found == widths, "has an encoder whose columns do not fit its categories")


def _frequent(width: int, mapping: Any) -> int:
    if mapping is None:
        return width
    mapping = an_array(mapping, "places of categories", (width,), "iu")
    require(bool((mapping >= 0).all()), "has an encoder with a category without a place")
    return int(mapping.max()) + 1 if len(mapping) else 0


def _check_labels(binarizer: Any) -> None:
    cached = vars(binarizer).get("_cached_dict")
    if cached is None:
        return
    increasing_names(cached, "labels")
    require(len(cached) == len(need(binarizer, "classes_")), "has labels that are not its classes")


CHECKS = {
    "sklearn.preprocessing._encoders:OneHotEncoder": _check_one_hot,
    "sklearn.preprocessing._label:MultiLabelBinarizer": _check_labels,
}
