"""A joblib file whose array bytes are a program for ``pickle.load``; inert: it would call ``os.getpid``."""

from __future__ import annotations

import io
from pathlib import Path

import joblib
import numpy as np
import pytest

import secureload
from secureload.pickles.assembler import Assembler
from secureload.policy.verdict import Outcome

PAYLOAD = Assembler(None).global_("posix", "getpid").mark().tuple_().reduce().stop()


def polyglot() -> bytes:
    """Return a joblib file whose padding and array bytes continue as opcodes."""
    raw = np.frombuffer(PAYLOAD.ljust(256, b"."), dtype=np.uint8)
    buffer = io.BytesIO()
    joblib.dump(raw, buffer)
    data = buffer.getvalue()
    start = data.index(raw.tobytes())
    length = next(size for size in range(1, 17) if data[start - size - 1] == size)
    # joblib believes the length byte and skips that many: "0" (POP) is 48, so 48 opcodes that do nothing.
    nothing = (b"N0" * 24)[:48]
    return data[: start - length - 1] + b"0" + nothing + data[start:]


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_array_bytes_that_pickle_would_run_are_found_although_joblib_steps_over_them(
    tmp_path: Path, compression: str | None
) -> None:
    path = tmp_path / "polyglot.joblib"
    if compression is None:
        path.write_bytes(polyglot())
    else:
        import zlib

        path.write_bytes(zlib.compress(polyglot()))
    checked = secureload.check(path)
    assert checked.verdict.outcome is Outcome.REJECTED
    (finding,) = checked.examination.findings
    assert finding.rule_id == "SL110"
    assert "posix.getpid()" in finding.detail


def test_arrays_of_every_honest_kind_are_not_accused(tmp_path: Path) -> None:
    path = tmp_path / "honest.joblib"
    kinds: list[object] = [
        np.frombuffer(bytes(range(256)) * 4, dtype=np.uint8),
        np.array(["a", None, 1.5, (1, 2)], dtype=object),
        np.full(1000, ord("N"), dtype=np.uint8),
        # Of the pickle around the second array the fourth text is "second": where numpy stands in its own.
        {"first": 1, "second": 2, "third": np.array(["x", "y"], dtype=object)},
        ["a", "b", "c", "d", np.array(["x", "y"], dtype=object), np.array([None], dtype=object)],
        np.asfortranarray(np.random.default_rng(0).normal(size=(50, 3))),
        [np.array([["x", b"y"]], dtype=object), np.arange(5)],
    ]
    for kind in [*kinds, kinds]:
        joblib.dump(kind, path)
        assert secureload.check(path).verdict.outcome is Outcome.ACCEPTED, kind
