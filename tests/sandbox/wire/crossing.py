"""A value as it arrives on the other side, and whether it is the same to the last bit."""

from __future__ import annotations

from typing import Any

import msgpack
import numpy as np
import pandas as pd
import scipy.sparse

from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.sandbox.wire.values import Decoder, Encoder


def crossed(value: object, limits: Limits = DEFAULT_LIMITS, *, exact: bool = True) -> Any:
    """The value as it arrives: encoded, packed, unpacked, decoded."""
    encoder = Encoder(limits, exact=exact)
    tree = msgpack.packb(encoder.encode(value), use_bin_type=True, unicode_errors="surrogatepass")
    segments = tuple(bytes(segment) for segment in encoder.segments)
    return Decoder(segments, limits).decode(msgpack.unpackb(tree, unicode_errors="surrogatepass"))


def assert_same(found: Any, expected: Any) -> None:
    """Fail unless both are of one type and the same in every bit, layout and label."""
    assert type(found) is type(expected)
    if isinstance(expected, np.ma.MaskedArray) and expected is not np.ma.masked:
        assert_same(np.ma.getmaskarray(found), np.ma.getmaskarray(expected))
        assert (found.mask is np.ma.nomask) == (expected.mask is np.ma.nomask)
        assert repr(found.fill_value) == repr(expected.fill_value)
        assert found.hardmask == expected.hardmask
        assert_same(np.asarray(found.data), np.asarray(expected.data))
    elif isinstance(expected, np.ndarray):
        _same_array(found, expected)
    elif isinstance(expected, np.generic):
        assert found.dtype == expected.dtype
        assert repr(found) == repr(expected)
    elif isinstance(expected, pd.DataFrame | pd.Series):
        _same_frame(found, expected)
    elif isinstance(expected, pd.Index):
        pd.testing.assert_index_equal(found, expected, exact=True)
        assert getattr(found, "freq", None) == getattr(expected, "freq", None)
    elif scipy.sparse.issparse(expected):
        _same_sparse(found, expected)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, dict):
        assert_same(list(found.items()), list(expected.items()))
    else:
        assert repr(found) == repr(expected)


def _same_array(found: Any, expected: Any) -> None:
    assert found.dtype == expected.dtype
    assert found.dtype.str == expected.dtype.str
    assert found.shape == expected.shape
    if expected.dtype.hasobject or expected.dtype.kind == "T":
        assert repr(found.tolist()) == repr(expected.tolist())
        return
    if expected.dtype.names is not None:  # what lies between the fields does not cross
        for name in expected.dtype.names:
            assert found[name].tobytes() == expected[name].tobytes()
        return
    assert found.tobytes() == expected.tobytes()
    if expected.size:
        lengths = [i for i, extent in enumerate(expected.shape) if extent > 1]
        assert [found.strides[i] for i in lengths] == [expected.strides[i] for i in lengths]


def _same_frame(found: Any, expected: Any) -> None:
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected, check_column_type="exact", check_index_type="exact")
        assert found.columns.names == expected.columns.names
    else:
        pd.testing.assert_series_equal(found, expected, check_index_type="exact")
    assert found.index.names == expected.index.names
    assert found.attrs == expected.attrs


def _same_sparse(found: Any, expected: Any) -> None:
    assert (found.format, found.dtype, found.shape) == (expected.format, expected.dtype, expected.shape)
    for name in ("data", "indices", "indptr", "row", "col", "offsets"):
        part = getattr(expected, name, None)
        if isinstance(part, np.ndarray):
            assert_same(getattr(found, name), part)
