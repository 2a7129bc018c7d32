"""``--to safetensors`` for models: structured safetensors; see ``docs/format-safetensors.md``."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from typing import Any

from secureload.convert.targets.compressed import compressed
from secureload.limits import Limits

__all__ = ["encode", "prepare"]

_LIBRARIES = {"sklearn": "scikit-learn", "xgboost": "xgboost", "lightgbm": "lightgbm", "pandas": "pandas"}
_versions: dict[str, str] = {}


def prepare() -> None:
    """Read the list of known classes and the versions of the libraries: they are files."""
    from secureload.structured.encoder import encode as _  # noqa: F401  # imported now, while files can be read
    from secureload.structured.known import default_known

    default_known()
    for library in _LIBRARIES.values():
        try:
            _versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue


def encode(model: Any, own_names: tuple[str, ...], limits: Limits, options: Mapping[str, Any]) -> list[Any]:
    """Return the structured file in pieces; ConversionError names what has no form in it."""
    from secureload.structured.encoder import encode as encode_structured
    from secureload.structured.known import default_known

    known = default_known().extended_by(own_names)
    modules = {
        name.partition(":")[0].partition(".")[0]
        for name in encode_structured(model, known, {}, limits).globals
    }
    versions = {
        name: _versions[name]
        for module, name in _LIBRARIES.items()
        if module in modules and name in _versions
    }
    # Whoever loads it is told of the version that saved the model, and not of the one that converted it.
    versions |= {name: said for name, said in options.get("versions", {}).items() if name in versions}
    encoded = encode_structured(model, known, versions, limits)
    return compressed(encoded.pieces, options)
