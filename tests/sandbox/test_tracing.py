"""A worker for plain pickles is there sooner; what it cannot read is read by one that has imported every reader."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from secureload.cli.begun import begun
from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox import zygotes
from secureload.sandbox.opinions import NoOpinions
from secureload.sandbox.tracing import Traced, Tracer
from secureload.sandbox.wire.frame import Kind, Message

PLAIN = pickle.dumps({"weights": [1.0, 2.0]}, 4)


def archive(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return made.getvalue()


def traced(tracer: Tracer, data: bytes, name: str = "x") -> Traced:
    descriptor = os.memfd_create("x")
    try:
        os.write(descriptor, data)
        return tracer.trace(descriptor, len(data), name)
    finally:
        os.close(descriptor)


@pytest.fixture
def tracer() -> Iterator[Tracer]:
    zygotes.close_zygotes()  # the next one has imported what a plain pickle needs
    with Tracer(opinions=NoOpinions()) as made:
        yield made


def test_a_plain_pickle_is_traced_by_a_worker_without_the_other_readers(tracer: Tracer) -> None:
    parts = traced(tracer, PLAIN).parts
    assert [part.format for part in parts] == ["pickle"]
    assert not tracer._whole


def test_what_is_no_plain_pickle_gets_every_reader_at_once(tracer: Tracer) -> None:
    parts = traced(tracer, archive(inner=PLAIN)).parts
    assert tracer._whole
    assert [part.format for part in parts] == ["zip", "pickle"]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN + archive(inner=PLAIN),  # an archive behind it
        PLAIN + b"something else that nobody knows",  # searched for pickles, with the list of gadgets
        pickle.dumps({"a": "b"}, 4)[:-4],  # broken off
        b"\x80\x04",
    ],
)
def test_where_a_pickle_turns_out_to_be_more_the_answer_is_that_of_every_reader(
    tracer: Tracer, data: bytes
) -> None:
    tracer.begin(plain=True)
    first = traced(tracer, data)
    with Tracer(opinions=NoOpinions()) as other:
        other.begin(plain=False)
        second = traced(other, data)
        assert other._whole
    assert (first.shape, first.parts) == (second.shape, second.parts)


def test_an_archive_behind_a_plain_pickle_in_one_batch_is_read_too(tracer: Tracer) -> None:
    assert [part.format for part in traced(tracer, PLAIN).parts] == ["pickle"]
    assert [part.format for part in traced(tracer, archive(inner=PLAIN)).parts] == ["zip", "pickle"]
    assert tracer._whole


def test_a_worker_with_every_reader_that_answers_with_nothing_is_no_trace(
    tracer: Tracer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracer, "_asked", lambda *_: Message(Kind.REPLY, 0, None))
    with pytest.raises(SandboxError, match="not a trace"):
        traced(tracer, archive(inner=PLAIN))


def test_opcodes_are_shown_by_a_worker_that_began_as_a_plain_one(tracer: Tracer) -> None:
    traced(tracer, PLAIN)
    descriptor = os.memfd_create("x")
    try:
        os.write(descriptor, PLAIN)
        shown = tracer.explain(descriptor, len(PLAIN), "x", {"": [11]})
    finally:
        os.close(descriptor)
    assert any("weights" in line for line in shown["", 11])


def test_a_zygote_gets_no_descriptor_of_ours_but_its_own() -> None:
    kept = os.memfd_create("inherited", 0)
    os.set_inheritable(kept, True)
    try:
        zygotes.close_zygotes()
        with Tracer(opinions=NoOpinions()) as made:
            traced(made, PLAIN)
            pid = zygotes.zygote_for("trace")._pid
            names = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
    finally:
        os.close(kept)
    assert names
    assert not any("inherited" in name for name in names)


def test_a_file_that_turns_out_larger_than_it_seemed_gets_a_worker_of_its_size(tracer: Tracer) -> None:
    tracer.begin(plain=True, size=10)
    large = pickle.dumps(b"x" * (DEFAULT_LIMITS.tracer_batch_bytes + 1), 4)
    descriptor = os.memfd_create("x")
    try:
        os.write(descriptor, large)
        found = tracer.trace(descriptor, len(large), "x")
    finally:
        os.close(descriptor)
    assert found.bytes_examined == len(large)
    assert tracer._sized == len(large)


def test_a_worker_is_begun_for_a_regular_file_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "plain.pkl").write_bytes(PLAIN)
    (tmp_path / "link.pkl").symlink_to(tmp_path / "plain.pkl")
    for name in ("fifo", "link.pkl", "missing", ".", "nul\0"):
        assert begun(tmp_path / name, DEFAULT_LIMITS) is None
    found = begun(tmp_path / "plain.pkl", DEFAULT_LIMITS)
    assert found is not None
    assert [part.format for part in traced(found.tracer, PLAIN).parts] == ["pickle"]
    found.close()
    found.close()
