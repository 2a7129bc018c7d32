"""Forged structures: an error with a name, never a crash of the interpreter, and nothing of the file runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from secureload.errors import LimitError, MalformedError
from secureload.limits import Limits
from secureload.structured.decoder import decode
from tests.structured.forging import KNOWN, Forgery, forged, read, written

X, Y = load_iris(return_X_y=True)
MODEL = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(X, Y)


def at_root(node: Any) -> Callable[[Forgery], None]:
    def change(forgery: Forgery) -> None:
        forgery.root = node
        forgery.tensors = []

    return change


ROOTS: dict[str, Any] = {
    "an unknown tag": ["zz", 1],
    "an empty node": [],
    "a tag that is a number": [1],
    "a list as a tag": [[1]],
    "a reference to nothing": ["r", 0],
    "a reference that is text": ["r", "0"],
    "an object in itself": ["#", ["t", ["r", 0]]],
    "a name that does not exist": ["g", 99],
    "a negative name": ["g", -1],
    "a name that is true": ["g", True],
    "a tensor that does not exist": ["a", 0],
    "a negative tensor": ["a", -1],
    "bytes that are no base64": ["b", "\u00e4"],
    "bytes that are a number": ["b", 1],
    "a number that is none": ["f", "1e5"],
    "a number of text": ["f", 3],
    "a complex of text": ["c", "a", "b"],
    "a range of text": ["ra", "a", 1, 1],
    "an endless range": ["ra", 0, 1 << 70, 1],
    "a slice of one": ["sl", 1],
    "a dictionary with half a pair": ["d", 1],
    "a key that is a list": ["d", ["l"], 1],
    "a set of lists": ["s", ["l"]],
    "a type of objects": ["dt", "|O"],
    "a type that is none": ["dt", "wrong"],
    "a type of a size beyond": ["dt", "<U999999999"],
    "records of objects": ["dt", "{8}a:|O:0:"],
    "records that overlap the end": ["dt", "{4}a:<f8:0:"],
    "a scalar of objects": ["n", "|O", 1],
    "a scalar too large": ["n", "|i1", 300],
    "a scalar of another type": ["n", "<i8", 1.5],
    "text as a scalar": ["n", "<f8", "x"],
    "a small array too large": ["v", "<f8", [9], [1.0] * 9],
    "a small array of objects": ["v", "|O", [1], [1]],
    "a small array of another shape": ["v", "<f8", [2], [1.0]],
    "a small array of text": ["v", "<f8", [1], ["x"]],
    "objects of a shape beyond": ["o", [1 << 62], 1],
    "objects of a negative shape": ["o", [-1]],
    "an instance without a shape": ["i", 0],
    "an instance of nothing": ["i"],
    "a container of nothing": ["m", 0],
    "a special of nothing": ["x", 0],
    "named values of nothing": ["nt", 0],
    "a mask that is none": ["ma", 1, 2, 3],
}


@pytest.mark.parametrize("root", ROOTS.values(), ids=ROOTS)
def test_a_structure_that_is_none_is_refused(root: Any) -> None:
    def change(forgery: Forgery) -> None:
        at_root(root)(forgery)
        forgery.names, forgery.shapes = [], []

    with pytest.raises(MalformedError):
        read(forged([1], change))


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "builtins:eval",
        "builtins:getattr",
        "numpy:load",
        "numpy:fromfile",
        "subprocess:Popen",
        "sklearn.datasets._base:load_files",
        "joblib.numpy_pickle:load",
        "sklearn.base:clone",
        "secureload.api.load:safe_load",
        "os:path.join",
        "numpy:testing.measure",
    ],
)
@pytest.mark.parametrize("tag", ["g", "i", "x", "m", "nt"])
def test_a_name_that_is_not_on_the_list_is_never_looked_up(name: str, tag: str) -> None:
    def change(forgery: Forgery) -> None:
        at_root([tag, 0] if tag == "g" else [tag, 0, "touch /tmp/x"])(forgery)
        forgery.names, forgery.shapes = [name], [[0, "a"]]

    with pytest.raises(MalformedError, match=r"not on the list|is none"):
        read(forged([1], change))


@pytest.mark.parametrize(
    "attribute", ["predict", "fit", "__class__", "__dict__", "__reduce__", "_validate_params", "get_params"]
)
def test_an_attribute_never_takes_the_place_of_a_method(attribute: str) -> None:
    def change(forgery: Forgery) -> None:
        node, _ = forgery.instances("LogisticRegression")[0]
        forgery.shapes[node[1]].append(attribute)
        node.append(1)

    with pytest.raises(MalformedError, match="not its own"):
        read(forged(MODEL, change))


def test_an_attribute_is_said_once() -> None:
    def change(forgery: Forgery) -> None:
        node, _ = forgery.instances("LogisticRegression")[0]
        forgery.shapes[node[1]].append("coef_")
        node.append(1)

    with pytest.raises(MalformedError, match="twice"):
        read(forged(MODEL, change))


def test_a_tensor_that_nothing_uses_is_refused() -> None:
    with pytest.raises(MalformedError, match="does not use"):
        read(forged(MODEL, lambda forgery: forgery.tensors.append(["F64", (1,), bytearray(8)])))


def test_a_tensor_is_used_once() -> None:
    def change(forgery: Forgery) -> None:
        node, _ = forgery.instances("LogisticRegression")[0]
        node[2] = forgery.get("LogisticRegression", "coef_")

    with pytest.raises(MalformedError, match="another's"):
        read(forged(MODEL, change))


def test_nesting_without_end_is_a_limit_or_an_error() -> None:
    root: Any = 1
    for _ in range(600):
        root = ["l", root]
    with pytest.raises((MalformedError, LimitError)):
        read(forged([1], at_root(root)))


def test_a_structure_of_many_parts_reaches_a_limit() -> None:
    with pytest.raises(LimitError) as caught:
        decode(bytearray(written([[float(n)] for n in range(100)])), KNOWN, Limits(structured_nodes_items=50))
    assert caught.value.fields["limit"] == "structured_nodes_items"


def test_large_arrays_lie_in_the_file_and_are_not_copied() -> None:
    data = bytearray(written({"big": np.arange(100_000.0)}))
    big = decode(data, KNOWN)["big"]
    assert np.shares_memory(big, np.frombuffer(data, np.uint8))
    assert big.flags.aligned
    assert big.flags.writeable


FUZZER = """
import os, random, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from secureload.errors import SecureloadError
from tests.structured.fuzzing import models, mutated, outputs
from tests.structured.forging import read
seed, rounds = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
refused = same = other = 0
for name, model, rows in models():
    expected = outputs(model, rows)
    for number in range(rounds):
        data, resealed = mutated(model, rng)
        try:
            found = outputs(read(data), rows)
        except SecureloadError:
            refused += 1
            continue
        if found == expected:
            same += 1
        else:
            assert resealed, name  # a file whose checksum was not made good again never gives another answer
            other += 1
print(refused, same, other)
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_files_are_refused_or_predict_and_never_crash_the_interpreter(seed: int) -> None:
    """In a child process: a crash is an exit status, and not the end of the test run."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", FUZZER, str(seed), "25"],
        capture_output=True,
        text=True,
        timeout=170,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, (
        signal.Signals(-done.returncode).name if done.returncode < 0 else "",
        done.stderr[-3000:],
    )
    refused, same, _ = map(int, done.stdout.splitlines()[-1].split())
    assert refused > 100
    assert refused + same > 300
