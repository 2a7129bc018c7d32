from __future__ import annotations

from pathlib import Path

import pytest

from secureload.pickles.trace import GlobalRef
from secureload.scan.allow.by_loader.keras_names import Names, list_text, main, names_in
from secureload.scan.allowlist import Tier, load_allow_file

SOURCE = """
@keras_export(["keras.layers.Dense", "keras._legacy.layers.Dense"])
class Dense: ...
@keras_export("keras.layers.Lambda")
class Lambda: ...
@keras_export(("keras.activations.relu", "keras.ops.relu"))
def relu(x): ...
@keras_export("keras.activations.deserialize")
def deserialize(x): ...
@keras_export("keras.utils.get_file")
def get_file(x): ...
@keras_export("keras.optimizers.Adam", v1=[])
class Adam: ...
class Add(Operation): ...
class Plain: ...
"""


def names() -> Names:
    found = Names()
    names_in(SOURCE, "keras.src.ops.numpy", "3.0", found)
    names_in(SOURCE, "keras.src.layers.core", "3.1", found)
    return found


def test_parts_of_models_are_admitted_and_loaders_are_not() -> None:
    found = names()
    assert set(found.classes) == {
        "keras.layers:Dense", "keras:Dense", "keras.optimizers:Adam", "keras:Adam", "Custom:Adam",
        "keras.src.ops.numpy:Add", "keras:Add",
    }  # fmt: skip
    assert set(found.functions) == {"keras.activations:relu", "keras.ops:relu", "builtins:relu"}


def test_the_list_names_the_releases_of_each() -> None:
    text = list_text(names(), ["3.0", "3.1"])
    assert "keras.layers:Dense  3.0-3.1" in text
    assert "keras.src.ops.numpy:Add  3.0\n" in text
    allow = load_allow_file(text)
    found = allow.find(GlobalRef("keras.activations", "relu"))
    assert found is not None
    assert found.tier is Tier.IMPORT_ONLY


def test_the_command_reads_folders_in_their_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for release in ("2.6", "3.0"):
        folder = tmp_path / release / "keras"
        folder.mkdir(parents=True)
        (folder / "layers.py").write_text(SOURCE)
        (folder / "layers_test.py").write_text("@keras_export('keras.layers.Test')\nclass Test: ...\n")
    assert main([f"2.6={tmp_path}/2.6", f"3.0={tmp_path}/3.0"]) == 0
    text = capsys.readouterr().out
    assert "keras.layers:Dense  2.6-3.0" in text
    assert "Test" not in text
    assert main([]) == 2
