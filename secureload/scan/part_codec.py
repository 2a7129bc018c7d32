"""Parts as plain lists, to cross from the confined tracer to its caller, who believes nothing of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from secureload.formats.reading import Observation, Problem, ProblemKind
from secureload.pickles.checked import TraceFormatError, as_int, as_list, as_str, as_text, each, one_of
from secureload.pickles.codec import decode_trace, encode_trace
from secureload.printable import printable
from secureload.scan.part import Part

__all__ = ["decode_parts", "encode_parts"]

_PATH_CHARS = 1_000
_DETAIL_CHARS = 4_000
_MESSAGE_CHARS = 400


def encode_parts(parts: Sequence[Part]) -> list[Any]:
    """Return ``parts`` as nested lists of str, int, float, bool, bytes and None.

    Texts are made printable and cut here already, so that what crosses is bounded.
    """
    return [
        [
            printable(part.path, _PATH_CHARS),
            part.format,
            part.description,
            part.loader,
            part.compression,
            None if part.trace is None else encode_trace(part.trace),
            [
                [o.code, printable(o.message, _MESSAGE_CHARS), printable(o.detail, _DETAIL_CHARS), o.offset]
                for o in part.observations
            ],
            [[p.kind, printable(p.message, _MESSAGE_CHARS), p.offset] for p in part.problems],
            [[printable(library), printable(version)] for library, version in part.versions],
            [part.data_members, part.bytes_total, part.bytes_examined],
            part.extension_disagrees,
        ]
        for part in parts
    ]


def decode_parts(data: object) -> tuple[Part, ...]:
    """Return the parts of ``data``, of which there is at least one.

    Raises:
        TraceFormatError: it is not what :func:`encode_parts` makes.
    """
    try:
        parts = each(data, _decode_part)
    except TraceFormatError:
        raise
    except (ValueError, TypeError, IndexError) as error:
        raise TraceFormatError(f"not the parts of an artifact ({type(error).__name__})") from error
    if not parts or parts[0].path:
        raise TraceFormatError("the artifact itself is missing")
    return parts


def _decode_part(
    path: Any,
    name: Any,
    description: Any,
    loader: Any,
    compression: Any,
    trace: Any,
    observations: Any,
    problems: Any,
    versions: Any,
    counts: Any,
    disagrees: Any,
) -> Part:
    data_members, total, examined = (as_int(number) for number in as_list(counts))
    return Part(
        path=as_text(path, _PATH_CHARS + 100),
        format=as_text(name),
        description=as_text(description),
        loader=as_text(loader),
        compression=None if compression is None else as_text(compression),
        trace=None if trace is None else decode_trace(trace),
        observations=each(
            observations,
            lambda code, message, detail, offset: Observation(
                code=as_str(code),
                message=as_text(message),
                detail=as_text(detail, _DETAIL_CHARS + 100),
                offset=as_int(offset),
            ),
        ),
        problems=each(
            problems,
            lambda kind, message, offset: Problem(
                kind=one_of(kind, ProblemKind), message=as_text(message), offset=as_int(offset)
            ),
        ),
        versions=each(versions, lambda library, version: (as_text(library), as_text(version))),
        data_members=data_members,
        bytes_total=total,
        bytes_examined=examined,
        extension_disagrees=as_text(disagrees),
    )
