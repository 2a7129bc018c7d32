"""Tensors that plain pickle saved: each a PyTorch file among the arguments of a call, examined as such."""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace

import pytest

from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.assembler import Assembler
from secureload.pickles.trace import Trace
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity
from secureload.scan.part import Part
from secureload.scan.survey import survey
from secureload.scan.torch_legacy import MAGIC

from .torch_files import plain, storage

EVIL = Assembler(2).global_("os", "system").mark().text("echo hello").tuple_().reduce().stop()
# As torch.save begins: its mark, its version, and what it says of the machine.
SYSTEM = b"\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe9\x03u."
MARK = Assembler(2).raw(b"\x8a\n" + MAGIC.to_bytes(10, "little")).stop()
VERSION = Assembler(2).raw(b"M\xe9\x03").stop()
LOADER = Assembler(4).stack_global("torch.storage", "_load_from_bytes")


def tensor(numbers: int = 2, body: bytes | None = None, tail: bytes = b"") -> bytes:
    """What ``torch.save`` writes of a storage in its old form."""
    raw = struct.pack("<q", numbers) + bytes(4 * numbers)
    inside = storage(numbers=numbers) if body is None else body
    return MARK + VERSION + SYSTEM + inside + plain(["7"]) + raw + tail


def loading(*files: bytes, framed: bool = False) -> bytes:
    """A pickle of a list of tensors."""
    code = Assembler(4 if framed else 3).mark()
    for data in files:
        code.global_("torch.storage", "_load_from_bytes").mark().binary(data).tuple_().reduce()
    whole = code.list_().stop()
    if not framed:
        return whole
    return whole[:2] + b"\x95" + struct.pack("<Q", len(whole) - 2) + whole[2:]


def parts(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Part, ...]:
    return survey(Region(data), "model.pkl", limits)


def worst(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Severity | None:
    return examine(parts(data, limits), load_default(), {}).worst()


def inner(data: bytes) -> Trace:
    (found,) = [part.trace for part in parts(data) if part.path == "tensors"]
    assert found is not None
    return found


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("numbers", [0, 2, 900, 1_100, 100_000])
def test_tensors_of_any_size_are_examined_and_accepted(numbers: int, framed: bool) -> None:
    data = loading(tensor(numbers), tensor(numbers), tensor(3), framed=framed)
    assert worst(data) is None
    assert (inner(data).pickles, inner(data).problems, inner(data).reading) == (15, (), "torch")
    assert worst(gzip.compress(data)) is None


def test_tensors_whose_bytes_are_an_encoded_text_are_examined_too() -> None:
    text = Assembler(2).global_("torch.storage", "_load_from_bytes").mark()
    text.global_("_codecs", "encode").mark().text(tensor().decode("latin-1")).text("latin1").tuple_().reduce()
    assert worst(text.tuple_().reduce().stop()) is None


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("size", [0, 6_000])
def test_a_payload_in_a_tensor_is_rejected_by_name(framed: bool, size: int) -> None:
    body = Assembler(2).binary(bytes(size)).raw(EVIL[2:]).raw(b"")
    data = loading(tensor(), tensor(body=body.stop()[:-1]), framed=framed)
    assert worst(data) is Severity.DANGEROUS
    assert "os:system" in [str(item.ref) for item in inner(data).imports]


def test_bytes_of_the_same_length_elsewhere_in_the_file_are_not_taken_for_those_of_the_tensor() -> None:
    """The first are stepped over, the second stand in a frame: only those are loaded."""
    evil = tensor(body=Assembler(2).binary(bytes(5_000)).pop().raw(EVIL[2:-1]).stop())
    decoy = tensor((len(evil) - len(tensor(0))) // 4)
    decoy += bytes(len(evil) - len(decoy))
    code = Assembler(4).binary(decoy).pop()
    framed = Assembler(None).raw(LOADER.stop()[2:-1]).mark().binary(evil).tuple_().reduce().stop()
    data = code.raw(b"\x95" + struct.pack("<Q", len(framed))).raw(framed[:-1]).stop()
    assert len(decoy) == len(evil) > 4_096
    assert worst(data) is Severity.DANGEROUS


def test_a_tensor_that_goes_on_behind_its_storage_or_into_the_next_one_is_malformed() -> None:
    for files in ((tensor(tail=b"more"), tensor()), (tensor(tail=EVIL),), (tensor()[:-4], tensor())):
        found = inner(loading(*files))
        assert "malformed" in [problem.kind for problem in found.problems]
        expected = Severity.DANGEROUS if EVIL in b"".join(files) else Severity.UNKNOWN
        assert worst(loading(*files)) is expected


def test_bytes_that_cannot_be_had_leave_the_verdict_open() -> None:
    computed = Assembler(4).stack_global("torch.storage", "_load_from_bytes").mark()
    computed.stack_global("os", "getpid").mark().tuple_().reduce().tuple_().reduce()
    assert worst(computed.stop()) is Severity.DANGEROUS
    few = replace(DEFAULT_LIMITS, trace_nested_bytes=100)
    assert worst(loading(tensor(), tensor()), few) is Severity.UNKNOWN
    one = replace(DEFAULT_LIMITS, trace_nested_items=1)
    found = parts(loading(tensor(), tensor()), one)
    assert found[0].trace is not None
    assert found[0].trace.problems[0].message.startswith("trace_nested_items")


def test_a_tensor_in_a_tensor_leaves_the_verdict_open() -> None:
    outer = tensor(body=loading(tensor())[2:].join([b"\x80\x03", b""]))
    assert worst(loading(outer)) is Severity.UNKNOWN
