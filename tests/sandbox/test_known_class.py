"""A worker that names a class names one that is imported here already, and only an estimator or a module."""

from __future__ import annotations

import inspect
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from secureload.sandbox.known_class import docstring_of, known_class, signature_of


def named(module: str, qualname: str) -> Any:
    return SimpleNamespace(module=module, qualname=qualname)


KNOWN = named("sklearn.linear_model._logistic", "LogisticRegression")


def test_an_estimator_that_is_imported_here_is_known() -> None:
    assert known_class(KNOWN) is LogisticRegression
    assert signature_of(KNOWN, "predict") == inspect.signature(LogisticRegression().predict)
    assert docstring_of(KNOWN, "predict") == inspect.getdoc(LogisticRegression.predict)


@pytest.mark.parametrize(
    ("module", "qualname"),
    [
        ("builtins", "str"), ("pathlib", "Path"), ("numpy", "ndarray"), ("secureload.policy.verdict", "Policy"),
        ("sklearn.linear_model._logistic", "LogisticRegression.__init__"), ("sklearn.linear_model._logistic", "np"),
        ("no.such.module", "Thing"), ("", ""), ("sklearn.linear_model._logistic", "a.b.c"), ("builtins", "object"),
    ],
)  # fmt: skip
def test_nothing_else_is(module: str, qualname: str) -> None:
    reference = named(module, qualname)
    assert known_class(reference) is None
    with pytest.raises(AttributeError):
        signature_of(reference, "predict")
    assert docstring_of(reference, "predict") is None


def test_nothing_is_imported_because_a_worker_names_it() -> None:
    assert "this" not in sys.modules
    assert known_class(named("this", "LogisticRegression")) is None
    assert "this" not in sys.modules
