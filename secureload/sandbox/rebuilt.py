"""Exceptions and warnings of the worker, raised and issued again in the caller's process.

Only classes that are already here are used: Python's own, and those of numpy and scikit-learn if the caller
has imported them. Nothing is imported because the worker names it.
"""

from __future__ import annotations

import builtins
import logging
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from secureload.errors import SandboxError
from secureload.limits import Limits
from secureload.printable import printable
from secureload.sandbox.callers import callers_level
from secureload.sandbox.wire.errors import WireValueError
from secureload.sandbox.wire.values import Decoder

__all__ = ["ModelError", "printable_lines", "rebuilt_exception", "reissue_warnings"]

_MODULES = frozenset(
    {"sklearn.exceptions", "numpy.exceptions", "numpy.linalg", "numpy", "pandas.errors", "scipy.linalg"}
    | {"xgboost.core", "lightgbm.basic", "statsmodels.tools.sm_exceptions", "_catboost"}
)
_MODEL = logging.getLogger("secureload.model")  # what a model prints
_STREAMS = frozenset({"stdout", "stderr"})
# What is logged of one answer, whatever it says: so many lines and characters.
_MAX_LINES = 1_000
_LOGGED_CHARS = 1 << 16
# Different texts of warnings that Python's filters are to remember; it forgets none, ever.
_REMEMBERED_WARNINGS = 1_000
_NOTE = "raised by the model, inside the sandbox"
# Control flow of the interpreter is never the worker's to cause.
_NEVER = (SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, StopAsyncIteration)
_MAX_LINEAGE = 16
_MAX_WARNINGS = 100
_MESSAGE_CHARS = 10_000
_NAME_CHARS = 200


def printable_lines(text: str, limit: int = _MESSAGE_CHARS) -> str:
    """Return ``text`` with its line breaks and tabs, and without anything else that a terminal would obey."""
    shown = text[:limit]
    if not shown.isprintable():
        pieces = ("\t".join(_shown(part) for part in line.split("\t")) for line in shown.split("\n"))
        shown = "\n".join(pieces)
    return shown if len(text) <= limit else f"{shown}… (+{len(text) - limit:,} more)"


def _shown(text: str) -> str:
    return text if text.isprintable() else printable(text, len(text) * 10)  # an escape is \U0001f600 at most


class ModelError(SandboxError):
    """The model raised an exception of a class that is not known in this process; the message names it."""

    code = "sandbox.model-error"


def _class_named(pair: Any, root: type) -> type | None:
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
        return None
    module, name = pair
    if module == "numpy.linalg._linalg":
        module = "numpy.linalg"
    if module == "builtins":
        found = getattr(builtins, name, None)
    elif module in _MODULES and module in sys.modules:
        found = vars(sys.modules[module]).get(name)  # getattr() would import what numpy loads lazily
    else:
        return None
    return found if isinstance(found, type) and issubclass(found, root) else None


def _in_plain_text(error: Exception) -> Exception:
    """Return ``error``; where Python shows attributes of it beside its arguments, these are made printable too."""
    if isinstance(error, SyntaxError):
        for name in ("filename", "text"):
            shown = getattr(error, name)
            setattr(error, name, printable_lines(shown) if isinstance(shown, str) else None)
    return error


def rebuilt_exception(body: Any, limits: Limits) -> BaseException:
    """Return the exception that the worker's failure describes: the nearest class that is known here."""
    lineage = body.get("lineage") if isinstance(body, dict) else None
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(lineage, list) or not isinstance(message, str):
        return SandboxError("the sandboxed worker failed without saying how")
    message = printable_lines(message)
    args: Sequence[Any] = (message,)
    if body.get("args") is not None:
        try:
            decoded = Decoder((), limits).decode(body["args"])
            if isinstance(decoded, list):
                args = [printable_lines(arg) if isinstance(arg, str) else arg for arg in decoded]
        except WireValueError:
            args = (message,)
    for pair in lineage[:_MAX_LINEAGE]:
        known = _class_named(pair, Exception)
        if known is None or issubclass(known, _NEVER):
            continue
        if known is Exception or issubclass(known, SandboxError):
            break
        for arguments in (args, (message,)):
            try:
                error: Any = known(*arguments)
            except Exception:  # noqa: S112  # a constructor that wants something else: try the next
                continue
            error.add_note(_NOTE)
            return _in_plain_text(error)
    name = (
        lineage[0][1] if lineage and isinstance(lineage[0], list) and len(lineage[0]) == 2 else "an exception"
    )
    return ModelError(
        f"the model raised {printable(name, _NAME_CHARS)}: {message}",
        hint="the class of this exception is not known here",
    )


def reissue_warnings(entries: Any) -> None:
    """Issue the worker's warnings again, under the nearest class that is known here, and log what was printed."""
    if not isinstance(entries, list):
        return
    level = callers_level()
    printed: list[tuple[str, str]] = []
    for entry in entries[:_MAX_WARNINGS]:
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], str)):
            continue
        if isinstance(entry[0], str) and entry[0] in _STREAMS:
            printed.append((entry[0], entry[1]))
            continue
        lineage = entry[0][:_MAX_LINEAGE] if isinstance(entry[0], list) else []
        known = next((found for pair in lineage if (found := _class_named(pair, Warning))), UserWarning)
        _warn(printable_lines(entry[1]), known, level)
    if printed:
        _log(printed)


_remembered: set[int] = set()


def _warn(text: str, category: type[Warning], level: int) -> None:
    """Warn the code ``level`` frames above the caller of this.

    Python keeps the text of each warning that it has shown for as long as the process lives: a model that warns of
    something else each time would fill its memory.
    """
    known = hash((category, text))
    if known in _remembered or len(_remembered) < _REMEMBERED_WARNINGS:
        _remembered.add(known)
        warnings.warn(text, category, stacklevel=level + 1)
        return
    frame = sys._getframe(level)
    name = frame.f_globals.get("__name__", "")
    warnings.warn_explicit(text, category, frame.f_code.co_filename, frame.f_lineno, module=name)


def _log(printed: list[tuple[str, str]]) -> None:
    """Log what the model printed, line by line."""
    lines, chars = _MAX_LINES, _LOGGED_CHARS
    for stream, text in printed:
        for line in text[:chars].splitlines()[:lines]:
            _MODEL.info("%s", printable(line, _MESSAGE_CHARS), extra={"stream": stream})
            lines -= 1
        chars -= len(text)
        if lines <= 0 or chars <= 0:
            _MODEL.info("%s", "(it printed more, which is not logged)", extra={"stream": stream})
            return
