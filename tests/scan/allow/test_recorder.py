"""The recorder of evidence: what a pickle uses, by protocol, without importing anything."""

from __future__ import annotations

import collections
import datetime
import fractions
import pickle
import sys
import uuid

import pytest

from secureload.pickles.trace import Const, GlobalRef, Operation, Result
from secureload.scan.allow.recorder import record


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_tells_imports_from_calls_from_instances(protocol: int) -> None:
    recorder = record(pickle.dumps([uuid.UUID(int=1), fractions.Fraction(1, 3)], protocol))
    made = {str(op.target): op.kind for op in recorder.operations if isinstance(op.target, GlobalRef)}
    assert made["fractions:Fraction"] == "call"
    assert GlobalRef("uuid", "UUID") in recorder.imports
    if protocol >= 2:
        assert made["uuid:UUID"] == "new"
    else:
        assert made["copyreg:_reconstructor"] == "call"


def test_the_result_of_one_call_is_an_argument_of_the_next() -> None:
    recorder = record(pickle.dumps(datetime.date(2024, 1, 15), 2))
    encode, date = recorder.operations
    assert encode.args[1] == Const("latin1", 6)
    assert date.args == (Result("call", GlobalRef("_codecs", "encode")),)


def test_old_opcodes_and_keyword_arguments_are_recorded() -> None:
    inst = record(b"(I1\niinert.module\nThing\n.")
    assert list(inst.operations) == [Operation("call", GlobalRef("inert.module", "Thing"), (Const(1),))]
    obj = record(b"(cinert.module\nThing\nI1\no.")
    assert list(obj.operations) == list(inst.operations)
    extended = record(
        b"\x80\x04cinert.module\nThing\n)}\x8c\x01ksK\x01s\x92.".replace(
            b"}\x8c\x01ksK\x01s", b"}\x8c\x01kK\x01s"
        )
    )
    assert list(extended.operations) == [
        Operation("new", GlobalRef("inert.module", "Thing"), (), (("k", Const(1)),))
    ]


def test_nothing_is_imported_and_no_state_is_applied() -> None:
    assert "antigravity" not in sys.modules
    recorder = record(b"cantigravity\nfly\n(I1\ntR(dS'a'\nI1\nsb.")
    assert recorder.imports == {GlobalRef("antigravity", "fly")}
    assert "antigravity" not in sys.modules


def test_items_filled_into_a_recorded_object_go_nowhere() -> None:
    value = [collections.OrderedDict(a=1), collections.deque([1, 2]), collections.Counter("ab")]
    for protocol in range(6):
        assert GlobalRef("collections", "OrderedDict") in record(pickle.dumps(value, protocol)).imports
