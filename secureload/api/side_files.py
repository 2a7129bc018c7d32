"""The files beside an artifact that its pickle names: opened, pinned and examined as parts of it.

joblib before 0.10 kept arrays in files of their own. A name is looked up in the artifact's own folder only, no
link is followed, and a file that cannot be opened leaves its name in the trace, so that the verdict stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from secureload.artifact.artifact import Artifact, open_artifact
from secureload.errors import ArtifactError, SandboxError, UsageError
from secureload.formats.reading import Problem
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import SideFile
from secureload.scan.part import Part
from secureload.values import replace

__all__ = ["with_side_files"]


def with_side_files(
    artifact: Artifact,
    parts: Sequence[Part],
    survey: Callable[[Artifact], Sequence[Part]],
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Part, ...]:
    """Return ``parts``, those of ``artifact``, and behind them the parts of the files that its pickle names.

    ``survey`` examines an open file. The parts of a side file are called by its name.

    Raises:
        SandboxError: from ``survey``, or where a file cannot be pinned here.
    """
    names = dict.fromkeys(
        file.name for part in parts if _opens_here(part, parts) for file in _files(part) if file.is_plain
    )
    if not names:
        return tuple(parts)
    beside: list[Part] = []
    problems: list[Problem] = []
    examined: set[str] = set()
    for name in names:
        try:
            with open_artifact(_beside(artifact.locator, name), limits, expect="file") as side:
                beside.extend(_renamed(survey(side), name))
        except SandboxError:
            raise
        except (ArtifactError, UsageError) as error:
            problems.append(Problem(kind="unsupported", message=error.message))
        else:
            examined.add(name)
    marked = [_marked(part, examined) if _opens_here(part, parts) else part for part in parts]
    marked[0] = replace(marked[0], problems=(*marked[0].problems, *problems))
    return (*marked, *beside)


def _opens_here(part: Part, parts: Sequence[Part]) -> bool:
    """Whether its loader looks beside the artifact: for the artifact, or what an old joblib compressed in it."""
    return not part.path or (parts[0].format == "joblib-zfile" and "!/" not in part.path)


def _files(part: Part) -> tuple[SideFile, ...]:
    return part.trace.side_files if part.trace is not None else ()


def _beside(locator: str, name: str) -> str:
    return str(Path(locator).parent / name)


def _renamed(parts: Sequence[Part], name: str) -> Iterator[Part]:
    for part in parts:
        yield replace(part, path=f"{name}!/{part.path}" if part.path else name)


def _marked(part: Part, examined: set[str]) -> Part:
    if part.trace is None:
        return part
    files = tuple(replace(file, examined=file.name in examined) for file in part.trace.side_files)
    return replace(part, trace=replace(part.trace, side_files=files))
