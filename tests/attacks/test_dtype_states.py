"""numpy believes a part of a dtype's state and ignores the rest; a reader that believes another part is led astray."""

from __future__ import annotations

import io
import pickle
from typing import Any

import joblib
import numpy as np
import pytest

from secureload.pickles.assembler import Assembler

from ..pickles.tracing import trace
from .judged import objections

PLAIN = (3, "<", None, None, None, -1, -1, 0)
OBJECT = np.dtype(object)


class Dtype:
    """Pickled as a dtype with any state."""

    def __init__(self, spec: Any, state: object, *, copy: bool = True) -> None:
        self.parts = ((spec, False, copy), state)

    def __reduce__(self) -> Any:
        return (np.dtype, *self.parts)


LIES: dict[str, Dtype] = {
    "a-size-that-numpy-ignores": Dtype("f8", (3, "<", None, None, None, 1000, 1000, 0)),
    "a-flag-that-turns-raw-bytes-into-a-nested-pickle": Dtype("f8", (*PLAIN[:7], 1)),
    "a-missing-flag-that-turns-a-nested-pickle-into-raw-bytes": Dtype("O", PLAIN),
    "a-state-that-numpy-ignores": Dtype(np.void, (3, "|", None, None, None, 1000, 1, 0), copy=False),
    "a-state-of-a-layout-from-long-ago": Dtype("S10", (2, "|", None, None, None, 20, 1)),
    "two-sizes": Dtype("S10", (3, "|", None, None, None, 20, 1, 0)),
    "references-that-are-kept-quiet": Dtype("V8", (3, "|", None, ("a",), {"a": (OBJECT, 0)}, 8, 1, 0)),
    "references-inside-a-repeated-type": Dtype("V16", (3, "|", (OBJECT, (2,)), None, None, 16, 1, 0)),
    "a-field-outside": Dtype("V8", (3, "|", None, ("a",), {"a": (np.dtype("f8"), 8)}, 8, 1, 0)),
    "a-field-before": Dtype("V8", (3, "|", None, ("a",), {"a": (np.dtype("f8"), -8)}, 8, 1, 0)),
    "a-number-over-a-reference": Dtype(
        "V8", (3, "|", None, ("a", "b"), {"a": (OBJECT, 0), "b": (np.dtype("f8"), 0)}, 8, 1, 27)
    ),
    "fields-of-a-plain-type": Dtype("f8", (3, "<", None, ("a",), {"a": (np.dtype("f8"), 0)}, -1, -1, 0)),
    "more-repetitions-than-fit": Dtype("V8", (3, "|", (np.dtype("f8"), (9,)), None, None, 8, 1, 0)),
}


@pytest.mark.parametrize("name", LIES)
def test_a_dtype_whose_state_numpy_would_not_write_is_not_accepted(name: str) -> None:
    assert objections(pickle.dumps(LIES[name], 4))


@pytest.mark.parametrize("name", LIES)
def test_an_array_of_such_a_dtype_is_not_stepped_over(name: str) -> None:
    """Bytes that the tracer takes for an array would be read as opcodes by joblib, or the other way round."""
    wrapper = Assembler(4).global_("joblib.numpy_pickle", "NumpyArrayWrapper").mark().tuple_().newobj()
    wrapper = wrapper.mark().text("shape").mark().integer(1).tuple_().text("dtype")
    data = wrapper.raw(pickle.dumps(LIES[name], 2)[2:-1]).dict_().build().stop() + bytes(2000)
    assert objections(data)


def test_an_array_of_objects_that_asks_to_be_mapped_is_not_accepted() -> None:
    buffer = io.BytesIO()
    joblib.dump(np.array([None]), buffer, protocol=4)
    data = buffer.getvalue()
    assert objections(data) == []
    at = data.index(b"allow_mmap") + len(b"allow_mmap")
    changed = bytearray(data)
    assert changed[at : at + 2] == pickle.MEMOIZE + pickle.NEWFALSE
    changed[at + 1 : at + 2] = pickle.NEWTRUE
    assert objections(bytes(changed))


DTYPES: tuple[Any, ...] = (
    "?", "i1", "<u2", ">i4", "f2", "f8", "f16", "c8", "c16", "c32", "S10", "S0", "U5", ">U5", "U0", "V16", "V0",
    "M8", "M8[ns]", "m8[25s]", "O", [("a", "f8"), ("b", "O")], [("a", "i4"), ("b", "S3")], [], [("a", "f8", (2, 3))],
    {"names": ["a"], "formats": ["f8"], "offsets": [8], "itemsize": 32}, [(("title", "a"), "f8"), ("b", "O")],
    [("x", [("y", "O"), ("z", "U3")])], [("a", "O", (2,))], (np.record, [("a", "i1"), ("b", "O")]),
    {"names": ["a", "b"], "formats": ["f8", "i4"], "offsets": [0, 4]},
)  # fmt: skip


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("spec", DTYPES, ids=repr)
def test_every_dtype_that_numpy_writes_is_accepted_and_so_is_its_array(spec: Any, protocol: int) -> None:
    for dtype in (np.dtype(spec), np.dtype(spec, align=True), np.dtype(spec).newbyteorder()):
        assert trace(pickle.dumps([dtype, np.zeros(3, dtype), np.zeros(2, dtype)], protocol)).problems == ()
        buffer = io.BytesIO()
        if dtype.itemsize:  # joblib divides by it
            joblib.dump([np.zeros(3, dtype), 1], buffer, protocol=protocol)
            assert trace(buffer.getvalue()).problems == ()
