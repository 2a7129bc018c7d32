"""Parts as plain lists, to cross from the confined tracer to its caller, who believes nothing of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

import msgpack

from secureload.formats.reading import Observation, Problem, ProblemKind
from secureload.pickles.checked import TraceFormatError, as_int, as_str, as_text, each, one_of
from secureload.pickles.codec import decode_trace, encode_trace
from secureload.printable import printable
from secureload.scan.part import Part
from secureload.values import dataclass

__all__ = ["EncodedParts", "decode_parts", "decode_shape", "encode_parts"]

_PATH_CHARS = 1_000
# An empty list is 1 byte of msgpack and 56 bytes here.
_MOST_LISTS = 2_000_000
_DETAIL_CHARS = 4_000
_MESSAGE_CHARS = 400


@dataclass(frozen=True, slots=True)
class EncodedParts:
    """Parts as they cross: their ``shape`` in msgpack, which models of one kind share, and their ``numbers``."""

    shape: bytes
    numbers: tuple[int, ...]


def encode_parts(parts: Sequence[Part]) -> EncodedParts:
    """Return ``parts`` encoded. Texts are made printable and cut here already, so that what crosses is bounded."""
    numbers: list[int] = []
    shape = [_encode_part(part, numbers) for part in parts]
    return EncodedParts(
        msgpack.packb(shape, use_bin_type=True, unicode_errors="surrogatepass"), tuple(numbers)
    )


def _encode_part(part: Part, numbers: list[int]) -> list[Any]:
    numbers += (part.bytes_total, part.bytes_examined)
    numbers += [observation.offset for observation in part.observations]
    numbers += [problem.offset for problem in part.problems]
    return [
        printable(part.path, _PATH_CHARS),
        part.format,
        part.description,
        part.loader,
        part.compression,
        [
            [o.code, printable(o.message, _MESSAGE_CHARS), printable(o.detail, _DETAIL_CHARS)]
            for o in part.observations
        ],
        [[p.kind, printable(p.message, _MESSAGE_CHARS)] for p in part.problems],
        [[printable(library), printable(version)] for library, version in part.versions],
        part.data_members,
        part.extension_disagrees,
        None if part.trace is None else encode_trace(part.trace, numbers),
    ]


def decode_parts(encoded: EncodedParts) -> tuple[Part, ...]:
    """Return the parts, of which there is at least one.

    Raises:
        TraceFormatError: it is not what :func:`encode_parts` makes.
    """
    numbers = iter(encoded.numbers)
    parts = _decoded(encoded.shape, numbers)
    if next(numbers, None) is not None:
        raise TraceFormatError("more numbers than there is a place for")
    return parts


def decode_shape(shape: bytes) -> tuple[Part, ...]:
    """Return what all parts of this shape have in common: every offset, count and size is 1.

    Raises:
        TraceFormatError: it is no such shape.
    """
    return _decoded(shape, repeat(1))


def _decoded(shape: bytes, numbers: Iterator[int]) -> tuple[Part, ...]:
    try:
        left = iter(range(_MOST_LISTS))
        data = msgpack.unpackb(
            shape,
            raw=False,
            strict_map_key=True,
            unicode_errors="surrogatepass",
            list_hook=lambda items: items if next(left, None) is not None else _refuse(),
        )
        parts = each(data, lambda *fields: _decode_part(*fields, numbers=numbers))
    except TraceFormatError:
        raise
    # msgpack raises its own subclasses of ValueError, and what its input leads it to
    except (
        ValueError,
        TypeError,
        IndexError,
        StopIteration,
        OverflowError,
        RuntimeError,  # the numbers ended inside of a generator
        MemoryError,
        msgpack.exceptions.UnpackException,
    ) as error:
        raise TraceFormatError(f"not the parts of an artifact ({type(error).__name__})") from error
    if not parts or parts[0].path:
        raise TraceFormatError("the artifact itself is missing")
    return parts


def _refuse() -> None:
    raise TraceFormatError("too many lists")


def _decode_part(
    path: Any,
    name: Any,
    description: Any,
    loader: Any,
    compression: Any,
    observations: Any,
    problems: Any,
    versions: Any,
    data_members: Any,
    disagrees: Any,
    trace: Any,
    *,
    numbers: Iterator[int],
) -> Part:
    total, examined = next(numbers), next(numbers)
    return Part(
        path=as_text(path, _PATH_CHARS + 100),
        format=as_text(name),
        description=as_text(description),
        loader=as_text(loader),
        compression=None if compression is None else as_text(compression),
        observations=each(
            observations,
            lambda code, message, detail: Observation(
                code=as_str(code),
                message=as_text(message),
                detail=as_text(detail, _DETAIL_CHARS + 100),
                offset=next(numbers),
            ),
        ),
        problems=each(
            problems,
            lambda kind, message: Problem(
                kind=one_of(kind, ProblemKind), message=as_text(message), offset=next(numbers)
            ),
        ),
        versions=each(versions, lambda library, version: (as_text(library), as_text(version))),
        data_members=as_int(data_members),
        extension_disagrees=as_text(disagrees),
        trace=None if trace is None else decode_trace(trace, numbers),
        bytes_total=total,
        bytes_examined=examined,
    )
