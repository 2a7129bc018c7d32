"""Each validation of the rebuilt state, forged: what C code would follow is refused before anybody can call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import BisectingKMeans, KMeans
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import BallTree, KDTree, KernelDensity, KNeighborsClassifier
from sklearn.preprocessing import MultiLabelBinarizer, OneHotEncoder, SplineTransformer
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from secureload.errors import MalformedError
from tests.structured.forging import Forgery, forged, read, written

RNG = np.random.default_rng(0)
X = RNG.random((60, 4))
Y = np.arange(60) % 3
Z = X[:, 0] + X[:, 1]
CATEGORIES = np.column_stack([X[:, :3], np.arange(60) % 5])

# Position of the parts of a tree's node of the JSON, behind the tag and the class.
N_FEATURES, N_CLASSES, N_OUTPUTS, MAX_DEPTH, COUNT, NODES, VALUES = range(2, 9)
DATA, INDICES, NEIGHBOUR_NODES, BOUNDS, LEAF_SIZE, LEVELS, N_NODES = range(2, 9)


def models() -> dict[str, Any]:
    texts = ["red green blue", "blue sky", "green grass grows"]
    labels = MultiLabelBinarizer(sparse_output=True).fit([(1, 2), (3,)])
    labels.transform([(1,)])
    return {
        "tree": DecisionTreeClassifier(random_state=0).fit(X, Y),
        "forest": RandomForestClassifier(3, random_state=0).fit(X, Y),
        "isolation": IsolationForest(n_estimators=3, random_state=0).fit(X),
        "boosting": GradientBoostingClassifier(n_estimators=3, random_state=0).fit(X, Y),
        "regression": GradientBoostingRegressor(n_estimators=3, random_state=0).fit(X, Z),
        "histogram": HistGradientBoostingClassifier(
            max_iter=3, categorical_features=[3], min_samples_leaf=2, random_state=0
        ).fit(CATEGORIES, Y),
        "svc": SVC().fit(X, Y),
        "svr": SVR().fit(X, Z),
        "neighbours": KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
        "density": KernelDensity().fit(X),
        "kd": KDTree(X, leaf_size=5),
        "ball": BallTree(X, leaf_size=5),
        "means": KMeans(3, n_init=1, random_state=0).fit(X),
        "bisecting": BisectingKMeans(3, random_state=0).fit(X),
        "one hot": OneHotEncoder(drop="first").fit(CATEGORIES[:, 3:]),
        "words": CountVectorizer().fit(texts),
        "names": DictVectorizer().fit([{"a": 1, "b": 2}]),
        "hasher": FeatureHasher(16),
        "hashing": HashingVectorizer(n_features=16),
        "labels": labels,
        "csr": sp.random(6, 9, 0.5, "csr", random_state=0),
        "csc": sp.random(6, 9, 0.5, "csc", random_state=0),
        "coo": sp.random(6, 9, 0.5, "coo", random_state=0),
        "dia": sp.dia_matrix((np.ones((2, 9)), [0, 1]), shape=(9, 9)),
        "random": np.random.RandomState(3),
        "generator": np.random.Generator(np.random.Philox(3)),
        "metric": DistanceMetric.get_metric("seuclidean", V=[1.0, 2.0, 3.0]),
        "spline": SplineTransformer().fit(X),
        "weighted": BallTree(X, metric="seuclidean", V=np.ones(4)),
        "masked": np.ma.MaskedArray(np.arange(9.0), mask=[0, 1, 0] * 3),
    }


MODELS = models()


def node_field(name: str, value: int, at: int = 0) -> Callable[[Forgery], None]:
    def change(forgery: Forgery) -> None:
        forgery.array(forgery.special("Tree")[NODES])[name][at] = value

    return change


def part(kind: str, position: int, value: Any) -> Callable[[Forgery], None]:
    return lambda forgery: forgery.special(kind).__setitem__(position, value)


def attribute(kind: str, name: str, value: Any) -> Callable[[Forgery], None]:
    return lambda forgery: forgery.set(kind, name, value)


def without(kind: str, name: str) -> Callable[[Forgery], None]:
    return lambda forgery: forgery.remove(kind, name)


def values(kind: str, name: str, position: int, value: float) -> Callable[[Forgery], None]:
    def change(forgery: Forgery) -> None:
        node = forgery.get(kind, name)
        if node[0] == "v":
            node[3][position] = value
        else:
            forgery.array(node)[position] = value

    return change


def shorter(kind: str, name: str) -> Callable[[Forgery], None]:
    def change(forgery: Forgery) -> None:
        node = forgery.get(kind, name)
        node = node[1] if node[0] == "#" else node
        if node[0] == "v":
            node[2], node[3] = [len(node[3]) - 1], node[3][:-1]
            return
        tensor = forgery.tensors[node[1]]
        row = len(tensor[2]) // tensor[1][0]
        tensor[1] = (tensor[1][0] - 1, *tensor[1][1:])
        del tensor[2][-row:]

    return change


def neighbour_node(name: str, value: int, at: int = 0) -> Callable[[Forgery], None]:
    def change(forgery: Forgery) -> None:
        forgery.array(forgery.special("KDTree")[NEIGHBOUR_NODES])[name][at] = value

    return change


def predictor(name: str, value: Any) -> Callable[[Forgery], None]:
    def change(forgery: Forgery) -> None:
        nodes = forgery.array(forgery.get("TreePredictor", "nodes"))
        at = np.flatnonzero(nodes["is_leaf"] == 0)
        nodes[name][at[0]] = value

    return change


def twice(forgery: Forgery) -> None:
    nodes = forgery.array(forgery.special("Tree")[NODES])
    inner = np.flatnonzero(nodes["left_child"] >= 0)
    nodes["left_child"][inner[0]] = nodes["right_child"][inner[0]]


def bit_state(name: str, key: str, value: Any) -> Callable[[Forgery], None]:
    def change(forgery: Forgery) -> None:
        state = forgery.special(name)[2]
        (state if key in state else state["state"])[key] = value

    return change


def bits_of(position: int, value: float) -> Callable[[Forgery], None]:
    def change(forgery: Forgery) -> None:
        forgery.array(forgery.special("KDTree")[INDICES])[position] = value

    return change


def one_child(forgery: Forgery) -> None:
    node, keys = max(forgery.instances("_BisectingTree"), key=lambda entry: len(str(entry[0])))
    node[2 + keys.index("left")] = None


def word(forgery: Forgery, kind: str, value: Any) -> None:
    vocabulary = forgery.get(kind, "vocabulary_")
    vocabulary[next(iter(vocabulary))] = value


FORGED: list[tuple[str, str, Callable[[Forgery], object]]] = [
    ("tree", "a child far away", node_field("left_child", 1 << 40)),
    ("tree", "a child beyond 32 bits that wraps", node_field("left_child", (1 << 32) + 1)),
    ("tree", "a negative child", node_field("right_child", -5)),
    ("tree", "a cycle", node_field("left_child", 0)),
    ("tree", "one child", node_field("right_child", -1)),
    ("tree", "a child of two parents", twice),
    ("tree", "a feature that does not exist", node_field("feature", 4)),
    ("tree", "a negative feature", node_field("feature", -3)),
    ("tree", "a smaller depth", part("Tree", MAX_DEPTH, 0)),
    ("tree", "another count of nodes", part("Tree", COUNT, 3)),
    ("tree", "more outputs", part("Tree", N_OUTPUTS, 2)),
    ("tree", "more classes", part("Tree", N_CLASSES, [9])),
    ("tree", "no classes", part("Tree", N_CLASSES, [0])),
    ("tree", "more features than the estimator", part("Tree", N_FEATURES, 9)),
    ("tree", "nodes of numbers", part("Tree", NODES, ["v", "<f8", [1], [1.0]])),
    ("tree", "a part too few", lambda forgery: forgery.special("Tree").pop()),
    ("tree", "another number of columns", attribute("DecisionTreeClassifier", "n_features_in_", 2)),
    ("tree", "no number of columns", without("DecisionTreeClassifier", "n_features_in_")),
    ("tree", "another number of outputs", attribute("DecisionTreeClassifier", "n_outputs_", 3)),
    ("tree", "a tree that is none", attribute("DecisionTreeClassifier", "tree_", 1)),
    ("forest", "another number of columns", attribute("RandomForestClassifier", "n_features_in_", 2)),
    ("forest", "another number of outputs", attribute("RandomForestClassifier", "n_outputs_", 2)),
    ("forest", "trees that are none", attribute("RandomForestClassifier", "estimators_", ["l", 1])),
    ("forest", "no number of columns", without("RandomForestClassifier", "n_features_in_")),
    ("isolation", "another number of columns", attribute("IsolationForest", "n_features_in_", 3)),
    ("isolation", "fewer lists of columns", attribute("IsolationForest", "estimators_features_", ["l"])),
    ("isolation", "other columns chosen", attribute("IsolationForest", "_max_features", 9)),
    (
        "boosting",
        "another number of trees a stage",
        attribute("GradientBoostingClassifier", "n_trees_per_iteration_", 2),
    ),
    ("boosting", "another number of classes", attribute("GradientBoostingClassifier", "n_classes_", 5)),
    ("boosting", "another number of columns", attribute("GradientBoostingClassifier", "n_features_in_", 2)),
    ("boosting", "a start with fewer classes", shorter("DummyClassifier", "class_prior_")),
    ("boosting", "a start that is none", attribute("GradientBoostingClassifier", "init_", "what")),
    ("regression", "a loss of classes", attribute("GradientBoostingRegressor", "n_trees_per_iteration_", 3)),
    ("histogram", "a child far away", predictor("left", 1 << 20)),
    ("histogram", "a cycle", predictor("right", 0)),
    ("histogram", "a feature that does not exist", predictor("feature_idx", 77)),
    ("histogram", "a negative feature", predictor("feature_idx", -1)),
    ("histogram", "a number taken for a category", predictor("is_categorical", 1)),
    (
        "histogram",
        "another number of columns",
        attribute("HistGradientBoostingClassifier", "n_features_in_", 3),
    ),
    (
        "histogram",
        "fewer stages' trees",
        attribute("HistGradientBoostingClassifier", "n_trees_per_iteration_", 9),
    ),
    (
        "histogram",
        "stages that are none",
        attribute("HistGradientBoostingClassifier", "_predictors", ["l", ["l", 1, 2, 3]]),
    ),
    ("histogram", "no thresholds", attribute("_BinMapper", "bin_thresholds_", ["l"])),
    (
        "histogram",
        "a preprocessor that is none",
        attribute("HistGradientBoostingClassifier", "_preprocessor", ["l"]),
    ),
    ("svc", "fewer coefficients", shorter("SVC", "_dual_coef_")),
    ("svc", "fewer support vectors", shorter("SVC", "support_vectors_")),
    ("svc", "fewer rows of support", shorter("SVC", "support_")),
    ("svc", "a count of vectors", values("SVC", "_n_support", 0, 1 << 20)),
    ("svc", "a negative count", values("SVC", "_n_support", 0, -1)),
    ("svc", "fewer intercepts", shorter("SVC", "_intercept_")),
    ("svc", "more classes", attribute("SVC", "classes_", ["v", "<i8", [4], [0, 1, 2, 3]])),
    ("svc", "another number of columns", attribute("SVC", "n_features_in_", 3)),
    ("svc", "another shape of the training data", attribute("SVC", "shape_fit_", ["t", 60, 2])),
    ("svc", "a sparse one", attribute("SVC", "_sparse", True)),
    ("svc", "probabilities of other classes", attribute("SVC", "_probA", ["v", "<f8", [2], [1.0, 1.0]])),
    ("svr", "another number of columns", attribute("SVR", "n_features_in_", 40)),
    ("neighbours", "a class that does not exist", values("KNeighborsClassifier", "_y", 0, 99)),
    ("neighbours", "a negative class", values("KNeighborsClassifier", "_y", 0, -1)),
    ("neighbours", "fewer answers", shorter("KNeighborsClassifier", "_y")),
    ("neighbours", "fewer rows", shorter("KNeighborsClassifier", "_fit_X")),
    ("neighbours", "another number of rows", attribute("KNeighborsClassifier", "n_samples_fit_", 1000)),
    ("neighbours", "another number of columns", attribute("KNeighborsClassifier", "n_features_in_", 2)),
    ("neighbours", "a search without a tree", attribute("KNeighborsClassifier", "_fit_method", "brute")),
    ("density", "another number of columns", attribute("KernelDensity", "n_features_in_", 9)),
    ("kd", "a row that does not exist", bits_of(0, 60)),
    ("kd", "a negative row", bits_of(3, -1)),
    ("kd", "a range beyond the rows", neighbour_node("idx_end", 1000)),
    ("kd", "a range that ends before it begins", neighbour_node("idx_start", 61)),
    ("kd", "an inner node on the last level", neighbour_node("is_leaf", 0, -1)),
    ("kd", "a leaf of another kind", neighbour_node("is_leaf", 7)),
    ("kd", "more levels", part("KDTree", LEVELS, 20)),
    ("kd", "more nodes", part("KDTree", N_NODES, 1 << 20)),
    ("kd", "a leaf size of none", part("KDTree", LEAF_SIZE, 0)),
    ("kd", "a metric that is none", part("KDTree", 13, 1)),
    ("ball", "weights of other rows", part("BallTree", 14, ["v", "<f8", [1], [1.0]])),
    (
        "weighted",
        "a metric for other columns",
        part("SEuclideanDistance64", 3, ["v", "<f8", [2], [1.0, 1.0]]),
    ),
    ("metric", "a power of none", part("SEuclideanDistance64", 2, ["f", "nan"])),
    (
        "metric",
        "a matrix that is not square",
        part("SEuclideanDistance64", 4, ["v", "<f8", [1, 2], [1.0, 1.0]]),
    ),
    ("means", "centres of other columns", attribute("KMeans", "n_features_in_", 9)),
    ("means", "threads without end", attribute("KMeans", "_n_threads", 1 << 30)),
    ("bisecting", "centres of other columns", attribute("BisectingKMeans", "n_features_in_", 9)),
    ("bisecting", "a node of one child", one_child),
    ("one hot", "more columns", attribute("OneHotEncoder", "_n_features_outs", ["l", 1])),
    ("words", "a column far away", lambda forgery: word(forgery, "CountVectorizer", 1 << 30)),
    ("words", "a negative column", lambda forgery: word(forgery, "CountVectorizer", -1)),
    ("words", "a column twice", lambda forgery: word(forgery, "CountVectorizer", 1)),
    ("words", "a column of text", lambda forgery: word(forgery, "CountVectorizer", "x")),
    ("names", "a column far away", lambda forgery: word(forgery, "DictVectorizer", 1 << 30)),
    ("names", "fewer names", attribute("DictVectorizer", "feature_names_", ["l"])),
    ("hasher", "no columns", attribute("FeatureHasher", "n_features", 0)),
    ("hashing", "columns beyond 32 bits", attribute("HashingVectorizer", "n_features", 1 << 40)),
    (
        "labels",
        "a label far away",
        attribute("MultiLabelBinarizer", "_cached_dict", ["d", 1, 1 << 20, 2, 0, 3, 1]),
    ),
    ("csr", "an index outside", values("csr_matrix", "indices", 0, 9)),
    ("csr", "a negative index", values("csr_matrix", "indices", 0, -1)),
    ("csr", "rows that go back", values("csr_matrix", "indptr", 1, 26)),
    ("csr", "rows beyond the end", values("csr_matrix", "indptr", -1, 1 << 20)),
    ("csr", "fewer values", shorter("csr_matrix", "data")),
    ("csr", "another shape", attribute("csr_matrix", "_shape", ["t", 1000, 9])),
    ("csr", "a narrower shape", attribute("csr_matrix", "_shape", ["t", 6, 2])),
    ("csc", "an index outside", values("csc_matrix", "indices", 0, 6)),
    ("coo", "another shape", attribute("coo_matrix", "_shape", ["t", 2, 2])),
    ("dia", "other diagonals", attribute("dia_matrix", "offsets", ["v", "<i4", [3], [0, 1, 2]])),
    ("random", "a position beyond the key", bit_state("MT19937", "pos", 10_000)),
    ("random", "a negative position", bit_state("MT19937", "pos", -1)),
    ("random", "another generator's state", bit_state("MT19937", "bit_generator", "PCG64")),
    ("generator", "a position beyond the buffer", bit_state("Philox", "buffer_pos", 40)),
    ("spline", "fewer knots", part("BSpline", 2, ["v", "<f8", [2], [0.0, 1.0]])),
    ("spline", "a degree without end", part("BSpline", 4, 1 << 40)),
    (
        "masked",
        "a mask of another shape",
        lambda forgery: forgery.nodes("ma")[0].__setitem__(2, ["v", "|b1", [2], [True, False]]),
    ),
]


@pytest.mark.parametrize(
    ("name", "change"),
    [(name, change) for name, _, change in FORGED],
    ids=[f"{name}: {what}" for name, what, _ in FORGED],
)
def test_a_forged_state_is_refused(name: str, change: Callable[[Forgery], object]) -> None:
    model = MODELS[name]
    assert written(read(written(model))) == written(model)
    with pytest.raises(MalformedError):
        read(forged(model, change))
