"""What fickling said is remembered from run to run, for its user alone, and believed of nobody else."""

from __future__ import annotations

import os
from pathlib import Path

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.cli.remembering import opinions_of_user
from secureload.limits import DEFAULT_LIMITS
from secureload.pickles.fickling_reader import UNREADABLE, Opinion
from secureload.sandbox import opinions as opinions_module
from secureload.sandbox.opinions import Opinions
from secureload.sandbox.remembered import Remembered
from secureload.values import replace

SAID = Opinion("from os import getcwd\nresult0 = getcwd()", "LIKELY_UNSAFE", ("it imports os",))
DIGEST = bytes(range(32))


def kept_in(folder: Path) -> Remembered:
    return Remembered(str(folder), "fickling 1")


def test_an_opinion_is_found_again(tmp_path: Path) -> None:
    kept_in(tmp_path / "a" / "b").keep(DIGEST, SAID)
    assert kept_in(tmp_path / "a" / "b").find(DIGEST) == SAID
    assert kept_in(tmp_path / "a" / "b").find(bytes(32)) is None
    assert kept_in(tmp_path / "elsewhere").find(DIGEST) is None
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert [name.stat().st_mode & 0o777 for name in (tmp_path / "a" / "b").iterdir()] == [0o600]


def test_a_second_run_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(self: Opinions, distilled: bytes) -> Opinion:
        asked.append(distilled)
        return SAID

    monkeypatch.setattr(opinions_module.Opinions, "_asked", answer)
    home = {"HOME": str(tmp_path)}
    for _ in range(2):
        assert opinions_of_user(DEFAULT_LIMITS, home).of(b"distilled") == SAID
    assert asked == [b"distilled"]
    assert opinions_of_user(DEFAULT_LIMITS, {**home, "SECURELOAD_NO_CACHE": "1"}).of(b"distilled") == SAID
    assert Opinions(DEFAULT_LIMITS, Remembered(str(tmp_path / ".cache/secureload/opinions"), "other")).of(
        b"distilled"
    )
    assert len(asked) == 3


def test_that_fickling_gave_no_answer_is_not_remembered(tmp_path: Path) -> None:
    kept_in(tmp_path).keep(DIGEST, Opinion("", UNREADABLE, ("it gave no answer",)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701])
def test_a_folder_that_others_can_enter_is_neither_read_nor_written(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "opinions"
    kept_in(folder).keep(DIGEST, SAID)
    folder.chmod(mode)
    assert kept_in(folder).find(DIGEST) is None
    kept_in(folder).keep(bytes(32), SAID)
    assert len(list(folder.iterdir())) == 1


def test_a_folder_or_a_file_of_somebody_else_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_in(tmp_path / "o").keep(DIGEST, SAID)
    monkeypatch.setattr("os.geteuid", lambda: 12_345)
    assert kept_in(tmp_path / "o").find(DIGEST) is None


def test_links_and_pipes_are_not_followed_or_waited_for(tmp_path: Path) -> None:
    kept_in(tmp_path / "o").keep(DIGEST, SAID)
    (tmp_path / "link").symlink_to(tmp_path / "o")
    assert kept_in(tmp_path / "link").find(DIGEST) is None
    (tmp_path / "o" / bytes(32).hex()).symlink_to(tmp_path / "o" / DIGEST.hex())
    assert kept_in(tmp_path / "o").find(bytes(32)) is None
    os.mkfifo(tmp_path / "o" / (b"\1" * 32).hex(), 0o600)
    assert kept_in(tmp_path / "o").find(b"\1" * 32) is None


@settings(deadline=None)
@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(max_size=5) | st.binary(max_size=5), st.lists).map(
        lambda value: msgpack.packb(value, default=str) if not isinstance(value, int) else b"\xc1"
    )
)
def test_whatever_stands_in_the_file_it_is_an_opinion_or_none(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("o")
    folder.chmod(0o700)
    (folder / DIGEST.hex()).write_bytes(data)
    assert isinstance(kept_in(folder).find(DIGEST), Opinion | None)


def test_there_is_a_limit_to_how_many_and_how_long(tmp_path: Path) -> None:
    limits = replace(DEFAULT_LIMITS, opinions_remembered_items=1, opinion_bytes=200)
    kept = Remembered(str(tmp_path / "o"), "", limits)
    kept.keep(DIGEST, SAID)
    kept.keep(bytes(32), SAID)
    assert [path.name for path in (tmp_path / "o").iterdir()] == [bytes(32).hex()]
    long = Remembered(str(tmp_path / "p"), "", limits)
    long.keep(DIGEST, Opinion("x" * 300, "SAFE", ()))
    assert not (tmp_path / "p").exists()


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept_in(tmp_path / "file" / "o").keep(DIGEST, SAID)
    assert kept_in(tmp_path / "file" / "o").find(DIGEST) is None


def few(folder: Path) -> Remembered:
    return Remembered(str(folder), "", replace(DEFAULT_LIMITS, opinions_remembered_items=8))


def test_old_opinions_make_room_for_new_ones(tmp_path: Path) -> None:
    folder = tmp_path / "o"
    for number in range(30):
        digest = bytes([number]) * 32
        few(folder).keep(digest, SAID)
        assert few(folder).find(digest) == SAID
        assert len(list(folder.iterdir())) <= 8
        os.utime(folder / digest.hex(), (number, number))
    assert few(folder).find(bytes([28]) * 32) == SAID
    assert few(folder).find(bytes(32)) is None


def test_what_was_never_written_to_its_end_makes_room_too(tmp_path: Path) -> None:
    folder = tmp_path / "o"
    folder.mkdir(mode=0o700)
    for number in range(8):
        (folder / f".{number:016x}").touch()
        os.utime(folder / f".{number:016x}", (number, number))
    few(folder).keep(DIGEST, SAID)
    assert few(folder).find(DIGEST) == SAID
    assert not (folder / f".{0:016x}").exists()
    assert (folder / f".{7:016x}").exists()


def test_what_somebody_else_put_there_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "o"
    folder.mkdir(mode=0o700)
    other = tmp_path / "other"
    other.write_text("precious")
    for number in range(8):
        (folder / f"thesis{number}.txt").write_text("precious")
    (folder / ("ab" * 32)).symlink_to(other)
    (folder / ("cd" * 32)).mkdir()
    few(folder).keep(DIGEST, SAID)
    assert few(folder).find(DIGEST) is None
    assert len(list(folder.iterdir())) == 10
    assert other.read_text() == "precious"


def test_two_processes_that_make_room_at_once_do_not_mind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "o"
    for number in range(8):
        few(folder).keep(bytes([number]) * 32, SAID)
    unlink = os.unlink

    def first(path: str, *, dir_fd: int | None = None) -> None:
        unlink(path, dir_fd=dir_fd)
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", first)
    few(folder).keep(DIGEST, SAID)
    assert few(folder).find(DIGEST) == SAID
