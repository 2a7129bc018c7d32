"""Many files by one examiner: the same answers as one by one, and each kind judged once."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from secureload.api import examiner as examiner_module
from secureload.api.check import allow_list, check
from secureload.api.examiner import Examiner
from secureload.limits import Limits
from secureload.pickles.assembler import Assembler
from secureload.policy.verdict import Outcome
from secureload.sandbox import tracing

HOSTILE = Assembler(4).stack_global("os", "system").mark().text("echo hello").tuple_().reduce().stop()
BOMB = Assembler(4).none().put(0xFFFFFFF0).stop()


def models(folder: Path) -> list[Path]:
    paths = []
    for seed in range(4):
        rows = np.random.default_rng(seed).normal(size=(30, 3))
        for kind in (Ridge(), LogisticRegression()):
            fitted = kind.fit(rows, (rows[:, 0] > 0).astype(int))
            path = folder / f"{type(kind).__name__}{seed}"
            joblib.dump(fitted, f"{path}.joblib")
            Path(f"{path}.pkl").write_bytes(pickle.dumps(fitted))
            paths += [Path(f"{path}.joblib"), Path(f"{path}.pkl")]
    return paths


def test_many_files_by_one_examiner_get_the_verdicts_that_each_gets_alone(tmp_path: Path) -> None:
    paths = models(tmp_path)
    for name, data in {
        "evil.pkl": HOSTILE,
        "bomb.pkl": BOMB,
        "cut.pkl": HOSTILE[:-9],
        "text.txt": b"text\n",
    }.items():
        (tmp_path / name).write_bytes(data)
        paths.insert(3, tmp_path / name)
    with Examiner(allow_list(())) as examiner:
        for path in paths:
            together, alone = check(path, examiner=examiner), check(path)
            assert together.verdict == alone.verdict
            assert together.examination.findings == alone.examination.findings
            assert together.examination.coverage == alone.examination.coverage
            assert tuple(together.examination.parts) == tuple(alone.examination.parts)


def test_models_of_one_kind_are_judged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []
    original = examiner_module.examine

    def counted(parts: Any, *args: Any, **kwargs: Any) -> Any:
        judged.append(parts)
        return original(parts, *args, **kwargs)

    monkeypatch.setattr(examiner_module, "examine", counted)
    with Examiner(allow_list(())) as examiner:
        outcomes = {check(path, examiner=examiner).verdict.outcome for path in models(tmp_path)}
    assert outcomes == {Outcome.ACCEPTED}
    assert len(judged) == 4  # two kinds, two formats


def test_a_batch_that_uses_up_its_worker_blames_the_file_that_did_it(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([1]))
    (tmp_path / "b.pkl").write_bytes(BOMB)
    (tmp_path / "c.pkl").write_bytes(pickle.dumps([2]))
    with Examiner(allow_list(())) as examiner:
        outcomes = [check(tmp_path / f"{name}.pkl", examiner=examiner).verdict.outcome for name in "abc"]
    assert outcomes == [Outcome.ACCEPTED, Outcome.UNDECIDED, Outcome.ACCEPTED]


def test_a_large_file_and_a_full_batch_get_a_new_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    original = tracing.Spawned
    monkeypatch.setattr(tracing, "Spawned", lambda *args: started.append(args[0]) or original(*args))
    limits = Limits(tracer_batch_files=2, tracer_batch_bytes=1_000)
    for name, size in (("a", 1), ("b", 1), ("c", 1), ("d", 2_000), ("e", 1)):
        (tmp_path / name).write_bytes(pickle.dumps([1] * size))
    with Examiner(allow_list(()), limits) as examiner:
        for name in "abcde":
            assert check(tmp_path / name, examiner=examiner).verdict.outcome is Outcome.ACCEPTED
    assert started.count("trace") == 4


def test_a_worker_of_many_files_keeps_none_of_them_open(tmp_path: Path) -> None:
    with Examiner(allow_list(())) as examiner:
        for number in range(100):
            path = tmp_path / f"{number}.pkl"
            path.write_bytes(Assembler(4).global_("my.models", "Scaler").mark().tuple_().newobj().stop())
            assert check(path, examiner=examiner).verdict.outcome is Outcome.UNDECIDED
