from __future__ import annotations

import pytest

from secureload.pickles.assembler import Assembler
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity
from secureload.scan.rules.nested_tensors import RULE_ID

from ...pickles.tracing import trace

# As torch.save writes them: its mark, the version of its protocol, and the sizes of the machine.
MARK = Assembler(2).raw(b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19").stop()
VERSION = Assembler(2).raw(b"M\xe9\x03").stop()
SIZES = b"\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe9\x03u."
TENSOR = MARK + VERSION + SIZES + Assembler(2).none().stop() + Assembler(2).mark().list_().stop()
EVIL = Assembler(2).global_("os", "system").mark().text("echo hello").tuple_().reduce().stop()


def loading(data: bytes) -> bytes:
    return (
        Assembler(4)
        .stack_global("torch.storage", "_load_from_bytes")
        .mark()
        .binary(data)
        .tuple_()
        .reduce()
        .stop()
    )


def found(data: bytes) -> dict[str, Severity]:
    return {item.rule_id: item.severity for item in examine(trace(data), load_default(), {}).findings}


def test_a_tensor_that_pickle_saved_is_undecided_and_not_accused() -> None:
    assert found(loading(TENSOR)) == {RULE_ID: Severity.UNKNOWN}


@pytest.mark.parametrize(
    "data", [EVIL, b"", MARK, MARK + EVIL, MARK + VERSION + EVIL, TENSOR[1:], b"\x80\x04" + TENSOR[2:]]
)
def test_bytes_that_pytorch_does_not_write_are_dangerous(data: bytes) -> None:
    assert found(loading(data)) == {"SL101": Severity.DANGEROUS}


def test_one_call_with_other_bytes_is_enough() -> None:
    assert found(loading(TENSOR)[:-1] + b"0" + loading(EVIL)[2:])["SL101"] is Severity.DANGEROUS


def test_the_loader_that_is_imported_or_handed_on_is_dangerous() -> None:
    data = Assembler(4).stack_global("torch.storage", "_load_from_bytes").stop()
    assert found(data) == {"SL101": Severity.DANGEROUS}
    handed = (
        Assembler(4)
        .stack_global("functools", "partial")
        .mark()
        .stack_global("torch.storage", "_load_from_bytes")
    )
    assert found(handed.binary(TENSOR).tuple_().reduce().stop())["SL101"] is Severity.DANGEROUS


def test_other_files_are_silent() -> None:
    assert RULE_ID not in found(Assembler(4).binary(TENSOR).stop())
