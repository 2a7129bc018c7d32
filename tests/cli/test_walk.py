"""Which files need no examination; a name alone is never a reason."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from secureload.cli.walk import Found, walk
from secureload.errors import LimitError
from secureload.limits import DEFAULT_LIMITS, Limits


def found(folder: Path, limits: Limits = DEFAULT_LIMITS) -> dict[str, Found]:
    return {item.name: item for item in walk(folder, limits)}


@pytest.mark.parametrize("name", ["README.md", "model.sig", "a.pkl.sig", "x.py", "noextension"])
def test_a_pickle_is_examined_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.pkl").write_bytes(b"x")
    (tmp_path / name).write_bytes(pickle.dumps([1]))
    assert found(tmp_path)[name].skipped == ""


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.pt", "m.bin", "m.onnx", "M.PKL"])
def test_text_under_the_name_of_a_model_is_examined(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"hello there\n")
    assert found(tmp_path)[name].skipped == ""


def test_text_and_signatures_are_skipped_with_the_reason(tmp_path: Path) -> None:
    for name, data in (
        ("a.pkl", b"\x80\x04N."),
        ("a.pkl.sig", b"{}\n"),
        ("model.sig", b"{}\n"),
        ("n.md", b"# hi\n"),
    ):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "__init__.py").write_bytes(b"")
    seen = found(tmp_path)
    assert seen["a.pkl.sig"].skipped == seen["model.sig"].skipped == "a signature file"
    assert "text" in seen["n.md"].skipped
    assert "empty" in seen["__init__.py"].skipped
    assert seen["a.pkl"].skipped == ""


def test_the_order_is_that_of_the_names_and_links_are_not_followed(tmp_path: Path) -> None:
    for name in ("b.pkl", "a.pkl", "c/d.pkl", "c/a.pkl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x80\x04N.")
    (tmp_path / "loop").symlink_to(tmp_path)
    seen = found(tmp_path)
    assert list(seen) == ["a.pkl", "b.pkl", "loop", "c/a.pkl", "c/d.pkl"]
    assert seen["loop"].error is not None


def test_what_is_beyond_a_limit_is_told_and_never_left_out_in_silence(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.pkl").write_bytes(b"\x80\x04N.")
    errors = [item.error for item in walk(tmp_path, Limits(folder_members=3)) if item.error is not None]
    assert any(isinstance(error, LimitError) for error in errors)
    (tmp_path / "a" / "b").mkdir(parents=True)
    deep = found(tmp_path, Limits(folder_depth=1))
    assert isinstance(deep["a"].error, LimitError)
