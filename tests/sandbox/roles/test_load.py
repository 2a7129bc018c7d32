"""What is imported before the doors close."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from secureload.sandbox.roles.load import _import_all


def test_a_module_that_only_exists_behind_another_is_imported_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_library.py").write_text(
        "import sys, types; sys.modules['_behind_it'] = types.ModuleType('x')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("a_library", "_behind_it"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    _import_all(["_behind_it", "a_library"])
    assert "_behind_it" in sys.modules


def test_a_module_that_is_nowhere_is_named() -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        _import_all(["json", "a_module_that_is_nowhere"])
    assert caught.value.name == "a_module_that_is_nowhere"
