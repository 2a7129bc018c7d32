"""What of pandas stays in models keeps its type, and what is no such thing is refused."""

from __future__ import annotations

from typing import Any

import pytest

from secureload.errors import MalformedError
from tests.structured.forging import forged, read, written

pd = pytest.importorskip("pandas", reason="pandas is not installed")


@pytest.mark.parametrize(
    "value",
    [
        pd.Index(["a", "b"], name="names"),
        pd.Index(["a", "b"], dtype=object),
        pd.Index([1, 2, 3]),
        pd.RangeIndex(2, 10, 2),
        pd.CategoricalDtype(["x", "y"], ordered=True),
        pd.StringDtype("python"),
    ],
    ids=repr,
)
def test_indexes_and_types_of_columns_keep_their_type(value: Any) -> None:
    (again,) = read(written([value]))
    assert type(again) is type(value)
    assert repr(again) == repr(value)


def test_an_index_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedError):
        read(forged([pd.RangeIndex(2, 10, 2)], lambda forgery: forgery.nodes("x")[0].__setitem__(4, 0)))
