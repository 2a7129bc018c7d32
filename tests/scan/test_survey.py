"""The survey: members are found, read by every reader that they could be meant for, and never dropped."""

from __future__ import annotations

import bz2
import gzip
import pickle
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.errors import LimitError, MalformedError, UnsupportedError
from secureload.formats.catalog import DESCRIPTIONS, EXTENSIONS, READERS
from secureload.formats.expanding import ExpandingReader
from secureload.formats.reading import (
    Child,
    Event,
    Identified,
    Observation,
    Problem,
    ReadContext,
    Reference,
    Versions,
)
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.assembler import Assembler
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity
from secureload.scan.part import Part
from secureload.scan.survey import survey
from tests.formats.zips import Entry, archive

HOSTILE = Assembler(4).stack_global("os", "system").mark().text("echo hello").tuple_().reduce().stop()
Reader = Callable[[Region, ReadContext], Iterator[Event]]
MARK = b"GGUF"  # a mark of a format: the tests put a reader of their own in its place


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[Reader], None]:
    def install(read: Reader) -> None:
        module: Any = ModuleType("secureload.formats.readers.of_a_test")
        module.read = read
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(READERS, "gguf", "of_a_test")

    return install


def parts(data: bytes, name: str = "m", limits: Limits = DEFAULT_LIMITS) -> tuple[Part, ...]:
    return survey(Region(data), name, limits)


def worst(found: tuple[Part, ...]) -> Severity | None:
    return examine(found, load_default(), {}).worst()


def imports(part: Part) -> list[str]:
    return [str(item.ref) for item in part.trace.imports] if part.trace is not None else []


def test_a_plain_pickle_is_one_part_with_its_trace() -> None:
    (part,) = parts(HOSTILE, "m.pkl")
    assert (part.path, part.format, part.loader, imports(part)) == (
        "",
        "pickle",
        "pickle.load",
        ["os:system"],
    )
    assert part.bytes_examined == part.bytes_total == len(HOSTILE)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress], ids=["gzip", "bz2"])
def test_a_compressed_pickle_is_traced_as_the_stream_that_joblib_reads(compress: Any) -> None:
    (part,) = parts(compress(HOSTILE))
    assert (part.format, imports(part)) == ("pickle", ["os:system"])
    assert part.compression in ("gzip", "bz2")


def test_compressed_text_is_a_member_of_its_wrapper() -> None:
    wrapper, inner = parts(gzip.compress(b"nothing but text\n"), "notes.txt.gz")
    assert (wrapper.format, inner.path, inner.format) == ("compressed", "notes.txt", "text")
    assert worst((wrapper, inner)) is None


def test_members_are_read_in_turn_under_paths_that_say_where_they_lie(reader: Any) -> None:
    def read(data: Region, context: ReadContext) -> Iterator[Event]:
        yield Child(name="a.pkl", data=data.part(4, len(HOSTILE)))
        if context.depth == 0:
            yield Child(name="inner", data=Region(MARK + HOSTILE))

    reader(read)
    found = parts(MARK + HOSTILE)
    assert [part.path for part in found] == ["", "a.pkl", "inner", "inner!/a.pkl"]
    examination = examine(found, load_default(), {})
    assert {f.location.member for f in examination.findings if f.severity is Severity.DANGEROUS} == {
        "a.pkl",
        "inner!/a.pkl",
    }


def test_nesting_without_end_is_a_named_limit(reader: Any) -> None:
    reader(lambda data, context: iter([Child(name="again", data=data)]))
    found = parts(MARK)
    assert len(found) == DEFAULT_LIMITS.nesting_depth + 2
    assert found[-1].problems[0].message.startswith("nesting_depth")
    assert worst(found) is Severity.UNKNOWN


def test_members_without_end_are_a_named_limit(reader: Any) -> None:
    reader(lambda data, context: (Child(name=f"{i}", data=Region(b"")) for i in range(100)))
    found = parts(MARK, limits=Limits(archive_members=10))
    assert found[0].problems[0].kind == "limit"
    assert len(found) == 11


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MalformedError("bad", offset=3), "malformed"),
        (LimitError("too much"), "limit"),
        (UnsupportedError("new"), "unsupported"),
        (ValueError("a fault of the reader"), "malformed"),
        (RecursionError(), "limit"),
        (MemoryError(), "limit"),
    ],
)
def test_a_reader_that_fails_leaves_a_problem_and_what_it_found_before(
    reader: Any, error: Exception, kind: str
) -> None:
    def read(data: Region, context: ReadContext) -> Iterator[Event]:
        yield Child(name="a.pkl", data=Region(HOSTILE))
        raise error

    reader(read)
    found = parts(MARK)
    assert [problem.kind for problem in found[0].problems] == [kind]
    assert worst(found) is Severity.DANGEROUS


def test_raw_data_with_nothing_to_say_is_counted_and_a_program_in_it_is_reported(reader: Any) -> None:
    def read(data: Region, context: ReadContext) -> Iterator[Event]:
        yield Child(name="weights", data=Region(b"\x80\x04" + bytes(100)), expect="data")
        yield Child(name="more", data=Region(bytes(100)), expect="data")
        yield Child(name="text", data=Region(b"cfloats\n1"), expect="data")
        yield Child(name="hidden", data=Region(HOSTILE), expect="data")
        yield Child(name="hidden too", data=Region(b"cos\nsystem\n(S'echo'\ntR."), expect="data")

    reader(read)
    found = parts(MARK)
    assert [part.path for part in found] == ["", "hidden", "hidden too"]
    assert found[0].data_members == 3
    assert examine(found, load_default(), {}).coverage.members == 6


def test_references_become_the_imports_that_the_allow_list_judges(reader: Any) -> None:
    def read(data: Region, context: ReadContext) -> Iterator[Event]:
        yield Identified(format="skops", loader="skops.io.load")
        yield Reference(module="builtins", name="eval", use="call")
        yield Reference(module="my.models", name="Scaler", use="new", offset=7)
        yield Reference(module="my.models", name="Scaler", use="new", offset=7)
        yield Versions(library="skops", version="0.13")

    reader(read)
    (part,) = parts(MARK)
    assert (part.format, part.loader, part.versions) == ("skops", "skops.io.load", (("skops", "0.13"),))
    assert part.trace is not None
    assert [(str(item.ref), item.count) for item in part.trace.imports] == [
        ("builtins:eval", 1),
        ("my.models:Scaler", 2),
    ]
    ids = {finding.rule_id for finding in examine((part,), load_default(), {}).findings}
    assert {"SL101", "SL102"} <= ids


def test_an_observation_that_no_rule_judges_is_undecided(reader: Any) -> None:
    reader(lambda data, context: iter([Observation(code="no.such-code", message="odd", offset=5)]))
    examination = examine(parts(MARK), load_default(), {})
    assert [(f.rule_id, f.severity, f.location.offset) for f in examination.findings] == [
        ("SL201", Severity.UNKNOWN, 5)
    ]


def test_a_stream_that_breaks_off_is_examined_up_to_there(reader: Any) -> None:
    broken = gzip.compress(HOSTILE + bytes(70_000))[:-40]
    reader(
        lambda data, context: iter(
            [Child(name="a.pkl", data=lambda: ExpandingReader(Region(broken).cursor(), "gzip"))]
        )
    )
    found = parts(MARK)
    assert worst(found) is Severity.DANGEROUS
    assert any(problem.kind == "malformed" for problem in found[1].problems)


def test_a_member_that_expands_beyond_the_limit_is_undecided(reader: Any) -> None:
    big = gzip.compress(bytes(300_000))
    reader(
        lambda data, context: iter(
            [Child(name="zeros", data=lambda: ExpandingReader(Region(big).cursor(), "gzip"))]
        )
    )
    found = parts(MARK, limits=Limits(spooled_bytes=100_000))
    assert found[1].problems[0].message.startswith("spooled_bytes")
    assert worst(found) is Severity.UNKNOWN


def test_a_problem_of_a_member_makes_the_whole_undecided(reader: Any) -> None:
    reader(lambda data, context: iter([Problem(kind="trailing", message="more", offset=4)]))
    found = parts(MARK + b"rest")
    assert (found[0].bytes_total, found[0].bytes_examined) == (8, 4)
    assert not examine(found, load_default(), {}).coverage.complete


def test_a_file_that_is_two_things_is_read_as_both(reader: Any) -> None:
    # The mark of the format is also GLOBAL's argument: an unpickler that is handed the file imports.
    reader(lambda data, context: iter([Versions(library="x", version="1")]))
    (part,) = parts(b"GGUF" + HOSTILE)
    assert part.versions == (("x", "1"),)


def test_unknown_bytes_are_never_examined() -> None:
    (part,) = parts(b"\xff\xfe\xfd" * 50)
    assert part.problems[0].kind == "unsupported"
    assert worst((part,)) is Severity.UNKNOWN


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_whatever_the_bytes_there_is_a_part_and_a_verdict(data: bytes) -> None:
    # LONG_BINPUT makes the unpickler allocate what its index says: that is for the confined tracer alone.
    found = parts(data.replace(b"r", b"q"))
    assert found[0].path == ""
    examination = examine(found, load_default(), {})
    assert examination.coverage.complete or examination.worst() in {Severity.UNKNOWN, Severity.DANGEROUS}


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(max_size=5), st.binary(max_size=5)),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=10,
    ),
    st.integers(0, 5),
)
def test_plain_data_is_accepted_in_every_protocol(value: object, protocol: int) -> None:
    assert worst(parts(pickle.dumps(value, protocol))) is None


def test_every_format_of_the_tables_is_described_and_every_reader_is_there() -> None:
    assert set(READERS) <= set(DESCRIPTIONS)
    assert {name for names in EXTENSIONS.values() for name in names} <= set(DESCRIPTIONS)


@pytest.mark.parametrize("prefix", [b"\xff\xfe nothing that is known", b"#!/bin/sh\necho hello\n"])
def test_an_archive_behind_anything_else_is_read_as_zipfile_reads_it(prefix: bytes) -> None:
    data = archive(Entry("a.pkl", pickle.dumps(len)), prefix=prefix)
    parts = {part.path: part for part in survey(Region(data), "model.keras")}
    assert "zip.prefix" in {observation.code for observation in parts[""].observations}
    trace = parts["a.pkl"].trace
    assert trace is not None
    assert [str(item.ref) for item in trace.imports] == ["builtins:len"]


def test_every_pickle_has_a_second_reader_and_what_only_that_one_sees_is_judged() -> None:
    run = Assembler(None).global_("os", "system").mark().text("echo hello").tuple_().reduce().code()
    # pickle.load gives up at the frame that is longer than the file; joblib's unpickler reads on.
    data = Assembler(4).frame(10_000).raw(run).stop()
    part = parts(data)[0]
    assert part.trace is not None
    assert [str(item.target) for item in part.trace.disagreements] == ["os:system", "os:system"]
    found = examine(parts(data), load_default(), {})
    assert found.worst() is Severity.DANGEROUS
    assert {finding.rule_id for finding in found.findings} >= {"SL201", "SL203", "SL204"}


def test_findings_stand_at_the_opcode_that_does_it() -> None:
    run = Assembler(4).none().pop().stack_global("os", "system").mark().text("echo hello").tuple_().reduce()
    (part,) = parts(run.stop())
    assert part.trace is not None
    code = run.code()
    assert [item.offset for item in part.trace.imports] == [code.index(pickle.STACK_GLOBAL)]
    assert [item.offset for item in part.trace.operations] == [len(code) - 1]


def test_archives_in_archives_of_zeros_end_at_the_ratio_to_what_was_sent(reader: Any) -> None:
    inner = gzip.compress(bytes(40 << 20))

    def read(data: Region, context: ReadContext) -> Iterator[Event]:
        for number in range(1_000):
            yield Child(
                name=f"{number}", data=lambda: ExpandingReader(Region(inner).cursor(), "gzip"), expect="any"
            )

    reader(read)
    found = parts(MARK)
    assert any(p.message.startswith("expansion_ratio") for part in found for p in part.problems)
    assert len(found) < 10 or all(part.problems for part in found[2:])
    assert worst(found) is Severity.UNKNOWN


def test_a_pickle_behind_what_a_reader_cannot_read_to_its_end_is_found() -> None:
    model = bytes.fromhex(
        "0808120663616e6172793a1a120567726170680a110a01781201791a016e220452656c753a0042040a001011"
    )
    found = examine(survey(Region(model + HOSTILE), "model.onnx"), load_default(), {})
    assert any(finding.severity is Severity.DANGEROUS for finding in found.findings)


def test_an_image_of_a_disc_is_undecided_and_says_what_to_do() -> None:
    image = bytearray(40_000)
    image[32_769:32_774] = b"CD001"
    part = survey(Region(image), "models.iso")[0]
    (problem,) = part.problems
    assert "an image of a disc" in problem.message
    assert "take the files out of it" in problem.message
    assert not part.examined


def test_a_pickle_in_an_image_of_a_disc_is_found() -> None:
    image = bytearray(40_000)
    image[32_769:32_774] = b"CD001"
    image[36_864:36_864] = b"cos\nsystem\n(S'id'\ntR."
    assert any(
        "embedded.pickle" in {each.code for each in part.observations} for part in survey(Region(image), "x")
    )


def test_the_old_binary_format_of_xgboost_is_undecided_whatever_follows_its_mark() -> None:
    for rest in (bytes(40), b"cos\nsystem\n(S'id'\ntR."):
        part = survey(Region(bytearray(b"binf" + rest)), "model.bin")[0]
        assert any("save_model('model.ubj')" in problem.message for problem in part.problems)
        assert not part.examined


def test_what_is_of_no_known_format_is_searched_up_to_a_named_limit_for_all_members_together() -> None:
    noise = bytes(range(1, 200)) * 20
    data = archive(*(Entry(f"{number}.dat", b"\xfe" + noise) for number in range(4)))
    found = parts(data, "a.zip", Limits(embedded_search_bytes=5_000))
    limited = [p.path for p in found if any("embedded_search_bytes" in each.message for each in p.problems)]
    assert limited == ["2.dat", "3.dat"]


def test_an_archive_that_a_pickle_holds_as_bytes_is_what_its_other_loaders_see() -> None:
    # pandas.read_pickle("model.zip") opens the archive; pickle.load and the first bytes show a list.
    polyglot = pickle.dumps([archive(Entry("data.pkl", HOSTILE)), 1], protocol=4)
    for name in ("model.zip", "model.keras", "model.skops", "model.pkl"):
        parts = survey(Region(polyglot), name)
        assert "data.pkl" in [part.path for part in parts]
        outcome = examine(parts, load_default(), {})
        assert any(finding.severity is Severity.DANGEROUS for finding in outcome.findings)


def test_a_pickle_that_is_a_file_of_h5py_behind_its_first_block_is_read_as_both() -> None:
    from tests.formats.readers.test_hdf5_file import with_external_files

    inside = with_external_files("/etc/passwd")
    opening = b"\x80\x04B" + (len(inside) + 505).to_bytes(4, "little")
    polyglot = opening + bytes(512 - len(opening)) + inside + b"."
    examination = examine(survey(Region(polyglot), "model.h5"), load_default(), {})
    assert examination.worst() is Severity.DANGEROUS
