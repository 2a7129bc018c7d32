from __future__ import annotations

import io
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.assembler import Assembler
from secureload.pickles.distill import distill

from .tracing import refs, trace


class Evil:
    def __reduce__(self) -> Any:
        return (os.system, ("echo hello",))


def test_the_distilled_pickle_holds_every_import_once_and_none_of_the_bulk() -> None:
    buffer = io.BytesIO()
    joblib.dump([np.zeros(100_000), np.ones(100_000), Evil()], buffer)
    found = trace(buffer.getvalue())
    small = distill(found)
    assert len(small) < 2_000
    names = {argument for opcode, argument, _ in pickletools.genops(small) if opcode.name == "GLOBAL"}
    assert names == {name.replace(":", " ") for name in refs(found)}


@pytest.mark.parametrize("protocol", range(6))
def test_the_distilled_pickle_says_the_same_calls_as_the_payload(protocol: int) -> None:
    found = trace(pickle.dumps([Evil(), {"a": Evil()}], protocol))
    again = trace(distill(found))
    first = [(call.target, call.args) for call in found.operations if call.kind == "call"]
    assert [(call.target, call.args) for call in again.operations if call.kind == "call"] == first


def test_a_method_that_getattr_reads_is_called_in_the_distilled_pickle_as_well() -> None:
    code = (
        Assembler(4).global_("builtins", "getattr").mark().global_("a", "B").text("method").tuple_().reduce()
    )
    code.mark().text("x").tuple_().reduce()
    found = trace(code.stop())
    again = trace(distill(found))
    assert [operation.target for operation in again.operations] == [
        operation.target for operation in found.operations
    ]


def test_a_name_with_a_line_break_is_distilled_without_forging_a_second_name() -> None:
    found = trace(Assembler(4).stack_global("a\nb", "c\nd").stop())
    assert refs(trace(distill(found))) == ["a\nb:c\nd"]


_PARTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=40)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=4), inner, max_size=4),
        st.just(slice(1, 2)),
    ),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(_PARTS, st.integers(0, 5))
def test_whatever_was_traced_distils_into_a_well_formed_pickle(value: object, protocol: int) -> None:
    found = trace(pickle.dumps([value, Evil()], protocol))
    small = distill(found)
    assert [opcode.name for opcode, _, _ in pickletools.genops(small)][-1] == "STOP"
    assert trace(small).problems == ()


def test_the_distilled_pickle_of_a_trained_model_stays_small(tmp_path: Path) -> None:
    from sklearn.ensemble import RandomForestClassifier

    rows = np.arange(40.0).reshape(20, 2)
    model = RandomForestClassifier(20, random_state=0).fit(rows, rows[:, 0] > 20)
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    assert len(distill(trace(buffer.getvalue()))) < 20_000
