from __future__ import annotations

import itertools

import pytest

from secureload.sandbox.layers.layer import LEVELS, REQUIRED_LAYERS, LayerReport, confinement_level


def reports(*names: str) -> tuple[LayerReport, ...]:
    return tuple(LayerReport(name, "enforced", "") for name in names)


def test_the_level_grows_with_the_layers() -> None:
    assert confinement_level(()) == "none"
    assert confinement_level(reports(*REQUIRED_LAYERS)) == "required"
    assert confinement_level(reports(*REQUIRED_LAYERS, "landlock")) == "standard"
    assert confinement_level(reports(*REQUIRED_LAYERS, "namespaces")) == "standard"
    assert confinement_level(reports(*REQUIRED_LAYERS, "landlock", "namespaces")) == "full"
    assert LEVELS == ("none", "required", "standard", "full")


@pytest.mark.parametrize("missing", REQUIRED_LAYERS)
def test_without_a_required_layer_there_is_no_level_whatever_else_is_there(missing: str) -> None:
    everything = reports(*REQUIRED_LAYERS, "landlock", "namespaces")
    left = tuple(report for report in everything if report.name != missing)
    assert confinement_level(left) == "none"
    assert confinement_level((*left, LayerReport(missing, "unavailable", "no"))) == "none"


@pytest.mark.parametrize("chosen", list(itertools.combinations(range(4), 3)))
def test_three_of_four_required_layers_are_none(chosen: tuple[int, ...]) -> None:
    assert confinement_level(reports(*(REQUIRED_LAYERS[index] for index in chosen))) == "none"
