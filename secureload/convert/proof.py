"""The proof of a conversion: what of two models' states and outputs is equal, and how far apart the rest is.

Tiers, the strongest first: the same state; the same bits of every output; differences in the last place; within a
tolerance, with labels that flip only where two classes are as probable as each other; failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from secureload.values import dataclass

__all__ = ["Compared", "Difference", "Tier", "Tolerance", "compare_outputs", "prove"]

_LAST_PLACES = 4
# Two classes are as probable as each other where they differ by no more than the tolerance, or this.
_TIE = 1e-6
# What two neighbouring numbers of single precision are apart, relative to their size.
_EQUAL = 2.0**-23
_HARD = ("predict",)


class Tier(StrEnum):
    """How strong a proof is."""

    STATE = "state"
    BITS = "bit-identical"
    LAST_PLACE = "last-place"
    TOLERANCE = "tolerance"
    FAILED = "failed"


_ORDER = list(Tier)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What counts as equal: |a - b| ≤ absolute + relative · |a|."""

    absolute: float = 0.0
    relative: float = 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest difference of one method: its size, where it is (input, row), and the two values as text."""

    method: str
    size: float
    given: int
    row: int
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What came out: the tier, the values that were compared, flips of labels at ties and real ones, the largest
    difference, and why it failed."""

    tier: Tier
    compared: int = 0
    ties: int = 0
    flips: int = 0
    largest: Difference | None = None
    reasons: tuple[str, ...] = ()


def prove(same_state: bool | None, outputs: Compared | None, differs: str = "the state differs") -> Compared:
    """Return the proof of state and outputs together; ``same_state`` None where the target keeps no whole state.

    ``differs`` says where the states part.
    """
    if outputs is None:
        reason = differs if same_state is False else "its state cannot be compared, and it has no outputs"
        return Compared(tier=Tier.STATE) if same_state else Compared(tier=Tier.FAILED, reasons=(reason,))
    if same_state and outputs.tier is not Tier.FAILED:
        return Compared(
            tier=Tier.STATE,
            compared=outputs.compared,
            ties=outputs.ties,
            flips=outputs.flips,
            largest=outputs.largest,
        )
    if same_state is False and outputs.tier is Tier.BITS and outputs.compared == 0:
        return Compared(tier=Tier.FAILED, reasons=(f"{differs}, and there are no outputs to compare",))
    return outputs


def compare_outputs(
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    tolerance: Tolerance,
    accepted: float | None = None,
) -> Compared:
    """Compare the outputs of two models, input by input and method by method.

    ``accepted`` is the largest difference that the caller accepts, of labels that are no numbers the largest share
    of them; it takes the place of the tolerance.
    """
    bound = tolerance if accepted is None else Tolerance(accepted, 0.0)
    running = _Running(bound, accepted)
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        for method in old:
            running.add(method, number, old, new)
    return running.result()


class _Running:
    def __init__(self, tolerance: Tolerance, accepted: float | None) -> None:
        self._tolerance = tolerance
        self._accepted = accepted
        self._tier = Tier.BITS
        self._compared = self._ties = self._flips = self._labels = 0
        self._largest: Difference | None = None
        self._reasons: list[str] = []

    def result(self) -> Compared:
        if self._flips and (self._accepted is None or self._flips > self._accepted * max(self._labels, 1)):
            self._fail(
                f"{self._flips:,} of {self._labels:,} labels differ where no two classes are as probable as each other"
            )
        return Compared(
            tier=self._tier,
            compared=self._compared,
            ties=self._ties,
            flips=self._flips,
            largest=self._largest,
            reasons=tuple(self._reasons[:5]),
        )

    def add(self, method: str, number: int, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        first, second = old[method], new.get(method)
        if "raised" in first:
            if second is not None and "raised" not in second and self._tolerance == Tolerance():
                self._fail(f"{method} of input {number} was refused ({first['raised']}), and is answered now")
            return
        if second is None or "raised" in second:
            if _has_missing(first["value"]) or not _rows(first["value"]):
                return
            why = f": {second['raised']}: {second['message']}" if second else ""
            self._fail(f"{method} of input {number} is not answered any more{why}")
            return
        parts = zip(_as_list(first["value"]), _as_list(second["value"]), strict=False)
        if len(_as_list(first["value"])) != len(_as_list(second["value"])):
            self._fail(f"{method} gives another number of arrays")
            return
        for one, other in parts:
            self._arrays(method, number, one, other, old)

    def _arrays(self, method: str, number: int, one: Any, other: Any, old: Mapping[str, Any]) -> None:
        import numpy as np

        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            if one.size != other.size:
                self._fail(f"{method} of input {number} has the shape {other.shape} instead of {one.shape}")
                return
            other = other.reshape(one.shape)
        self._compared += one.size
        if method in _HARD and (one.dtype.kind not in "f" or other.dtype.kind not in "fiu"):
            self._labels_of(method, number, one, other, old)
        elif one.dtype.kind in "biufc" and other.dtype.kind in "biufc":
            self._numbers(method, number, one, other)
        elif not np.array_equal(one, other):
            self._fail(f"{method} of input {number} differs")

    def _labels_of(self, method: str, number: int, one: Any, other: Any, old: Mapping[str, Any]) -> None:
        import numpy as np

        self._labels += one.size
        if one.dtype.kind in "biu" and other.dtype.kind in "biuf":
            differ = one.astype(float) != other.astype(float)
        else:
            differ = np.array(
                [str(a) != str(b) for a, b in zip(one.ravel(), other.ravel(), strict=True)], bool
            ).reshape(one.shape)
        if not differ.any():
            return
        rows = np.unique(np.argwhere(differ.reshape(len(one), -1))[:, 0])
        tied = _tied(old, rows, self._tolerance)
        self._ties += int(tied.sum())
        self._flips += int((~tied).sum())
        self._lower(Tier.TOLERANCE)
        for row, tie in zip(rows.tolist(), tied.tolist(), strict=True):
            if not tie and (self._largest is None or self._largest.method != method):
                self._largest = Difference(method, 1.0, number, row, str(one[row])[:80], str(other[row])[:80])

    def _numbers(self, method: str, number: int, one: Any, other: Any) -> None:
        import numpy as np

        if one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"):
            return
        if not one.size:
            return
        # In the wider type: a probability of float32 stands beside one of float64.
        kind = np.complex128 if "c" in one.dtype.kind + other.dtype.kind else np.float64
        a, b = one.astype(kind), other.astype(kind)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(all="ignore"):
            distance = np.where(same, 0.0, np.abs(a - b))
            allowed = self._tolerance.absolute + self._tolerance.relative * np.abs(a)
            # Where the first model's numbers leave the range of single precision, the other says infinity.
            outside = (
                (np.abs(a) > 1e37) & (np.abs(b) > 1e37)
                if self._tolerance.relative
                else np.zeros(a.shape, bool)
            )
        distance = np.where(np.isnan(distance), np.inf, distance)
        distance[outside] = 0.0
        at = int(np.argmax(distance))
        size = float(distance.ravel()[at])
        if size > 0 and (
            self._largest is None or (self._largest.method not in _HARD and size > self._largest.size)
        ):
            row = at // max(1, one.size // len(one)) if one.ndim else 0
            self._largest = Difference(
                method, size, number, int(row), str(one.ravel()[at]), str(other.ravel()[at])
            )
        if bool((distance > allowed).any()) and not (self._accepted is None and _in_last_place(one, other)):
            worst = int((distance > allowed).sum())
            self._fail(
                f"{method} of input {number}: {worst:,} of {one.size:,} values differ by up to {size:.3g}"
            )
        else:
            self._lower(Tier.LAST_PLACE if _in_last_place(one, other) else Tier.TOLERANCE)

    def _lower(self, tier: Tier) -> None:
        if _ORDER.index(tier) > _ORDER.index(self._tier):
            self._tier = tier

    def _fail(self, reason: str) -> None:
        self._tier = Tier.FAILED
        self._reasons.append(reason)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _rows(value: Any) -> int:
    return min((len(part) if getattr(part, "ndim", 0) else 1 for part in _as_list(value)), default=0)


def _has_missing(value: Any) -> bool:
    import numpy as np

    return any(
        part.dtype.kind == "f" and bool(np.isnan(part).all()) for part in map(np.asarray, _as_list(value))
    )


def _tied(old: Mapping[str, Any], rows: Any, tolerance: Tolerance) -> Any:
    """Return for each row whether its two best classes are equal, as the first model says."""
    import numpy as np

    for method in ("predict_proba", "decision_function", "transform"):
        found = old.get(method, {}).get("value")
        if found is None or isinstance(found, list):
            continue
        scores = np.asarray(found, float)[rows]
        if method == "transform":  # the distances to the centres of clusters: the nearest one is the label
            scores = -scores
        if scores.ndim == 1:
            return np.abs(scores) <= max(tolerance.absolute, _TIE)
        if scores.ndim == 2 and scores.shape[1] > 1:
            best = np.sort(scores, axis=1)
            # Distances of 1e14 are equal where their last places differ.
            bound = np.maximum(max(tolerance.absolute, _TIE), _EQUAL * np.abs(best[:, -1]))
            return best[:, -1] - best[:, -2] <= bound
    return np.zeros(len(rows), bool)


def _in_last_place(one: Any, other: Any) -> bool:
    import numpy as np

    if one.dtype != other.dtype or one.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        apart = np.abs(one - other) <= _LAST_PLACES * np.spacing(np.maximum(np.abs(one), np.abs(other)))
    return bool((apart | (one == other) | (np.isnan(one) & np.isnan(other))).all())
