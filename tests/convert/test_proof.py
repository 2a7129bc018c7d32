"""The tiers of a proof, and which differences let it fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from secureload.convert.proof import Compared, Tier, Tolerance, compare_outputs, prove

LOOSE = Tolerance(1e-4, 1e-3)


def values(method: str = "transform", **others: Any) -> list[dict[str, Any]]:
    return [
        {
            method: {"value": np.asarray(others.pop("of"))},
            **{name: {"value": np.asarray(value)} for name, value in others.items()},
        }
    ]


def test_the_same_bits_are_the_best_of_outputs() -> None:
    one = values(of=[1.0, np.nan, -0.0])
    assert compare_outputs(one, one, Tolerance()).tier is Tier.BITS


def test_the_last_place_is_told_apart() -> None:
    found = compare_outputs(values(of=[1.0, 2.0]), values(of=[np.nextafter(1.0, 2.0), 2.0]), Tolerance())
    assert (found.tier, found.flips) == (Tier.LAST_PLACE, 0)
    assert found.largest is not None
    assert found.largest.row == 0


def test_within_a_tolerance_and_beyond_it() -> None:
    near = compare_outputs(values(of=[[1.0, 2.0]]), values(of=[[1.0, 2.0005]]), LOOSE)
    assert near.tier is Tier.TOLERANCE
    far = compare_outputs(values(of=[[1.0], [2.0]]), values(of=[[1.0], [2.1]]), LOOSE)
    assert far.tier is Tier.FAILED
    assert far.largest is not None
    assert (far.largest.row, far.largest.before) == (1, "2.0")
    assert (
        compare_outputs(values(of=[[1.0], [2.0]]), values(of=[[1.0], [2.1]]), LOOSE, accepted=0.2).tier
        is Tier.TOLERANCE
    )


def test_flips_at_exact_ties_are_counted_apart_from_real_ones() -> None:
    probabilities = [[0.5, 0.5], [0.9, 0.1]]
    before = values("predict", of=[0, 0], predict_proba=probabilities)
    tied = compare_outputs(before, values("predict", of=[1, 0], predict_proba=probabilities), LOOSE)
    assert (tied.tier, tied.ties, tied.flips) == (Tier.TOLERANCE, 1, 0)
    real = compare_outputs(before, values("predict", of=[0, 1], predict_proba=probabilities), LOOSE)
    assert (real.tier, real.ties, real.flips) == (Tier.FAILED, 0, 1)


@pytest.mark.parametrize("labels", [["yes", "no"], [1, 2]])
def test_labels_have_no_tolerance(labels: list[Any]) -> None:
    found = compare_outputs(
        values("predict", of=labels), values("predict", of=labels[::-1]), Tolerance(10.0, 10.0)
    )
    assert found.tier is Tier.FAILED
    assert found.flips == 2


def test_an_input_that_is_refused_on_both_sides_proves_nothing_and_harms_nothing() -> None:
    refused = [{"predict": {"raised": "ValueError", "message": "NaN"}}]
    assert compare_outputs(refused, refused, Tolerance()).compared == 0
    assert compare_outputs(refused, values("predict", of=[1]), Tolerance()).tier is Tier.FAILED
    assert compare_outputs(values("predict", of=[1]), refused, Tolerance()).tier is Tier.FAILED


def test_another_shape_is_a_failure() -> None:
    assert compare_outputs(values(of=[[1.0, 2.0]]), values(of=[[1.0]]), LOOSE).tier is Tier.FAILED


def test_the_state_proves_what_has_no_outputs_and_its_difference_fails() -> None:
    assert prove(True, None).tier is Tier.STATE
    assert prove(False, None).tier is Tier.FAILED
    assert prove(True, Compared(tier=Tier.BITS, compared=5)).tier is Tier.STATE
    assert prove(True, Compared(tier=Tier.FAILED, reasons=("x",))).tier is Tier.FAILED
    assert prove(False, Compared(tier=Tier.BITS, compared=5)).tier is Tier.BITS
    assert prove(False, Compared(tier=Tier.BITS)).tier is Tier.FAILED


@pytest.mark.parametrize(("far", "ties"), [([1e17, 1e17 * (1 + 2**-40)], 1), ([1.0, 1.5], 0)])
def test_a_row_as_far_from_two_centres_is_a_tie(far: list[float], ties: int) -> None:
    """As far as single precision can tell: 1e17 and its neighbours are a million apart there."""
    before = values("predict", of=[0], transform=[far])
    found = compare_outputs(before, values("predict", of=[1], transform=[far]), LOOSE)
    assert (found.ties, found.flips) == (ties, 1 - ties)
