"""What a structured model names: classes and functions that are looked up when it is loaded, and versions.

The format is that of :mod:`secureload.structured`; the rules judge its names as they judge those of a pickle,
although none of them is called with anything of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from secureload.formats.reading import Event, Problem, Reference, Versions
from secureload.formats.region import Region
from secureload.json_values import kind_of

__all__ = ["STRUCTURE", "structured_events"]

# The tensor that holds the JSON, always the last one.
STRUCTURE = "__structure__"
_FORMAT = "secureload.structured"
_LIBRARY = "library."
# The names stand first in the JSON; the models of all of scikit-learn's estimators name some thirty.
_NAMES_BYTES = 1 << 20
_NAMES = 10_000


def structured_events(header: bytes, data: Region, begin: int, end: int) -> Iterator[Event]:
    """Yield the names and versions of a structured model whose JSON lies from ``begin`` to ``end`` of ``data``."""
    metadata = _metadata(header)
    if metadata.get("format") != _FORMAT:
        return
    for key, value in metadata.items():
        if key.startswith(_LIBRARY) and isinstance(value, str):
            yield Versions(library=key.removeprefix(_LIBRARY), version=value)
    text = data.read_at(begin, min(max(end - begin, 0), _NAMES_BYTES)).decode("utf-8", "replace")
    try:
        names, _ = json.JSONDecoder().raw_decode(text, 1)
    except (ValueError, RecursionError):
        yield Problem(kind="malformed", message="the structure of the model does not begin with its names")
        return
    if not isinstance(names, list) or len(names) > _NAMES:
        yield Problem(kind="malformed", message=f"the names of the model are {kind_of(names)}, or too many")
        return
    for name in names:
        module, colon, path = name.partition(":") if isinstance(name, str) else ("", "", "")
        if isinstance(name, str) and name.startswith("{"):
            continue  # the type of records
        if not colon or not module or not path:
            yield Problem(kind="malformed", message="the model names something that is no name")
            return
        yield Reference(module=module, name=path)


def _metadata(header: bytes) -> dict[str, object]:
    try:
        found = json.loads(header)
    except (ValueError, RecursionError):
        return {}
    metadata = found.get("__metadata__") if isinstance(found, dict) else None
    return metadata if isinstance(metadata, dict) else {}
