from __future__ import annotations

import contextlib
import pickle
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

import pytest

from secureload.pickles.names import effective_name
from secureload.pickles.trace import GlobalRef
from secureload.scan.allowlist import load_default
from secureload.scan.dangerous import grade

PYTHON_2 = sorted(
    {(module, name) for module, name in NAME_MAPPING} | {(m, "anything") for m in IMPORT_MAPPING}
)


class _Asked(pickle._Unpickler):  # type: ignore[name-defined]
    """Says what Python's own unpickler would import; imports nothing itself."""

    def __init__(self, protocol: int) -> None:
        self.proto = protocol
        self.fix_imports = True


@pytest.mark.parametrize("protocol", range(6))
def test_names_mean_what_pickle_itself_would_import(protocol: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    asked: list[str] = []

    def noted(name: str, *_args: object, **_kwargs: object) -> None:
        asked.append(name)
        raise ImportError(name)

    for module, name in PYTHON_2:
        with monkeypatch.context() as patch:
            patch.setattr(builtins, "__import__", noted)
            with contextlib.suppress(ImportError):
                _Asked(protocol).find_class(module, name)
        assert effective_name(module, name, protocol)[0] == asked.pop()


@pytest.mark.parametrize("protocol", range(6))
def test_a_present_name_that_is_no_python_2_name_stays_itself(protocol: int) -> None:
    assert effective_name("sklearn.pipeline", "Pipeline", protocol) == ("sklearn.pipeline", "Pipeline")


def test_no_admitted_name_becomes_a_name_that_is_not_admitted_under_an_old_protocol() -> None:
    """What was judged under one protocol must not be something else, and worse, under another."""
    allowed = load_default()
    for entry in allowed:
        mapped = GlobalRef(*effective_name(entry.ref.module, entry.ref.name, 2))
        if mapped != entry.ref:
            assert allowed.find(mapped) is not None, str(entry.ref)


def test_no_python_2_name_of_something_dangerous_is_admitted() -> None:
    allowed = load_default()
    for module, name in PYTHON_2:
        mapped = GlobalRef(*effective_name(module, name, 0))
        if grade(mapped) is not None and allowed.find(mapped) is None:
            assert allowed.find(GlobalRef(module, name)) is None
