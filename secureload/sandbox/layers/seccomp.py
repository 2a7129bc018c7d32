"""The system call filter: an allow-list, installed for every thread before the first byte is unpickled.

What is allowed is what computing needs: memory that is neither executable nor shared, threads, clocks,
locks, and reading and writing the descriptors that are already open. Nothing that takes a path, nothing
that makes a socket, a process or a namespace. What libraries probe is answered with an error; what nobody
calls by accident (ptrace, bpf, mount, io_uring, another architecture's calls) ends the process.

The filter is classic BPF over ``struct seccomp_data`` (seccomp(2), Documentation/userspace-api/seccomp_filter).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Final

from secureload.sandbox.kernel import ARCHITECTURES, KernelError, architecture, raw_syscall
from secureload.sandbox.layers.layer import LayerReport

__all__ = ["ALLOWED", "build_filter", "install_filter"]

_LD_ABS, _JEQ, _JGE, _JSET, _AND, _RET = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NR_OFFSET, _ARCH_OFFSET, _ARGS_OFFSET = 0, 4, 16

_RET_ALLOW: Final = 0x7FFF0000
_RET_ERRNO: Final = 0x00050000
_RET_KILL_PROCESS: Final = 0x80000000

_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT: Final = 0x40000000

_SET_MODE_FILTER, _FLAG_TSYNC = 1, 1

# The hottest first: the kernel walks the list.
ALLOWED: Final = (
    "futex", "read", "write", "poll", "ppoll", "select", "pselect6",
    "readv", "writev", "munmap", "mremap", "madvise", "brk", "clock_gettime", "gettimeofday", "time", "getcpu",
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

_PROT_EXEC, _MAP_SHARED = 4, 1
_CLONE_VM, _CLONE_SIGHAND, _CLONE_THREAD = 0x100, 0x800, 0x10000
_CLONE_NAMESPACES = 0x7E020080
_FCNTL_COMMANDS: Final = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
# MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC. Above all not MSG_OOB: urgent data on Unix
# sockets has been a way out of browsers' sandboxes, as has sending descriptors (there is no sendmsg at all).
_MESSAGE_FLAGS: Final = 0x2 | 0x40 | 0x100 | 0x4000 | 0x40000000
_PRCTL_OPTIONS: Final = (15, 0x53564D41)  # PR_SET_NAME, PR_SET_VMA: threads and memory get names


def _op(code: int, k: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, k)


def _errno(number: int) -> bytes:
    return _op(_RET, _RET_ERRNO | number)


_ALLOW = _op(_RET, _RET_ALLOW)


def _load_arg(index: int, *, high: bool = False) -> bytes:
    return _op(_LD_ABS, _ARGS_OFFSET + 8 * index + (4 if high else 0))


def _none_of(index: int, bits: int, refused: int) -> bytes:
    """Go on if no bit of ``bits`` is set in the low word of the argument, else answer ``refused``."""
    return _load_arg(index) + _op(_JSET, bits, 0, 1) + _errno(refused)


def _all_of(index: int, bits: int, refused: int) -> bytes:
    return _load_arg(index) + _op(_AND, bits) + _op(_JEQ, bits, 1, 0) + _errno(refused)


def _equals(index: int, value: int, refused: int) -> bytes:
    low = _load_arg(index) + _op(_JEQ, value & 0xFFFFFFFF, 1, 0) + _errno(refused)
    return low + _load_arg(index, high=True) + _op(_JEQ, value >> 32, 1, 0) + _errno(refused)


def _one_of(index: int, values: tuple[int, ...], refused: int) -> bytes:
    code = _load_arg(index)
    for value in values:
        code += _op(_JEQ, value, 0, 1) + _ALLOW
    return code + _errno(refused)


def _message_flags(index: int) -> bytes:
    return _none_of(index, ~_MESSAGE_FLAGS & 0xFFFFFFFF, errno.EPERM)


def _conditional(pid: int) -> dict[str, bytes]:
    """The calls that are allowed for some arguments only."""
    return {
        "recvfrom": _message_flags(3) + _ALLOW,
        "sendto": _message_flags(3) + _equals(4, 0, errno.EPERM) + _ALLOW,
        "recvmsg": _message_flags(2) + _ALLOW,
        "mmap": _none_of(2, _PROT_EXEC, errno.EACCES) + _none_of(3, _MAP_SHARED, errno.EACCES) + _ALLOW,
        "mprotect": _none_of(2, _PROT_EXEC, errno.EACCES) + _ALLOW,
        "clone": _all_of(0, _CLONE_VM | _CLONE_SIGHAND | _CLONE_THREAD, errno.EPERM)
        + _none_of(0, _CLONE_NAMESPACES, errno.EPERM)
        + _ALLOW,
        "tgkill": _equals(0, pid, errno.EPERM) + _ALLOW,
        "fcntl": _one_of(1, _FCNTL_COMMANDS, errno.EPERM),
        "prctl": _one_of(0, _PRCTL_OPTIONS, errno.EPERM),
        "prlimit64": _equals(0, 0, errno.EPERM) + _equals(2, 0, errno.EPERM) + _ALLOW,
    }


def build_filter(machine: str, pid: int) -> bytes:
    """Return the BPF program for ``machine`` ("x86_64" or "aarch64") of the process ``pid`` (as it sees itself)."""
    numbers = ARCHITECTURES[machine]
    code = _op(_LD_ABS, _ARCH_OFFSET) + _op(_JEQ, _AUDIT_ARCH[machine], 1, 0) + _op(_RET, _RET_KILL_PROCESS)
    code += _op(_LD_ABS, _NR_OFFSET)
    if machine == "x86_64":
        code += _op(_JGE, _X32_BIT, 0, 1) + _op(_RET, _RET_KILL_PROCESS)
    for name in ALLOWED:
        if name in numbers:
            code += _op(_JEQ, numbers[name], 0, 1) + _ALLOW
    for name, block in _conditional(pid).items():
        code += _op(_JEQ, numbers[name], 0, len(block) // 8) + block
    for name, number in _ERRORS.items():
        if name in numbers:
            code += _op(_JEQ, numbers[name], 0, 1) + _errno(number)
    for name in _KILLED:
        if name in numbers:
            code += _op(_JEQ, numbers[name], 0, 1) + _op(_RET, _RET_KILL_PROCESS)
    return code + _errno(errno.EPERM)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install_filter() -> LayerReport:
    """Install the strict filter for every thread of this process; it cannot be taken off again."""
    try:
        code = build_filter(architecture(), os.getpid())
        buffer = ctypes.create_string_buffer(code, len(code))
        program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
        stray = raw_syscall("seccomp", _SET_MODE_FILTER, _FLAG_TSYNC, ctypes.byref(program))
    except (KernelError, KeyError) as error:
        return LayerReport("seccomp", "unavailable", str(error))
    if stray:
        return LayerReport("seccomp", "unavailable", f"thread {stray} could not be brought under the filter")
    detail = f"strict: {len(ALLOWED)} calls allowed, no path, socket, process, executable or shared memory"
    return LayerReport("seccomp", "enforced", detail)
