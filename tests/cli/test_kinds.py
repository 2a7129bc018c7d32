"""Files that begin alike are checked one after the other."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from secureload.cli.kinds import of_one_kind


def saved(folder: Path, name: str, value: object) -> str:
    (folder / name).write_bytes(pickle.dumps(value, protocol=4))
    return str(folder / name)


def test_every_file_is_in_one_place_and_those_that_begin_alike_are_together(tmp_path: Path) -> None:
    kinds = [{f"kind {number % 3} of a long name": "x" * 50, "number": number} for number in range(100)]
    paths = [saved(tmp_path, f"{number}.pkl", kind) for number, kind in enumerate(kinds)]
    groups = of_one_kind(paths)
    assert sorted(place for group in groups for place in group) == list(range(100))
    assert all(len({place % 3 for place in group}) == 1 for group in groups)
    assert max(map(len, groups)) == 32  # so that several cores have some
    assert len(groups) == 6


def test_what_cannot_be_read_is_left_to_the_check(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nothing")
    paths = [str(tmp_path / name) for name in ("pipe", "link", "missing", "a\udcff", ".")] * 3
    assert sorted(place for group in of_one_kind(paths) for place in group) == list(range(15))
    assert of_one_kind(["a\0b"] * 8) == [list(range(8))]


def test_of_a_few_files_nothing_is_read() -> None:
    assert of_one_kind(["missing", "missing"]) == [[0], [1]]
    assert of_one_kind([]) == []
