from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import shutil
import socket
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.artifact import pinning
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.errors import (
    ArtifactError,
    ExitCode,
    LimitError,
    MalformedError,
    ManifestMismatchError,
    SandboxError,
    SecureloadError,
    UnsupportedError,
    UsageError,
)
from secureload.formats.detect import HEAD_BYTES
from secureload.limits import Limits

from .conftest import open_descriptors


def pinned(artifact: Artifact) -> bytes:
    return os.pread(artifact.fileno(), artifact.size + 100, 0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04K\x01." * 500_000)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    (root / "weights" / "deep").mkdir(parents=True)
    (root / "config.json").write_text("{}")
    (root / "weights" / "deep" / "a.bin").write_bytes(b"a" * 3_000_000)
    (root / "weights" / "empty.bin").write_bytes(b"")
    return root


def test_a_file_is_hashed_and_its_bytes_are_pinned(model: Path) -> None:
    with open_artifact(model) as artifact:
        assert (artifact.kind, artifact.name, artifact.locator) == ("file", "model.pkl", str(model))
        assert artifact.size == 2_500_000
        (member,) = artifact.manifest.members
        assert (member.name, member.size) == ("model.pkl", 2_500_000)
        assert member.digest == hashlib.sha256(model.read_bytes()).digest()
        assert pinned(artifact) == model.read_bytes()
        assert artifact.head(3) == b"\x80\x04K"
        assert artifact.pinning == "sealed memfd"


def test_a_file_that_is_only_hashed_has_its_digest_and_the_head_that_was_hashed(model: Path) -> None:
    before = open_descriptors()
    with open_artifact(model, pin=False) as artifact, open_artifact(model) as same:
        assert artifact.manifest == same.manifest
        model.write_bytes(b"evil")
        assert artifact.head(4) == same.head(4) == b"\x80\x04K\x01"
        assert artifact.head(1 << 20) == same.head(HEAD_BYTES)
        assert artifact.head(-1) == b""
        assert (artifact.pinning, artifact.size) == ("", 2_500_000)
        assert "only hashed" in repr(artifact)
        with pytest.raises(UsageError, match="was only hashed"):
            artifact.fileno()
    with pytest.raises(MalformedError, match="is empty"):
        open_artifact(_written(model, b""), pin=False)
    assert open_descriptors() == before


def test_a_large_file_is_hashed_without_a_copy_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _written(tmp_path / "model.bin", b"0123456789abcdef" * 600_000)
    monkeypatch.setattr(pinning, "_new_copy", _no_room)
    with open_artifact(path, pin=False) as artifact:
        assert artifact.manifest.members[0].digest == hashlib.sha256(path.read_bytes()).digest()
    assert artifact.head(16) == b"0123456789abcdef"


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_swapping_the_file_after_it_was_opened_changes_nothing(model: Path, tmp_path: Path) -> None:
    original = model.read_bytes()
    other = tmp_path / "evil.pkl"
    other.write_bytes(b"evil" * 1000)
    with open_artifact(model) as artifact:
        other.replace(model)
        assert pinned(artifact) == original
        model.write_bytes(b"written in place")
        assert pinned(artifact) == original
        model.unlink()
        assert pinned(artifact) == original


def test_nobody_who_is_given_the_descriptor_can_change_the_pinned_bytes(model: Path) -> None:
    with open_artifact(model) as artifact:
        fd = artifact.fileno()
        for change in (
            lambda: os.pwrite(fd, b"x", 0),
            lambda: os.pwrite(fd, b"x", artifact.size),
            lambda: os.ftruncate(fd, 1),
            lambda: os.ftruncate(fd, artifact.size + 1),
            lambda: os.truncate(f"/proc/self/fd/{fd}", 0),
            lambda: fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 0),
            lambda: mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_WRITE),
        ):
            with pytest.raises(PermissionError):
                change()
        again = os.open(f"/proc/self/fd/{fd}", os.O_RDWR)
        try:
            with pytest.raises(PermissionError):
                os.write(again, b"x")
        finally:
            os.close(again)


def test_without_memfd_a_private_copy_is_pinned(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    with open_artifact(model) as artifact:
        assert artifact.pinning == "private copy"
        model.write_bytes(b"evil")
        assert artifact.head(4) == b"\x80\x04K\x01"
        assert len(pinned(artifact)) == artifact.size
        state = os.fstat(artifact.fileno())
        assert (state.st_nlink, state.st_mode & 0o777) == (0, 0o600)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.pwrite(artifact.fileno(), b"x", 0)


def test_where_no_private_copy_can_be_made_the_error_says_so(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "TemporaryFile", _no_room)
    with pytest.raises(SandboxError, match="private copy cannot be made"):
        open_artifact(model)


def _no_room(**_: object) -> object:
    raise OSError(28, "No space left on device")


def test_the_input_is_never_changed_and_nothing_appears_beside_it(model: Path) -> None:
    os.utime(model, ns=(1_000_000_000, 2_000_000_000))
    model.chmod(0o440)
    before, listed = model.stat(), sorted(model.parent.iterdir())
    with open_artifact(model) as artifact:
        pinned(artifact)
    after = model.stat()
    for field in ("st_mode", "st_size", "st_mtime_ns", "st_ctime_ns", "st_atime_ns", "st_ino", "st_nlink"):
        assert getattr(after, field) == getattr(before, field)
    assert sorted(model.parent.iterdir()) == listed


def test_two_hundred_artifacts_leave_no_descriptor_open(model: Path, folder: Path) -> None:
    before = open_descriptors()
    for _ in range(100):
        artifact = open_artifact(model)
        artifact.close()
        artifact.close()
        with open_artifact(folder):
            pass
    assert open_descriptors() == before


def test_a_forgotten_artifact_gives_its_descriptor_back(model: Path) -> None:
    before = open_descriptors()
    artifact = open_artifact(model)
    del artifact
    assert open_descriptors() == before


def test_a_closed_artifact_says_so(model: Path) -> None:
    artifact = open_artifact(model)
    artifact.close()
    assert artifact.closed
    assert "closed" in repr(artifact)
    with pytest.raises(UsageError, match="is closed"):
        artifact.fileno()


def test_progress_is_reported_up_to_the_whole_size(model: Path, folder: Path) -> None:
    calls: list[tuple[int, int]] = []
    with open_artifact(model, progress=lambda done, total: calls.append((done, total))):
        pass
    assert calls[-1] == (2_500_000, 2_500_000)
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})
    calls.clear()
    with open_artifact(folder, progress=lambda done, total: calls.append((done, total))):
        pass
    assert calls[-1] == (3_000_002, 0)


def test_an_interrupt_in_the_middle_leaves_nothing_open(model: Path) -> None:
    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_artifact(model, progress=interrupt)


@pytest.mark.parametrize("name", ["missing.pkl", "no/such/folder/model.pkl", "model.pkl/inside"])
def test_a_missing_path_is_the_callers_mistake(model: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no") as caught:
        open_artifact(model.parent / name)
    assert caught.value.fields["reason"] == "missing"
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 300, "y/" * 3000, "\ud800", b"bytes", 3, None], ids=repr)
def test_what_is_no_path_is_the_callers_mistake(path: object) -> None:
    with pytest.raises(UsageError) as caught:
        open_artifact(path)  # type: ignore[arg-type]  # what an untyped caller does
    assert caught.value.message.isprintable()


def test_a_folder_where_a_file_is_needed_and_the_other_way_round(model: Path, folder: Path) -> None:
    with pytest.raises(UsageError, match="is a folder, and a file is needed"):
        open_artifact(folder, expect="file")
    with pytest.raises(UsageError, match="is not a folder"):
        open_artifact(model, expect="folder")


def test_an_empty_file_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "empty.pkl").touch()
    with pytest.raises(MalformedError, match="is empty") as caught:
        open_artifact(tmp_path / "empty.pkl")
    assert caught.value.fields["format"] == "empty"


def test_a_fifo_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.pkl")
    with pytest.raises(UnsupportedError, match="is a named pipe"):
        open_artifact(tmp_path / "model.pkl")


def test_a_socket_and_a_device_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(UnsupportedError, match="is a socket"):
            open_artifact(tmp_path / "s")
    with pytest.raises(UnsupportedError, match="is a character device"):
        open_artifact("/dev/zero")


def test_a_symbolic_link_is_refused_and_the_hint_names_its_target(model: Path) -> None:
    link = model.parent / "link.pkl"
    link.symlink_to(model.name)
    for locator in (link, f"{link}/"):
        with pytest.raises(UnsupportedError, match="is a symbolic link") as caught:
            open_artifact(locator)
        assert str(model) in caught.value.hint
    link.unlink()
    link.symlink_to("gone\x1b[2J")
    with pytest.raises(UnsupportedError) as caught:
        open_artifact(link)
    assert caught.value.hint.isprintable()
    link.unlink()
    link.symlink_to(link.name)
    with pytest.raises(UnsupportedError):
        open_artifact(link)


def test_a_link_that_takes_the_place_of_the_file_between_look_and_open_is_not_followed(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = model.parent / "link.pkl"
    link.symlink_to(model.name)
    regular = os.lstat(model)
    monkeypatch.setattr(os, "lstat", lambda *_args, **_named: regular)
    with pytest.raises(UnsupportedError, match="symbolic link"):
        open_artifact(link)


def test_a_fifo_that_takes_the_place_of_the_file_between_look_and_open_does_not_block(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(model.parent / "pipe.pkl")
    regular = os.lstat(model)
    monkeypatch.setattr(os, "lstat", lambda *_args, **_named: regular)
    with pytest.raises(UnsupportedError, match="named pipe"):
        open_artifact(model.parent / "pipe.pkl")


def test_a_file_without_read_permission_is_undecided(model: Path, as_nobody: Callable[[str], str]) -> None:
    model.chmod(0)
    said = as_nobody(f"""
        try:
            secureload.artifact.artifact.open_artifact({str(model)!r})
        except secureload.errors.ArtifactError as error:
            print(type(error).__name__, int(error.exit_code), error.fields["reason"], "|", error.message)
    """)
    assert said.startswith("ArtifactError 3 unreadable |")
    assert "cannot be read" in said


def test_a_file_of_someone_else_is_readable_although_its_access_time_cannot_be_kept(
    model: Path, as_nobody: Callable[[str], str]
) -> None:
    model.chmod(0o644)
    said = as_nobody(f"""
        with secureload.artifact.artifact.open_artifact({str(model)!r}) as artifact:
            print(artifact.size)
    """)
    assert said == "2500000\n"


def test_a_file_over_the_limit_is_not_read(model: Path) -> None:
    with pytest.raises(LimitError) as caught:
        open_artifact(model, Limits(artifact_bytes=1000))
    assert dict(caught.value.fields) == {"limit": "artifact_bytes", "allowed": 1000, "seen": 2_500_000}


def test_a_file_that_grows_shrinks_or_changes_while_it_is_read_is_noticed(model: Path) -> None:
    def grow() -> None:
        with model.open("ab") as file:
            file.write(b"more")

    def rewrite() -> None:
        with model.open("r+b") as file:
            file.write(b"other")
        os.utime(model)

    for change in (grow, lambda: os.truncate(model, 1_500_000), rewrite):
        todo = [change]
        with pytest.raises(ArtifactError, match="changed while it was read") as caught:
            open_artifact(model, progress=lambda *_, todo=todo: todo.pop()() if todo else None)  # type: ignore[misc]
        assert caught.value.fields["reason"] == "changed"


def test_a_file_that_never_stops_growing_ends_at_the_limit(model: Path) -> None:
    def grow(_done: int, _total: int) -> None:
        with model.open("ab") as file:
            file.write(bytes(1 << 20))

    with pytest.raises(LimitError):
        open_artifact(model, Limits(artifact_bytes=6_000_000), grow)


def test_an_input_output_error_is_a_secureload_error(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pinning.os, "readv", fail)
    with pytest.raises(ArtifactError, match="Input/output error") as caught:
        open_artifact(model)
    assert caught.value.fields["reason"] == "io"


@pytest.mark.parametrize("name", ["a\nb.pkl", "e\u0301.pkl", "a\\b.pkl", "\udcff.pkl"], ids=repr)
def test_a_file_name_that_is_not_the_same_everywhere_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"data")
    with pytest.raises(MalformedError) as caught:
        open_artifact(tmp_path / name)
    assert caught.value.message.isprintable()


def test_every_file_of_a_folder_is_a_member_but_its_own_signature_file(folder: Path) -> None:
    (folder / "model.sig").write_text("signatures")
    (folder / "weights" / "model.sig").write_text("a member like any other")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("not ignored")
    with open_artifact(folder) as artifact:
        assert (artifact.kind, artifact.name, artifact.pinning) == ("folder", "model", "")
        assert [member.name for member in artifact.manifest.members] == [
            ".git/config",
            "config.json",
            "weights/deep/a.bin",
            "weights/empty.bin",
            "weights/model.sig",
        ]
        with pytest.raises(UsageError, match="is a folder"):
            artifact.fileno()


def test_the_current_folder_is_named_by_its_real_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with open_artifact(".") as artifact:
        assert artifact.name == "model"
    with open_artifact(f"{folder}///") as artifact:
        assert artifact.name == "model"


def test_an_empty_folder_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "m" / "inner").mkdir(parents=True)
    (tmp_path / "m" / "model.sig").write_text("only signatures")
    with pytest.raises(MalformedError, match="holds no files"):
        open_artifact(tmp_path / "m")


@pytest.mark.parametrize("name", ["model.sig", "weights/link", "weights/folder"])
def test_a_link_in_a_folder_is_refused_with_its_name(folder: Path, name: str) -> None:
    (folder / name).symlink_to("/etc/passwd" if "folder" not in name else "/etc")
    with pytest.raises(UnsupportedError, match="is a symbolic link") as caught:
        open_artifact(folder)
    assert caught.value.fields["member"] == name


def test_a_fifo_in_a_folder_is_refused_with_its_name(folder: Path) -> None:
    os.mkfifo(folder / "weights" / "pipe")
    with pytest.raises(UnsupportedError) as caught:
        open_artifact(folder)
    assert caught.value.fields["member"] == "weights/pipe"


@pytest.mark.parametrize(
    "names", [("a.bin", "A.bin"), ("straße", "STRASSE"), ("x\x07y",), (unicodedata.normalize("NFD", "ä"),)]
)
def test_names_in_a_folder_that_collide_or_differ_between_systems_are_refused(
    folder: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        (folder / name).write_bytes(b"data")
    with pytest.raises(MalformedError) as caught:
        open_artifact(folder)
    assert caught.value.fields["member"] in names


def test_a_folder_has_limits_on_entries_depth_and_bytes(folder: Path) -> None:
    for limits, name in (
        (Limits(folder_members=4), "folder_members"),
        (Limits(folder_depth=2), "folder_depth"),
        (Limits(artifact_bytes=2_999_999), "artifact_bytes"),
    ):
        with pytest.raises(LimitError) as caught:
            open_artifact(folder, limits)
        assert caught.value.fields["limit"] == name
    with open_artifact(folder, Limits(folder_members=5, folder_depth=3, artifact_bytes=3_000_002)):
        pass


def test_a_member_is_pinned_when_it_is_opened(folder: Path) -> None:
    with open_artifact(folder) as artifact, artifact.open_member("weights/deep/a.bin") as member:
        (folder / "weights" / "deep" / "a.bin").write_bytes(b"evil")
        assert (member.kind, member.name, member.size) == ("file", "a.bin", 3_000_000)
        assert pinned(member) == b"a" * 3_000_000
        assert member.locator.endswith("model/weights/deep/a.bin")


def test_an_empty_member_can_be_opened(folder: Path) -> None:
    with open_artifact(folder) as artifact, artifact.open_member("weights/empty.bin") as member:
        assert member.size == 0


def test_a_member_that_changed_after_the_folder_was_hashed_is_noticed(folder: Path) -> None:
    with open_artifact(folder) as artifact:
        (folder / "config.json").write_text("[]")
        with pytest.raises(ManifestMismatchError, match="changed after") as caught:
            artifact.open_member("config.json")
        assert caught.value.fields["changed"] == ("config.json",)
        assert caught.value.exit_code == ExitCode.UNTRUSTED
        (folder / "config.json").unlink()
        with pytest.raises(ManifestMismatchError) as caught:
            artifact.open_member("config.json")
        assert caught.value.fields["missing"] == ("config.json",)


def test_a_folder_of_the_way_replaced_by_a_link_is_not_followed(folder: Path) -> None:
    with open_artifact(folder) as artifact:
        (folder / "weights").rename(folder.parent / "elsewhere")
        (folder / "weights").symlink_to(folder.parent / "elsewhere")
        with pytest.raises(UnsupportedError, match="symbolic link"):
            artifact.open_member("weights/deep/a.bin")


@pytest.mark.parametrize("name", ["nothing", "../model/config.json", "", "weights", "/etc/passwd"])
def test_only_members_can_be_opened(folder: Path, name: str) -> None:
    with open_artifact(folder) as artifact, pytest.raises(UsageError, match="has no member"):
        artifact.open_member(name)


def test_the_folder_that_was_opened_is_meant_and_not_the_one_that_took_its_name(folder: Path) -> None:
    with open_artifact(folder) as artifact:
        folder.rename(folder.parent / "old")
        folder.mkdir()
        (folder / "config.json").write_text("evil")
        with artifact.open_member("config.json") as member:
            assert pinned(member) == b"{}"


_NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=12)
_TREES = st.recursive(
    st.binary(max_size=40), lambda inner: st.dictionaries(_NAMES, inner, max_size=4), max_leaves=8
)


def _build(root: Path, tree: object, found: dict[str, bytes], name: str = "") -> None:
    if isinstance(tree, dict):
        root.mkdir(exist_ok=True)
        for part, inner in tree.items():
            if part not in (".", ".."):
                _build(root / part, inner, found, f"{name}/{part}" if name else part)
    elif isinstance(tree, bytes):
        root.write_bytes(tree)
        found[name] = tree


@given(tree=st.dictionaries(_NAMES, _TREES, max_size=5))
@settings(deadline=None, max_examples=30)
def test_any_tree_gives_a_manifest_of_all_its_files_or_a_secureload_error(tree: dict[str, object]) -> None:
    root = Path(tempfile.mkdtemp())
    try:
        found: dict[str, bytes] = {}
        _build(root / "m", tree, found)
        found.pop("model.sig", None)
        try:
            with open_artifact(root / "m") as artifact:
                assert {m.name: (m.digest, m.size) for m in artifact.manifest.members} == {
                    name: (hashlib.sha256(data).digest(), len(data)) for name, data in found.items()
                }
                for name, data in found.items():
                    with artifact.open_member(name) as member:
                        assert pinned(member) == data
        except MalformedError as error:
            assert error.message.isprintable()
    finally:
        shutil.rmtree(root)


@given(path=st.text(max_size=30))
@settings(deadline=None, max_examples=100)
def test_any_text_as_a_path_ends_in_an_artifact_or_a_secureload_error(path: str) -> None:
    try:
        open_artifact(f"/nonexistent/{path}").close()
    except SecureloadError as error:
        assert error.message.isprintable()
        assert error.hint.isprintable()
