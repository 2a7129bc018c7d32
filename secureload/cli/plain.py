"""The plainest command line, ``check PATH`` with a flag or two, without the parser, which takes as long as the check.

What is not certain to be of this kind is left to the parser; a test holds that both say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from secureload.cli.output import ReportFormat

__all__ = ["plain_check"]

_FLAGS = {"-q": "quiet", "--quiet": "quiet", "--explain": "explain", "--no-color": "no_color"}


def plain_check(words: Sequence[str]) -> tuple[list[Path], dict[str, Any]] | None:
    """Return the paths and the options of a plain ``check``, None for any other command line."""
    if words[:1] != ["check"]:
        return None
    paths: list[Path] = []
    options: dict[str, Any] = {}
    rest = iter(words[1:])
    for word in rest:
        flag = _FLAGS.get(word)
        if flag is not None:
            options[flag] = True
        elif word == "--format" and "output_format" not in options:
            name = next(rest, "")
            if name not in (*ReportFormat,):
                return None
            options["output_format"] = ReportFormat(name)
        elif not word or word[0] == "-":
            return None
        else:
            paths.append(Path(word))
    return (paths, options) if paths else None
