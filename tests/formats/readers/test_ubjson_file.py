from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.readers import ubjson_file
from secureload.formats.reading import Identified
from tests.formats.feeding import bytes_of, children, codes, feed, mutated, problems
from tests.formats.test_ubjson import MODEL, encoded

SYSTEM = "cos\nsystem\n(S'echo hello'\ntR."


def test_a_model_says_what_it_is_and_nothing_else() -> None:
    assert feed(ubjson_file, MODEL) == [Identified(format="xgboost", loader="xgboost.Booster.load_model")]
    assert feed(ubjson_file, encoded({"a": 1}) + bytes(7)) == []


def test_a_pickle_among_the_attributes_is_handed_on() -> None:
    found = feed(ubjson_file, encoded({"learner": {"attributes": {"evil": SYSTEM, "note": "A sentence."}}}))
    (child,) = children(found).values()
    assert (child.name.split("@")[0], child.expect, bytes_of(child)) == ("evil", "pickle", SYSTEM.encode())


def test_bytes_behind_the_model_are_told_and_handed_on() -> None:
    found = feed(ubjson_file, MODEL + b"PK\x03\x04")
    assert codes(found) == {"boosted.tail"}
    assert bytes_of(children(found)[f"tail@{len(MODEL)}"]) == b"PK\x03\x04"


def test_a_model_that_is_cut_off_is_a_problem() -> None:
    assert problems(feed(ubjson_file, MODEL[:-2]))


@given(st.binary(max_size=60) | mutated(MODEL))
def test_any_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    assert codes(feed(ubjson_file, data)) <= {"boosted.tail"}
