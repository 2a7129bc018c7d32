"""The compressed files of joblib before 0.10: ``ZF``, the expanded length in hexadecimal, a zlib stream.

``joblib.load`` unpickles what is in one. Beside a model they also hold the bytes of single arrays
(``model.pkl_01.npy.z``), which are data to the loader. Source: ``joblib/numpy_pickle_compat.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.errors import MalformedError
from secureload.formats.expanding import ExpandingReader
from secureload.formats.reading import Child, Event, Identified, Problem, ReadContext
from secureload.formats.region import Region

__all__ = ["read"]

# "ZF", then room for "0x10000000000000000". Python 2 wrote one character more.
_PREFIX_BYTES = 2
_HEADER_BYTES = 21


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield what the stream holds: a pickle, or the bytes of an array where the name says so."""
    yield Identified(format="joblib-zfile", loader="joblib.load")
    length = _length(data)
    start = _HEADER_BYTES + (data.read_at(_HEADER_BYTES, 1) == b" ")
    packed = data.part(start, data.size - start)

    def expanded() -> ExpandingReader:
        return ExpandingReader(packed.cursor(), "zlib", context.limits)

    is_array = context.name.endswith(".npy.z")
    yield Child(
        name="array" if is_array else "pickle", data=expanded, expect="data" if is_array else "pickle"
    )
    stream = expanded()
    found = stream.drain()
    if stream.failure is not None:
        raise stream.failure
    if found != length:
        message = f"its header says that it expands to {length:,} bytes, and there are {found:,}"
        yield Problem(kind="malformed", message=message)
    if stream.trailing_bytes:
        at = data.size - stream.trailing_bytes
        yield Problem(
            kind="trailing", message=f"{stream.trailing_bytes:,} bytes follow the stream", offset=at
        )
        yield Child(name="trailing", data=data.part(at, stream.trailing_bytes))


def _length(data: Region) -> int:
    """Return the length as joblib reads it: what ``int`` takes to the base of sixteen."""
    text = data.read_at(_PREFIX_BYTES, _HEADER_BYTES - _PREFIX_BYTES)
    try:
        length = int(text, 16)
    except ValueError:
        length = -1
    if length < 0 or data.size < _HEADER_BYTES:
        raise MalformedError(
            "the header of the compressed file has no length", format="joblib-zfile", offset=0
        )
    return length
