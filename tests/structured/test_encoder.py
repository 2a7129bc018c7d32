"""The state of every fitted estimator, written and read again: the same to the last bit, and the same bytes."""

from __future__ import annotations

import collections
import functools
import math
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.cluster import SpectralBiclustering
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import all_estimators

from secureload.errors import ConversionError
from secureload.structured.encoder import encode, state_hash
from secureload.structured.known import default_known
from tests.structured.cases import fitted_cases
from tests.structured.forging import KNOWN, read, written

X, Y = load_iris(return_X_y=True)


def test_every_fitted_case_that_pickle_reproduces_is_reproduced_to_the_last_bit() -> None:
    wrong = {}
    for label, model in fitted_cases():
        try:
            data = written(model)
            again = read(data)
            if type(again) is not type(model) or written(again) != data:
                wrong[label] = "another state"
        except Exception as error:
            wrong[label] = repr(error)
    assert wrong == {}
    assert len(fitted_cases()) > 300
    fitted = {label.partition(",")[0] for label, _ in fitted_cases()}
    assert len(fitted & {name for name, _ in all_estimators()}) > 200


def test_what_was_read_is_what_pickle_makes_of_it_too() -> None:
    """The hash is of what pickle sees, not of what this format chooses to see."""
    for label, model in fitted_cases():
        again = pickle.loads(pickle.dumps(read(written(model)), 5))
        assert state_hash(again, KNOWN) == state_hash(model, KNOWN), label


def test_the_same_model_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from sklearn.preprocessing import OneHotEncoder\n"
        "from tests.structured.forging import written\n"
        "m = OneHotEncoder().fit([['red'], ['green'], ['blue']])\n"
        "m.extra_ = {'x', 'y', 'z', 'longer', 'names'}\n"
        "print(hashlib.sha256(written(m)).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_one_changed_bit_changes_the_hash() -> None:
    model = LogisticRegression(max_iter=300).fit(X, Y)
    before = state_hash(model, KNOWN)
    model.coef_[0, 0] = np.nextafter(model.coef_[0, 0], 1.0)
    assert state_hash(model, KNOWN) != before


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        1 << 200,
        True,
        None,
        1.5,
        -0.0,
        math.inf,
        -math.inf,
        "text \u00e4\U0001f600\x00",
        b"\x00\xff",
        3 + 4j,
        (1, (2,)),
        [1, [2, "r", "#"]],
        {"a": 1, "": 2},
        {1: "x", (1, 2): None, None: 3},
        {"s"},
        frozenset({1, 2}),
        slice(1, None, 2),
        range(3, 9, 2),
        bytearray(b"ab"),
        np.float32(0.1),
        np.int64(-3),
        np.bool_(True),
        np.str_("u"),
        np.complex64(1 + 2j),
        np.datetime64("2026-01-01"),
        np.dtype("<f4"),
        np.dtype(object),
        collections.OrderedDict(b=1, a=2),
        collections.defaultdict(list, {"k": [1]}),
        collections.deque([1, 2]),
        functools.partial(np.log1p),
        np.float64,
        float,
    ],
    ids=repr,
)
def test_values_keep_their_type_and_value(value: Any) -> None:
    again = read(written([value]))[0]
    assert type(again) is type(value)
    assert repr(again) == repr(value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(24, dtype="<i4")[::2],
        np.arange(12.0)[::-1],
        np.broadcast_to(np.arange(8.0), (5, 8)),
        np.zeros((0, 3)),
        np.array(5.0),
        np.array(["a", "\u00e9\U0001f600", ""]),
        np.array([b"ab", b"c"]),
        np.arange(6, dtype=">f8"),
        np.array([1 + 2j, 3]),
        np.array(["2026-01-01", "NaT"], "M8[D]"),
        np.arange(10, dtype="f2"),
        np.array([True, False] * 9),
        np.array(["x", "y", None, 3.5, np.nan, ("t",)], dtype=object),
        np.zeros(4, np.dtype([("a", "<i4"), ("b", "<f8", (2,))])),
        np.ma.MaskedArray(np.arange(9.0), mask=[0, 1, 0] * 3),
        np.array([np.nan, np.inf, -0.0]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_keep_type_shape_order_and_bits(array: Any) -> None:
    again = read(written({"value": array}))["value"]
    assert type(again) is type(array)
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    assert again.flags.f_contiguous == np.asarray(pickle.loads(pickle.dumps(array, 5))).flags.f_contiguous
    if array.dtype.hasobject:
        assert repr(again) == repr(array)
    else:
        assert np.asarray(again).tobytes() == np.asarray(array).tobytes()


def test_cycles_and_shared_references_stay_what_they_are() -> None:
    shared = np.arange(100.0)
    circle: list[Any] = [shared, {"again": shared}]
    circle.append(circle)
    again = read(written(circle))
    assert again[0] is again[1]["again"]
    assert again[2] is again


def test_a_forest_shares_nothing_that_was_not_shared() -> None:
    forest = read(written(RandomForestClassifier(5, random_state=0).fit(X, Y)))
    assert len({id(tree.tree_) for tree in forest.estimators_}) == 5


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (FunctionTransformer(lambda x: x), "<lambda>"),
        (FunctionTransformer(np.memmap), "numpy.memmap"),
        ([np.array([1.0], dtype=np.longdouble)], "no portable form"),
        ([np.longdouble(1)], "no portable form"),
        ([np.clongdouble(1)], "no portable form"),
        ([np.matrix([[1.0]])], "matrix"),
        ([np.recarray(1, dtype=[("a", "<f4")])], "recarray"),
        ([scipy.sparse.lil_matrix(np.eye(2))], "lil_matrix"),
        ([scipy.sparse.dok_array(np.eye(2))], "dok_array"),
        ([scipy.sparse.bsr_array(np.eye(2))], "bsr_array"),
        ([object()], "builtins.object"),
        (["half \ud800"], "surrogate"),
    ],
    ids=[
        "lambda",
        "a class that opens files",
        "long double",
        "a long double",
        "a complex one",
        "matrix",
        "array of records by name",
        "lil",
        "dok",
        "bsr",
        "object",
        "half a character",
    ],
)
def test_what_has_no_form_is_named(model: Any, named: str) -> None:
    with pytest.raises(ConversionError) as caught:
        encode(model, KNOWN, {})
    assert named in caught.value.message
    assert caught.value.hint


class Own:
    """An estimator of the user's own."""

    def predict(self, rows: Any) -> Any:
        return rows[:, 0] * self.factor_  # type: ignore[attr-defined]


def test_a_class_of_ones_own_is_named_with_what_allows_it() -> None:
    own = Own()
    own.factor_ = np.float64(2.0)  # type: ignore[attr-defined]
    with pytest.raises(ConversionError) as caught:
        encode([own], KNOWN, {})
    assert f"{__name__}.Own" in caught.value.message
    assert f"--allow {__name__}.Own" in caught.value.hint
    known = default_known().extended_by([f"{__name__}.Own"])
    data = b"".join(encode([own], known, {}).pieces)
    from secureload.structured.decoder import decode

    (again,) = decode(bytearray(data), known)
    assert again.predict(np.ones((2, 1))).tolist() == [2.0, 2.0]


def test_every_class_that_scikit_learn_calls_an_estimator_is_on_the_list() -> None:
    missing = [
        f"{kind.__module__}:{kind.__qualname__}"
        for _, kind in all_estimators()
        if not KNOWN.has_class(f"{kind.__module__}:{kind.__qualname__}")
    ]
    assert missing == []


@pytest.mark.parametrize(
    "model",
    [
        TSNE(max_iter=250, random_state=0),
        SpectralBiclustering(3, random_state=0),
        SelfTrainingClassifier(LogisticRegression(max_iter=500)),
        FrozenEstimator(LogisticRegression(max_iter=500)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_estimators_that_no_table_of_cases_has(model: Any) -> None:
    X, y = load_iris(return_X_y=True)
    if isinstance(model, FrozenEstimator):
        model.estimator.fit(X, y)
    else:
        model.fit(X, y)
    model = pickle.loads(pickle.dumps(model))
    again = read(written(model))
    assert type(again) is type(model)
    assert written(again) == written(model)
    if hasattr(model, "predict"):
        assert np.array_equal(again.predict(X), model.predict(X))
