"""Nothing hostile is ever accepted, whatever it looks like; and nothing but our errors comes out."""

from __future__ import annotations

import io
import os
import pickle
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import secureload
from secureload import SecureloadError
from secureload.api.check import Checked, allow_list, check
from secureload.errors import ExitCode, MalformedError, UsageError
from secureload.pickles.assembler import Assembler
from secureload.policy.verdict import Outcome
from secureload.scan.finding import Severity

from .conftest import Save

# Decoded by the interpreter itself, without a module.
_BUILT_IN_CODECS = {"ascii", "utf-8", "latin-1"}


class Evil:
    def __reduce__(self) -> Any:
        return (os.system, ("echo hello",))


def call(module: str, name: str) -> bytes:
    return Assembler(4).stack_global(module, name).mark().text("echo").tuple_().reduce().stop()


def checked(tmp_path: Path, data: bytes, name: str = "model.pkl") -> Checked:
    path = tmp_path / name
    path.write_bytes(data)
    return check(path)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3), ("lz4", 3)])
def test_a_call_in_a_joblib_file_is_rejected_however_it_is_compressed(tmp_path: Path, compress: Any) -> None:
    joblib.dump([np.arange(5_000.0), Evil()], tmp_path / "m.joblib", compress=compress)
    found = check(tmp_path / "m.joblib")
    assert (found.verdict.outcome, found.verdict.exit_code) == (Outcome.REJECTED, ExitCode.REJECTED)
    assert found.examination.trace is not None
    assert "system('echo hello')" in found.examination.trace.decompiled


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("tail", [b"", b"\xff garbage", b"\x80\x04N."])
def test_a_call_in_a_pickle_is_rejected_whatever_follows(tmp_path: Path, protocol: int, tail: bytes) -> None:
    found = checked(tmp_path, pickle.dumps(Evil(), protocol) + tail)
    assert found.verdict.outcome is Outcome.REJECTED


def test_a_payload_behind_the_bytes_of_an_array_is_rejected(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    joblib.dump(np.arange(100.0), buffer)
    found = checked(tmp_path, buffer.getvalue()[:-1] + b"0" + call("os", "system")[2:])
    assert found.verdict.outcome is Outcome.REJECTED


def test_a_huge_memo_index_is_a_limit_in_the_tracer_and_never_memory_of_the_caller(tmp_path: Path) -> None:
    found = checked(tmp_path, Assembler(4).none().put(0xFFFFFFF0).stop())
    assert (found.verdict.outcome, found.verdict.exit_code) == (Outcome.UNDECIDED, ExitCode.UNDECIDED)
    assert found.examination.coverage.not_examined


@pytest.mark.parametrize(
    "data",
    [b"\x80", bytes(1_000), b"PK\x03\x04" + bytes(60), b"\x89HDF\r\n\x1a\n",
     pickle.dumps([1] * 500)[:-20], b"\x1f\x8b\x08\x00", b"BZh91AY&SY", b"\x78\x9c\x00"],
    ids=["one byte", "zeros", "zip", "hdf5", "cut off", "gzip head", "bzip2 head", "zlib head"],
)  # fmt: skip
def test_what_cannot_be_examined_is_undecided_and_never_accepted(tmp_path: Path, data: bytes) -> None:
    found = checked(tmp_path, data)
    assert (found.verdict.outcome, found.verdict.exit_code) == (Outcome.UNDECIDED, ExitCode.UNDECIDED)
    assert not found.examination.coverage.complete


def test_text_under_the_name_of_a_model_is_undecided(tmp_path: Path) -> None:
    found = checked(tmp_path, b"hello, this is a text file\n")
    assert (found.verdict.outcome, found.verdict.exit_code) == (Outcome.UNDECIDED, ExitCode.UNDECIDED)
    assert [finding.rule_id for finding in found.examination.findings] == ["SL202"]


def test_an_empty_file_is_malformed_and_says_that_it_is_empty(tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match="is empty") as caught:
        checked(tmp_path, b"")
    assert caught.value.exit_code is ExitCode.UNDECIDED


def test_plain_data_is_accepted_and_the_input_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "data.pkl"
    path.write_bytes(pickle.dumps({"a": [1, 2.5, "x", None, (1, b"y")]}))
    before = path.stat()
    found = check(path)
    assert (found.verdict.outcome, found.verdict.exit_code) == (Outcome.ACCEPTED, ExitCode.ACCEPTED)
    assert found.examination.coverage.complete
    after = path.stat()
    assert (before.st_mtime_ns, before.st_atime_ns, before.st_size) == (
        after.st_mtime_ns,
        after.st_atime_ns,
        after.st_size,
    )


def test_an_unknown_class_is_undecided_until_it_is_allowed_by_its_exact_name(tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(Assembler(4).global_("my.models", "Scaler").mark().tuple_().newobj().stop())
    assert check(path).verdict.exit_code is ExitCode.UNDECIDED
    assert check(path, allow=["my.models.Scale"]).verdict.exit_code is ExitCode.UNDECIDED
    assert check(path, allow=["my.models.Scaler"]).verdict.exit_code is ExitCode.ACCEPTED


@pytest.mark.parametrize("name", ["os.system", "builtins:eval", "*", "my.*", "", "a b"])
def test_allowing_what_runs_code_or_what_is_no_name_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError):
        allow_list([name])


def test_files_that_are_none_are_a_usage_error_or_unsupported_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "link.pkl").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "fifo.pkl")
    for name in ("missing.pkl", "link.pkl", "fifo.pkl", "."):
        with pytest.raises(SecureloadError) as caught:
            check(tmp_path / name)
        assert caught.value.exit_code in {ExitCode.USAGE, ExitCode.UNDECIDED}, name
        assert caught.value.message.isprintable()
        assert caught.value.hint


def test_a_pickle_by_the_name_of_another_format_is_rejected_all_the_same(tmp_path: Path) -> None:
    for name in ("model.bin", "model.txt", "model", "weights.h5", "model.npy"):
        assert checked(tmp_path, call("os", "system"), name).verdict.outcome is Outcome.REJECTED


def test_a_model_saved_under_another_version_is_said_so_and_accepted(save: Save) -> None:
    from sklearn.preprocessing import StandardScaler

    path = save(StandardScaler().fit([[1.0], [2.0]]))
    path.write_bytes(other_version(path.read_bytes()))
    found = check(path, trust_store=None)
    (warning,) = [f for f in found.examination.findings if f.rule_id == "SL301"]
    assert warning.severity is Severity.WARNING
    assert re.search(r"scikit-learn \d\.\d\.\d; scikit-learn \d", warning.title)


def other_version(data: bytes) -> bytes:
    import sklearn

    here = sklearn.__version__.encode()
    other = b"1.3.0".ljust(len(here), b"0")
    assert data.count(here) >= 1
    return data.replace(here, other)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=60).map(lambda tail: b"\x80\x04" + tail),
        st.binary(max_size=60).map(lambda tail: call("os", "system")[:-1] + tail),
    )
)
def test_any_bytes_are_checked_without_anything_but_our_errors(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.pkl"
        path.write_bytes(data)
        try:
            found = check(path)
        except SecureloadError as error:
            assert error.message.isprintable()
            return
        assert (found.verdict.outcome is Outcome.ACCEPTED) == (found.verdict.exit_code == 0)
        if data.startswith(call("os", "system")[:-1]):
            assert found.verdict.outcome is Outcome.REJECTED


def test_the_public_check_is_this_one() -> None:
    assert secureload.check is check


def test_every_codec_that_a_reader_names_is_there_when_the_door_is_closed() -> None:
    named = set()
    package = Path(secureload.__file__).parent
    for path in [
        found for room in ("formats", "pickles", "scan") for found in package.glob(f"{room}/**/*.py")
    ]:
        named |= set(re.findall(r"""\.decode\(["']([\w-]+)["']""", path.read_text(encoding="utf-8")))
    assert named
    # A codec is a module: an interpreter that has looked it up has imported it.
    modules = [f"encodings.{name.replace('-', '_')}" for name in sorted(named - _BUILT_IN_CODECS)]
    code = (
        "import sys; from secureload.sandbox.roles import readers, trace; trace.warm_up(); readers.warm_up(); "
        "sys.exit(', '.join(name for name in sys.argv[1:] if name not in sys.modules) or 0)"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    run = [sys.executable, "-c", code, *modules]
    done = subprocess.run(run, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_text_of_protocol_0_has_its_second_reader_where_no_codec_can_be_looked_up(tmp_path: Path) -> None:
    found = checked(tmp_path, pickle.dumps(["Größe", "x"], 0))
    assert found.examination.findings == ()
    assert found.verdict.outcome is Outcome.ACCEPTED


def test_a_stricter_policy_is_asked_for_by_the_severity_that_counts_and_no_weaker_one_is_to_be_had(
    tmp_path: Path,
) -> None:
    path = tmp_path / "misnamed.zip"
    path.write_bytes(pickle.dumps([1]))
    assert secureload.check(path).verdict.exit_code == 0
    strict = secureload.check(path, fail_on="warning")
    assert (strict.verdict.exit_code, strict.verdict.policy) == (3, "examine, warnings count")
    assert secureload.check(path, fail_on="note").verdict.exit_code == 3
    for weaker in ("dangerous", "never", ""):
        with pytest.raises(UsageError):
            secureload.check(path, fail_on=weaker)
