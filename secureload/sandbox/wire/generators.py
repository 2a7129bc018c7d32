"""numpy's random generators as values of the wire: their state crosses, and comes back with the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secureload.errors import SandboxError
from secureload.sandbox.wire.errors import Unencodable, WireValueError

__all__ = ["decode_generator", "encode_generator", "gone_on", "take_state"]

_BIT_GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})

# In which part of a state a position stands, its name, and the last one: MT19937 has 624 numbers, Philox 4.
_POSITIONS = (("state", "pos", 624), (None, "buffer_pos", 4), (None, "has_uint32", 1), (None, "has_gauss", 1))


def encode_generator(value: Any, encode: Callable[[Any], Any]) -> list[Any]:
    """Encode a ``Generator`` or ``RandomState`` of numpy.

    Raises:
        Unencodable: a generator of somebody else's.
    """
    import numpy as np

    name = type(value).__name__
    state: Any
    if type(value) is np.random.RandomState:
        state = value.get_state(legacy=False)
    elif type(value) is np.random.Generator:
        state = value.bit_generator.state
    else:
        raise Unencodable(f"an object of type {type(value).__qualname__}")
    if state["bit_generator"] not in _BIT_GENERATORS:
        raise Unencodable(f"a random generator of type {state['bit_generator']}")
    return ["rng", name, encode(state)]


def decode_generator(name: object, state: object) -> Any:
    """Rebuild a generator; numpy holds the state against what its bit generator expects."""
    import numpy as np

    if type(state) is not dict or state.get("bit_generator") not in _BIT_GENERATORS:
        raise WireValueError("a random generator that is none")
    _check_position(state)
    built = getattr(np.random, state["bit_generator"])(0)
    if name == "Generator":
        built.state = state
        return np.random.Generator(built)
    if name != "RandomState":
        raise WireValueError("a random generator that is none")
    generator = np.random.RandomState(built)
    generator.set_state(state)
    return generator


def _check_position(state: dict[str, Any]) -> None:
    """Refuse a position outside of the numbers that are there: numpy would draw what lies beside them in memory."""
    for place, name, last in _POSITIONS:
        found = state if place is None else state.get(place)
        if type(found) is not dict:
            raise WireValueError("a random generator that is none")
        if name in found and (type(found[name]) is not int or not 0 <= found[name] <= last):
            raise WireValueError("a random generator that stands beside its numbers")


def gone_on(given: list[Any], answer: Any) -> Any:
    """Return the value of an answer, and let the generators that were ``given`` go on where they are in it.

    Raises:
        SandboxError: the answer has others, or none.
    """
    try:
        value, used = answer
        if type(answer) is not list or len(used) != len(given):
            raise WireValueError("random generators that were not given")
        for target, source in zip(given, used, strict=True):
            take_state(target, source)
    except (TypeError, ValueError) as error:
        raise SandboxError("the sandboxed worker did not give back the random generators") from error
    return value


def take_state(target: Any, source: Any) -> None:
    """Let ``target`` go on where ``source`` is, which is of the same kind.

    Raises:
        WireValueError: it is of another kind.
    """
    import numpy as np

    if type(target) is not type(source) or not isinstance(
        target, np.random.Generator | np.random.RandomState
    ):
        raise WireValueError("a random generator of another kind")
    try:
        if isinstance(target, np.random.Generator):
            target.bit_generator.state = source.bit_generator.state
        else:
            target.set_state(source.get_state(legacy=False))
    except (TypeError, ValueError) as error:
        raise WireValueError("a random generator of another kind") from error
