"""Dotted names: methods that protocol 4 names, and walks through modules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.trace import GlobalRef
from secureload.scan.dangerous import grade
from secureload.scan.dotted import MODULE_MACHINERY, REACHES_THROUGH, why_dotted
from secureload.scan.technique import Technique


def nothing(module: str, name: str) -> None:
    return None


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("pathlib", "os.system"),
        ("numpy.core.multiarray", "os.system"),
        ("collections", "_sys.modules.get"),
        ("collections", "abc.sys"),
        ("our_models", "os.system"),
        ("our_models", "_os.path"),
        ("our_models", "np.load"),
        ("our_models", "os"),
        ("our_models", "_sys"),
        ("random", "_os"),
        ("numpy.lib", "functools"),
        ("sklearn.utils", "Popen"),
        ("numpy", "lib.whatever"),
        ("our_models", "helpers.system"),
        ("our_models", ".".join("abcdefghijk")),
    ],
)
def test_a_walk_through_a_module_is_dangerous_whatever_the_module(module: str, name: str) -> None:
    assert why_dotted(module, name, nothing) == REACHES_THROUGH


@pytest.mark.parametrize(
    "name",
    [
        *("__builtins__", "A.__globals__", "f.__globals__.get", "A.__class__.__base__", "A.__subclasses__"),
        *("A.__dict__", "A.f_globals.get", "__loader__.load_module", "A.__getattribute__", "A.__reduce_ex__"),
        *("gen.gi_frame.f_builtins", "A.method.__code__", "__spec__"),
    ],
)
def test_what_lies_behind_a_class_or_function_is_machinery(name: str) -> None:
    assert why_dotted("our_models", name, nothing) == MODULE_MACHINERY


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("our_models", "Scaler"),
        ("our_models", "Scaler.fit"),
        ("our_models", "Outer.Inner.method"),
        ("our_models", "scaler.fit"),
        ("our_models", "_Private.method"),
        ("our_models", "system"),
        ("our_models", "Agent.system"),
        ("our_models", "Module.modules"),
        ("enum", "Enum.__new__"),
        ("our_models", "Scaler.__call__"),
        ("sklearn.preprocessing._data", "StandardScaler.transform"),
        ("numpy", "ndarray.sum"),
        ("builtins", "str.lower"),
        ("datetime", "datetime.now"),
        ("numpy", "random"),
        ("our_models", ""),
    ],
)
def test_names_of_classes_and_their_methods_are_not_accused(module: str, name: str) -> None:
    assert why_dotted(module, name, nothing) is None


def test_a_method_of_a_gadget_and_a_name_below_a_family_are_gadgets() -> None:
    known = Technique("does it", "for the test")

    def graded(module: str, name: str) -> Technique | None:
        return known if (module, name) == ("a", "B") or module == "a.hub" else None

    assert why_dotted("a", "B.method", graded) == known
    assert why_dotted("a", "hub.load", graded) == known
    assert why_dotted("a", "C.method", graded) is None


def test_the_list_looks_below_a_module_that_a_dotted_name_walks_into() -> None:
    for module, name in (("torch", "hub.load"), ("xml", "etree.ElementTree.parse"), ("numpy", "f2py.main")):
        assert grade(GlobalRef(module, name)) is not None


@settings(deadline=None, max_examples=200)
@given(st.text(), st.text(alphabet="._aOs", max_size=40))
def test_arbitrary_dotted_names_are_graded_without_an_error(module: str, name: str) -> None:
    assert isinstance(why_dotted(module, name, nothing), Technique | None)


@settings(deadline=None, max_examples=100)
@given(st.text(), st.sampled_from(["os", "_os", "sys", "subprocess"]), st.text())
def test_every_walk_through_the_operating_system_is_dangerous(module: str, first: str, rest: str) -> None:
    assert grade(GlobalRef(module, f"{first}.{rest}")) is not None
    assert grade(GlobalRef(module, f"Class.{first}.{rest}")) is not None
