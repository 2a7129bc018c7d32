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
        assert f"> {place}: REDUCE" in lines[place]
        assert "   2: GLOBAL posix system" in lines[place]


def test_the_arrays_of_a_joblib_file_are_stepped_over() -> None:
    buffer = io.BytesIO()
    joblib.dump({"a": np.arange(1_000.0), "b": np.arange(3)}, buffer)
    data = buffer.getvalue()
    found = explained(Region(data), "m.joblib", {"": [len(data) - 1]})
    assert found[""][len(data) - 1][-1] == f"> {len(data) - 1}: STOP"


def test_what_is_too_far_inside_is_left_out() -> None:
    found = explained(Region(PAYLOAD), "m.pkl", {"": [len(PAYLOAD) - 1]}, Limits(explained_items=2))
    assert found == {"": {}}
