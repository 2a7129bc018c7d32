"""Facts about the parsers of pickle that cost other scanners their verdict: each payload is rejected by its name."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest

import secureload
from secureload.formats.region import Region
from secureload.pickles.assembler import Assembler
from secureload.policy.verdict import Outcome
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Finding, Severity
from secureload.scan.survey import survey

RUN = Assembler(None).global_("os", "system").mark().text("echo hello").tuple_().reduce().code()
HEAD = b"\x80\x04"


def findings(data: bytes, name: str = "model.pkl") -> tuple[Finding, ...]:
    return examine(tuple(survey(Region(data), name)), load_default(), {}).findings


def rejected_by_name(data: bytes) -> list[Finding]:
    """The findings that reject ``data`` and say which global it is about."""
    found = [item for item in findings(data) if item.severity is Severity.DANGEROUS]
    return [item for item in found if "os.system" in item.title + item.detail]


def frame(size: int) -> bytes:
    return b"\x95" + struct.pack("<Q", size)


@pytest.mark.parametrize(
    "data",
    [
        HEAD + frame(3) + b"X\x05\x00" + b"\x00\x00abcde" + b"0" + RUN + b".",
        HEAD + frame(3) + b"X\x00\x00" + b"\x02\x00\x00\x00ab" + b"0" + RUN + b".",
        HEAD + frame(2) + b"\x8c\x06" + b"abcdef" + b"0" + RUN + b".",
        HEAD + frame(4) + b"\x8c\x06ab" + b"cdef0N" + b"0" + RUN + b".",
        HEAD + frame(5) + b"cos\ns" + b"ystem\n" + RUN[11:] + b".",
    ],
    ids=[
        "the rest of a length",
        "a length read again",
        "a text behind its frame",
        "half of a text",
        "half of a name",
    ],
)
def test_a_payload_behind_an_argument_that_is_longer_than_its_frame(data: bytes) -> None:
    assert rejected_by_name(data)


@pytest.mark.parametrize("size", [10_000, 1 << 40])
def test_a_payload_in_a_frame_that_is_longer_than_the_file(size: int) -> None:
    assert rejected_by_name(HEAD + frame(size) + RUN + b".")


@pytest.mark.parametrize("number", [b"I0x10\n", b"I1_0\n", b"L0x10L\n", b"I010\n", b"F1_0.0\n"])
def test_a_payload_behind_a_number_that_is_written_oddly(number: bytes) -> None:
    assert rejected_by_name(b"\x80\x02" + number + b"0" + RUN + b".")


@pytest.mark.parametrize("protocol", range(6))
def test_a_payload_behind_a_protocol_in_mid_stream(protocol: int) -> None:
    assert rejected_by_name(HEAD + b"N0\x80" + bytes([protocol]) + RUN + b".")


def test_a_python_2_name_behind_a_protocol_in_mid_stream_is_the_name_that_it_becomes() -> None:
    found = findings(HEAD + b"N0\x80\x02" + b"c__builtin__\neval\n.")
    assert any("builtins.eval" in item.title for item in found if item.severity is Severity.DANGEROUS)


def test_a_payload_before_a_protocol_that_does_not_exist() -> None:
    assert rejected_by_name(HEAD + RUN + b"\x80\xff.")


def test_a_payload_in_a_list_of_arguments_that_only_joblib_s_unpickler_takes() -> None:
    assert rejected_by_name(HEAD + b"cos\nsystem\n(X\x04\x00\x00\x00echolR.")


def test_a_payload_behind_buffers_that_are_not_in_the_file() -> None:
    assert rejected_by_name(b"\x80\x05\x97\x980" + RUN + b".")


def test_a_payload_behind_an_extension_that_this_process_does_not_know() -> None:
    assert rejected_by_name(HEAD + b"\x82\x010" + RUN + b".")


def test_an_extension_that_is_cached_is_not_reached_once_the_registry_is_empty() -> None:
    """EXT returns a cached object and asks nobody; the tracer empties the registry before it reads a byte."""
    code = (
        "import copyreg, os\n"
        "from secureload.formats.region import Region\n"
        "from secureload.pickles.vm import trace_stream\n"
        "from secureload.sandbox.roles.pinned import empty_extension_registry\n"
        "copyreg.add_extension('os', 'getpid', 77); copyreg._extension_cache[77] = os.getpid\n"
        "empty_extension_registry()\n"
        "found = trace_stream(Region(b'\\x80\\x02\\x82\\x4d)R.').cursor())\n"
        "print([problem.kind for problem in found.problems], len(found.operations))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "['extension'] 0"


def test_a_state_that_plants_builtins_in_a_function_of_numpy() -> None:
    code = Assembler(4).global_("numpy", "size").mark().text("__builtins__").empty_dict().dict_().build()
    found = [item for item in findings(code.stop()) if item.severity is Severity.DANGEROUS]
    assert [item.rule_id for item in found] == ["SL107"]
    assert "numpy.size" in found[0].title
    assert found[0].location.offset == len(code.code()) - 1


def test_a_payload_that_joblib_reads_and_pickle_takes_for_the_bytes_of_an_array() -> None:
    """The other way round: the array's bytes, read as opcodes, swallow the payload as an argument and stop."""
    file = io.BytesIO()
    joblib.dump([np.zeros(64, dtype=np.uint8), "behind"], file)
    whole = file.getvalue()
    start = whole.index(bytes(64))
    behind = whole[start + 64 : -1] + RUN
    swallowing = b"B" + struct.pack("<I", 64 - 5 + len(behind))
    data = whole[:start] + swallowing.ljust(64, b"N") + behind + b"."
    assert rejected_by_name(data)


@pytest.mark.parametrize(
    "data",
    [HEAD + RUN + b"\xff", HEAD + RUN, HEAD + RUN + b"R", HEAD + RUN + b".garbage", HEAD + b"N." + HEAD + RUN + b"."],
    ids=["no opcode", "no STOP", "a stack that is empty", "garbage behind it", "the second pickle"],
)  # fmt: skip
def test_a_payload_before_an_error_or_behind_a_first_pickle(data: bytes) -> None:
    assert rejected_by_name(data)


def test_a_payload_behind_a_memo_index_that_no_memory_can_hold_is_rejected_in_the_confined_tracer(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bomb.pkl"
    path.write_bytes(Assembler(4).none().put(0xFFFFFFFF).pop().raw(RUN).stop())
    checked = secureload.check(path)
    assert checked.verdict.outcome is Outcome.REJECTED
    assert any("os.system" in finding.title for finding in checked.examination.findings)
