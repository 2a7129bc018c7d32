"""ONNX models through onnxruntime, with the methods that a scikit-learn model has."""

from __future__ import annotations

from typing import Any

from secureload.errors import MalformedError, UsageError

__all__ = ["OnnxModel"]

_TYPES = {
    "tensor(float)": "f4", "tensor(double)": "f8", "tensor(int64)": "i8", "tensor(int32)": "i4", "tensor(bool)": "?",
    "tensor(float16)": "f2", "tensor(uint8)": "u1", "tensor(int8)": "i1",
}  # fmt: skip


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
        self._kinds = [one.type for one in self._session.get_outputs()]

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
            return [np.asarray(values[name]) for name in values.columns]
        return list(np.asarray(values).T)

    def _typed(self, values: Any, kind: str) -> Any:
        import numpy as np

        if hasattr(values, "toarray"):
            values = values.toarray()
        if kind == "tensor(string)":
            return np.asarray(values).astype(str).astype(object)
        return np.ascontiguousarray(np.asarray(values), dtype=_TYPES.get(kind))

    def predict(self, values: Any) -> Any:
        """Return labels or values, one a row."""
        found = self.run(values)[0]
        return found[:, 0] if getattr(found, "ndim", 0) == 2 and found.shape[1] == 1 else found

    def predict_proba(self, values: Any) -> Any:
        """Return the probabilities of the classes, a row each."""
        if len(self.output_names_) < 2:
            raise UsageError("this ONNX model gives no probabilities", hint="use predict or transform")
        return self.run(values)[1]

    def transform(self, values: Any) -> Any:
        """Return the first output as it is."""
        return self.run(values)[0]
