"""The plainest command lines, ``check PATH`` and ``verify PATH`` with an option or two, without the parser.

It takes as long to be imported as a small file takes to be checked or verified.

What is not certain to be of this kind is left to the parser; a test holds that both say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from secureload.cli.output import Format, ReportFormat

__all__ = ["plain_check", "plain_verify"]

_FLAGS = {"-q": "quiet", "--quiet": "quiet", "--explain": "explain", "--no-color": "no_color"}
_VALUES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "--name": ("name", str),
    "--policy": ("policy", str),
    "--trust-store": ("trust_store", Path),
    "--format": ("output_format", Format),
}


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


def plain_verify(words: Sequence[str]) -> tuple[Path, dict[str, Any]] | None:
    """Return the path and the options of a plain ``verify``, None for any other command line."""
    if words[:1] != ["verify"] or not all(words):
        return None
    paths: list[Path] = []
    options: dict[str, Any] = {}
    rest = iter(words[1:])
    for word in rest:
        if word[0] != "-":
            paths.append(Path(word))
            continue
        field, convert = _VALUES.get(word, ("", str))
        value = next(rest, "-")
        if (
            not field
            or field in options
            or value[0] == "-"
            or (word == "--format" and value not in (*Format,))
        ):
            return None
        options[field] = convert(value)
    return (paths[0], options) if len(paths) == 1 else None
