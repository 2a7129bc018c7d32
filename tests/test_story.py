"""The story of the demo, chapter by chapter, and the promises that only hold if all the stages do."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import secureload
from secureload.api import load as load_stage
from secureload.sandbox.layers.layer import REQUIRED_LAYERS
from secureload.signing.keys import SigningKey

from .conftest import SavedForms

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def stage(demo: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The stage after the sender has signed."""
    stage = demo.Stage(tmp_path_factory.mktemp("story"), say=lambda _line: None)
    for chapter in (demo.train, demo.save, demo.make_key_and_trust_it, demo.sign_all):
        chapter(stage)
    return stage


def test_the_receiver_verifies_and_checks_every_form(demo: ModuleType, stage: Any) -> None:
    demo.verify_and_check(stage)


def test_every_form_loads_in_the_sandbox_and_predicts_what_the_original_predicts(
    demo: ModuleType, stage: Any
) -> None:
    demo.load_all(stage)


def test_a_flipped_byte_is_refused_and_the_member_is_named(demo: ModuleType, stage: Any) -> None:
    demo.one_byte_flipped(stage)


def test_a_malicious_pickle_is_refused_although_it_is_signed_and_its_call_is_shown(
    demo: ModuleType, stage: Any
) -> None:
    demo.malicious_pickle(stage)


def test_an_unsigned_file_is_refused_in_its_own_words(demo: ModuleType, stage: Any) -> None:
    demo.unsigned_file(stage)


def test_a_key_that_nobody_trusts_is_refused_in_its_own_words(demo: ModuleType, stage: Any) -> None:
    demo.untrusted_key(stage)


def test_the_demo_tells_its_chapters_in_the_order_of_the_story(demo: ModuleType) -> None:
    told = [chapter.__name__ for _title, chapter in demo.CHAPTERS]
    assert told[:4] == ["train", "save", "make_key_and_trust_it", "sign_all"]
    assert len(told) == len(set(told)) == 10


def test_a_step_that_does_not_behave_ends_the_demo_with_another_status(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_stage: Any) -> None:
        demo.expect(False, "the sky fell")

    monkeypatch.setattr(demo, "CHAPTERS", (("A bad day", broken),))
    assert demo.main() == 1
    assert "the sky fell" in capsys.readouterr().err


# -- without the command line ---------------------------------------------------------------------------


@pytest.fixture
def signed(saved_forms: SavedForms, alice: SigningKey, tmp_path: Path) -> Path:
    """A copy of the pipeline that alice has signed."""
    path = tmp_path / "pipeline.joblib"
    shutil.copy(saved_forms.folder / "pipeline.joblib", path)
    secureload.sign(path, key=alice)
    return path


def test_the_lesson_style_dictionary_is_data_with_a_working_model_in_it(
    saved_forms: SavedForms, alice: SigningKey, alices_trust_store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "lesson.joblib"
    shutil.copy(saved_forms.folder / path.name, path)
    secureload.sign(path, key=alice)
    loaded = secureload.safe_load(path, trust_store=alices_trust_store)
    model = loaded.pop("model")
    assert loaded == {
        "features": [f"feature {number}" for number in range(30)],
        "cv_score": 0.85,
        "trained_at": "2024-01-15",
        "sklearn_version": "1.9.1",
    }
    with model:
        assert np.array_equal(model.predict(saved_forms.rows), saved_forms.model.predict(saved_forms.rows))
        with pytest.raises(ValueError, match="features"):
            model.predict(saved_forms.rows[:, :3])


def test_a_file_that_is_swapped_between_verify_and_load_changes_nothing_of_what_loads(
    signed: Path, saved_forms: SavedForms, alices_trust_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped = []
    spawn_loader = load_stage.spawn_loader

    def swap() -> Any:
        hostile = signed.with_name("hostile")
        hostile.write_bytes(pickle.dumps({"not": "the model"}))
        hostile.replace(signed)
        swapped.append(signed.read_bytes())
        return spawn_loader()

    # It is called after the verification and before the examination.
    monkeypatch.setattr(load_stage, "spawn_loader", swap)
    with secureload.safe_load(signed, trust_store=alices_trust_store) as model:
        assert np.array_equal(model.predict(saved_forms.rows), saved_forms.model.predict(saved_forms.rows))
    assert swapped == [signed.read_bytes()]


def test_the_same_inode_rewritten_between_verify_and_load_changes_nothing_of_what_loads(
    signed: Path, saved_forms: SavedForms, alices_trust_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn_loader = load_stage.spawn_loader

    def rewrite() -> Any:
        signed.write_bytes(b"\0" * signed.stat().st_size)
        return spawn_loader()

    monkeypatch.setattr(load_stage, "spawn_loader", rewrite)
    with secureload.safe_load(signed, trust_store=alices_trust_store) as model:
        assert np.array_equal(model.predict(saved_forms.rows), saved_forms.model.predict(saved_forms.rows))


@pytest.fixture
def loaded(signed: Path, alices_trust_store: Path) -> Iterator[Any]:
    with secureload.safe_load(signed, trust_store=alices_trust_store) as model:
        yield model


def test_every_required_layer_is_in_force_around_the_worker_that_holds_the_model(loaded: Any) -> None:
    enforced = {layer.name for layer in loaded.confinement.layers if layer.enforced}
    assert enforced >= set(REQUIRED_LAYERS)
    assert loaded.confinement.level in {"required", "standard", "full"}


def test_the_process_that_calls_safe_load_never_resolves_a_global_of_the_model(
    signed: Path, alices_trust_store: Path
) -> None:
    code = (
        "import sys, secureload\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, args: seen.append(args) if event == 'pickle.find_class' else None)\n"
        "model = secureload.safe_load(sys.argv[1], trust_store=sys.argv[2])\n"
        "model.predict([[0.0] * 30]); model.close()\n"
        "assert 'sklearn' not in sys.modules, 'the library was imported here'\n"
        "assert seen == [], seen\n"
        "import pickle, fractions; pickle.loads(pickle.dumps(fractions.Fraction(1, 2)))\n"
        "assert seen, 'the hook sees nothing at all'\n"
    )
    command = [sys.executable, "-c", code, str(signed), str(alices_trust_store)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_what_nobody_signed_is_never_traced_and_starts_no_worker(
    saved_forms: SavedForms, alices_trust_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_args: object) -> None:
        raise AssertionError("bytes that nobody vouches for went further")

    monkeypatch.setattr(load_stage, "Examiner", never)
    monkeypatch.setattr(load_stage, "spawn_loader", never)
    with pytest.raises(secureload.TrustError):
        secureload.safe_load(saved_forms.folder / "pipeline.joblib", trust_store=alices_trust_store)


def test_a_signed_payload_is_refused_and_leaves_no_trace_of_having_run(
    alice: SigningKey, alices_trust_store: Path, tmp_path: Path
) -> None:
    footprint, path = tmp_path / "it-ran", tmp_path / "evil.pkl"

    class Payload:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.system, (f"touch {footprint}",)

    path.write_bytes(pickle.dumps(Payload()))
    secureload.sign(path, key=alice)
    with pytest.raises(secureload.PolicyError, match="system"):
        secureload.safe_load(path, trust_store=alices_trust_store)
    assert not footprint.exists()
