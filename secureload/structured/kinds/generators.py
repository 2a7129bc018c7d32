"""Random generators of numpy. A position outside a generator's buffer would read what lies behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_array, an_instance, an_int, require

__all__ = ["KINDS"]

_KEY_WORDS = 624
_MOST = (1 << 128) - 1


def _take_seeds(seeds: Any) -> Mapping[str, Any]:
    state = seeds.state
    return {
        "entropy": state["entropy"],
        "spawn_key": tuple(state["spawn_key"]),
        "pool_size": state["pool_size"],
        "children": state["n_children_spawned"],
    }


def _make_seeds(kind: Any, entropy: Any, spawn_key: Any, pool_size: Any, children: Any) -> Any:
    an_int(pool_size, "a pool size", 4, 1 << 10)
    an_int(children, "a number of children")
    require(isinstance(spawn_key, tuple) and len(spawn_key) < 1_000, "has a spawn key that is none")
    try:
        return kind(entropy, spawn_key=spawn_key, pool_size=int(pool_size), n_children_spawned=int(children))
    except (TypeError, ValueError, OverflowError) as error:
        raise forged(f"has seeds that are none ({type(error).__name__})") from None


def _take_bits(bits: Any) -> Mapping[str, Any]:
    _, _, state = bits.__reduce__()
    state, seeds = state if isinstance(state, tuple) else (state, None)
    return {"state": state, "seeds": seeds}


def _make_bits(kind: Any, state: Any, seeds: Any) -> Any:
    from numpy.random import SeedSequence

    require(
        isinstance(state, dict) and state.get("bit_generator") == kind.__name__,
        "has a generator whose state is another's",
    )
    _check_state(kind.__name__, state)
    try:
        bits = kind(SeedSequence(0))
        bits.state = state
    except (TypeError, ValueError, KeyError, OverflowError, IndexError) as error:
        raise forged(f"has a generator whose state is none ({type(error).__name__})") from None
    if seeds is None:
        bits.__setstate__((state, None))
    else:
        bits.__setstate__((state, an_instance(seeds, SeedSequence, "seeds of a generator")))
    return bits


def _check_state(name: str, state: Mapping[str, Any]) -> None:
    inner = state.get("state")
    require(isinstance(inner, dict), "has a generator without a state")
    assert isinstance(inner, dict)  # noqa: S101  # for mypy
    if name == "MT19937":
        an_array(inner.get("key"), "a generator's key", (_KEY_WORDS,), dtype="<u4")
        an_int(inner.get("pos"), "a generator's position", 0, _KEY_WORDS)
    elif name == "Philox":
        an_array(inner.get("counter"), "a generator's counter", (4,), dtype="<u8")
        an_array(inner.get("key"), "a generator's key", (2,), dtype="<u8")
        an_array(state.get("buffer"), "a generator's buffer", (4,), dtype="<u8")
        an_int(state.get("buffer_pos"), "a generator's position", 0, 4)
    elif name == "SFC64":
        an_array(inner.get("state"), "a generator's state", (4,), dtype="<u8")
    else:
        for part in ("state", "inc"):
            an_int(inner.get(part), "a generator's state", 0, _MOST)
    if name != "MT19937":
        an_int(state.get("has_uint32"), "a generator's flag", 0, 1)
        an_int(state.get("uinteger"), "a generator's remainder", 0, (1 << 32) - 1)


def _take_legacy(state: Any) -> Mapping[str, Any]:
    whole = state.get_state(legacy=False)
    return {"bits": state._bit_generator, "has_gauss": whole["has_gauss"], "gauss": whole["gauss"]}


def _make_legacy(kind: Any, bits: Any, has_gauss: Any, gauss: Any) -> Any:
    from numpy.random import MT19937

    an_instance(bits, MT19937, "a generator")
    an_int(has_gauss, "a generator's flag", 0, 1)
    require(type(gauss) is float, "has a generator whose remainder is no number")
    made = kind(bits)
    made.set_state({**bits.state, "has_gauss": int(has_gauss), "gauss": gauss})
    return made


def _make_generator(kind: Any, bits: Any) -> Any:
    from numpy.random import BitGenerator

    return kind(an_instance(bits, BitGenerator, "a generator"))


KINDS = {
    "numpy.random.bit_generator:SeedSequence": (_take_seeds, _make_seeds),
    "numpy.random._mt19937:MT19937": (_take_bits, _make_bits),
    "numpy.random._pcg64:PCG64": (_take_bits, _make_bits),
    "numpy.random._pcg64:PCG64DXSM": (_take_bits, _make_bits),
    "numpy.random._philox:Philox": (_take_bits, _make_bits),
    "numpy.random._sfc64:SFC64": (_take_bits, _make_bits),
    "numpy.random.mtrand:RandomState": (_take_legacy, _make_legacy),
    "numpy.random._generator:Generator": (lambda value: {"bits": value.bit_generator}, _make_generator),
}
