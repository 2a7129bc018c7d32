"""What happens, told to whoever listens: the standard library's logging, and observers (metrics, spans).

Nothing is configured here: the logger ``secureload`` has a handler that does nothing, and what an application
sets for it holds. Each record carries its particulars as attributes that begin with ``secureload_``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from secureload.values import dataclass

__all__ = ["CALL", "CLOSE", "LOAD", "RESTART", "VERDICT", "Event", "Observer", "emit", "observe", "wanted"]

VERDICT: Final = "verdict"
LOAD: Final = "load"
CALL: Final = "call"
RESTART: Final = "restart"
CLOSE: Final = "close"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened just now; ``fields`` by ``kind``, times in seconds.

    ``verdict``: model, outcome, sha256, policy, summary. ``load``: model, outcome, seconds.
    ``call``: model, method, outcome, seconds. ``restart``: model, reason, restarts, replica, seconds.
    ``close``: model, restarts. An ``outcome`` is "loaded" or "ok", or the code or class of the error; that of a
    verdict is its own.
    """

    kind: str
    fields: Mapping[str, object]


Observer = Callable[[Event], None]

_logger = logging.getLogger("secureload")
_logger.addHandler(logging.NullHandler())
_loggers = {kind: logging.getLogger(f"secureload.{kind}") for kind in (VERDICT, LOAD, CALL, RESTART, CLOSE)}
_LEVELS: Final = {
    VERDICT: logging.INFO,
    LOAD: logging.INFO,
    CALL: logging.DEBUG,
    RESTART: logging.WARNING,
    CLOSE: logging.DEBUG,
}
_FAILED: Final = {VERDICT: logging.WARNING, LOAD: logging.WARNING}
_PASSED: Final = frozenset({"accepted", "loaded", "ok"})
_observers: tuple[Observer, ...] = ()


def observe(observer: Observer) -> Callable[[], None]:
    """Have ``observer`` called with every event from now on; return what ends that.

    It is called in the thread where the event happens and should be quick. What it raises is logged, and never
    reaches the caller of a model.
    """
    global _observers
    _observers = (*_observers, observer)

    def stop() -> None:
        global _observers
        _observers = tuple(other for other in _observers if other is not observer)

    return stop


def wanted(kind: str) -> bool:
    """Whether anybody hears of events of this kind."""
    return bool(_observers) or _loggers[kind].isEnabledFor(_LEVELS[kind])


def emit(kind: str, **fields: object) -> None:
    """Tell an event to the log and to the observers."""
    logger = _loggers[kind]
    level = _level(kind, fields)
    if logger.isEnabledFor(level):
        text = " ".join(f"{name}={_shown(value)}" for name, value in fields.items())
        extra = {f"secureload_{name}": value for name, value in fields.items()}
        logger.log(level, "%s %s", kind, text, extra={"secureload_event": kind, **extra})
    if not _observers:
        return
    event = Event(kind, MappingProxyType(fields))
    for observer in _observers:
        try:
            observer(event)
        except Exception:
            _logger.exception("an observer of secureload failed")


def _level(kind: str, fields: Mapping[str, object]) -> int:
    if kind in _FAILED and fields.get("outcome") not in _PASSED:
        return _FAILED[kind]
    return _LEVELS[kind]


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6f}"
    return repr(value) if isinstance(value, str) else str(value)
