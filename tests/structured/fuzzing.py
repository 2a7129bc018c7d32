"""Mutations of valid files, blind ones and those of a forger who makes the checksum good again."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import numpy as np

from secureload.convert.inputs import inputs_for
from secureload.convert.outputs import methods_of, outputs_for
from tests.structured.forging import Forgery, written

# The C code of each of them follows what the file says.
CHOSEN = (
    "RandomForestClassifier",
    "ExtraTreesRegressor",
    "IsolationForest",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
    "HistGradientBoostingClassifier",
    "HistGradientBoostingRegressor",
    "SVC",
    "NuSVR",
    "OneClassSVM",
    "KNeighborsClassifier",
    "RadiusNeighborsClassifier",
    "KernelDensity",
    "LocalOutlierFactor",
    "KMeans",
    "BisectingKMeans",
    "MiniBatchKMeans",
    "OneHotEncoder",
    "KBinsDiscretizer",
    "TfidfVectorizer",
    "DictVectorizer",
    "MultiLabelBinarizer",
    "SplineTransformer",
    "SparseRandomProjection",
    "Isomap",
    "DecisionTreeClassifier",
    "Nystroem",
    "SGDClassifier",
    "IsotonicRegression",
    "RandomTreesEmbedding",
    "NMF",
    "Birch",
)


@cache
def models() -> tuple[tuple[str, Any, list[Any]], ...]:
    """(name, model, inputs) of one fitted model of each class."""
    from tests.structured.cases import fitted_cases

    found = {}
    for label, model in fitted_cases():
        name = label.partition(",")[0]
        if name in CHOSEN and name not in found:
            found[name] = (name, model, inputs_for(model, 0, single=False)[:2])
    assert set(found) == set(CHOSEN), set(CHOSEN) - set(found)
    return tuple(found.values())


def outputs(model: Any, rows: list[Any]) -> str:
    """All outputs as text."""
    with np.printoptions(threshold=100_000, floatmode="unique"):
        return repr(outputs_for(model, rows, methods_of(model)))


def mutated(model: Any, rng: random.Random) -> tuple[bytes, bool]:
    """A mutated file, and whether its checksum was made good again."""
    if rng.random() < 0.2:
        data = bytearray(written(model))
        for _ in range(rng.randint(1, 3)):
            _blind(data, rng)
        return bytes(data), False
    forgery = Forgery(model)
    for _ in range(rng.randint(1, 3)):
        (_number if rng.random() < 0.4 or not forgery.tensors else _tensor)(forgery, rng)
    return forgery.bytes(), True


def _blind(data: bytearray, rng: random.Random) -> None:
    position = rng.randrange(len(data))
    match rng.randrange(4):
        case 0:
            data[position] ^= 1 << rng.randrange(8)
        case 1:
            del data[position:]
        case 2:
            del data[position : position + rng.randint(1, 16)]
        case _:
            data[position:position] = rng.randbytes(rng.randint(1, 16))
    if not data:
        data += b"\0"


def _tensor(forgery: Forgery, rng: random.Random) -> None:
    """Change words of a tensor: to small and to huge indices, to the values of others, or cut it."""
    tensor = rng.choice(forgery.tensors)
    _, shape, data = tensor
    if not data:
        return
    if rng.random() < 0.15 and shape and shape[0] > 1:
        row = len(data) // shape[0]
        tensor[1] = (shape[0] - 1, *shape[1:])
        del data[-row:]
        return
    width = rng.choice([4, 8])
    for _ in range(rng.randint(1, 4)):
        if len(data) < width:
            return
        at = rng.randrange(len(data) // width) * width
        value = rng.choice(
            [0, 1, 2, 7, 255, 1000, (1 << 31) - 1, -1, -2, 1 << 20, rng.getrandbits(width * 8 - 1)]
        )
        data[at : at + width] = (value & ((1 << (8 * width)) - 1)).to_bytes(width, "little")


def _number(forgery: Forgery, rng: random.Random) -> None:
    """Change a number, a flag or a text of the JSON, or swap two of its parts."""
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [forgery.root]
    while waiting:
        node = waiting.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, item in items:
            if isinstance(item, list | dict):
                waiting.append(item)
            if not (isinstance(node, list) and key == 0):
                places.append((node, key))
    node, key = rng.choice(places)
    other, place = rng.choice(places)
    match rng.randrange(3):
        case 0:
            node[key], other[place] = other[place], node[key]
        case 1:
            node[key] = rng.choice(
                [
                    0,
                    1,
                    -1,
                    2,
                    5,
                    1000,
                    1 << 31,
                    1 << 63,
                    1 << 70,
                    True,
                    False,
                    None,
                    0.5,
                    "",
                    "kd_tree",
                    "brute",
                    ["f", "nan"],
                    ["l"],
                    {},
                ]
            )
        case _:
            if type(node[key]) is int:
                node[key] += rng.choice([-1, 1, 10])
