"""The system calls that confinement needs and Python does not offer, by number, for x86-64 and aarch64."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Callable
from typing import Final

__all__ = [
    "ARCHITECTURES",
    "KernelError",
    "architecture",
    "exit_on",
    "is_linux",
    "map_private",
    "map_shared",
    "prctl",
    "processor",
    "raw_syscall",
    "syscall_number",
]

# Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
_X86_64: Final = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8,
    "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14,
    "rt_sigreturn": 15, "ioctl": 16, "pread64": 17, "readv": 19, "writev": 20, "access": 21, "pipe": 22,
    "select": 23, "sched_yield": 24, "mremap": 25, "madvise": 28, "dup": 32, "nanosleep": 35, "getpid": 39,
    "setitimer": 38, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47, "clone": 56, "fork": 57, "vfork": 58,
    "exit": 60, "kill": 62, "uname": 63, "fcntl": 72, "getcwd": 79, "readlink": 89, "gettimeofday": 96,
    "getrusage": 98, "sysinfo": 99, "ptrace": 101, "getuid": 102, "getgid": 104, "geteuid": 107,
    "getegid": 108, "getppid": 110, "capget": 125, "capset": 126, "sigaltstack": 131, "pivot_root": 155,
    "prctl": 157, "mount": 165, "umount2": 166, "init_module": 175, "delete_module": 176, "gettid": 186,
    "futex": 202, "sched_getaffinity": 204, "set_tid_address": 218, "restart_syscall": 219, "clock_gettime": 228,
    "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "tgkill": 234, "openat": 257,
    "newfstatat": 262, "pselect6": 270, "ppoll": 271, "unshare": 272, "set_robust_list": 273,
    "pipe2": 293, "prlimit64": 302, "process_vm_readv": 310, "process_vm_writev": 311, "getcpu": 309,
    "finit_module": 313, "seccomp": 317, "getrandom": 318, "kexec_file_load": 320, "bpf": 321,
    "userfaultfd": 323, "membarrier": 324, "statx": 332, "rseq": 334, "io_uring_setup": 425,
    "io_uring_enter": 426, "io_uring_register": 427, "clone3": 435, "landlock_create_ruleset": 444,
    "landlock_add_rule": 445, "landlock_restrict_self": 446, "perf_event_open": 298, "kexec_load": 246,
    "time": 201, "setns": 308, "chroot": 161, "getdents64": 217, "fadvise64": 221, "readlinkat": 267,
    "faccessat": 269, "faccessat2": 439, "mount_setattr": 442,
}  # fmt: skip
_AARCH64: Final = {
    "getcwd": 17, "dup": 23, "fcntl": 25, "ioctl": 29, "umount2": 39, "mount": 40, "pivot_root": 41,
    "chroot": 51, "openat": 56, "close": 57, "pipe2": 59, "lseek": 62, "read": 63, "write": 64, "readv": 65,
    "writev": 66, "pread64": 67, "pselect6": 72, "ppoll": 73, "newfstatat": 79, "fstat": 80, "capget": 90,
    "capset": 91, "exit": 93, "exit_group": 94, "set_tid_address": 96, "unshare": 97, "futex": 98,
    "set_robust_list": 99, "nanosleep": 101, "setitimer": 103, "kexec_load": 104, "init_module": 105,
    "delete_module": 106,
    "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "ptrace": 117,
    "sched_getaffinity": 123, "sched_yield": 124, "restart_syscall": 128, "kill": 129, "tgkill": 131,
    "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "uname": 160,
    "getrusage": 165, "prctl": 167, "getcpu": 168, "gettimeofday": 169, "getpid": 172, "getppid": 173,
    "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178, "sysinfo": 179,
    "sendto": 206, "recvfrom": 207, "sendmsg": 211, "recvmsg": 212, "brk": 214, "munmap": 215, "mremap": 216,
    "clone": 220, "mmap": 222, "mprotect": 226, "madvise": 233, "perf_event_open": 241, "prlimit64": 261,
    "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "finit_module": 273, "seccomp": 277,
    "getrandom": 278, "bpf": 280, "userfaultfd": 282, "membarrier": 283, "statx": 291, "rseq": 293,
    "kexec_file_load": 294, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "clone3": 435, "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446,
    "getdents64": 61, "fadvise64": 223, "readlinkat": 78, "faccessat": 48, "faccessat2": 439, "mount_setattr": 442,
}  # fmt: skip

ARCHITECTURES: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}

_libc: ctypes.CDLL | None = None
_getcpu: Callable[[], int] | None = None


class KernelError(OSError):
    """A system call failed; ``errno`` says how."""


def is_linux() -> bool:
    """Whether this is a Linux on an architecture whose system calls are known here."""
    return sys.platform == "linux" and architecture() in ARCHITECTURES and sys.maxsize > 1 << 32


def architecture() -> str:
    """Return the machine's name as ``uname -m`` says it."""
    return os.uname().machine


def syscall_number(name: str) -> int:
    """Return the number of a system call here; KeyError where the architecture has none of that name."""
    return ARCHITECTURES[architecture()][name]


def _c() -> ctypes.CDLL:
    global _libc
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
        _libc.syscall.restype = ctypes.c_long
    return _libc


def exit_on(number: int) -> None:
    """Have this process end, with ``number`` as its exit status, when it gets the signal of that number.

    At once, even in the middle of C code that runs for ever: the handler is ``_exit`` itself. It has a handler
    because the default action does not happen to the first process of a PID namespace (pid_namespaces(7)).
    """
    handler = ctypes.cast(_c()._exit, ctypes.c_void_p)
    _c().signal(ctypes.c_int(number), handler)


def processor() -> int:
    """Return the number, counted from 1, of the processor that this thread runs on; 0 where it is not known."""
    global _getcpu
    if _getcpu is None:
        # Without releasing the interpreter's lock: it reads a register.
        _getcpu = getattr(ctypes.PyDLL(None), "sched_getcpu", lambda: -1)
    number: int = _getcpu()
    return number + 1


def raw_syscall(name: str, *args: object) -> int:
    """Make the system call ``name``; integers are passed as 64-bit words.

    Raises:
        KernelError: the kernel said no.
    """
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    ctypes.set_errno(0)
    result: int = _c().syscall(ctypes.c_long(syscall_number(name)), *words)
    if result == -1:
        error = ctypes.get_errno()
        raise KernelError(error, f"{name}: {os.strerror(error)}")
    return result


def prctl(option: int, first: int = 0, second: int = 0, third: int = 0, fourth: int = 0) -> int:
    """Call prctl(2).

    Raises:
        KernelError: the kernel said no.
    """
    return raw_syscall("prctl", option, first, second, third, fourth)


def map_shared(descriptor: int, size: int) -> memoryview:
    """Return ``size`` bytes of a file mapped for reading and writing, shared, for as long as this process lives.

    Raises:
        KernelError: the kernel said no.
    """
    return _mapped(descriptor, size, mmap.MAP_SHARED)


def map_private(descriptor: int, size: int) -> memoryview:
    """Return ``size`` bytes of a file mapped for reading; a page that is written to becomes this process's own.

    It lasts as long as this process lives. Raises as :func:`map_shared` does.
    """
    return _mapped(descriptor, size, mmap.MAP_PRIVATE)


def _mapped(descriptor: int, size: int, flags: int) -> memoryview:
    # Python's own map would keep a copy of the descriptor open.
    address = raw_syscall("mmap", 0, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, descriptor, 0)
    return memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")
