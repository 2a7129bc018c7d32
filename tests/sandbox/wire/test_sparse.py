"""Sparse containers of scipy arrive with their format, their indices, and what is stored of zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire.errors import WireValueError
from secureload.sandbox.wire.values import Decoder

from .crossing import assert_same, crossed

DENSE = np.zeros((4, 6))
DENSE[1, 2], DENSE[3, 5] = 3, 1


@pytest.mark.parametrize("code", ["f8", "f4", "i8", "i4", "?", "c16", "u1"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
@pytest.mark.parametrize("name", ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"])
def test_each_format_of_each_dtype_arrives(name: str, kind: str, code: str) -> None:
    value = getattr(sp, f"{name}_{kind}")(DENSE.astype(code))
    assert_same(crossed(value), value)
    assert np.array_equal(crossed(value).toarray(), value.toarray())


ODD = {
    "unsorted": sp.csr_matrix((np.array([1.0, 2, 3]), [2, 0, 0], [0, 2, 3]), shape=(2, 3)),
    "duplicates": sp.csr_matrix((np.array([1.0, 2, 3]), [1, 1, 0], [0, 2, 3]), shape=(2, 3)),
    "stored zeros": sp.csr_matrix((np.array([0.0, 2]), [1, 0], [0, 1, 2]), shape=(2, 3)),
    "duplicate coordinates": sp.coo_matrix(([1.0, 2.0], ([0, 0], [1, 1])), shape=(2, 2)),
    "blocks": sp.bsr_matrix(np.kron(np.eye(2), np.ones((2, 2))), blocksize=(2, 2)),
    "diagonals": sp.dia_matrix((np.arange(6.0).reshape(2, 3), [0, 1]), shape=(3, 3)),
    "nothing": sp.csr_matrix((0, 5)),
}
for _name in ("csr", "csc"):
    _wide = ODD[f"{_name} with indices of 64 bits"] = getattr(sp, f"{_name}_matrix")(DENSE)
    _wide.indices, _wide.indptr = _wide.indices.astype("i8"), _wide.indptr.astype("i8")


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_what_is_stored_arrives_as_it_is_stored(value: Any) -> None:
    found = crossed(value)
    assert_same(found, value)
    if value.format in {"csr", "bsr"}:
        assert found.has_sorted_indices == value.has_sorted_indices
        assert found.has_canonical_format == value.has_canonical_format


def test_arrays_of_one_and_three_dimensions_arrive() -> None:
    for value in (
        sp.coo_array(np.array([0, 1.0])),
        sp.csr_array(np.array([0, 1.0])),
        sp.coo_array(np.eye(2)[None]),
    ):
        found = crossed(value)
        assert_same(found, value)
        assert np.array_equal(found.toarray(), value.toarray())


INTS = ["a", "<i8", [1], False, 0]
BLOCK = ["a", "<i8", [1, 1, 1], False, 1]


@pytest.mark.parametrize(
    "tree",
    [
        ["sp", "csr", True, [], INTS, INTS, INTS], ["sp", "dia", True, [2, 2], INTS, INTS],
        ["sp", "coo", True, [2, 2], INTS],
        ["sp", "bsr", True, [3, 3], BLOCK, INTS, INTS], ["sp", "coo", True, [2] * 40, INTS],
        ["sp", [], True, [2], INTS],
        ["sp", "lil", True, [1 << 40, 1], INTS, INTS, INTS],
    ],
    ids=repr,
)  # fmt: skip
def test_a_forged_matrix_is_a_wire_error(tree: Any) -> None:
    with pytest.raises(WireValueError):
        Decoder((bytes(8), bytes(8)), DEFAULT_LIMITS).decode(tree)
