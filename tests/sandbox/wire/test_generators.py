"""A random generator goes on, on the other side, where it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from secureload.limits import DEFAULT_LIMITS
from secureload.sandbox.wire.errors import WireValueError
from secureload.sandbox.wire.generators import take_state
from secureload.sandbox.wire.values import Decoder

from .crossing import crossed

GENERATORS = {
    "RandomState": lambda: np.random.RandomState(3),
    "default_rng": lambda: np.random.default_rng(3),
    **{
        name: lambda name=name: np.random.Generator(getattr(np.random, name)(3))
        for name in ("MT19937", "PCG64DXSM", "Philox", "SFC64")
    },
}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_arrives_and_comes_back_further_on(name: str) -> None:
    here, expected = GENERATORS[name](), GENERATORS[name]()
    here.normal(size=3)  # leaves a second normal number behind, which is part of the state
    expected.normal(size=3)
    there = crossed(here)
    assert type(there) is type(here)
    assert np.array_equal(there.normal(size=5), expected.normal(size=5))
    take_state(here, crossed(there))
    assert np.array_equal(here.normal(size=5), expected.normal(size=5))


def test_a_generator_of_another_kind_is_none_to_go_on_with() -> None:
    with pytest.raises(WireValueError):
        take_state(np.random.default_rng(1), np.random.RandomState(1))
    with pytest.raises(WireValueError):
        take_state(np.random.default_rng(1), np.random.Generator(np.random.SFC64(1)))
    with pytest.raises(WireValueError):
        take_state([], [])


@pytest.mark.parametrize(
    "state",
    [5, ["d", []], ["d", [["bit_generator", "default_rng"]]], ["d", [["bit_generator", "PCG64"]]],
     ["d", [["bit_generator", "MT19937"], ["state", ["d", [["pos", 1 << 40], ["key", ["l", [1]]]]]]]]],
    ids=repr,
)  # fmt: skip
def test_a_forged_state_is_a_wire_error(state: Any) -> None:
    for name in ("Generator", "RandomState", "seed"):
        with pytest.raises(WireValueError):
            Decoder((), DEFAULT_LIMITS).decode(["rng", name, state])
