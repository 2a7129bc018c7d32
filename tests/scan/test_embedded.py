from __future__ import annotations

import pickle
import random
from dataclasses import replace

import pytest

from secureload.errors import LimitError
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS
from secureload.pickles.assembler import Assembler
from secureload.scan.allowlist import load_default
from secureload.scan.embedded import embedded_pickles
from secureload.scan.examine import examine
from secureload.scan.finding import Severity
from secureload.scan.part import Part
from secureload.scan.survey import survey
from tests.formats.tars import archive

NOISE = b"\xff\xfe" + random.Random(3).randbytes(3_000)
HOSTILE = Assembler(4).global_("os", "system").mark().text("echo hello").tuple_().reduce().stop()


def found(data: bytes) -> list[tuple[int, list[str]]]:
    return [
        (start, [str(item.ref) for item in trace.imports]) for start, trace in embedded_pickles(Region(data))
    ]


def parts(data: bytes, name: str = "m") -> tuple[Part, ...]:
    return survey(Region(data), name)


def worst(data: bytes) -> Severity | None:
    return examine(parts(data), load_default(), {}).worst()


def test_each_pickle_is_found_once_with_all_that_it_imports() -> None:
    assert found(NOISE + HOSTILE + NOISE + HOSTILE) == [
        (len(NOISE), ["os:system"]),
        (2 * len(NOISE) + len(HOSTILE), ["os:system"]),
    ]


def test_pickles_one_behind_the_other_are_one_find() -> None:
    assert found(NOISE + HOSTILE * 3) == [(len(NOISE), ["os:system"])]


@pytest.mark.parametrize("letters", [b"basic", b"ccc", b"icicle", b"", b"x"])
def test_letters_in_front_of_a_name_do_not_hide_it(letters: bytes) -> None:
    data = b"\xff\xfe " + letters + b"cos\nsystem\n(S'echo hello'\ntR."
    assert "os:system" in [name for _, names in found(data) for name in names]


def test_what_imports_nothing_is_not_told() -> None:
    assert found(NOISE + pickle.dumps({"a": [1, 2]}) + NOISE) == []


def test_a_payload_behind_garbage_is_dangerous_by_name() -> None:
    whole = parts(NOISE + HOSTILE)
    assert [part.path for part in whole] == ["", f"pickle at byte {len(NOISE):,}"]
    assert [observation.code for observation in whole[0].observations] == ["embedded.pickle"]
    assert worst(NOISE + HOSTILE) is Severity.DANGEROUS
    assert worst(NOISE) is Severity.UNKNOWN


def test_a_payload_behind_a_pickle_and_garbage_is_dangerous_by_name() -> None:
    assert worst(pickle.dumps([1]) + NOISE + HOSTILE) is Severity.DANGEROUS
    assert worst(pickle.dumps([1])[:-1] + b"\xff" + NOISE + HOSTILE) is Severity.DANGEROUS
    assert worst(pickle.dumps([1]) + NOISE) is Severity.UNKNOWN


def test_a_length_that_lies_at_the_end_of_the_first_pickle_hides_nothing_either() -> None:
    data = pickle.dumps([1])[:-1] + b"B\xff\xff\xff\x0f" + HOSTILE
    assert worst(data) is Severity.DANGEROUS


def test_an_archive_behind_a_pickle_is_read_as_the_archive_that_it_is() -> None:
    data = pickle.dumps([1]) + archive([("model.pkl", HOSTILE)])
    assert "model.pkl" in parts(data)[-1].path
    assert worst(data) is Severity.DANGEROUS


def test_a_length_that_lies_does_not_hide_what_stands_behind_it() -> None:
    """The unpickler steps over 250 MB that are not there; the search does not."""
    data = b"\xff\xfe" + b"cos\nnice\n)RB\xff\xff\xff\x0f" + HOSTILE
    assert [names for _, names in found(data)] == [["os:nice"], ["os:system"]]


def test_a_file_full_of_pickles_shows_the_first_of_them_and_ends_in_a_limit() -> None:
    whole = parts(b"\xff\xfe" + (HOSTILE + b"\xff") * 400)
    assert [problem.kind for problem in whole[0].problems] == ["unsupported", "limit"]
    assert "embedded_pickles" in whole[0].problems[1].message
    assert len(whole) == 1 + DEFAULT_LIMITS.embedded_pickles


def test_pickles_that_do_very_much_end_in_a_limit() -> None:
    data = (b"\xff" + b"cos\nsystem\n0" * 2_000 + b"cos\nsystem\n)R\xff") * 4
    with pytest.raises(LimitError) as raised:
        list(embedded_pickles(Region(data), replace(DEFAULT_LIMITS, embedded_steps=5_000)))
    assert raised.value.fields["limit"] == "embedded_steps"


def test_of_a_very_large_file_both_ends_are_searched() -> None:
    limits = replace(DEFAULT_LIMITS, embedded_search_bytes=2_000)
    data = NOISE[:100] + HOSTILE + NOISE + HOSTILE + NOISE + NOISE[:100] + HOSTILE
    starts = [start for start, _ in embedded_pickles(Region(data), limits)]
    assert starts == [100, len(data) - len(HOSTILE)]
