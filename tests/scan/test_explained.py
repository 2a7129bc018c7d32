"""The opcodes around findings, wherever in an artifact they are."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile

import joblib
import numpy as np

from secureload.formats.region import Region
from secureload.limits import Limits
from secureload.scan.explained import explained

PAYLOAD = b"\x80\x04cposix\nsystem\n\x8c\x05true \x85R."


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_members_of_members_and_compressed_ones_are_found_by_their_paths() -> None:
    inner = zipped({"deep.pkl": PAYLOAD})
    outer = zipped(
        {"plain.pkl": pickle.dumps([1]), "inner.zip": inner, "packed.pkl.gz": gzip.compress(PAYLOAD)}
    )
    place = PAYLOAD.index(b"R.")
    wanted = {"inner.zip!/deep.pkl": [place], "packed.pkl.gz": [place], "gone.pkl": [1], "plain.pkl": []}
    found = explained(Region(outer), "outer.zip", wanted)
    assert set(found) == {"inner.zip!/deep.pkl", "packed.pkl.gz"}
    for lines in found.values():
        (marked,) = (line for line in lines[place] if line.startswith(">"))
        assert marked.endswith("REDUCE")
        assert any("GLOBAL" in line and "posix" in line for line in lines[place])


def test_the_arrays_of_a_joblib_file_are_stepped_over() -> None:
    buffer = io.BytesIO()
    joblib.dump({"a": np.arange(1_000.0), "b": np.arange(3)}, buffer)
    data = buffer.getvalue()
    found = explained(Region(data), "m.joblib", {"": [len(data) - 1]})
    last = found[""][len(data) - 1][-1]
    assert last.startswith(">")
    assert last.endswith("STOP")


def test_what_would_take_too_long_is_left_out() -> None:
    place = PAYLOAD.index(b"R.")
    found = explained(Region(PAYLOAD), "m.pkl", {"": [place, 2, place]}, Limits(explained_bytes=place + 2))
    assert set(found[""]) == {2, place}
    found = explained(Region(PAYLOAD), "m.pkl", {"": [place]}, Limits(explained_bytes=place - 1))
    assert found == {"": {}}


def test_a_member_that_ends_too_early_shows_what_there_is() -> None:
    packed = gzip.compress(PAYLOAD * 1_000)
    found = explained(Region(packed[: len(packed) // 2]), "m.pkl.gz", {"": [3, len(PAYLOAD) * 900]})
    assert "PROTO" in found[""][3][0]
