"""scipy's sparse matrices and arrays as values of the wire: their component arrays, checked when rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secureload.sandbox.wire.errors import Unencodable, WireValueError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode_sparse", "encode_sparse"]

_COMPRESSED = frozenset({"csr", "csc"})
# A list of lists has a list a row, a BSR matrix a pointer a row, a DIA matrix a line a diagonal, however empty.
_MAX_ROWS = 1 << 22
_MAX_CELLS = 1 << 27


def encode_sparse(value: Any, encode: Callable[[Any], Any]) -> list[Any]:
    """Encode a sparse container as ``["sp", format, is array, shape, components…]``.

    CSR, CSC and COO travel as they are; the formats that are made for building travel as COO.
    """
    import scipy.sparse

    if not scipy.sparse.issparse(value) or len(value.shape) != 2:
        raise Unencodable("a sparse array that is not two-dimensional")
    is_array = isinstance(value, scipy.sparse.sparray)
    if value.format in _COMPRESSED:
        parts = (value.data, value.indices, value.indptr)
    else:
        coo = value.tocoo()
        parts = (coo.data, coo.row, coo.col)
    return ["sp", value.format, is_array, list(value.shape), *(encode(part) for part in parts)]


def decode_sparse(tree: list[Any], decode: Callable[[Any], Any]) -> Any:
    """Rebuild a sparse container; indices out of range are refused before any algorithm runs over them."""
    import numpy as np
    import scipy.sparse

    _, name, is_array, shape, *encoded = tree
    if name not in {"csr", "csc", "coo", "lil", "dok", "dia", "bsr"} or len(shape) != 2 or len(encoded) != 3:
        raise WireValueError("a sparse matrix of an unknown form")
    if not all(type(extent) is int and 0 <= extent < 1 << 48 for extent in shape):
        raise WireValueError("a sparse matrix whose shape is none")
    data, first, second = (decode(part) for part in encoded)
    if not all(type(part) is np.ndarray and part.ndim == 1 for part in (data, first, second)):
        raise WireValueError("a sparse matrix whose parts are no arrays")
    suffix = "array" if is_array else "matrix"
    if name in _COMPRESSED:
        built = getattr(scipy.sparse, f"{name}_{suffix}")(
            (data, first, second), shape=tuple(shape), copy=True
        )
        built.check_format(full_check=True)
        return built
    coo = getattr(scipy.sparse, f"coo_{suffix}")((data, (first, second)), shape=tuple(shape), copy=True)
    if name in {"lil", "bsr"} and max(shape) > _MAX_ROWS:
        raise WireValueError("a sparse matrix of too many rows")
    if name == "dia" and np.unique(coo.col - coo.row).size * shape[1] > _MAX_CELLS:
        raise WireValueError("a sparse matrix of too many diagonals")
    return coo.asformat(name)
