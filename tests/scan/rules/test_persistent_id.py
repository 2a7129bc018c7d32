from __future__ import annotations

from dataclasses import replace

import pytest

from secureload.pickles.trace import (
    Collection,
    Const,
    Elided,
    GlobalRef,
    Operation,
    Result,
    Trace,
    Value,
)
from secureload.scan.case import Case
from secureload.scan.finding import Severity
from secureload.scan.part import part_of_trace
from secureload.scan.rules.persistent_id import RULE_ID, check

from .cases import case, ours

FLOATS = GlobalRef("torch", "FloatStorage")


def text(value: str) -> Const:
    return Const(value, len(value))


def group(*items: Value) -> Collection:
    return Collection("tuple", items, len(items))


def persistent(*items: Value) -> Operation:
    return Operation("persid", Const(None), (group(*items),))


def in_torch(*operations: Operation) -> Case:
    trace = Trace(reading="torch", operations=operations, pickles=1)
    return Case(part_of_trace(trace), ours(), {})


STORAGE = (text("storage"), FLOATS, text("0"), text("cpu"), Const(12))


def test_persistent_ids_are_one_finding_however_many_there_are() -> None:
    ids = tuple(Operation("persid", Const(None), (Const(text, 1),)) for text in "ab")
    (finding,) = check(case(*ids))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.UNKNOWN)
    assert "persistent_load('a')" in finding.detail


def test_a_pickle_without_persistent_ids_is_silent() -> None:
    assert list(check(case(Operation("call", GlobalRef("ours", "called"))))) == []


@pytest.mark.parametrize(
    "items",
    [
        STORAGE,
        (
            text("storage"),
            GlobalRef("torch.storage", "UntypedStorage"),
            text("104"),
            text("cuda:1"),
            Const(0),
        ),
        (text("storage"), FLOATS, Const(0), text("cpu"), Const(12)),
        (text("storage"), FLOATS, Const(317), text("cpu"), Const(12)),
        (*STORAGE, Const(None)),
        (*STORAGE, group(text("94837"), Const(0), Const(6))),
        (text("module"), GlobalRef("ours", "Built"), text("net.py"), text("class Built: pass")),
        (text("module"), GlobalRef("ours", "Built"), Const(None), Const(None)),
    ],
)
def test_the_ids_that_torch_save_writes_are_silent_in_a_torch_archive_and_told_outside_of_one(
    items: tuple[Value, ...],
) -> None:
    operation = persistent(*items)
    assert list(check(in_torch(operation))) == []
    assert len(list(check(case(operation)))) == 1


@pytest.mark.parametrize(
    "items",
    [
        (),
        STORAGE[:4],
        (*STORAGE, Const(None), Const(None)),
        (*STORAGE, group(text("../x"), Const(0), Const(6))),
        (text("module"), GlobalRef("stranger", "Net"), text("net.py"), text("")),
        (text("module"), Result("call", None), text("net.py"), text("")),
        (text("storag"), *STORAGE[1:]),
        (text("storage"), GlobalRef("os", "system"), *STORAGE[2:]),
        (text("storage"), GlobalRef("os", "FloatStorage"), *STORAGE[2:]),
        (text("storage"), GlobalRef("torch", "load"), *STORAGE[2:]),
        (text("storage"), Result("call", FLOATS), *STORAGE[2:]),
        (text("storage"), FLOATS, Const(-1), *STORAGE[3:]),
        (text("storage"), FLOATS, Const(True), *STORAGE[3:]),
        (text("storage"), FLOATS, Const("…an integer of many digits", 1 << 30), *STORAGE[3:]),
        (text("storage"), FLOATS, text("../../etc/passwd"), *STORAGE[3:]),
        (text("storage"), FLOATS, text("٣"), *STORAGE[3:]),
        (text("storage"), FLOATS, Const("0", 4_000), *STORAGE[3:]),
        (text("storage"), FLOATS, text("0"), text("/etc/passwd"), Const(1)),
        (text("storage"), FLOATS, text("0"), text("c" * 33), Const(1)),
        (*STORAGE[:4], Const(-1)),
        (*STORAGE[:4], Const(True)),
        (*STORAGE[:4], Elided()),
    ],
)
def test_any_other_id_in_a_torch_archive_is_told(items: tuple[Value, ...]) -> None:
    (finding,) = check(in_torch(persistent(*STORAGE), persistent(*items)))
    assert finding.severity is Severity.UNKNOWN
    assert "torch.save" in finding.hint


def test_an_id_that_is_not_known_as_a_whole_is_told() -> None:
    cut = replace(group(*STORAGE), length=6)
    assert len(list(check(in_torch(Operation("persid", Const(None), (cut,)))))) == 1
    assert len(list(check(in_torch(Operation("persid", Const(None), (text("storage"),)))))) == 1


def test_the_number_of_a_tensor_and_a_class_with_its_source_are_expected_of_the_oldest_files() -> None:
    for number in (Const(94061387432304), text("94061387432304")):
        assert list(check(in_torch(Operation("persid", Const(None), (number,))))) == []
    known = GlobalRef("ours", "Built")
    assert list(check(in_torch(persistent(known, text("f.py"), text("source"))))) == []
    for id_ in (text("7x"), text("٣"), Const(b"7", 1)):
        assert len(list(check(in_torch(Operation("persid", Const(None), (id_,)))))) == 1
    assert len(list(check(in_torch(persistent(GlobalRef("other", "Built"), text("f"), text("s")))))) == 1
