"""An object that is not what the trace takes it for, so that a later operation on it means something else."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.stats import norm

from secureload.pickles.assembler import Assembler
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity

from ..pickles.tracing import trace
from .judged import objections

PLAIN = ("sklearn.calibration", "_CalibratedClassifier")
DISTRIBUTION = ("scipy.stats._continuous_distns", "alpha_gen")
PROGRAM = "MARK = 'this text was executed'"
REFERENCES = pickle.dumps(np.dtype(object), 2)[:-1]


def made(code: Assembler, module: str, name: str) -> Assembler:
    return code.global_(module, name).mark().tuple_().newobj()


def program(code: Assembler) -> Assembler:
    """The state that a distribution of scipy executes, given to the object on the stack."""
    return code.mark().text("_parse_arg_template").text(PROGRAM).dict_().build()


def test_an_object_that_is_given_another_class_and_then_a_state_which_that_class_executes() -> None:
    code = made(Assembler(2), *PLAIN).mark().none()
    code = code.mark().text("__class__").global_(*DISTRIBUTION).dict_().tuple_().build()
    assert objections(program(code).stop())


def test_an_object_whose_second_state_is_an_argument_of_what_the_first_one_planted() -> None:
    """The unpickler looks ``__setstate__`` up on the instance, and finds what the payload has put there."""
    code = made(Assembler(2), *PLAIN).mark().text("__setstate__").global_("numpy", "zeros").dict_().build()
    assert objections(code.integer(3).build().stop())


def test_an_object_that_is_filled_by_a_method_which_its_state_planted() -> None:
    code = made(Assembler(2), *PLAIN).mark().text("append").global_("numpy", "zeros").dict_().build()
    assert objections(code.integer(3).raw(pickle.APPEND).stop())


def test_a_scalar_of_objects_is_the_object_itself_and_its_state_is_executed() -> None:
    code = Assembler(2).global_("numpy._core.multiarray", "scalar").mark().raw(REFERENCES[2:])
    code = made(code, *DISTRIBUTION).tuple_().reduce()
    assert objections(program(code).stop())


def test_an_attribute_that_was_planted_is_fetched_and_its_state_is_executed() -> None:
    code = Assembler(2).global_("builtins", "getattr").mark()
    code = made(made(code, *PLAIN).mark().text("_entropy"), *DISTRIBUTION).dict_().build()
    code = code.text("_entropy").tuple_().reduce()
    assert objections(program(code).stop())


def test_the_class_of_a_distribution_is_never_handed_on_as_a_value() -> None:
    code = made(Assembler(2), *PLAIN).mark().text("estimator").global_(*DISTRIBUTION).dict_().build()
    assert any("handed on" in title for title in objections(code.stop()))


def test_what_a_nested_pickle_returned_is_given_the_state_that_its_wrapper_seems_to_get() -> None:
    """joblib puts the object of the nested pickle in the place of the wrapper, and the next state is for it."""
    nested = made(Assembler(2), *DISTRIBUTION).stop()
    code = made(Assembler(2), "joblib.numpy_pickle", "NumpyArrayWrapper")
    code = code.mark().text("shape").mark().integer(1).tuple_().text("dtype").raw(REFERENCES[2:]).put(9)
    code = code.dict_().build().raw(nested)
    code = code.mark().text("shape").mark().integer(1).tuple_().text("dtype").get(9)
    code = code.text("_parse_arg_template").text(PROGRAM).dict_().build().raw(nested)
    assert objections(code.stop())


def test_a_wrapper_behind_another_name_does_not_hide_that_raw_bytes_follow() -> None:
    code = made(Assembler(2), *PLAIN).mark().none()
    code = code.mark().text("__class__").global_("joblib.numpy_pickle", "NumpyArrayWrapper").dict_()
    assert objections(code.tuple_().build().stop())


def test_an_object_that_tells_numpy_an_address_to_read_an_array_from() -> None:
    code = Assembler(2).global_("pandas.core.indexes.base", "_new_Index").mark()
    code = code.global_("pandas.core.indexes.base", "Index").mark().text("data")
    code = made(code, *PLAIN).mark().text("__array_interface__").mark().text("data")
    code = code.mark().integer(4096).boolean(False).tuple_().text("typestr").text("<f8")
    code = code.text("shape").mark().integer(1).tuple_().text("version").integer(3).dict_().dict_().build()
    assert objections(code.dict_().tuple_().reduce().stop())


def test_a_dtype_that_gets_its_state_after_an_array_was_made_with_it() -> None:
    """Raw bytes would become references to objects."""
    dtype = (
        Assembler(2)
        .global_("numpy", "dtype")
        .mark()
        .text("V8")
        .boolean(False)
        .boolean(True)
        .tuple_()
        .reduce()
    )
    code = dtype.put(1).pop().global_("numpy._core.multiarray", "_reconstruct")
    code = code.mark().global_("numpy", "ndarray").mark().integer(0).tuple_().binary(b"b").tuple_().reduce()
    code = (
        code.mark()
        .integer(1)
        .mark()
        .integer(1)
        .tuple_()
        .get(1)
        .boolean(False)
        .binary(b"A" * 8)
        .tuple_()
        .build()
    )
    code = code.pop().get(1).mark().integer(3).text("|").none().mark().text("a").tuple_()
    code = code.mark().text("a").mark().raw(REFERENCES[2:]).integer(0).tuple_().dict_()
    code = code.integer(8).integer(1).integer(27).tuple_().build()
    assert objections(code.stop())


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_distribution_that_scipy_wrote_is_never_called_dangerous(protocol: int) -> None:
    found = examine(trace(pickle.dumps([norm, norm(0, 1)], protocol)), load_default(), {}).findings
    assert Severity.DANGEROUS not in {finding.severity for finding in found}
    assert protocol < 2 or found == ()


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_objects_that_hold_themselves_and_arrays_that_share_a_dtype_are_changed_once_only(
    protocol: int,
) -> None:
    loop: dict[str, object] = {"arrays": [np.zeros(2), np.ones(3)], "words": np.array(["a", "bc"])}
    loop["self"] = loop
    holder = np.empty(1, dtype=object)
    holder[0] = holder
    assert trace(pickle.dumps([loop, holder], protocol)).problems == ()
