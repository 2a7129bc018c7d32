"""What the converting worker answers: each function gets the loaded model, and gives back data."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from secureload.convert import inputs, outputs
from secureload.convert import state as leaves
from secureload.convert.catalog import TARGETS
from secureload.convert.targets import tensors
from secureload.errors import SecureloadError
from secureload.limits import Limits
from secureload.sandbox.roles.plain_tensors import NARROW, widened

__all__ = ["HOOK", "OPERATIONS", "note_load", "prepare"]

# What begins the name of a function that registers converters of the caller's own.
HOOK = "hook:"
# What is sent to say where two states part.
_MOST_LEAVES = 20_000


def prepare(converters: Sequence[str]) -> None:
    """Import what the named targets need, and the list of known classes."""
    for name in ("safetensors", *(name for name in converters if not name.startswith(HOOK))):
        importlib.import_module(TARGETS[name].module).prepare()
    # The caller's converters come last: theirs count.
    for name in converters:
        if name.startswith(HOOK):
            module, _, function = name.removeprefix(HOOK).partition(":")
            getattr(importlib.import_module(module), function)()
    outputs.prepare()


def _refusing(answer: Callable[..., Any]) -> Callable[..., Any]:
    """An error of ours is an answer: its words and hint cross whole."""

    def run(model: Any, own_names: tuple[str, ...], limits: Limits, **fields: Any) -> Any:
        try:
            return answer(model, own_names, limits, **fields)
        except SecureloadError as error:
            plain = {key: value for key, value in error.fields.items() if isinstance(value, str | int)}
            return {"refused": error.message, "hint": error.hint, "fields": plain}

    return run


def _describe(model: Any, _own: tuple[str, ...], _limits: Limits) -> dict[str, Any]:
    kind = type(model)
    return {
        "type": f"{kind.__module__}.{kind.__qualname__}",
        "tensors": tensors.is_tensors(model),
        "methods": list(outputs.methods_of(model)),
    }


def _state(model: Any, own_names: tuple[str, ...], limits: Limits) -> dict[str, str]:
    from secureload.structured.encoder import state_hash
    from secureload.structured.known import default_known

    return {"hash": state_hash(model, default_known().extended_by(own_names), limits)}


def _leaves(model: Any, _own: tuple[str, ...], limits: Limits, *, listed: bool) -> Any:
    """The digest of all leaves of the state; ``listed`` the first of them themselves, each with its place."""
    if not listed:
        return {"digest": leaves.digest_of(model, limits)}
    return [list(leaf) for leaf in islice(leaves.leaves_of(model, limits), _MOST_LEAVES)]


def _encode(
    model: Any, own_names: tuple[str, ...], limits: Limits, *, target: str, options: dict[str, Any]
) -> Any:
    import numpy as np

    module = importlib.import_module(TARGETS[target].module)
    pieces = module.encode(model, own_names, limits, {**options, "name": target})
    return np.frombuffer(b"".join(pieces), np.uint8)


def _inputs(
    model: Any, _own: tuple[str, ...], _limits: Limits, *, seed: int, single: bool, missing: bool
) -> list[Any]:
    return inputs.inputs_for(model, seed, single=single, missing=missing)


def _outputs(
    model: Any, _own: tuple[str, ...], _limits: Limits, *, given: list[Any], methods: list[str]
) -> list[Any]:
    return outputs.outputs_for(model, given, methods)


_load_seconds = [0.0]


def note_load(seconds: float) -> None:
    """Remember how long loading took, for whoever measures."""
    _load_seconds[0] = seconds


def _measure(
    model: Any, _own: tuple[str, ...], _limits: Limits, *, given: Any, method: str, rounds: int
) -> dict[str, float]:
    """Return seconds of the load, of one row and of all rows (medians), and the peak of memory in bytes."""
    import resource

    found = {
        "load": _load_seconds[0],
        "peak": float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024),
    }
    if method:
        found["row"] = _median_seconds(model, method, given[:1], rounds)
        found["batch"] = _median_seconds(model, method, given, max(3, rounds // 10))
    return found


def _median_seconds(model: Any, method: str, rows: Any, rounds: int) -> float:
    call = getattr(model, method)
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call(rows)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def _save(
    model: Any, own_names: tuple[str, ...], limits: Limits, *, target: str, options: dict[str, Any]
) -> dict[str, Any]:
    """Return the bytes in a format, and the seconds that making them took."""
    begun = time.perf_counter()
    data = _encode(model, own_names, limits, target=target, options=options)
    return {"seconds": time.perf_counter() - begun, "data": data}


def _arrays(model: Any, _own: tuple[str, ...], _limits: Limits) -> dict[str, Any]:
    """The arrays of a dictionary of tensors, to be compared."""
    return {
        name: widened(kind, array) if kind in NARROW else array
        for name, (kind, array) in tensors.as_arrays(model).items()
    }


OPERATIONS: dict[str, Callable[..., Any]] = {
    "describe": _refusing(_describe),
    "state": _refusing(_state),
    "leaves": _refusing(_leaves),
    "encode": _refusing(_encode),
    "inputs": _refusing(_inputs),
    "outputs": _refusing(_outputs),
    "arrays": _refusing(_arrays),
    "measure": _refusing(_measure),
    "save": _refusing(_save),
}
