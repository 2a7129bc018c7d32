"""ONNX models through onnxruntime, with the methods that a scikit-learn model has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any

from secureload.errors import MalformedError, UsageError

__all__ = ["ANSWERS", "OnnxModel", "answers_as_text"]

# The metadata of a file that was converted here: which output answers which method.
ANSWERS = "secureload.answers"
_METHODS = ("predict", "predict_proba", "transform")
# Without it: labels or values come first, probabilities second.
_USUAL = {"predict": 0, "predict_proba": 1, "transform": 0}
_MAX_CHARS = 200
_TYPES = {
    "tensor(float)": "f4", "tensor(double)": "f8", "tensor(int64)": "i8", "tensor(int32)": "i4", "tensor(bool)": "?",
    "tensor(float16)": "f2", "tensor(uint8)": "u1", "tensor(int8)": "i1",
}  # fmt: skip


def answers_as_text(answers: Mapping[str, int]) -> str:
    """Return what the metadata say of the methods, each with the number of its output."""
    return ",".join(f"{method}={number}" for method, number in answers.items())


def _answers(text: str | None, count: int) -> Mapping[str, int]:
    if text is None or len(text) > _MAX_CHARS:
        return _USUAL
    found = {}
    for pair in text.split(","):
        method, _, number = pair.partition("=")
        if method not in _METHODS or not number.isascii() or not number.isdigit() or int(number) >= count:
            return _USUAL
        found[method] = int(number)
    return found


class _Offered:
    """A method that a model has only where one of its outputs answers it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, model: Any, kind: Any = None) -> Any:
        if model is None:
            return self._function
        name = self._function.__name__
        if name not in model._answers:
            raise AttributeError(f"this ONNX model answers {', '.join(model._answers)}, not {name}")
        return MethodType(self._function, model)


class OnnxModel:
    """A model of one graph. ``predict`` gives its labels or values, ``predict_proba`` its probabilities."""

    def __init__(self, data: bytes) -> None:
        """Raise :class:`MalformedError` where onnxruntime takes the bytes for no model, or looks for other files."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        try:
            self._session: Any = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a dozen classes for it
            raise MalformedError(
                f"this is no ONNX model that onnxruntime runs: {str(error)[:300]}", format="onnx"
            ) from None
        self.input_names_ = [one.name for one in self._session.get_inputs()]
        self.output_names_ = [one.name for one in self._session.get_outputs()]
        self._types = [one.type for one in self._session.get_inputs()]
        self._answers = _answers(
            self._session.get_modelmeta().custom_metadata_map.get(ANSWERS), len(self.output_names_)
        )

    def run(self, values: Any) -> list[Any]:
        """Return all outputs for a table of rows, or for a dictionary of inputs by name."""
        import numpy as np

        if isinstance(values, dict):
            feeds = {name: np.asarray(value) for name, value in values.items()}
        elif len(self.input_names_) == 1:
            feeds = {self.input_names_[0]: self._typed(values, self._types[0])}
        else:
            columns = self._columns(values)
            feeds = {
                name: self._typed(column, kind).reshape(-1, 1)
                for name, kind, column in zip(self.input_names_, self._types, columns, strict=True)
            }
        return list(self._session.run(None, feeds))

    def _columns(self, values: Any) -> list[Any]:
        import numpy as np

        if hasattr(values, "columns"):
            # By name, as scikit-learn takes them: a frame may have them in another order, and more of them.
            by_name = {str(name): name for name in values.columns}
            names = self.input_names_ if set(self.input_names_) <= set(by_name) else list(by_name)
            return [np.asarray(values[by_name[name]]) for name in names]
        return list(np.asarray(values).T)

    def _typed(self, values: Any, kind: str) -> Any:
        import numpy as np

        if hasattr(values, "toarray"):
            values = values.toarray()
        if kind == "tensor(string)":
            return np.asarray(values).astype(str).astype(object)
        return np.ascontiguousarray(np.asarray(values), dtype=_TYPES.get(kind))

    @_Offered
    def predict(self, values: Any) -> Any:
        """Return labels or values, one a row."""
        found = self.run(values)[self._answers["predict"]]
        return found[:, 0] if getattr(found, "ndim", 0) == 2 and found.shape[1] == 1 else found

    @_Offered
    def predict_proba(self, values: Any) -> Any:
        """Return the probabilities of the classes, a row each."""
        if self._answers["predict_proba"] >= len(self.output_names_):
            raise UsageError("this ONNX model gives no probabilities", hint="use predict or transform")
        return self.run(values)[self._answers["predict_proba"]]

    @_Offered
    def transform(self, values: Any) -> Any:
        """Return the output as it is: the first one, or that which the file says."""
        return self.run(values)[self._answers["transform"]]
