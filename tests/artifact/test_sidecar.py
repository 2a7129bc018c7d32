from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.artifact import sidecar
from secureload.artifact.sidecar import (
    append_sidecar,
    read_sidecar,
    sidecar_path,
    update_sidecar,
    write_sidecar,
)
from secureload.errors import SandboxError, SecureloadError, SignatureFormatError, UsageError
from secureload.limits import Limits


def test_signatures_stand_beside_a_file_and_inside_a_folder(tmp_path: Path) -> None:
    assert sidecar_path(tmp_path / "model.pkl") == tmp_path / "model.pkl.sig"
    assert sidecar_path(tmp_path) == tmp_path / "model.sig"
    assert sidecar_path(f"{tmp_path}/") == tmp_path / "model.sig"
    assert sidecar_path(".") == Path("model.sig")


def test_no_signature_file_is_none_and_an_empty_one_is_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "m.sig"
    assert read_sidecar(path) is None
    assert read_sidecar(tmp_path / "no" / "m.sig") is None
    assert read_sidecar(tmp_path / ("n" * 300)) is None
    path.touch()
    assert read_sidecar(path) == b""


def test_what_is_written_is_read_back_whole_with_ordinary_permissions(tmp_path: Path) -> None:
    path = tmp_path / "m.sig"
    for data in (b"first\n", b"x" * 3_000_000, b"last\n"):
        write_sidecar(path, data)
        assert read_sidecar(path) == data
    before = os.umask(0o027)
    try:
        write_sidecar(path, b"again\n")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_bundles_are_added_as_lines_behind_the_ones_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "m.sig"
    append_sidecar(path, b'{"a":1}')
    append_sidecar(path, b'{"b":2}\n')
    assert read_sidecar(path) == b'{"a":1}\n{"b":2}\n'
    path.write_bytes(b'{"no":"newline"}')
    append_sidecar(path, b'{"c":3}')
    assert read_sidecar(path) == b'{"no":"newline"}\n{"c":3}\n'


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "m.sig"
    path.write_bytes(b"old\n")

    def refuse(before: bytes | None) -> bytes:
        assert before == b"old\n"
        raise SignatureFormatError("not a bundle")

    with pytest.raises(SignatureFormatError, match="not a bundle"):
        update_sidecar(path, refuse)
    assert path.read_bytes() == b"old\n"
    update_sidecar(path, lambda before: b"new\n" + (before or b""))
    assert path.read_bytes() == b"new\nold\n"


def test_signers_who_add_at_once_all_get_their_line_in(tmp_path: Path) -> None:
    path = tmp_path / "m.sig"
    threads = [threading.Thread(target=append_sidecar, args=(path, b"%d" % n)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((read_sidecar(path) or b"").split(), key=int) == [b"%d" % n for n in range(12)]


def test_a_folder_that_someone_keeps_locked_is_an_error_and_no_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar, "_LOCK_PAUSE_SECONDS", 0.0)
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="locked for too long"):
            write_sidecar(tmp_path / "m.sig", b"data")
    finally:
        os.close(fd)


def test_a_link_a_fifo_and_a_folder_in_its_place_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link.sig").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe.sig")
    (tmp_path / "folder.sig").mkdir()
    for name, words in (("link", "symbolic link"), ("pipe", "named pipe"), ("folder", "is a folder")):
        with pytest.raises(SignatureFormatError, match=words):
            read_sidecar(tmp_path / f"{name}.sig")
        with pytest.raises(SecureloadError):
            append_sidecar(tmp_path / f"{name}.sig", b"{}")


def test_writing_replaces_a_link_and_leaves_alone_what_it_leads_to(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "m.sig").symlink_to(target)
    write_sidecar(tmp_path / "m.sig", b"{}\n")
    assert target.read_text() == "precious"
    assert not (tmp_path / "m.sig").is_symlink()


def test_one_that_is_too_large_is_not_read_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "m.sig"
    path.write_bytes(bytes(101))
    with pytest.raises(SignatureFormatError) as caught:
        read_sidecar(path, Limits(sidecar_bytes=100))
    assert caught.value.fields["limit"] == "sidecar_bytes"
    path.write_bytes(bytes(90))
    with pytest.raises(SignatureFormatError, match="larger than 100 bytes"):
        append_sidecar(path, bytes(20), Limits(sidecar_bytes=100))
    assert path.stat().st_size == 90


def test_one_that_cannot_be_read_or_written_says_so(tmp_path: Path, as_nobody: Callable[[str], str]) -> None:
    (tmp_path / "m.sig").write_bytes(b"{}")
    (tmp_path / "m.sig").chmod(0)
    tmp_path.chmod(0o755)
    said = as_nobody(f"""
        for call in (
            lambda: secureload.artifact.sidecar.read_sidecar({str(tmp_path / "m.sig")!r}),
            lambda: secureload.artifact.sidecar.write_sidecar({str(tmp_path / "m.sig")!r}, b""),
        ):
            try:
                call()
            except secureload.errors.SecureloadError as error:
                print(type(error).__name__, error.message)
    """).splitlines()
    assert said[0].startswith("SignatureFormatError the signature file is refused")
    assert said[1].startswith("UsageError the signature file cannot be written")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.sig"
    path.write_bytes(b"old")

    def fail(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SandboxError, match="No space left"):
        write_sidecar(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@given(path=st.text(max_size=20))
@settings(deadline=None, max_examples=60)
def test_any_text_as_a_path_is_answered_or_a_secureload_error(path: str) -> None:
    try:
        assert read_sidecar(sidecar_path(f"/nonexistent/{path}")) is None
    except SecureloadError as error:
        assert error.message.isprintable()
