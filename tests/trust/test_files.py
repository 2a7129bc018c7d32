from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from secureload.errors import UsageError
from secureload.trust.files import create_file, locked_folder, make_folder, read_file, replace_file


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_file_is_written_with_its_mode_whatever_the_umask_and_read_back(tmp_path: Path) -> None:
    old = os.umask(0o000)
    try:
        create_file(tmp_path / "secret", b"s", 0o600)
    finally:
        os.umask(old)
    old = os.umask(0o077)
    try:
        create_file(tmp_path / "open", b"o", 0o644)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644
    assert read_file(tmp_path / "secret", 10, is_secret=True) == b"s"


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling link"])
def test_nothing_that_exists_is_overwritten_and_no_link_is_written_through(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / "key", tmp_path / "target"
    if kind == "file":
        path.write_bytes(b"old")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(target)
        if kind == "link":
            target.write_bytes(b"old")
    with pytest.raises(UsageError, match="exists already"):
        create_file(path, b"new", 0o600)
    assert not target.exists() or target.read_bytes() == b"old"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o777])
def test_a_secret_that_is_open_to_others_is_not_read(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    create_file(path, b"secret", 0o600)
    path.chmod(mode)
    with pytest.raises(UsageError, match=f"open to other users \\(mode 0{mode:o}\\)") as caught:
        read_file(path, 100, is_secret=True)
    assert "chmod 600" in caught.value.hint


def test_a_secret_with_a_mode_below_0600_is_read(tmp_path: Path) -> None:
    create_file(tmp_path / "key", b"secret", 0o400)
    assert read_file(tmp_path / "key", 100, is_secret=True) == b"secret"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_secret_of_another_user_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_file(path, b"secret", 0o600)
    os.chown(path, 12345, -1)
    with pytest.raises(UsageError, match="belongs to another user"):
        read_file(path, 100, is_secret=True)


def test_a_file_that_everybody_may_write_to_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "alice.pub"
    create_file(path, b"key", 0o644)
    path.chmod(0o646)
    with pytest.raises(UsageError, match="everybody may write"):
        read_file(path, 100)


def test_links_folders_fifos_devices_and_missing_files_each_have_their_own_words(tmp_path: Path) -> None:
    create_file(tmp_path / "file", b"x" * 11, 0o600)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "fifo")
    before = open_descriptors()
    for name, words in (
        ("link", "symbolic link"),
        ("loop", "symbolic link"),
        ("fifo", "not a regular file"),
        (".", "not a regular file"),
        ("nothing", "there is no"),
        ("file/below", "Not a directory"),
        ("a\0b", "not a path"),
        ("x" * 300, "too long"),
        ("file", "larger than 10 bytes"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            read_file(tmp_path / name, 10, is_secret=name == "file")
        assert caught.value.message.isprintable()
        assert caught.value.hint
    with pytest.raises(UsageError, match="not a regular file"):
        read_file(Path("/dev/zero"), 10)
    with pytest.raises(UsageError, match="there is no folder"):
        create_file(tmp_path / "no" / "key", b"", 0o600)
    assert open_descriptors() == before


def test_a_path_with_terminal_escapes_is_printed_as_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_file(tmp_path / "\x1b[2Jkey", 10)
    assert "\\x1b[2Jkey" in caught.value.message


def test_a_replaced_file_is_whole_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "trust.toml"
    for data in (b"one", b"two"):
        replace_file(path, data, 0o644)
        assert path.read_bytes() == data
    with pytest.raises(UsageError):
        replace_file(tmp_path / "folder-in-the-way" / "x", b"", 0o644)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError):
        replace_file(tmp_path / "folder", b"", 0o644)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is not a regular file"):
        replace_file(tmp_path / "pipe", b"", 0o644)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["folder", "pipe", "trust.toml"]


def test_a_made_folder_is_closed_to_others(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot make"):
        make_folder(tmp_path / "file" / "x")


def test_a_locked_folder_keeps_a_second_writer_out_until_it_is_released(tmp_path: Path) -> None:
    order: list[str] = []
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with locked_folder(tmp_path):
            order.append("second")

    with locked_folder(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_the_lock_holds_against_another_process_and_the_wait_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secureload.trust.files._LOCK_WAIT_SECONDS", 0.1)
    code = """if True:
        import fcntl, os, sys
        fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
        print(1, flush=True)
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"1\n"
        with pytest.raises(UsageError, match="being changed by another program"), locked_folder(tmp_path):
            pass
        other.communicate(b"\n")
    with locked_folder(tmp_path):
        pass


def test_a_folder_that_everybody_may_write_to_is_not_locked(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UsageError, match="everybody may write"), locked_folder(tmp_path / "open"):
        pass
