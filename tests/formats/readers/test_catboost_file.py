from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.readers import catboost_file
from secureload.formats.reading import Versions
from tests.formats.feeding import codes, feed, mutated, problems
from tests.formats.flat import table


def core(parts: int = 0, version: str = "CatBoost version: 1.2.10") -> bytes:
    """A TModelCore: its info says one thing, its parts are ``parts`` empty names."""
    root, info = 4 + 12, 4 + 12 + 20
    entry = info + 8 + 8
    key, value = b"catboost_version_info", version.encode()
    texts = entry + 12
    ids = texts + 4 + len(key) + -len(key) % 4 + 4 + len(value) + -len(value) % 4
    data = struct.pack("<I", root) + table([0, 0, info - (root + 12), ids - (root + 16)])
    data += struct.pack("<II", 1, entry - (info + 4))
    data += table([texts - (entry + 4), texts + 4 + len(key) + -len(key) % 4 - (entry + 8)])
    for text in (key, value):
        data += struct.pack("<I", len(text)) + text + bytes(-len(text) % 4)
    return data + struct.pack("<I", parts) + bytes(4 * parts)


def model(parts: int = 0) -> bytes:
    return b"CBM1" + struct.pack("<I", len(core(parts))) + core(parts)


VALID = model()


def test_a_model_tells_its_version_and_nothing_else() -> None:
    assert feed(catboost_file, VALID) == [Versions(library="catboost", version="1.2.10")]


def test_parts_follow_only_where_the_model_names_some() -> None:
    assert codes(feed(catboost_file, model(1) + b"a part of it")) == set()
    assert codes(feed(catboost_file, VALID + b"PK\x03\x04")) == {"boosted.tail"}


def test_a_model_that_is_cut_off_or_none_is_a_problem() -> None:
    assert problems(feed(catboost_file, VALID[:-1]))
    assert problems(feed(catboost_file, b"CBM2" + VALID[4:]))
    assert problems(feed(catboost_file, b""))
    assert problems(feed(catboost_file, b"CBM1" + struct.pack("<II", 4, 1 << 30)))


@given(st.binary(max_size=60).map(lambda tail: VALID[:12] + tail) | mutated(VALID))
def test_any_bytes_give_events_or_an_error_of_ours(data: bytes) -> None:
    assert codes(feed(catboost_file, data)) <= {"boosted.tail"}
