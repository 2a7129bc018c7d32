from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.chained import ChainedStream
from secureload.formats.region import Region


@given(
    pieces=st.lists(st.binary(max_size=30) | st.just(b"line\n"), max_size=6),
    steps=st.lists(
        st.tuples(st.sampled_from(["read", "readline", "skip", "head"]), st.integers(-1, 70)), max_size=12
    ),
)
@settings(deadline=None)
def test_regions_one_behind_the_other_read_as_a_file_of_all_their_bytes(
    pieces: list[bytes], steps: list[tuple[str, int]]
) -> None:
    stream, file = ChainedStream([Region(piece) for piece in pieces]), io.BytesIO(b"".join(pieces))
    for step, size in steps:
        at = file.tell()
        if step == "read":
            assert stream.read(size) == file.read(size)
        elif step == "readline":
            assert stream.readline() == file.readline()
        elif step == "skip":
            assert stream.skip(size) == len(file.read(max(size, 0)))
        else:
            assert stream.head(size) == file.read(max(size, 0))
            file.seek(at)
        assert stream.tell() == file.tell()
    assert stream.read() == file.read()
    assert stream.read(1) == b""
