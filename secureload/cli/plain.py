"""The plainest command lines, ``check``, ``verify`` or ``sign PATH`` with an option or two, without the parser.

It takes as long to be imported as a small file takes to be checked, verified or signed.

What is not certain to be of this kind is left to the parser; a test holds that both say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from secureload.cli.output import Format, ReportFormat

__all__ = ["plain_check", "plain_sign", "plain_verify"]

_FLAGS = {"-q": "quiet", "--quiet": "quiet", "--explain": "explain", "--no-color": "no_color"}
_Known: TypeAlias = dict[str, tuple[str, Callable[[str], Any]]]
_OF_VERIFY: _Known = {
    "--name": ("name", str),
    "--policy": ("policy", str),
    "--trust-store": ("trust_store", Path),
    "--format": ("output_format", Format),
}
_OF_SIGN: _Known = {
    "--key": ("key", Path),
    "--name": ("name", str),
    "--model-version": ("model_version", str),
    "--version": ("model_version", str),
    "--expires": ("expires", str),
    "--metadata": ("metadata", Path),
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
    return _one_path(words, _OF_VERIFY) if words[:1] == ["verify"] else None


def plain_sign(words: Sequence[str]) -> tuple[Path, dict[str, Any]] | None:
    """Return the path and the options of a plain ``sign``, None for any other command line."""
    return _one_path(words, _OF_SIGN) if words[:1] == ["sign"] else None


def _one_path(words: Sequence[str], known: _Known) -> tuple[Path, dict[str, Any]] | None:
    """Return the one path behind the command, and what of ``known`` stands around it, each once."""
    if not all(words):
        return None
    paths: list[Path] = []
    options: dict[str, Any] = {}
    rest = iter(words[1:])
    for word in rest:
        if word[0] != "-":
            paths.append(Path(word))
            continue
        field, convert = known.get(word, ("", str))
        value = next(rest, "-")
        if not field or field in options or value[0] == "-":
            return None
        if convert is Format and value not in (*Format,):
            return None
        options[field] = convert(value)
    return (paths[0], options) if len(paths) == 1 else None
