"""One file of the corpus, and the folder that they are written to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

__all__ = ["Kind", "Sample", "Written", "read_index", "write_samples"]

# malicious: to be rejected. bomb: to be stopped, whatever it is called. by-value: honest code that a pickle
# carries, which nobody can vouch for. benign: to be accepted.
Kind: TypeAlias = Literal["malicious", "bomb", "by-value", "benign"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A file to be: ``group`` is its class or its library, ``name`` ends in its extension.

    ``beside`` are files that belong to it, by their relative names.
    """

    kind: Kind
    group: str
    name: str
    data: bytes
    beside: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is there; ``path`` is relative to the corpus."""

    kind: Kind
    group: str
    path: str


def write_samples(folder: Path, samples: Iterable[Sample]) -> list[Written]:
    """Write each sample to ``KIND/GROUP/NUMBER-NAME`` below ``folder``."""
    written: list[Written] = []
    for number, sample in enumerate(samples):
        below = folder / sample.kind / _slug(sample.group)
        if sample.beside:
            below /= f"{number:04d}"
        below.mkdir(parents=True, exist_ok=True)
        name = sample.name if sample.beside else f"{number:04d}-{_slug(sample.name)}"
        (below / name).write_bytes(sample.data)
        for other, data in sample.beside.items():
            (below / other).parent.mkdir(parents=True, exist_ok=True)
            (below / other).write_bytes(data)
        written.append(Written(sample.kind, sample.group, str((below / name).relative_to(folder))))
    return written


def write_index(path: Path, written: Iterable[Written]) -> None:
    """Write the list of what was written; its being there says that the writing was finished."""
    text = json.dumps([asdict(entry) for entry in written], indent=0)
    path.write_text(text + "\n", encoding="utf-8")


def read_index(path: Path) -> Iterator[Written]:
    """Read a list that :func:`write_index` wrote."""
    for entry in json.loads(path.read_text(encoding="utf-8")):
        yield Written(**entry)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-")[:90]
