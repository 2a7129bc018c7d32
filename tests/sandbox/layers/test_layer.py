from __future__ import annotations

import itertools

import pytest

from secureload.sandbox.layers.layer import ADVICE, LEVELS, REQUIRED_LAYERS, LayerReport, confinement_level


def reports(*names: str) -> tuple[LayerReport, ...]:
    return tuple(LayerReport(name, "enforced", "") for name in names)


def test_the_level_grows_with_the_layers() -> None:
    assert confinement_level(()) == "none"
    assert confinement_level(reports(*REQUIRED_LAYERS)) == "required"
    assert confinement_level(reports(*REQUIRED_LAYERS, "landlock")) == "standard"
    assert confinement_level(reports(*REQUIRED_LAYERS, "namespaces")) == "standard"
    assert confinement_level(reports(*REQUIRED_LAYERS, "landlock", "namespaces")) == "full"
    assert LEVELS == ("none", "reduced", "required", "standard", "full")


@pytest.mark.parametrize("missing", REQUIRED_LAYERS)
def test_without_a_required_layer_it_is_reduced_whatever_else_is_there(missing: str) -> None:
    everything = reports(*REQUIRED_LAYERS, "landlock", "namespaces")
    left = tuple(report for report in everything if report.name != missing)
    assert confinement_level(left) == "reduced"
    assert confinement_level((*left, LayerReport(missing, "unavailable", "no"))) == "reduced"
    assert confinement_level((*left, LayerReport(missing, "relaxed", "a little"))) == "reduced"


@pytest.mark.parametrize("chosen", list(itertools.combinations(range(5), 4)))
def test_four_of_five_required_layers_are_no_level_to_ask_for(chosen: tuple[int, ...]) -> None:
    assert confinement_level(reports(*(REQUIRED_LAYERS[index] for index in chosen))) == "reduced"


def test_every_layer_that_decides_a_level_has_its_advice() -> None:
    assert set(ADVICE) == {*REQUIRED_LAYERS, "landlock", "namespaces"}
