"""Names are judged by what would load them: each loader has its list, for its own files alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from secureload.formats.region import Region
from secureload.pickles.trace import GlobalRef, Trace
from secureload.scan.allowlist import Tier, load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity
from secureload.scan.loader_lists import allow_for
from secureload.scan.part import Part, part_of_trace
from secureload.scan.survey import survey

FILES = Path(__file__).parents[1] / "formats" / "readers" / "files"
KD_TREE = GlobalRef("sklearn.neighbors._kd_tree", "KDTree")


def part(reading: str) -> Part:
    made = part_of_trace(Trace(reading=reading))  # type: ignore[arg-type]  # a parametrized str
    return replace(made, format=reading)


def tier(reading: str, ref: GlobalRef) -> Tier | None:
    found = allow_for(part(reading), load_default()).find(ref)
    return None if found is None else found.tier


def test_skops_makes_instances_that_a_pickle_may_only_import() -> None:
    assert tier("skops", KD_TREE) is Tier.NEW_ONLY
    assert tier("pickle", KD_TREE) is Tier.IMPORT_ONLY


def test_keras_looks_up_its_own_layers_and_no_pickle_does() -> None:
    dense = GlobalRef("keras.layers", "Dense")
    assert tier("keras", dense) is Tier.NEW_ONLY
    assert tier("keras", GlobalRef("builtins", "relu")) is Tier.IMPORT_ONLY
    assert tier("pickle", dense) is None
    assert tier("keras", GlobalRef("keras.layers", "Lambda")) is None
    assert tier("keras", GlobalRef("keras.layers", "deserialize")) is None


@pytest.mark.parametrize("module", ["__torch__", "__torch__.model"])
def test_torchscript_finds_its_classes_in_its_own_archive(module: str) -> None:
    assert tier("torch", GlobalRef(module, "M")) is Tier.NEW_ONLY
    assert tier("pickle", GlobalRef(module, "M")) is None
    assert tier("torch", GlobalRef(module, "M.f")) is None
    assert tier("torch", GlobalRef("__torch__x", "M")) is None
    assert tier("torch", GlobalRef("torch.jit._pickle", "build_intlist")) is Tier.CALLABLE
    assert tier("torch", GlobalRef("torch.jit._pickle", "other")) is None
    assert tier("torch", GlobalRef("os", "system")) is None


def test_what_a_user_allows_counts_for_every_loader() -> None:
    allow = load_default().extended_by(["ours.Model"])
    for reading in ("keras", "skops", "torch", "pickle"):
        assert allow_for(part(reading), allow).find(GlobalRef("ours", "Model")) is not None


def test_a_skops_file_is_accepted_by_its_names() -> None:
    parts = survey(Region((FILES / "pipeline.skops").read_bytes()), "pipeline.skops")
    found = examine(parts, load_default(), {})
    assert found.coverage.complete
    assert {finding.severity for finding in found.findings} <= {Severity.NOTE}


def test_the_configuration_of_a_keras_model_is_accepted_by_its_names() -> None:
    parts = survey(Region((FILES / "dense.keras").read_bytes()), "dense.keras")
    found = examine(parts[:1], load_default(), {})
    assert {finding.severity for finding in found.findings} <= {Severity.NOTE}
