"""Keras models in a zip archive (``.keras``, since Keras 2.12): configuration, weights, and the files of layers.

Keras 3 reads ``config.json`` and the weights, and gives each layer the folder ``assets/<layer>``, some of which unpack
or load what lies there. Whatever else is in the archive is looked at for what it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from secureload.formats.keras_config import walk_config
from secureload.formats.reading import Event, Observation, Problem, ReadContext, Versions
from secureload.formats.zip_dialect import ANY, DATA, Contents, Role
from secureload.values import dataclass, field

__all__ = ["recognise"]

_CONFIG = "config.json"
_METADATA = "metadata.json"
_OWN = frozenset((_CONFIG, _METADATA, "model.weights.h5", "model.weights.npz", "model.weights.json"))
_METADATA_BYTES = 1 << 20


def recognise(contents: Contents, file_name: str) -> KerasArchive | None:
    """Return the archive as Keras sees it, None where it has no configuration or neither the name nor the rest."""
    names = contents.by_name
    if _CONFIG not in names:
        return None
    companions = names.keys() & (_OWN - {_CONFIG})
    return KerasArchive(contents) if companions or file_name.lower().endswith(".keras") else None


@dataclass(frozen=True, slots=True)
class KerasArchive:
    """The archive as ``keras.saving.load_model`` sees it."""

    contents: Contents = field(repr=False)
    format: str = "keras"
    loader: str = "keras.saving.load_model"

    def role(self, name: str) -> Role:
        """Return what Keras takes a member for."""
        return DATA if name in (_CONFIG, _METADATA) else ANY

    def events(self, context: ReadContext) -> Iterator[Event]:
        """Yield what the configuration would import and run, and which members Keras does not read."""
        for text in self.contents.read(_CONFIG, context.limits.json_text_bytes):
            if isinstance(text, Problem):
                yield text
            else:
                yield from walk_config(text, context)
        yield from self._version()
        strangers = sorted(
            name for name in self.contents.by_name if name not in _OWN and name[:7] != "assets/"
        )
        if strangers:
            message = f"Keras does not read {len(strangers):,} members, the first is {strangers[0]!r}"
            yield Observation(code="keras.unread-member", message=message)

    def _version(self) -> Iterator[Event]:
        for text in self.contents.read(_METADATA, _METADATA_BYTES):
            try:
                found = json.loads(text) if isinstance(text, bytes) else {}
            except (ValueError, RecursionError):
                found = {}
            version = found.get("keras_version") if isinstance(found, dict) else None
            if isinstance(version, str):
                yield Versions(library="keras", version=version)
