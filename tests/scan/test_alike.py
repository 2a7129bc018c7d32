"""Models of one kind are read once, and each has the answer that reading it would give."""

from __future__ import annotations

import io
import pickle
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.scan.alike import Alike
from secureload.scan.part_codec import EncodedParts, encode_parts
from secureload.scan.survey import survey
from tests.formats.zips import Entry, archive
from tests.pickles.test_template import Called, Model


def read(data: bytes, name: str = "model.pkl") -> EncodedParts:
    return encode_parts(survey(Region(data), name))


def kept(*models: bytes, name: str = "model.pkl", limits: Limits = DEFAULT_LIMITS) -> Alike:
    alike = Alike(limits)
    for data in models:
        parts = survey(Region(data), name)
        alike.keep(Region(data), name, parts, encode_parts(parts))
    return alike


def model(rows: int, number: int) -> Model:
    inner = [Model(values=np.full((rows, 3), 0.5 * place), seed=number) for place in range(4)]
    return Model(inner=inner, raw=b"ab" * rows, count=number, made=Called("text", 5), more=Model(real=1.5))


def saved(value: object, how: str) -> bytes:
    if how != "joblib":
        return pickle.dumps(value, protocol=int(how))
    file = io.BytesIO()
    joblib.dump(value, file)
    return file.getvalue()


@pytest.mark.parametrize("how", ["4", "5", "joblib"])
def test_a_second_model_of_a_kind_is_not_read_and_has_its_own_offsets(how: str) -> None:
    alike = kept(saved(model(5, 7), how))
    for other in (model(6, 200), model(8, 2), model(5, 7)):
        data = saved(other, how)
        assert alike.find(Region(data), "other.pkl") == read(data)


def test_what_its_name_says_is_told_of_each() -> None:
    data = saved(model(5, 7), "4")
    alike = kept(data)
    assert alike.find(Region(data), "model.onnx") is None
    assert alike.find(Region(data), "another.pickle") == read(data)


def test_nothing_is_kept_of_what_is_odd() -> None:
    plain = saved(model(5, 7), "4")
    side_file = b"\x80\x04cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81}(\x8c\x08filename\x8c\x05a.npyub."
    for data in (plain + b"garbage", plain + plain, plain[:-1], side_file, b"", b"text"):
        alike = kept(data)
        assert alike.find(Region(data), "model.pkl") is None


def test_a_model_with_findings_keeps_them() -> None:
    # What it would call is in it, and stays: only numbers of states differ.
    first, second = (pickle.dumps(Model(a=Exec(), more=number), protocol=4) for number in (5, 6))
    alike = kept(first)
    found = alike.find(Region(second), "model.pkl")
    assert found == read(second)
    assert found is not None
    assert b"system" in found.shape


class Exec:
    """A call of ``os.system``, never made here."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return (os.system, ("true",))


def test_a_payload_in_the_place_of_numbers_is_read() -> None:
    benign = pickle.dumps(Model(a=5, made=Called("exit"), b=6), protocol=4)
    alike = kept(benign)
    hostile = benign.replace(b"\x8c\x06Called", b"\x8c\x06system")
    assert hostile != benign
    assert alike.find(Region(hostile), "model.pkl") is None


def test_an_archive_in_the_place_of_bytes_is_read() -> None:
    inside = archive(Entry("data.pkl", pickle.dumps(Exec())))
    plain, polyglot = (pickle.dumps(Model(raw=raw), protocol=4) for raw in (b"-" * 400, inside))
    alike = kept(plain)
    assert alike.find(Region(polyglot), "model.pkl") is None
    assert "data.pkl" in [part.path for part in survey(Region(polyglot), "model.pkl")]


def test_large_files_are_read_each() -> None:
    data = saved(model(5, 7), "4")
    alike = kept(data, limits=Limits(template_bytes=len(data) - 1))
    assert alike.find(Region(data), "model.pkl") is None


def test_there_are_not_more_kinds_than_the_limit() -> None:
    kinds = [pickle.dumps(Model(**{f"name{number}": 5}), protocol=4) for number in range(5)]
    alike = kept(*kinds, limits=Limits(templates_kept_items=3))
    assert [alike.find(Region(data), "model.pkl") is not None for data in kinds] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("how", ["4", "5", "joblib"])
@settings(max_examples=40)
@given(st.data())
def test_whatever_byte_is_changed_the_answer_is_that_of_reading(how: str, data: st.DataObject) -> None:
    known = saved(model(3, 7), how)
    alike = kept(known)
    start = data.draw(st.integers(0, len(known) - 1))
    for place in range(start, min(start + 40, len(known))):
        changed = bytearray(known)
        changed[place] = data.draw(st.integers(0, 255))
        found = alike.find(Region(bytes(changed)), "model.pkl")
        assert found is None or found == read(bytes(changed))
