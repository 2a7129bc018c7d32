"""scipy's sparse matrices and arrays as values of the wire: their component arrays, checked when rebuilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secureload.sandbox.wire.errors import Unencodable, WireValueError

__all__ = ["decode_sparse", "encode_sparse"]

# A list of lists has a list a row; DOK and LIL are made of Python objects.
_MAX_ROWS = 1 << 22
_ROW_BYTES = 160
_MAX_DIMENSIONS = 32


def _coordinates(value: Any) -> tuple[Any, ...]:
    coo = value.tocoo()
    # scipy before 1.13 has two dimensions only, and no name for both.
    return (coo.data, *(coo.coords if hasattr(coo, "coords") else (coo.row, coo.col)))


_PARTS: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "csr": lambda value: (value.data, value.indices, value.indptr),
    "csc": lambda value: (value.data, value.indices, value.indptr),
    "bsr": lambda value: (value.data, value.indices, value.indptr),
    "dia": lambda value: (value.data, value.offsets),
    "coo": _coordinates,
    "lil": _coordinates,
    "dok": _coordinates,
}


def encode_sparse(value: Any, encode: Callable[[Any], Any]) -> list[Any]:
    """Encode a sparse container as ``["sp", format, is array, shape, components…]``.

    The formats that are made for building travel as coordinates, all others as they are.
    """
    import scipy.sparse

    if not scipy.sparse.issparse(value) or type(value).__name__ not in _class_names(value.format):
        raise Unencodable(f"an object of type {type(value).__qualname__}")
    is_array = isinstance(value, scipy.sparse.sparray)
    parts = _PARTS[value.format](value)
    return ["sp", value.format, is_array, list(value.shape), *(encode(part) for part in parts)]


def _class_names(name: str) -> tuple[str, str]:
    return f"{name}_array", f"{name}_matrix"


def decode_sparse(tree: list[Any], decode: Callable[[Any], Any], expand: Callable[[int], None]) -> Any:
    """Rebuild a sparse container; indices out of range are refused before any algorithm runs over them.

    ``expand`` accounts for what takes more than came for it.
    """
    import numpy as np
    import scipy.sparse

    _, name, is_array, extents, *encoded = tree
    if name not in _PARTS or not isinstance(extents, list) or not 1 <= len(extents) <= _MAX_DIMENSIONS:
        raise WireValueError("a sparse matrix of an unknown form")
    if not all(type(extent) is int and 0 <= extent < 1 << 48 for extent in extents):
        raise WireValueError("a sparse matrix whose shape is none")
    parts = [decode(part) for part in encoded]
    if not all(type(part) is np.ndarray for part in parts) or len(parts) < 2:
        raise WireValueError("a sparse matrix whose parts are no arrays")
    if not all(part.ndim == 1 and part.dtype.kind in "iu" for part in parts[1:]):
        raise WireValueError("a sparse matrix whose indices are none")
    shape = tuple(extents)
    kind = getattr(scipy.sparse, _class_names(name)[not is_array])
    if name in {"csr", "csc", "bsr"}:
        return _compressed(kind, parts, shape, name)
    if name == "dia":
        return _diagonals(kind, parts, shape)
    if name == "lil":
        if max(shape) > _MAX_ROWS:
            raise WireValueError("a sparse matrix of too many rows")
        expand(max(shape) * _ROW_BYTES)
    return _from_coordinates(scipy.sparse, parts, shape, name, is_array=bool(is_array))


def _compressed(kind: Any, parts: list[Any], shape: tuple[int, ...], name: str) -> Any:
    import numpy as np

    if len(parts) != 3 or parts[0].ndim != (3 if name == "bsr" else 1):
        raise WireValueError("a sparse matrix of an unknown form")
    built = kind(tuple(parts), shape=shape, copy=True)
    built.check_format(full_check=True)
    if all(part.dtype == np.int64 for part in parts[1:]):
        # scipy made them as small as they may be; a graph of neighbours has them in 64 bits, however small it is.
        built.indices, built.indptr = built.indices.astype(np.int64), built.indptr.astype(np.int64)
    return built


def _diagonals(kind: Any, parts: list[Any], shape: tuple[int, ...]) -> Any:
    if len(parts) != 2 or parts[0].ndim != 2 or len(parts[0]) != len(parts[1]):
        raise WireValueError("a sparse matrix of an unknown form")
    return kind(tuple(parts), shape=shape, copy=True)


def _from_coordinates(
    scipy_sparse: Any, parts: list[Any], shape: tuple[int, ...], name: str, *, is_array: bool
) -> Any:
    data, *coordinates = parts
    if data.ndim != 1 or len(coordinates) != len(shape):
        raise WireValueError("a sparse matrix of an unknown form")
    kind = scipy_sparse.coo_array if is_array else scipy_sparse.coo_matrix
    coo = kind((data, tuple(coordinates)), shape=shape, copy=True)
    return coo if name == "coo" else coo.asformat(name)
