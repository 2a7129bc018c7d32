"""Converters of XGBoost and LightGBM for ONNX: onnxmltools has them, and skl2onnx is told of them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

from secureload.values import dataclass

__all__ = ["is_booster", "register_boosters"]


@dataclass(frozen=True, slots=True)
class _Booster:
    """An estimator of a library: how onnxmltools calls it, and where it has the converter."""

    library: str
    name: str
    alias: str
    module: str
    function: str
    classifies: bool


_XGBOOST = ("onnxmltools.convert.xgboost.operator_converters.XGBoost", "convert_xgboost")
_LIGHTGBM = ("onnxmltools.convert.lightgbm.operator_converters.LightGbm", "convert_lightgbm")
_ALL = (
    _Booster("xgboost", "XGBClassifier", "XGBoostXGBClassifier", *_XGBOOST, True),
    _Booster("xgboost", "XGBRFClassifier", "XGBoostXGBRFClassifier", *_XGBOOST, True),
    _Booster("xgboost", "XGBRegressor", "XGBoostXGBRegressor", *_XGBOOST, False),
    _Booster("xgboost", "XGBRFRegressor", "XGBoostXGBRFRegressor", *_XGBOOST, False),
    _Booster("lightgbm", "LGBMClassifier", "LightGbmLGBMClassifier", *_LIGHTGBM, True),
    _Booster("lightgbm", "LGBMRegressor", "LightGbmLGBMRegressor", *_LIGHTGBM, False),
)


def is_booster(kind: type) -> bool:
    """Whether it is an estimator of one of these libraries."""
    return kind.__module__.partition(".")[0] in ("xgboost", "lightgbm")


def register_boosters() -> None:
    """Register the converters of the libraries that the artifact names, and which are imported by now."""
    wanted = [one for one in _ALL if one.library in sys.modules]
    if not wanted:
        return
    if "xgboost" in sys.modules:
        _remember_version(importlib.import_module("xgboost.sklearn"))
    if importlib.util.find_spec("onnxmltools") is None:
        return
    for one in wanted:
        _register(one)


def _register(one: _Booster) -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common import shape_calculator

    kind = getattr(importlib.import_module(one.library), one.name, None)
    if kind is None:
        return
    convert = getattr(importlib.import_module(one.module), one.function)
    if one.classifies:
        shapes, options = shape_calculator.calculate_linear_classifier_output_shapes, _CLASSIFIER_OPTIONS
    else:
        shapes, options = shape_calculator.calculate_linear_regressor_output_shapes, _REGRESSOR_OPTIONS
    update_registered_converter(kind, one.alias, shapes, convert, overwrite=True, options=options)


_CLASSIFIER_OPTIONS: dict[str, Any] = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
_REGRESSOR_OPTIONS: dict[str, Any] = {"split": None}


def _remember_version(module: Any) -> None:
    """Its version lies in a file, which it reads whenever all attributes of an estimator are looked at."""
    version = module._py_version()
    module._py_version = lambda: version
