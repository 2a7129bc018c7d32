"""Which files of a folder are examined, and which need not be: signatures, and text that is no pickle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from secureload.errors import LimitError, SecureloadError
from secureload.formats.catalog import EXTENSIONS
from secureload.formats.detect import HEAD_BYTES, Detected, detect
from secureload.limits import Limits
from secureload.printable import printable
from secureload.values import dataclass

__all__ = ["Found", "walk"]

# Names under which models travel, though not always in a format of ours.
_MODEL_EXTENSIONS = frozenset(
    {extension for extension, formats in EXTENSIONS.items() if "text" not in formats}
    | {".bin", ".dat", ".dill", ".model", ".mlmodel", ".pb", ".data"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One entry of a folder by its ``name`` below it: to be examined, or skipped, or why neither can be."""

    path: Path
    name: str
    skipped: str = ""
    error: SecureloadError | None = None


def walk(folder: Path, limits: Limits) -> Iterator[Found]:
    """Yield everything below ``folder`` that is no folder, sorted; links are never followed.

    What cannot be listed is yielded with its error, and so is what is beyond a limit.
    """
    left = limits.folder_members
    waiting: list[tuple[Path, str, int]] = [(folder, "", 1)]
    while waiting:
        place, prefix, depth = waiting.pop()
        names, error = _names(place, left)
        left -= len(names)
        inner = []
        for name, is_folder in names:
            if not is_folder:
                yield _found(place / name, prefix + name)
            elif depth >= limits.folder_depth:
                yield Found(
                    path=place / name, name=prefix + name, error=_limit("folder_depth", limits.folder_depth)
                )
            else:
                inner.append((place / name, f"{prefix}{name}/", depth + 1))
        waiting.extend(reversed(inner))
        if error is not None:
            yield Found(path=place, name=prefix or ".", error=error)
        if left <= 0:
            yield Found(path=place, name=prefix or ".", error=_limit("folder_members", limits.folder_members))
            return


def _names(place: Path, most: int) -> tuple[list[tuple[str, bool]], SecureloadError | None]:
    from secureload.artifact.opening import os_failure

    names: list[tuple[str, bool]] = []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if len(names) >= most:
                    break
                names.append((entry.name, entry.is_dir(follow_symlinks=False)))
    except OSError as error:
        return sorted(names), os_failure(error, printable(place))
    return sorted(names), None


def _found(path: Path, name: str) -> Found:
    if path.suffix.lower() in _MODEL_EXTENSIONS:
        return Found(path=path, name=name)  # it is examined whatever it holds: no need to look twice
    try:
        detected = _detected(path)
    except SecureloadError as error:
        return Found(path=path, name=name, error=error)
    if detected.compression is None and not detected.may_be_pickle:
        if _is_signature(path) and detected.format in ("text", "json", "empty"):
            return Found(path=path, name=name, skipped="a signature file")
        if detected.format in ("text", "empty"):
            return Found(path=path, name=name, skipped=f"{detected.description}, and certainly no pickle")
    return Found(path=path, name=name)


def _detected(path: Path) -> Detected:
    from secureload.artifact.opening import open_regular, os_failure

    shown = printable(path)
    descriptor, status = open_regular(str(path), shown=shown)
    try:
        return detect(os.pread(descriptor, HEAD_BYTES, 0), status.st_size, path.name)
    except OSError as error:
        raise os_failure(error, shown) from None
    finally:
        os.close(descriptor)


def _is_signature(path: Path) -> bool:
    if path.name == "model.sig":
        return True
    return path.suffix == ".sig" and os.path.lexists(path.with_suffix(""))


def _limit(name: str, allowed: int) -> LimitError:
    return LimitError(
        f"not everything was looked at: the folder is beyond the limit {name} ({allowed:,})",
        hint="check a smaller folder",
        limit=name,
        allowed=allowed,
    )
