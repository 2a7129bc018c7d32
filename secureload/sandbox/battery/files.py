"""Files: read what is not the model's, write anywhere, by paths, links, handles and what is open; the environment."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from secureload.sandbox.battery.attempt import (
    Attempt,
    Scene,
    call,
    canary_path,
    first_file,
    free,
    guarded,
    reaching,
)
from secureload.sandbox.battery.early import in_early_thread

__all__ = ["ATTEMPTS"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100


def _read(scene: Scene) -> bytes:
    return scene.canary.read_bytes()


def _load_library(_scene: Scene) -> None:
    """Load a library that nobody has loaded."""
    try:
        ctypes.CDLL("libanl.so.1")
    except OSError as error:  # dlopen(3) has no errno
        raise OSError(errno.EACCES, str(error)) from error


def _grow(_scene: Scene) -> None:
    os.lseek(first_file(), 0, os.SEEK_END)
    os.write(first_file(), b"x")


def _open_again(_scene: Scene) -> None:
    """Open what is open once more, for writing: a descriptor for reading alone would be no bar."""
    os.close(os.open(f"/proc/self/fd/{first_file()}", os.O_RDWR))


def _environment(_scene: Scene) -> str:
    """Find what the caller has in its environment."""
    text = repr(dict(os.environ))
    block = ctypes.cast(_LIBC.environ, ctypes.POINTER(ctypes.c_char_p)) if hasattr(_LIBC, "environ") else None
    text += repr([block[at] for at in range(3)]) if block else ""
    if "SECURELOAD_CANARY" not in text:
        raise OSError(errno.ENOENT, "no canary")
    return text


def _list_root(_scene: Scene) -> None:
    if not list(Path("/").iterdir()):
        raise OSError(errno.ENOENT, "it is empty")


def _by_handle(scene: Scene) -> object:
    """Ask for a handle of the canary, and open the file by it."""
    handle = ctypes.create_string_buffer(b"\x80\0\0\0", 136)
    call("name_to_handle_at", _AT_FDCWD, canary_path(scene), handle, ctypes.byref(ctypes.c_int()), 0)
    return call("open_by_handle_at", _AT_FDCWD, handle, 0)


ATTEMPTS: tuple[Attempt, ...] = (
    free("files: read", _read),
    free("files: read in a thread from before", in_early_thread(_read)),
    free("files: openat", lambda s: call("openat", _AT_FDCWD, canary_path(s), 0, 0)),
    free("files: openat2", lambda s: call("openat2", _AT_FDCWD, canary_path(s), ctypes.create_string_buffer(24), 24)),
    free("files: stat", lambda s: s.canary.stat()),
    free("files: statx", lambda s: call(
        "statx", _AT_FDCWD, canary_path(s), 0, 0xFFF, ctypes.create_string_buffer(512))),
    free("files: access", lambda s: call("faccessat", _AT_FDCWD, canary_path(s), 0)),
    free("files: faccessat2", lambda s: call("faccessat2", _AT_FDCWD, canary_path(s), 0, 0)),
    free("files: list", lambda s: list(s.folder.iterdir())),
    free("files: list the root", _list_root),
    free("files: where am I", lambda s: Path.cwd()),
    free("files: follow a link", lambda s: Path("/proc/self/exe").readlink()),
    free("files: read the list of users", lambda s: Path("/etc/passwd").read_bytes()),
    free("files: read the host's name", lambda s: Path("/proc/sys/kernel/hostname").read_bytes()),
    free("files: create", lambda s: s.fresh.write_bytes(b"x")),
    free("files: overwrite", lambda s: s.canary.write_bytes(b"x")),
    free("files: folder", lambda s: s.fresh.mkdir()),
    free("files: link", lambda s: s.fresh.symlink_to("x")),
    free("files: hard link", lambda s: os.link(s.canary, s.fresh)),
    free("files: pipe with a name", lambda s: os.mkfifo(s.fresh)),
    free("files: rename", lambda s: s.canary.rename(s.fresh)),
    free("files: remove", lambda s: s.canary.unlink()),
    free("files: truncate", lambda s: os.truncate(s.canary, 0)),
    free("files: mode", lambda s: s.canary.chmod(0o600)),
    guarded("files: mode by another call", lambda s: call("fchmodat2", _AT_FDCWD, canary_path(s), 0o600, 0)),
    guarded("files: flags", lambda s: call(
        "file_getattr", _AT_FDCWD, canary_path(s), ctypes.create_string_buffer(24), 24, 0)),
    guarded("files: set an attribute by another call", lambda s: call(
        "setxattrat", _AT_FDCWD, canary_path(s), 0, b"user.x", (ctypes.c_uint64 * 2)(0, 0), 16)),
    free("files: times", lambda s: os.utime(s.canary)),
    free("files: attributes", lambda s: os.listxattr(s.canary)),
    guarded("files: set an attribute", lambda s: call("setxattr", canary_path(s), b"user.x", b"x", 1, 0)),
    free("files: disk", lambda s: os.statvfs(s.folder)),
    free("files: watch", lambda s: call("inotify_init1", 0)),
    guarded("files: watch all", reaching("fanotify_init", 0, 0)),
    free("files: change folder", lambda s: os.chdir(s.folder)),
    free("files: anonymous", lambda s: os.memfd_create("x")),
    free("files: load a library", _load_library),
    guarded("files: accounting", reaching("acct", b"/nonexistent/secureload")),
    guarded("files: open by handle", _by_handle),
    guarded("files: device", lambda s: os.mknod(s.fresh, 0o20600, os.makedev(1, 3))),
    guarded("files: owner", lambda s: os.chown(s.canary, 1, 1)),
    guarded("files: write what is open", _grow),
    guarded("files: map what is open", lambda s: call("mmap", 0, 4096, 3, 1, first_file(), 0)),
    guarded("files: open again what is open", _open_again),
    guarded("files: resize what is open", lambda s: os.ftruncate(first_file(), 0)),
    guarded("files: mode of what is open", lambda s: call("fchmod", first_file(), 0o777)),
    guarded("files: lock what is open", lambda s: call("flock", first_file(), 2 | 4)),
    guarded("files: room for what is open", lambda s: call("fallocate", first_file(), 0, 0, 1 << 20)),
    free("proc: own memory", lambda s: Path("/proc/self/mem").open("rb").close()),
    free("proc: own environment", lambda s: Path("/proc/self/environ").read_bytes()),
    free("proc: own descriptors", lambda s: list(Path("/proc/self/fd").iterdir())),
    free("proc: own memory map", lambda s: Path("/proc/self/maps").read_bytes()),
    free("proc: who is there", lambda s: Path("/proc/1/comm").read_bytes()),
    free("proc: the victim's command", lambda s: Path(f"/proc/{s.victim}/cmdline").read_bytes()),
    free("proc: kernel's settings", lambda s: Path("/proc/sys/kernel/osrelease").read_bytes()),
    guarded("proc: the victim's memory", lambda s: Path(f"/proc/{s.victim}/mem").open("rb").close()),
    guarded("proc: the victim's environment", lambda s: Path(f"/proc/{s.victim}/environ").read_bytes()),
    guarded("proc: the victim's files", lambda s: list(Path(f"/proc/{s.victim}/root").iterdir())),
    free("environment: the caller's", _environment),
)  # fmt: skip
