"""Files that cost more than they are: each ends in a limit with its name, none is accepted, none takes for ever."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from secureload.api.check import check
from secureload.policy.verdict import Outcome

HEAD = b"\x80\x04"
MODULUS = (1 << 61) - 1
# A tuple that holds the one below twice, sixty times over: hashing it takes 2**60 steps.
DOUBLED = b"N\x85" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(60))
SYSTEM = b"cos\nsystem\nX\x04\x00\x00\x00true\x85R0"


def limits_of(path: Path, data: bytes) -> tuple[Outcome, set[str]]:
    """Return the outcome of a check, and the names of the limits that it reports."""
    path.write_bytes(data)
    checked = check(path)
    titles = [item.title for item in checked.examination.findings if "limit was reached" in item.title]
    return checked.verdict.outcome, {title.split(": ")[1] for title in titles}


@pytest.mark.parametrize("holder", [b"}" + DOUBLED + b"K\x01s", b"\x8f(" + DOUBLED + b"\x90"])
def test_a_key_that_is_hashed_for_ever_ends_in_seconds(tmp_path: Path, holder: bytes) -> None:
    outcome, limits = limits_of(tmp_path / "model.pkl", HEAD + holder + b".")
    assert outcome is Outcome.UNDECIDED
    assert limits == {"unpickler_cpu_seconds"}


def test_what_stands_before_it_is_found_all_the_same(tmp_path: Path) -> None:
    data = HEAD + SYSTEM + b"}" + DOUBLED + b"K\x01s."
    outcome, limits = limits_of(tmp_path / "model.pkl", data)
    assert outcome is Outcome.REJECTED
    assert limits == {"unpickler_cpu_seconds"}


def test_keys_that_have_one_hash_never_get_as_far_as_the_model(tmp_path: Path) -> None:
    numbers = [MODULUS * step for step in range(1, 60_000)]
    data = HEAD + b"}(" + b"".join(pickle.dumps(n)[2:-1] + b"N" for n in numbers) + b"u."
    outcome, limits = limits_of(tmp_path / "model.pkl", data)
    assert outcome is Outcome.UNDECIDED
    assert limits == {"unpickler_cpu_seconds"}
