"""Models of other libraries, saved, signed, loaded in the sandbox: what they answer is what they answered here."""

from __future__ import annotations

import os
import pickle
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from .conftest import Load, Save

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(80, 4))
LABELS = (ROWS[:, 0] + ROWS[:, 1] > 0).astype(int)
TARGETS = ROWS @ [1.0, -2.0, 0.5, 0.0] + 1


def library(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name} is not installed (the extra 'libraries' has it)")


def same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(found, expected, check_exact=True)
    else:
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", ["XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier"])
def test_xgboost(load: Load, kind: str) -> None:
    xgboost = library("xgboost")
    model = getattr(xgboost, kind)(n_estimators=8, max_depth=3)
    rounds = 1 if kind == "XGBRFClassifier" else 8
    extra = {"qid": np.repeat([0, 1, 2, 3], 20)} if kind == "XGBRanker" else {}
    model.fit(ROWS, LABELS if kind != "XGBRegressor" else TARGETS, **extra)
    proxy = load(model)
    frame = pd.DataFrame(ROWS)
    for method in ("predict", "predict_proba", "apply"):
        if hasattr(model, method):
            same(getattr(proxy, method)(ROWS), getattr(model, method)(ROWS))
            same(getattr(proxy, method)(frame), getattr(model, method)(frame))
        else:
            assert not hasattr(proxy, method)
    same(proxy.feature_importances_, model.feature_importances_)
    booster = proxy.get_booster()
    assert booster.num_boosted_rounds() == rounds
    assert booster.get_score() == model.get_booster().get_score()
    assert booster.get_dump() == model.get_booster().get_dump()
    same(booster.inplace_predict(ROWS), model.get_booster().inplace_predict(ROWS))
    assert proxy.get_params() == model.get_params() or str(proxy.get_params()) == str(model.get_params())


@pytest.mark.parametrize("kind", ["LGBMClassifier", "LGBMRegressor", "LGBMRanker"])
def test_lightgbm(load: Load, kind: str) -> None:
    lightgbm = library("lightgbm")
    model = getattr(lightgbm, kind)(n_estimators=8, min_child_samples=2, verbose=-1)
    extra = {"group": [20] * 4} if kind == "LGBMRanker" else {}
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    model.fit(frame, LABELS if kind != "LGBMRegressor" else TARGETS, **extra)
    proxy = load(model)
    for method in ("predict", "predict_proba"):
        if hasattr(model, method):
            same(getattr(proxy, method)(frame), getattr(model, method)(frame))
            same(getattr(proxy, method)(frame, raw_score=True), getattr(model, method)(frame, raw_score=True))
        else:
            assert not hasattr(proxy, method)
    same(proxy.feature_importances_, model.feature_importances_)
    assert proxy.feature_name_ == model.feature_name_
    assert (type(proxy.best_score_), proxy.best_score_) == (type(model.best_score_), model.best_score_)
    assert proxy.booster_.num_trees() == model.booster_.num_trees()
    same(proxy.booster_.predict(ROWS), model.booster_.predict(ROWS))


def test_lightgbm_alone(load: Load) -> None:
    lightgbm = library("lightgbm")
    booster = lightgbm.train(
        {"verbose": -1, "objective": "binary", "min_data_in_leaf": 2}, lightgbm.Dataset(ROWS, LABELS), 5
    )
    proxy = load(booster)
    same(proxy.predict(ROWS), booster.predict(ROWS))
    same(proxy.predict(ROWS, pred_leaf=True), booster.predict(ROWS, pred_leaf=True))
    assert proxy.model_to_string() == booster.model_to_string()


def test_catboost(load: Load) -> None:
    catboost = library("catboost")
    model = catboost.CatBoostClassifier(iterations=5, verbose=False, allow_writing_files=False).fit(
        ROWS, LABELS
    )
    proxy = load(model)
    for method in ("predict", "predict_proba"):
        same(getattr(proxy, method)(ROWS), getattr(model, method)(ROWS))
    same(proxy.feature_importances_, model.feature_importances_)


FRAME = pd.DataFrame(ROWS, columns=list("abcd")).assign(y=TARGETS, z=LABELS)


@pytest.mark.parametrize("family", ["OLS", "Logit", "GLM"])
def test_statsmodels(load: Load, family: str) -> None:
    api = library("statsmodels.api")
    kind = getattr(api, family)
    given = api.add_constant(FRAME[list("abcd")])
    target = FRAME["y"] if family != "Logit" else (FRAME["z"] + (FRAME["a"] > 1)).clip(0, 1)
    noise = GENERATOR.normal(size=len(FRAME))
    target = target + noise if family != "Logit" else ((FRAME["a"] + noise) > 0).astype(int)
    model = kind(target, given).fit(**({"disp": 0} if family == "Logit" else {}))
    proxy = load(model)
    same(proxy.predict(given), model.predict(given))
    same(proxy.predict(), model.predict())
    for name in ("params", "bse", "pvalues", "tvalues"):
        same(getattr(proxy, name), getattr(model, name))
    same(proxy.conf_int(), model.conf_int())
    same(proxy.cov_params(), model.cov_params())
    assert (proxy.aic, proxy.nobs) == (model.aic, model.nobs)
    if family == "OLS":
        same(proxy.get_influence().summary_frame(), model.get_influence().summary_frame())
    ours, theirs = proxy.summary(), model.summary()
    for text, expected in ((str(ours), str(theirs)), (ours.as_text(), theirs.as_text())):
        assert without_clock(text) == without_clock(expected)


def test_statsmodels_with_a_formula(load: Load) -> None:
    formula = library("statsmodels.formula.api")
    model = formula.ols("y ~ a + b * c + C(z)", FRAME.assign(y=TARGETS + GENERATOR.normal(size=80))).fit()
    proxy = load(model)
    same(proxy.params, model.params)
    same(proxy.predict(FRAME.head()), model.predict(FRAME.head()))
    assert proxy.rsquared == model.rsquared


def test_polars_frames_go_in_and_come_out(load: Load) -> None:
    polars = library("polars")
    frame = polars.DataFrame(ROWS, schema=list("abcd"))
    scaler = StandardScaler().set_output(transform="polars")
    columns = ColumnTransformer([("n", scaler, ["a", "b"]), ("p", "passthrough", ["c"])])
    model = columns.set_output(transform="polars").fit(frame)
    found, expected = load(model).transform(frame), model.transform(frame)
    assert type(found) is polars.DataFrame
    assert found.schema == expected.schema
    assert found.equals(expected)
    regression = LinearRegression().fit(frame, TARGETS)
    same(load(regression).predict(frame), regression.predict(frame))


def without_clock(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith(("Date:", "Time:"))]


# -- PyTorch --------------------------------------------------------------------------------------------------


def network(torch: Any) -> Any:
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2)
    ).eval()


def test_a_module_is_called_with_tensors_and_with_arrays(save: Save, store: Any, tmp_path: Any) -> None:
    import secureload

    torch = library("torch")
    model = network(torch)
    path = tmp_path / "made.pt"
    torch.save(model, path)
    given = torch.from_numpy(ROWS.astype("f4"))
    expected = computed(torch, model, given)
    with secureload.safe_load(save(path.read_bytes(), "model.pt"), trust_store=store) as proxy:
        found = proxy(given)
        assert type(found) is torch.Tensor
        assert torch.equal(found, expected)
        assert torch.equal(proxy.forward(given), expected)
        assert torch.equal(proxy(ROWS.astype("f4")), expected)
        state = proxy.state_dict()
        assert list(state) == list(model.state_dict())
        assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
        assert torch.equal(proxy[0].weight, model[0].weight)
        assert proxy.training is False
        assert len(proxy) == 5
        assert repr(proxy) == repr(model)
        assert [tuple(value.shape) for value in proxy.parameters()] == [
            tuple(v.shape) for v in model.parameters()
        ]


def test_eval_holds_in_every_replica_and_after_a_crash_and_what_changes_a_module_is_refused(
    save: Save, store: Any, tmp_path: Any
) -> None:
    import secureload

    torch = library("torch")
    model = network(torch).train()
    path = tmp_path / "made.pt"
    torch.save(model, path)
    given = torch.from_numpy(ROWS.astype("f4"))
    expected = computed(torch, model.eval(), given)
    with secureload.safe_load(save(path.read_bytes(), "model.pt"), trust_store=store, replicas=2) as proxy:
        assert isinstance(proxy, torch.nn.Sequential)
        assert proxy.training is True
        assert proxy.eval() is proxy
        assert proxy.to("cpu").to(device=torch.device("cpu")).cpu().train(False) is proxy
        assert proxy[3].eval().training is False
        os.kill(proxy.pids[0], signal.SIGKILL)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: answered(proxy, given), range(8)))
        assert all(torch.equal(answer, expected) for answer in answers)
        assert proxy.training is False
        for name, arguments in {
            "train": (), "half": (), "double": (), "to": (torch.float64,), "requires_grad_": (False,),
            "load_state_dict": (model.state_dict(),), "register_buffer": ("b", torch.ones(1)), "cuda": (),
        }.items():  # fmt: skip
            with pytest.raises(secureload.UsageError, match=f"{name}.. would change a verified model"):
                getattr(proxy, name)(*arguments)
        with pytest.raises(secureload.UsageError, match="would change"):
            proxy[0].load_state_dict({})


def answered(proxy: Any, given: Any) -> Any:
    import secureload

    try:
        return proxy(given)
    except secureload.SandboxError:  # it was asked of the worker that was dying
        return proxy(given)


def test_a_state_dictionary_comes_back_as_tensors(save: Save, store: Any, tmp_path: Any) -> None:
    import secureload

    torch = library("torch")
    state = {"model": network(torch).state_dict(), "epoch": 3, "half": torch.ones(3, dtype=torch.bfloat16),
             "view": torch.arange(12.0).reshape(3, 4).t(), "int": torch.tensor([1, 2]),
             "bool": torch.tensor(True)}  # fmt: skip
    path = tmp_path / "made.pt"
    torch.save(state, path)
    found = secureload.safe_load(save(path.read_bytes(), "state.pt"), trust_store=store)
    assert type(found) is dict
    assert found["epoch"] == 3
    assert list(found["model"]) == list(state["model"])
    for name, value in [*state["model"].items(), *((n, state[n]) for n in ("half", "view", "int", "bool"))]:
        other = found["model"][name] if name in found["model"] else found[name]
        assert type(other) is torch.Tensor
        assert other.dtype == value.dtype
        assert torch.equal(other, value)


@pytest.mark.parametrize(
    "layer", ["LSTM", "TransformerEncoderLayer", "Conv1d", "Embedding", "MultiheadAttention"]
)
def test_layers_of_every_kind(save: Save, store: Any, tmp_path: Any, layer: str) -> None:
    import secureload

    torch = library("torch")
    nn = torch.nn
    torch.manual_seed(0)
    made, given = {
        "LSTM": (nn.LSTM(4, 3), (torch.ones(5, 2, 4),)),
        "TransformerEncoderLayer": (nn.TransformerEncoderLayer(4, 2, 8), (torch.ones(5, 2, 4),)),
        "Conv1d": (nn.Conv1d(4, 3, 2), (torch.ones(2, 4, 9),)),
        "Embedding": (nn.Embedding(9, 3), (torch.tensor([1, 2, 8]),)),
        "MultiheadAttention": (nn.MultiheadAttention(4, 2), (torch.ones(5, 2, 4),) * 3),
    }[layer]
    made.eval()
    path = tmp_path / "made.pt"
    torch.save(made, path)
    expected = computed(torch, made, *given)
    with secureload.safe_load(save(path.read_bytes(), "layer.pt"), trust_store=store) as proxy:
        equal(torch, proxy(*given), expected, loose=layer == "MultiheadAttention")


def computed(torch: Any, module: Any, *given: Any) -> Any:
    """What the module answers without oneDNN, whose compiler makes machine code: the sandbox has none of it."""
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False):
        return module(*given)


def equal(torch: Any, found: Any, expected: Any, *, loose: bool) -> None:
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            equal(torch, one, other, loose=loose)
    elif expected is None:
        assert found is None
    else:
        # MKL computes attention differently in the last place, with where its numbers lie.
        torch.testing.assert_close(found, expected, rtol=0, atol=1.2e-7 if loose else 0)


def test_a_module_saved_by_pickle(save: Save, store: Any) -> None:
    import secureload

    torch = library("torch")
    model = network(torch)
    given = torch.ones(3, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = save(pickle.dumps(model), "model.pkl")
    with secureload.safe_load(path, trust_store=store) as proxy, torch.no_grad():
        assert torch.equal(proxy(given), model(given))
