"""The page about the format is enough to read it: a reader made from it alone reads the vectors, and real models."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from secureload.structured.special import SPECIAL
from tests.structured.cases import fitted_cases
from tests.structured.forging import written
from tests.structured.independent import Array, Object, Reader
from tests.structured.table import VECTORS, vectors

PAGE = Path(__file__).parents[2] / "docs" / "format-safetensors.md"
X, Y = load_iris(return_X_y=True)


def plain(value: Any) -> Any:
    """Lists in the place of arrays of numpy, as the reader's arrays are compared."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Array):
        elements = np.array(value.elements, object)
        return (
            elements.reshape(value.shape).T if value.transposed else elements.reshape(value.shape)
        ).tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse((Path(__file__).parent / "independent.py").read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert imported <= {"__future__", "base64", "json", "struct", "zlib", "dataclasses", "typing"}


@pytest.mark.parametrize("name", vectors())
def test_the_vectors_are_read(name: str) -> None:
    reader = Reader((VECTORS / f"{name}.safetensors").read_bytes())
    assert reader.checksum() == reader.metadata["crc32"]
    assert repr(plain(reader.value())) == repr(plain(vectors()[name]))


def test_what_was_shared_is_one_object() -> None:
    first, second = Reader((VECTORS / "shared.safetensors").read_bytes()).value()
    assert second["again"] is first


def test_a_forest_in_a_pipeline_predicts_what_it_predicted() -> None:
    """From the page alone: the scaler's arrays, and the records of each tree's nodes."""
    model = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(X, Y)
    found = Reader(written(model)).value()
    steps = attribute(found, "steps")
    scaler, forest = steps[0][1], steps[1][1]
    rows = (X - np.array(attribute(scaler, "mean_").elements)) / np.array(
        attribute(scaler, "scale_").elements
    )
    votes = sum(tree_votes(attribute(one, "tree_"), rows) for one in attribute(forest, "estimators_"))
    assert np.array_equal(votes.argmax(axis=1), model.predict(X))


def attribute(value: Object, name: str) -> Any:
    return value.parts[value.attributes.index(name)]


def tree_votes(tree: Object, rows: Any) -> Any:
    """The parts of a tree, in the order of the page."""
    assert tree.name == "sklearn.tree._tree:Tree"
    _, (classes,), _, _, count, nodes, values = tree.parts
    size, _, fields = nodes.type[1:].partition("}")
    places = {
        name: (kind, int(at)) for name, kind, at, _ in (text.rsplit(":", 3) for text in fields.split(";"))
    }
    assert len(nodes.elements) == count
    assert all(len(one) == int(size) for one in nodes.elements)

    def column(name: str) -> Any:
        kind, at = places[name]
        width = np.dtype(kind).itemsize
        return np.frombuffer(b"".join(one[at : at + width] for one in nodes.elements), kind)

    left, right, feature, threshold = (
        column(name) for name in ("left_child", "right_child", "feature", "threshold")
    )
    shares = np.array(values.elements).reshape(count, classes)
    found = []
    for row in rows.astype(np.float32):
        at = 0
        while left[at] != -1:
            at = left[at] if row[feature[at]] <= threshold[at] else right[at]
        found.append(shares[at])
    return np.array(found)


def test_a_vocabulary_is_read() -> None:
    model = TfidfVectorizer().fit([f"word{number} and others" for number in range(100)])
    found = Reader(written(model)).value()
    assert attribute(found, "vocabulary_") == {
        word: int(number) for word, number in model.vocabulary_.items()
    }


def test_every_fitted_estimator_is_read_and_its_checksum_is_right() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = fitted_cases()
        for count, (label, model) in enumerate(cases):
            if count % 6:
                continue
            reader = Reader(written(model))
            assert reader.checksum() == reader.metadata["crc32"], label
            assert reader.value() is not None, label


def test_the_parts_of_every_object_in_parts_are_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    missing = [
        name
        for name in (one.rpartition(":")[2].removesuffix("64").removesuffix("32") for one in SPECIAL)
        if name.removesuffix("Distance") not in page
    ]
    assert not missing
