from __future__ import annotations

import dataclasses
import re

import pytest

from secureload.limits import DEFAULT_LIMITS, Limits

COUNTED = re.compile(
    r"_(bytes|chars|seconds|depth|members|bundles|keys|ratio|globals|shapes|pickles|findings|threads|files"
    r"|segments|items|steps|restarts|replicas)$"
)


def test_every_limit_is_positive_and_names_its_unit() -> None:
    for field in dataclasses.fields(Limits):
        value = getattr(DEFAULT_LIMITS, field.name)
        assert value > 0, field.name
        assert COUNTED.search(field.name), field.name


def test_the_limits_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULT_LIMITS.artifact_bytes = 1  # type: ignore[misc]


def test_a_limit_is_changed_by_name_in_a_copy() -> None:
    assert Limits(trace_globals=5).trace_globals == 5
    assert dataclasses.replace(DEFAULT_LIMITS, sidecar_bundles=2) == Limits(sidecar_bundles=2)


def test_the_limits_fit_together() -> None:
    limits = DEFAULT_LIMITS
    assert limits.expansion_floor_bytes < limits.expanded_bytes
    assert limits.tracer_cpu_seconds <= limits.tracer_wall_seconds
    assert limits.tracer_reply_bytes <= limits.message_control_bytes
