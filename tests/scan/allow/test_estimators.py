"""Every estimator of the installed scikit-learn, saved as its users save it, stays inside the allow-list."""

from __future__ import annotations

import io
import pickle
from typing import Any

import joblib
import pytest

from secureload.pickles.trace import GlobalRef
from secureload.scan.allow import estimators
from secureload.scan.allow.recorder import record
from secureload.scan.allow.trial import findings_in
from secureload.scan.allowlist import load_default

from ..judging import why_not

pytest.importorskip("sklearn")
# They need a composition of their own to be fitted, which test_compositions has, or data of a special shape.
UNFITTED = {"SelfTrainingClassifier", "SpectralBiclustering", "TSNE", "FrozenEstimator"}


def refusals(value: Any, protocols: range) -> set[str]:
    allow = load_default()
    found: set[str] = set()
    for protocol in protocols:
        recorder = record(pickle.dumps(value, protocol))
        found.update(f"{ref} is unknown" for ref in recorder.imports if allow.find(ref) is None)
        found.update(
            why for operation in recorder.operations if (why := why_not(allow, operation)) is not None
        )
    return found


def found_in_files_of(value: Any) -> set[str]:
    """What the scanner finds above a note in the pickles and the joblib file of a value."""
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    files = [buffer.getvalue(), *(pickle.dumps(value, protocol) for protocol in range(2, 6))]
    return {title for data in files for title in findings_in(data)}


def test_every_estimator_that_can_be_fitted_uses_admitted_globals_in_their_tiers() -> None:
    from sklearn.utils import all_estimators

    fitted = set()
    for _, label, model in estimators.estimators(thorough=False):
        fitted.add(type(model).__name__)
        assert not refusals(model, range(6)), label
        assert not found_in_files_of(model), label
    assert {name for name, _ in all_estimators()} - fitted <= UNFITTED


def test_pipelines_searches_kernels_scorers_and_splitters_use_admitted_globals_in_their_tiers() -> None:
    seen = 0
    for label, value in estimators.compositions():
        if "BaseShuffleSplit" not in label:
            assert not refusals(value, range(2, 6, 3)), label
            assert not found_in_files_of(value), label
            seen += 1
    assert seen > 150


def test_gradient_boosting_on_categories_of_a_frame_is_admitted_with_its_preprocessor() -> None:
    pd = pytest.importorskip("pandas")
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = pd.DataFrame({"kind": pd.Categorical(["a", "b", "c"] * 20), "size": range(60)})
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features="from_dtype")
    model.fit(rows, [place % 2 for place in range(60)])
    assert not refusals(model, range(2, 6))
    assert not found_in_files_of(model)


def test_a_function_transformer_with_a_function_of_the_payload_is_not_admitted() -> None:
    from sklearn.preprocessing import FunctionTransformer

    assert refusals(FunctionTransformer(ascii), range(5, 6)) == {"builtins:ascii is unknown"}
    assert refusals(FunctionTransformer(len), range(5, 6)) == set()


def test_a_class_of_the_user_beside_the_estimator_is_unknown() -> None:
    from sklearn.pipeline import make_pipeline

    assert load_default().find(GlobalRef(__name__, "Local")) is None
    assert refusals(make_pipeline(Local()), range(5, 6)) >= {f"{__name__}:Local is unknown"}


class Local:
    """A transformer that no list knows."""

    def fit(self, x: Any, y: Any = None) -> Local:
        return self

    def transform(self, x: Any) -> Any:
        return x
