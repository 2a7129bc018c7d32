"""Memory: pages that are code and can be written, shared ones, others' pages; and more of it than is allowed."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import time

from secureload.sandbox.battery.attempt import (
    Attempt,
    Scene,
    call,
    fatal,
    first_file,
    free,
    guarded,
    reaching,
)
from secureload.sandbox.kernel import architecture

__all__ = ["ATTEMPTS", "BOMB_BYTES", "SPIN_SECONDS", "prepare_code"]

_PAGE = mmap.PAGESIZE
_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_GROWS_DOWN, _NO_RESERVE = 0x100, 0x4000
_READ_IMPLIES_EXEC = 0x0400000
BOMB_BYTES = 1 << 30
SPIN_SECONDS = 2.5
_KEPT: list[mmap.mmap] = []
_code: mmap.mmap | None = None


def _page() -> int:
    page = mmap.mmap(-1, _PAGE, flags=_PRIVATE)
    _KEPT.append(page)
    return ctypes.addressof(ctypes.c_char.from_buffer(page))


def _make_executable(_scene: Scene) -> None:
    call("mprotect", _page(), _PAGE, 5)


def _bomb(_scene: Scene) -> None:
    """Take more memory than is allowed; it is not touched."""
    try:
        mmap.mmap(-1, BOMB_BYTES, flags=_PRIVATE).close()
    except (OSError, MemoryError) as error:
        raise OSError(errno.ENOMEM, "no memory") from error


def _heap_bomb(_scene: Scene) -> None:
    try:
        bytearray(BOMB_BYTES)
    except MemoryError as error:
        raise OSError(errno.ENOMEM, "no memory") from error


def _spin(_scene: Scene) -> None:
    """Use more processor time than is allowed."""
    end = time.process_time() + SPIN_SECONDS
    while time.process_time() < end:
        pass


def _endless_stack(_scene: Scene) -> None:
    """Take more memory than is allowed, as a stack is: it counts as no data."""
    call("mmap", 0, BOMB_BYTES, 3, _PRIVATE | _GROWS_DOWN | _NO_RESERVE, -1, 0)


def _addresses(_scene: Scene) -> None:
    """Map what can only be read, which counts as no data: its tables of pages alone take a five-hundredth of it."""
    call("mmap", 0, 1 << 44, 1, _PRIVATE | _NO_RESERVE, -1, 0)


def _open_pipes(_scene: Scene) -> None:
    opened: list[int] = []
    try:
        for _ in range(200):
            opened.extend(os.pipe())
    finally:
        for number in opened:
            os.close(number)


def _copies(_scene: Scene) -> None:
    opened: list[int] = []
    try:
        opened.extend(os.dup(0) for _ in range(400))
    finally:
        for number in opened:
            os.close(number)


def _flood_a_file(scene: Scene) -> None:
    """Grow a file without end; a hundred bytes show that nothing stops it."""
    with scene.fresh.open("wb", buffering=0) as file:
        file.write(bytes(100))


def prepare_code() -> None:
    """Make a page of code before the doors are closed: there is none later.

    ``mov eax, 20 (getpid); int 0x80; ret``: a call by the numbers of 32-bit x86.
    """
    global _code
    if architecture() == "x86_64":
        _code = mmap.mmap(-1, _PAGE, flags=_PRIVATE, prot=7)
        _code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")


def _thirty_two_bits(_scene: Scene) -> int:
    if _code is None:
        raise NotImplementedError("a call of 32-bit x86")
    address = ctypes.addressof(ctypes.c_char.from_buffer(_code))
    result: int = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    return result


def _x32(number: int) -> int:
    if architecture() != "x86_64":
        raise NotImplementedError("a call of x32")
    ctypes.set_errno(0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(0x40000000 | number), b"/etc/passwd", 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "x32")
    return 0


ATTEMPTS: tuple[Attempt, ...] = (
    free("memory: executable", lambda s: call("mmap", 0, _PAGE, 7, _PRIVATE, -1, 0)),
    free("memory: executable, not writable", lambda s: call("mmap", 0, _PAGE, 5, _PRIVATE, -1, 0)),
    free("memory: become executable", _make_executable),
    free("memory: shared", lambda s: call("mmap", 0, _PAGE, 3, 0x21, -1, 0)),
    guarded("memory: shared, validated", lambda s: call("mmap", 0, _PAGE, 3, 3, first_file(), 0)),
    guarded("memory: dropped when it is wanted", lambda s: call("mmap", 0, _PAGE, 3, 0x28, -1, 0)),
    guarded("memory: huge pages", reaching("mmap", 0, 1 << 21, 3, _PRIVATE | 0x40000, -1, 0)),
    guarded("memory: merged with others' pages", lambda s: call("madvise", _page(), _PAGE, 12)),
    guarded("memory: a page declared broken", reaching("madvise", 0, 0, 100)),
    free("memory: System V", lambda s: call("shmctl", call("shmget", 0, _PAGE, 0o1600), 0, 0)),
    free("memory: everything readable is code", lambda s: call("personality", _READ_IMPLIES_EXEC)),
    free("memory: personality", lambda s: call("personality", 0xFFFFFFFF)),
    guarded("memory: lock", lambda s: call("mlock", _page(), _PAGE)),
    guarded("memory: lock all", reaching("mlockall", 0)),
    free("memory: policy", lambda s: call("get_mempolicy", 0, 0, 0, 0, 0)),
    free("memory: set the policy", lambda s: call("set_mempolicy", 0, 0, 0)),
    guarded("memory: secret", reaching("memfd_secret", 0)),
    guarded("memory: sealed", reaching("mseal", 1, 0, 0)),
    guarded("memory: a shadow stack", reaching("map_shadow_stack", 0, _PAGE, 1 << 31)),
    guarded("memory: protection keys", reaching("pkey_mprotect", 0, _PAGE, 7, -1)),
    guarded("memory: pages of another", lambda s: call("move_pages", s.victim, 0, 0, 0, 0, 0)),
    guarded("memory: move another's pages", reaching("migrate_pages", 1 << 22, 0, 0, 0)),
    guarded("memory: advise another", reaching("process_madvise", -1, 0, 0, 0, 0)),
    guarded("memory: remap", reaching("remap_file_pages", 0, 0, 0, 0, 0)),
    free("memory: give pages to a pipe", lambda s: call("vmsplice", os.pipe()[1], 0, 0, 0)),
    fatal("memory: page faults", reaching("userfaultfd", 1 | 2048)),
    fatal("memory: an x32 call", lambda s: _x32(39)),
    fatal("memory: an x32 open", lambda s: _x32(2)),
    fatal("memory: a 32-bit call", _thirty_two_bits),
    free("limits: memory bomb", _bomb),
    free("limits: heap bomb", _heap_bomb),
    free("limits: memory bomb as a stack", _endless_stack),
    free("limits: addresses without end", _addresses),
    fatal("limits: CPU loop", _spin),
    free("limits: pipe flood", _open_pipes),
    free("limits: descriptor flood", _copies),
    free("limits: output flood to a file", _flood_a_file),
)
