from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.region import Region
from secureload.pickles.assembler import Assembler
from secureload.pickles.trace import Trace
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity
from secureload.scan.part import Part
from secureload.scan.survey import survey
from secureload.scan.torch_legacy import MAGIC, torch_machine
from secureload.scan.tracing import trace_pickle

from .torch_files import STATE, plain, stacked, storage, torch_tar

HOSTILE = Assembler(2).global_("os", "system").mark().text("echo hello").tuple_().reduce().stop()
# int("119547037146038801333356"), as the bypass of a scanner computes it.
COMPUTED = Assembler(2).global_("builtins", "int").mark().text(str(MAGIC)).tuple_().reduce().stop()


def parts(data: bytes, name: str = "model.pt") -> tuple[Part, ...]:
    return survey(Region(data), name)


def trace(data: bytes) -> Trace:
    found = parts(data)[0].trace
    assert found is not None
    return found


def kinds(found: Trace) -> list[str]:
    return [problem.kind for problem in found.problems]


def imports(found: Trace) -> list[str]:
    return [str(item.ref) for item in found.imports]


def test_a_file_that_pytorch_wrote_is_read_to_its_last_storage() -> None:
    found = trace(STATE)
    assert (found.reading, found.pickles, found.problems) == ("torch", 5, ())
    assert found.bytes_examined == found.bytes_total == len(STATE)
    assert (found.sections[-1].kind, found.sections[-1].end) == ("array", len(STATE))
    assert "torch:BFloat16Storage" in imports(found)
    whole = parts(STATE)[0]
    assert (whole.loader, whole.description) == (
        "torch.load",
        "a PyTorch model of a version before 1.6 (pickles)",
    )


@pytest.mark.parametrize("kind", ["DoubleStorage", "HalfStorage", "BoolStorage", "ComplexDoubleStorage"])
def test_the_size_of_each_kind_of_storage_is_stepped_over(kind: str) -> None:
    size = {"DoubleStorage": 8, "HalfStorage": 2, "BoolStorage": 1, "ComplexDoubleStorage": 16}[kind]
    raw = struct.pack("<q", 3) + b"\xff" * 3 * size
    found = trace(stacked(body=storage(kind=kind, numbers=3), raw=raw))
    assert found.problems == ()


@pytest.mark.parametrize("position", ["first", "version", "body", "keys"])
def test_a_payload_in_any_of_the_pickles_is_traced(position: str) -> None:
    found = trace(stacked(**{position: HOSTILE}))
    assert "os:system" in imports(found)


def test_a_magic_number_that_is_computed_is_one_where_the_version_follows() -> None:
    found = trace(stacked(first=COMPUTED))
    assert (found.reading, found.problems) == ("torch", ())
    assert "builtins:int" in imports(found)


def test_several_models_in_one_file_are_no_pytorch_file() -> None:
    found = trace(COMPUTED + plain(5) + COMPUTED)
    assert (found.reading, found.pickles, found.problems) == ("pickle", 3, ())
    assert trace(plain(MAGIC) + plain(7)).problems == ()


@pytest.mark.parametrize("tail", [b"x", b"\xff" * 100, HOSTILE], ids=["byte", "bytes", "pickle"])
def test_what_follows_the_last_storage_is_reported_and_still_traced(tail: bytes) -> None:
    found = trace(stacked() + tail)
    assert "trailing" in kinds(found)
    assert found.bytes_examined == len(stacked())
    assert ("os:system" in imports(found)) == (tail == HOSTILE)


@pytest.mark.parametrize(
    "data",
    [
        stacked(raw=struct.pack("<q2f", 3, 1.0, 2.0)),
        stacked(raw=struct.pack("<q1f", 2, 1.0)),
        stacked(raw=b"\2\0"),
        stacked(keys=plain(["8"])),
        stacked(keys=plain("7")),
        stacked(body=storage(kind="StrangeStorage")),
        stacked(body=storage(numbers=-2), raw=struct.pack("<q", -2)),
    ],
    ids=["count differs", "cut off", "count cut off", "unknown key", "no list", "unknown type", "negative"],
)
def test_storages_that_are_not_what_the_tensors_say_are_malformed(data: bytes) -> None:
    assert kinds(trace(data))[:1] == ["malformed"]


def test_the_class_of_a_module_stands_for_its_persistent_id() -> None:
    code = (
        Assembler(2).mark().text("module").global_("torch.nn", "Linear").text("f.py").text("source").tuple_()
    )
    found = trace(stacked(body=code.raw(b"Q").mark().tuple_().newobj().stop(), keys=plain([]), raw=b""))
    assert found.problems == ()
    assert [operation.kind for operation in found.operations] == ["persid", "new"]


def worst(data: bytes) -> Severity | None:
    return examine(parts(data), load_default(), {}).worst()


def test_what_pytorch_wrote_in_its_old_forms_is_accepted() -> None:
    assert worst(STATE) is None
    assert worst(torch_tar()) is Severity.NOTE
    linear = Assembler(2).mark().text("module").global_("torch.nn.modules.linear", "Linear")
    module = linear.text("linear.py").text("class Linear").tuple_().raw(b"Q").raw(b")").newobj()
    body = module.mark().text("in_features").integer(2).dict_().build().stop()
    assert worst(stacked(body=body, keys=plain([]), raw=b"")) is None


def test_classes_by_persistent_ids_hide_nothing_else_from_the_comparison_of_readers() -> None:
    linear = Assembler(2).mark().text("module").global_("torch.nn.modules.linear", "Linear")
    body = linear.text("f").text("s").tuple_().raw(b"Q").raw(b")").newobj().pop().raw(HOSTILE[2:-1]).stop()
    assert worst(stacked(body=body, keys=plain([]), raw=b"")) is Severity.DANGEROUS


# -- before 0.1.10 ---------------------------------------------------------------------------------------------


def member(data: bytes, name: str) -> Trace:
    found = next(part.trace for part in parts(data) if part.path == name)
    assert found is not None
    return found


def test_every_member_of_a_tar_archive_is_read_to_its_end() -> None:
    whole = parts(torch_tar())
    assert (whole[0].format, whole[0].loader) == ("torch-tar", "torch.load")
    for name in ("pickle", "storages", "tensors", "sys_info"):
        found = member(torch_tar(), name)
        assert (found.reading, found.problems) == ("torch", ())
        assert found.bytes_examined == found.bytes_total
    assert [section.kind for section in member(torch_tar(), "storages").sections] == [
        "pickle",
        "pickle",
        "array",
        "pickle",
    ]


def test_a_payload_in_the_object_or_behind_the_parts_of_a_member_is_traced() -> None:
    assert "os:system" in imports(member(torch_tar(body=HOSTILE), "pickle"))
    for name, data in (
        ("storages", torch_tar(storages_tail=HOSTILE)),
        ("tensors", torch_tar(tensors_tail=HOSTILE)),
    ):
        found = member(data, name)
        assert "os:system" in imports(found)
        assert kinds(found) == ["trailing"]


@pytest.mark.parametrize("dimensions", [-1, 65, 1 << 30, 20])
def test_a_tensor_of_impossible_dimensions_is_malformed(dimensions: int) -> None:
    assert kinds(member(torch_tar(dimensions=dimensions), "tensors")) == ["malformed"]


@pytest.mark.parametrize("reading", ["torch", "torch-storages", "torch-tensors"])
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_mutated_streams_end_in_a_trace(reading: str, data: st.DataObject) -> None:
    whole = {
        "torch": stacked(),
        "torch-storages": plain(1) + torch_tar()[3072:3400],
        "torch-tensors": plain(2) + HOSTILE[:-1] + struct.pack("<i4xqqq", 1, 2, 1, 0),
    }[reading]
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    loader, machine = torch_machine(reading)
    found = trace_pickle(
        Region(bytes(changed)).cursor, reading=loader, between=machine, bytes_total=len(changed)
    )
    assert found.bytes_examined <= len(changed)


def test_only_what_may_be_torch_has_a_machine() -> None:
    assert torch_machine("numpy") == ("numpy", None)
    assert torch_machine("")[0] is None
    assert torch_machine("torch-storages")[0] == "torch"
