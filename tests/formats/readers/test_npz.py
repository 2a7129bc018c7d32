from __future__ import annotations

import io

import numpy as np

from secureload.formats.readers import zip_archive
from tests.formats.zips import DEFLATED, Entry, archive

from .reading import run


def saved(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_what_numpy_saves_is_recognised_and_each_array_handed_on() -> None:
    file = io.BytesIO()
    np.savez_compressed(file, weights=np.arange(5000.0))
    for data in (saved(weights=np.arange(9), bias=np.zeros(3)), file.getvalue()):
        found = run(zip_archive, data, name="model.npz")
        assert found.formats == ["npz"]
        assert found.names[0] == "weights.npy"
        assert found.codes == []
        assert found.content("weights.npy").startswith(b"\x93NUMPY")


def test_a_member_that_is_no_array_is_told_and_looked_at_for_what_it_is() -> None:
    data = archive(Entry("a.npy", b"\x93NUMPY"), Entry("notes", b"\x80\x04N.", method=DEFLATED))
    found = run(zip_archive, data, name="model.npz")
    assert found.codes == ["npz.not-an-array"]
    assert {child.expect for child in found.children} == {"any"}


def test_an_archive_of_other_things_is_no_npz() -> None:
    assert run(zip_archive, archive(Entry("a.npy", b"x"), Entry("b", b"y"))).formats == ["zip"]
