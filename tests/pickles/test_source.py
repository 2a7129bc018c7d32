from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.source import SkippingFile

from .tracing import mapped


def test_an_empty_source_answers_everything_with_nothing() -> None:
    source = mapped(b"")
    assert (source.read(5), source.readline(), source.head(5), source.skip(5), source.tell()) == (
        b"",
        b"",
        b"",
        0,
        0,
    )


def test_a_small_payload_is_kept_whole_and_of_a_large_one_its_beginning() -> None:
    source = mapped(bytes(range(256)) * 64)
    small, large = memoryview(bytearray(100)), memoryview(bytearray(10_000))
    file = SkippingFile(source)
    assert file.readinto(small) == 100
    assert bytes(small) == bytes(range(100))
    assert file.readinto(large) == 10_000
    assert source.tell() == 10_100
    assert bytes(large[:100]) == bytes((100 + i) % 256 for i in range(100))
    # Behind what is shown of it stands where it was, and then nothing.
    assert not any(large[528:])


def test_a_payload_that_was_stepped_over_is_known_by_a_mark_that_no_file_can_hold() -> None:
    source = mapped(bytes(100) + b"x" * 20_000)
    file = SkippingFile(source)
    source.skip(100)
    large = memoryview(bytearray(10_000))
    file.readinto(large)
    assert file.start_of(bytes(large)) == 100
    assert file.start_of(b"x" * 10_000) is None
    assert file.start_of(bytes(large[:4_096])) is None
    assert SkippingFile(mapped(b"")).start_of(bytes(large)) is None


def test_a_payload_that_ends_early_is_counted_as_short_as_it_is() -> None:
    assert SkippingFile(mapped(b"x" * 5_000)).readinto(memoryview(bytearray(9_000))) == 5_000
    assert SkippingFile(mapped(b"x" * 10)).readinto(memoryview(bytearray(9_000))) == 10


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.sampled_from(["read", "skip", "head", "line"]), st.integers(0, 80))),
)
def test_the_position_is_exact_whatever_is_asked(data: bytes, steps: list[tuple[str, int]]) -> None:
    source, position = mapped(data), 0
    for step, size in steps:
        if step == "read":
            assert source.read(size) == data[position : position + size]
            position = min(position + size, len(data))
        elif step == "skip":
            assert source.skip(size) == min(size, len(data) - position)
            position = min(position + size, len(data))
        elif step == "head":
            assert source.head(size) == data[position : position + size]
        else:
            line = source.readline()
            assert data[position:].startswith(line)
            position += len(line)
        assert source.tell() == position
