"""The system call filter: an allow-list, installed for every thread before the first byte is unpickled.

What is allowed is what computing needs: memory that is neither executable nor shared, threads, clocks,
locks, and reading and writing the descriptors that are already open. Nothing that takes a path, nothing
that makes a socket, a process or a namespace. What libraries probe is answered with an error; what nobody
calls by accident (ptrace, bpf, mount, io_uring, another architecture's calls) ends the process.

The relaxed filter is for a model that imports or reads files late: it also lets files be opened for reading and
mapped as code. *Which* files, Landlock and the root decide.

The filter is classic BPF over ``struct seccomp_data`` (seccomp(2), Documentation/userspace-api/seccomp_filter).
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Final

from secureload.sandbox.kernel import ARCHITECTURES, KernelError, architecture, raw_syscall
from secureload.sandbox.layers.bpf import (
    ALLOW,
    ARCH_OFFSET,
    JEQ,
    JGE,
    KILL,
    LD_ABS,
    NR_OFFSET,
    all_of,
    equals,
    is_none,
    none_of,
    one_of,
    op,
    refuse,
    unless_any_of,
)
from secureload.sandbox.layers.layer import LayerReport

__all__ = ["ALLOWED", "build_filter", "install_filter"]

_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT: Final = 0x40000000

_SET_MODE_FILTER, _FLAG_TSYNC = 1, 1

# The hottest first: the kernel walks the list.
ALLOWED: Final = (
    "futex", "read", "write", "poll", "ppoll", "select", "pselect6",
    "readv", "writev", "munmap", "mremap", "brk", "clock_gettime", "gettimeofday", "time", "getcpu",
    "clock_getres", "setitimer", "clock_nanosleep", "nanosleep", "sched_yield", "sched_getaffinity", "getrusage",
    "pread64",
    "lseek", "close", "fstat", "dup", "pipe", "pipe2", "getpid", "gettid", "getppid", "getuid", "geteuid",
    "getgid", "getegid", "getrandom", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "restart_syscall", "set_robust_list", "rseq", "set_tid_address", "membarrier", "sysinfo", "uname", "exit",
    "exit_group",
)  # fmt: skip

# Path calls and probes get an error that says what is wrong; all others get EPERM.
_ERRORS: Final = {
    "open": errno.EACCES, "openat": errno.EACCES, "stat": errno.EACCES, "lstat": errno.EACCES,
    "newfstatat": errno.EACCES, "statx": errno.EACCES, "access": errno.EACCES, "readlink": errno.EACCES,
    "getcwd": errno.EACCES, "ioctl": errno.ENOTTY, "clone3": errno.ENOSYS,
}  # fmt: skip

_KILLED: Final = (
    "ptrace", "process_vm_readv", "process_vm_writev", "bpf", "perf_event_open", "userfaultfd", "mount",
    "umount2", "pivot_root", "chroot", "setns", "unshare", "init_module", "finit_module", "delete_module",
    "kexec_load", "kexec_file_load", "io_uring_setup", "io_uring_enter", "io_uring_register",
)  # fmt: skip

# What the relaxed filter lets through besides: looking for files and reading folders.
_LOOKING: Final = (
    "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
    "getcwd", "getdents64", "fadvise64",
)  # fmt: skip

_PROT_READ, _PROT_WRITE, _PROT_EXEC, _MAP_ANONYMOUS = 1, 2, 4, 0x20
# MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_32BIT, MAP_DENYWRITE, MAP_EXECUTABLE, MAP_NORESERVE, MAP_POPULATE,
# MAP_NONBLOCK, MAP_STACK, MAP_FIXED_NOREPLACE. Above all not MAP_SHARED, nor MAP_GROWSDOWN: the kernel counts memory
# that grows like a stack as no data, and the limit of memory would not hold for it.
_MAP_FLAGS: Final = 0x2 | 0x10 | 0x20 | 0x40 | 0x800 | 0x1000 | 0x4000 | 0x8000 | 0x10000 | 0x20000 | 0x100000
# MADV_REMOVE, MADV_MERGEABLE (how long a write takes would tell whether another process has such a page),
# MADV_HWPOISON, MADV_SOFT_OFFLINE.
_ADVICE_REFUSED: Final = (9, 12, 100, 101)
# O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_PATH, O_TMPFILE: the same on both architectures.
_OPENING_TO_WRITE: Final = 1 | 2 | 0x40 | 0x200 | 0x400 | 0x200000 | 0x400000
# A thread as C libraries make it: it shares memory, folders, descriptors and signal handlers (with a table of
# descriptors of its own it would have as many again), may take a local storage and tell its number, and nothing else.
_CLONE_THREAD: Final = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000
_CLONE_FLAGS: Final = _CLONE_THREAD | 0x40000 | 0x80000 | 0x100000 | 0x200000 | 0x400000
_FCNTL_COMMANDS: Final = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
# MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC. Above all not MSG_OOB: urgent data on Unix
# sockets has been a way out of browsers' sandboxes, as has sending descriptors (there is no sendmsg at all).
_MESSAGE_FLAGS: Final = 0x2 | 0x40 | 0x100 | 0x4000 | 0x40000000
_PRCTL_OPTIONS: Final = (15, 0x53564D41)  # PR_SET_NAME, PR_SET_VMA: threads and memory get names


def _message_flags(index: int) -> bytes:
    return none_of(index, _all_but(_MESSAGE_FLAGS), errno.EPERM)


def _map_flags(index: int) -> bytes:
    return none_of(index, _all_but(_MAP_FLAGS), errno.EACCES)


def _all_but(bits: int) -> int:
    return ~bits & 0xFFFFFFFF


def _conditional(pid: int) -> dict[str, bytes]:
    """The calls that are allowed for some arguments only."""
    return {
        "recvfrom": _message_flags(3) + ALLOW,
        "sendto": _message_flags(3) + equals(4, 0, errno.EPERM) + ALLOW,
        "recvmsg": _message_flags(2) + ALLOW,
        "mmap": none_of(2, _PROT_EXEC, errno.EACCES) + _map_flags(3) + ALLOW,
        "mprotect": none_of(2, _all_but(_PROT_READ | _PROT_WRITE), errno.EACCES) + ALLOW,
        "madvise": is_none(2, _ADVICE_REFUSED, errno.EPERM) + ALLOW,
        "clone": all_of(0, _CLONE_THREAD, errno.EPERM)
        + none_of(0, _all_but(_CLONE_FLAGS), errno.EPERM)
        + ALLOW,
        "tgkill": equals(0, pid, errno.EPERM) + ALLOW,
        "fcntl": one_of(1, _FCNTL_COMMANDS, errno.EPERM),
        "prctl": one_of(0, _PRCTL_OPTIONS, errno.EPERM),
        "prlimit64": equals(0, 0, errno.EPERM) + equals(2, 0, errno.EPERM) + ALLOW,
    }


def _reading_files() -> dict[str, bytes]:
    """What the relaxed filter has for some arguments: files to read, and code that is mapped from one, unchanged."""
    code_of_a_file = none_of(2, _PROT_WRITE, errno.EACCES) + none_of(3, _MAP_ANONYMOUS, errno.EACCES)
    return {
        "open": none_of(1, _OPENING_TO_WRITE, errno.EACCES) + ALLOW,
        "openat": none_of(2, _OPENING_TO_WRITE, errno.EACCES) + ALLOW,
        "mmap": _map_flags(3) + unless_any_of(2, _PROT_EXEC, code_of_a_file) + ALLOW,
    }


def build_filter(machine: str, pid: int, *, relaxed: bool = False) -> bytes:
    """Return the BPF program for ``machine`` ("x86_64" or "aarch64") of the process ``pid`` (as it sees itself)."""
    numbers = ARCHITECTURES[machine]
    code = op(LD_ABS, ARCH_OFFSET) + op(JEQ, _AUDIT_ARCH[machine], 1, 0) + KILL
    code += op(LD_ABS, NR_OFFSET)
    if machine == "x86_64":
        code += op(JGE, _X32_BIT, 0, 1) + KILL
    for name in ALLOWED + (_LOOKING if relaxed else ()):
        if name in numbers:
            code += op(JEQ, numbers[name], 0, 1) + ALLOW
    for name, block in {**_conditional(pid), **(_reading_files() if relaxed else {})}.items():
        if name in numbers:
            code += op(JEQ, numbers[name], 0, len(block) // 8) + block
    for name, number in _ERRORS.items():
        if name in numbers:
            code += op(JEQ, numbers[name], 0, 1) + refuse(number)
    for name in _KILLED:
        if name in numbers:
            code += op(JEQ, numbers[name], 0, 1) + KILL
    return code + refuse(errno.EPERM)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install_filter(*, relaxed: bool = False) -> LayerReport:
    """Install the strict filter (or the relaxed one) for every thread of this process; it cannot be taken off again."""
    try:
        code = build_filter(architecture(), os.getpid(), relaxed=relaxed)
        buffer = ctypes.create_string_buffer(code, len(code))
        program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
        stray = raw_syscall("seccomp", _SET_MODE_FILTER, _FLAG_TSYNC, ctypes.byref(program))
    except (KernelError, KeyError) as error:
        return LayerReport("seccomp", "unavailable", str(error))
    if stray:
        return LayerReport("seccomp", "unavailable", f"thread {stray} could not be brought under the filter")
    if relaxed:
        number = len(ALLOWED) + len(_LOOKING)
        detail = f"relaxed: {number} calls allowed and files read, no socket, process or shared memory"
        return LayerReport("seccomp", "relaxed", detail)
    detail = f"strict: {len(ALLOWED)} calls allowed, no path, socket, process, executable or shared memory"
    return LayerReport("seccomp", "enforced", detail)
