"""``--to onnx``: converted by skl2onnx, in single or double precision, without zipmaps.

skl2onnx is wrong for some estimators and silent about it: only the proof lets a result through. An estimator of one's
own is converted where its converter is registered: ``--onnx-hook package.module:function`` names a function without
arguments that calls ``skl2onnx.update_registered_converter``; it is called before the worker's doors close.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

from secureload.convert.targets.onnx_boosters import is_booster, register_boosters
from secureload.convert.targets.onnx_trees import restore_missing
from secureload.errors import ConversionError
from secureload.limits import Limits
from secureload.sandbox.roles.onnx_model import ANSWERS, answers_as_text

__all__ = ["encode", "prepare"]

_LABELS = ("LabelEncoder", "LabelBinarizer")
_TEXTS = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
# The newest operator set that the installed skl2onnx was tested with is its own default; older ones are asked for.
_MESSAGE_CHARS = 300


def prepare() -> None:
    """Import skl2onnx and onnxruntime, with what they import late."""
    for module in (
        "skl2onnx",
        "skl2onnx.operator_converters",
        "skl2onnx.shape_calculators",
        "onnxruntime",
        "onnx.helper",
    ):
        importlib.import_module(module)
    importlib.import_module("secureload.sandbox.roles.onnx_model")
    register_boosters()


def encode(model: Any, own_names: tuple[str, ...], limits: Limits, options: Mapping[str, Any]) -> list[Any]:
    """Return the ONNX model; ConversionError names the estimator that has no converter."""
    del own_names, limits
    _need_an_estimator(model)
    try:
        made = _converted(model, _inputs(model, options.get("dtype") == "float64"), options.get("opset"))
        restore_missing(made, model)
        offered = _offered(model, len(made.graph.output))
        if offered:
            made.metadata_props.add(key=ANSWERS, value=answers_as_text(offered))
        return [made.SerializeToString()]
    except ConversionError:
        raise
    except Exception as error:  # skl2onnx raises what its converters raise
        raise ConversionError(
            f"skl2onnx cannot convert {type(model).__name__}: {type(error).__name__}: {_first_line(error)}",
            hint=_hint(model),
            unsupported=f"{type(model).__module__}.{type(model).__qualname__}",
        ) from None


def _need_an_estimator(model: Any) -> None:
    """Refuse what skl2onnx has no answer for, by its name."""
    kind = type(model)
    if hasattr(model, "fit") and hasattr(model, "get_params"):
        return
    library = kind.__module__.partition(".")[0]
    hint = "only estimators of scikit-learn, or with its methods, become ONNX: convert each model on its own"
    if library == "torch":
        hint = "export a module of PyTorch with torch.onnx.export; a state dictionary goes --to safetensors"
    elif library in ("xgboost", "lightgbm"):
        hint = "save the XGBClassifier, XGBRegressor, LGBMClassifier or LGBMRegressor, and not its booster"
    elif kind.__name__ == "OnnxModel":
        hint = "it is ONNX already"
    raise ConversionError(
        f"{kind.__module__}.{kind.__qualname__} is no estimator, and has no form in ONNX",
        hint=hint,
        unsupported=f"{kind.__module__}.{kind.__qualname__}",
    )


def _hint(model: Any) -> str:
    parts = [model, *(step for _, step in getattr(model, "steps", ()))]
    if any(is_booster(type(part)) for part in parts) and importlib.util.find_spec("onnxmltools") is None:
        return "pip install onnxmltools: it has the converters of XGBoost and LightGBM"
    return "try --dtype float64, another --opset, a converter of your own (--onnx-hook), or --to safetensors"


def _converted(model: Any, types: list[tuple[str, Any]], opset: int | None) -> Any:
    """Return the ONNX model; where a converter does not know an option or the form of the version, without it."""
    import skl2onnx
    from skl2onnx import get_latest_tested_opset_version

    version = opset or get_latest_tested_opset_version()
    # Operators of trees changed in version 4 of their domain, and not all converters have followed.
    target: Any = {"": version, "ai.onnx.ml": 3}
    settings: list[Any] = [None]
    if _classifies(model):
        # The last one is for a pipeline, which gives the option to its last step, whether that has it or not.
        settings = [{id(model): {"zipmap": False}}, None, {id(_last(model)): {"nocl": False}}]
    while True:
        try:
            return skl2onnx.convert_sklearn(
                model, initial_types=types, options=settings[0], target_opset=target
            )
        except NameError:  # the converter has no such option
            if len(settings) == 1:
                raise
            settings.pop(0)
        except TypeError:  # it compares the version with a number
            if target == version:
                raise
            target = version


def _offered(model: Any, outputs: int) -> dict[str, int]:
    """Return which output answers which method: a classifier has no ``transform`` there, a selector no ``predict``."""
    from sklearn.base import is_clusterer
    from sklearn.feature_selection import SelectorMixin

    last = _last(model)
    if isinstance(last, SelectorMixin):
        return {"transform": 0}
    if not callable(getattr(model, "predict", None)):
        return {"transform": 0} if callable(getattr(model, "transform", None)) else {}
    found = {"predict": 0}
    if outputs > 1 and callable(getattr(model, "predict_proba", None)):
        found["predict_proba"] = 1
    elif outputs > 1 and is_clusterer(last) and callable(getattr(model, "transform", None)):
        found["transform"] = 1
    return found


def _last(model: Any) -> Any:
    """Return the estimator whose outputs a pipeline or a search has."""
    for _ in range(20):
        inner = model.steps[-1][1] if hasattr(model, "steps") else getattr(model, "best_estimator_", None)
        if inner is None or isinstance(inner, str):
            return model
        model = inner
    return model


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:_MESSAGE_CHARS]


def _classifies(model: Any) -> bool:
    from sklearn.base import is_classifier

    return bool(is_classifier(_last(model)))


def _inputs(model: Any, double: bool) -> list[tuple[str, Any]]:
    from skl2onnx.common.data_types import (
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

    from secureload.convert.inputs import _first, _has_categories

    numbers = DoubleTensorType if double else FloatTensorType
    first = _first(model)
    if type(first).__name__ in _TEXTS:
        return [("text", StringTensorType([None]))]
    names = getattr(first, "feature_names_in_", None)
    if names is not None and hasattr(first, "transformers_"):
        return [
            (str(name), (StringTensorType if text else numbers)([None, 1]))
            for name, text in _columns(first, names)
        ]
    if type(model).__name__ in _LABELS and hasattr(model, "classes_"):
        kind = StringTensorType if model.classes_.dtype.kind in "OU" else Int64TensorType
        return [("labels", kind([None]))]
    width = getattr(model, "n_features_in_", getattr(first, "n_features_in_", None))
    if width is None:
        raise ConversionError(
            f"{type(model).__name__} does not say how many columns it takes", hint="fit it on an array"
        )
    texts = _has_categories(first) and all(values.dtype.kind in "OU" for values in first.categories_)
    return [("X", (StringTensorType if texts else numbers)([None, int(width)]))]


def _columns(first: Any, names: Any) -> list[tuple[Any, bool]]:
    from secureload.convert.inputs import _first, _has_categories, _picked

    texts: set[Any] = set()
    for _, transformer, chosen in first.transformers_:
        inner = _first(transformer)
        if _has_categories(inner) and any(values.dtype.kind in "OU" for values in inner.categories_):
            texts.update(_picked(names, chosen))
    return [(name, name in texts) for name in names.tolist()]
