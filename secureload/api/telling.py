"""Loads and verdicts, told to whoever listens (:mod:`secureload.events`)."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from secureload import events
from secureload.errors import SecureloadError
from secureload.policy.verdict import Verdict
from secureload.printable import printable

__all__ = ["tell_verdict", "told_load"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def tell_verdict(name: str, verdict: Verdict) -> None:
    """Tell what was decided about the artifact ``name``."""
    events.emit(
        events.VERDICT,
        model=printable(name),
        outcome=verdict.outcome.value,
        sha256=verdict.artifact_digest.hex(),
        policy=verdict.policy,
        summary=printable(verdict.summary),
    )


def told_load(load: Callable[_P, _T]) -> Callable[_P, _T]:
    """Have each call of ``load``, whose first argument is a path, told with its outcome and its time."""

    @functools.wraps(load)
    def told(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        start = time.perf_counter()
        outcome = "loaded"
        try:
            return load(*args, **kwargs)
        except BaseException as error:
            outcome = error.code if isinstance(error, SecureloadError) else type(error).__name__
            raise
        finally:
            seconds = time.perf_counter() - start
            name = _name(args[0] if args else kwargs.get("path"))
            events.emit(events.LOAD, model=name, outcome=outcome, seconds=seconds)

    return told


def _name(path: object) -> str:
    try:
        text = os.fsdecode(path)  # type: ignore[arg-type]  # anything may have been given
    except (TypeError, ValueError):
        return printable(type(path).__name__)
    return printable(os.path.basename(text.rstrip("/")))  # noqa: PTH119  # a Path would refuse what a caller may pass
