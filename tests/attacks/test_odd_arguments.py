"""Whatever a caller passes as names to allow, the answer is an error of ours."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import secureload
from secureload.errors import UsageError

ODD: tuple[Any, ...] = (
    None,
    1,
    1.5,
    object(),
    b"a.b",
    [None],
    [1],
    [b"a.b"],
    [("a", "b")],
    [["a.b"]],
    ["\ud800.x"],
    [""],
)


@pytest.mark.parametrize(
    "allow", ODD, ids=lambda odd: ascii(odd) if "object at" not in repr(odd) else "object"
)
def test_what_is_no_list_of_names_is_a_wrong_usage(allow: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps([1]))
    for function in (secureload.check, secureload.safe_load):
        with pytest.raises(UsageError):
            function(path, allow=allow)


@pytest.mark.parametrize("odd", [None, 1, b"key", 1.5, ["a"]], ids=repr)
def test_what_is_no_key_and_no_trust_store_is_a_wrong_usage(odd: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(b"N.")
    with pytest.raises(UsageError):
        secureload.sign(path, key=odd)
    if odd is not None:
        with pytest.raises(UsageError):
            secureload.verify(path, trust_store=odd)
