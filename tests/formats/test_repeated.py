from __future__ import annotations

from secureload.formats.reading import Observation, Problem
from secureload.formats.repeated import first_of_each_code


def test_the_first_observations_of_each_code_pass_and_the_rest_is_counted() -> None:
    events = [Observation(code=f"x.{i % 2}", message=f"number {i}", offset=i) for i in range(100_000)]
    kept = list(first_of_each_code(events, most=3))
    assert kept[:6] == events[:6]
    assert [
        (event.code, event.message, event.offset) for event in kept[6:] if isinstance(event, Observation)
    ] == [
        ("x.0", "49,997 more like these, the last one: number 99998", 99_998),
        ("x.1", "49,997 more like these, the last one: number 99999", 99_999),
    ]


def test_what_is_no_observation_is_never_cut() -> None:
    events = [Problem(kind="limit", message="x")] * 50
    assert list(first_of_each_code(events)) == events
