"""Exceptions and warnings of the worker, raised and issued again in the caller's process.

Only classes that are already here are used: Python's own, and those of numpy and scikit-learn if the caller
has imported them. Nothing is imported because the worker names it.
"""

from __future__ import annotations

import builtins
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from secureload.errors import SandboxError
from secureload.limits import Limits
from secureload.sandbox.wire.errors import WireValueError
from secureload.sandbox.wire.values import Decoder

__all__ = ["ModelError", "rebuilt_exception", "reissue_warnings"]

_MODULES = frozenset({"sklearn.exceptions", "numpy.exceptions", "numpy.linalg", "numpy"})
_NOTE = "raised by the model, inside the sandbox"
# Control flow of the interpreter is never the worker's to cause.
_NEVER = (SystemExit, KeyboardInterrupt, GeneratorExit)


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
        found = getattr(sys.modules[module], name, None)
    else:
        return None
    return found if isinstance(found, type) and issubclass(found, root) else None


def rebuilt_exception(body: Any, limits: Limits) -> BaseException:
    """Return the exception that the worker's failure describes: the nearest class that is known here."""
    lineage = body.get("lineage") if isinstance(body, dict) else None
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(lineage, list) or not isinstance(message, str):
        return SandboxError("the sandboxed worker failed without saying how")
    args: Sequence[Any] = (message,)
    if body.get("args") is not None:
        try:
            decoded = Decoder((), limits).decode(body["args"])
            args = decoded if isinstance(decoded, list) else args
        except WireValueError:
            args = (message,)
    for pair in lineage:
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
            rebuilt: Exception = error
            return rebuilt
    name = (
        lineage[0][1] if lineage and isinstance(lineage[0], list) and len(lineage[0]) == 2 else "an exception"
    )
    return ModelError(
        f"the model raised {name}: {message}", hint="the class of this exception is not known here"
    )


def reissue_warnings(entries: Any, stacklevel: int) -> None:
    """Issue the worker's warnings again, under the nearest class that is known here."""
    if not isinstance(entries, list):
        return
    for entry in entries:
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], str)):
            continue
        lineage = entry[0] if isinstance(entry[0], list) else []
        known = next((found for pair in lineage if (found := _class_named(pair, Warning))), UserWarning)
        warnings.warn(entry[1], known, stacklevel=stacklevel)
