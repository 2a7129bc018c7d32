"""The system call filter, attempt by attempt: each in a child of its own, with the filter and without it."""

from __future__ import annotations

import errno
import json
import platform
import signal
import struct
import subprocess
import sys
import textwrap
from functools import cache

import pytest

from secureload.sandbox.kernel import ARCHITECTURES
from secureload.sandbox.layers.seccomp import ALLOWED, build_filter

from ..conftest import run_child

_ATTEMPTS = r"""
import ctypes, errno, json, mmap, os, signal, socket, subprocess, sys, threading, time
from pathlib import Path
from secureload.sandbox.kernel import KernelError, raw_syscall, prctl
from secureload.sandbox.layers.privileges import forbid_new_privileges
from secureload.sandbox.layers.seccomp import install_filter

page = mmap.PAGESIZE
anonymous = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
plain = mmap.mmap(-1, page)
address = ctypes.addressof(ctypes.c_char.from_buffer(plain))
fd = os.open("/dev/null", os.O_RDONLY)
null = ctypes.c_void_p(None)

def thread():
    done = []
    worker = threading.Thread(target=lambda: done.append(1))
    worker.start(); worker.join(10)
    if done != [1]: raise OSError(errno.EPERM, "no thread")

def fork_by_clone():
    if raw_syscall("clone", int(signal.SIGCHLD), null, null, null, null) == 0: os._exit(0)

def clone_namespace():
    if raw_syscall("clone", 0x10000000 | int(signal.SIGCHLD), null, null, null, null) == 0: os._exit(0)

def execve():
    os.execv("/bin/true", ["true"])

def pages(prot, flags):
    return lambda: mmap.mmap(-1, page, flags=flags, prot=prot)

attempts = {
    "open": lambda: raw_syscall("open", b"/etc/passwd", 0),
    "openat": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "stat": lambda: os.stat("/etc/passwd"),
    "list": lambda: os.listdir("/"),
    "readlink": lambda: os.readlink("/proc/self/exe"),
    "getcwd": os.getcwd,
    "unlink": lambda: os.unlink("/nonexistent-file-of-a-test"),
    "socket": socket.socket,
    "socketpair": socket.socketpair,
    "fork": os.fork,
    "fork-by-clone": fork_by_clone,
    "clone-namespace": clone_namespace,
    "execve": execve,
    "kill-parent": lambda: os.kill(os.getppid(), 0),
    "kill-self": lambda: os.kill(os.getpid(), 0),
    "memfd_create": lambda: os.memfd_create("x"),
    "mmap-exec": pages(mmap.PROT_READ | mmap.PROT_EXEC, anonymous),
    "mprotect-exec": lambda: raw_syscall("mprotect", address, page, 5),
    "mmap-shared": pages(mmap.PROT_READ, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS),
    "prctl-dumpable": lambda: prctl(4, 1),
    "prctl-seccomp": lambda: prctl(21),
    "tiocsti": lambda: raw_syscall("ioctl", fd, 0x5412, b"x"),
    "fcntl-setfl": lambda: raw_syscall("fcntl", fd, 4, 0),
    "prlimit-read": lambda: raw_syscall("prlimit64", 0, 7, null, ctypes.create_string_buffer(16)),
    "prlimit-write": lambda: raw_syscall("prlimit64", 0, 4, ctypes.create_string_buffer(16), null),
    "prlimit-parent": lambda: raw_syscall("prlimit64", os.getppid(), 7, null, ctypes.create_string_buffer(16)),
    "ptrace": lambda: raw_syscall("ptrace", 0, 0, null, null),
    "bpf": lambda: raw_syscall("bpf", 0, null, 0),
    "unshare": lambda: raw_syscall("unshare", 0),
    "io_uring": lambda: raw_syscall("io_uring_setup", 0, null),
    "process_vm_readv": lambda: raw_syscall("process_vm_readv", os.getpid(), null, 0, null, 0, 0),
    "thread": thread,
    "private-memory": pages(mmap.PROT_READ | mmap.PROT_WRITE, anonymous),
    "clock": time.time,
    "sleep": lambda: time.sleep(0.001),
    "random": lambda: os.urandom(8),
    "pipe": os.pipe,
    "read": lambda: os.read(fd, 1),
}

def outcome(attempt, filtered):
    pid = os.fork()
    if pid == 0:
        code = 255
        try:
            forbid_new_privileges()
            if filtered:
                report = install_filter()
                if not report.enforced: os._exit(254)
            attempt()
            code = 0
        except OSError as error:
            code = error.errno or 253
        except BaseException:
            code = 252
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status

print(json.dumps({name: [outcome(a, True), outcome(a, False)] for name, a in attempts.items()}))
"""


@cache
def outcomes() -> dict[str, list[int]]:
    done = run_child(_ATTEMPTS)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[int]] = json.loads(done.stdout)
    if found["clock"][0] == 254:
        pytest.skip("the kernel has no seccomp filter: the sandbox is not available")
    return found


pytestmark = pytest.mark.skipif(
    platform.machine() not in ARCHITECTURES or platform.system() != "Linux",
    reason="the sandbox knows this machine's system calls only on Linux on x86-64 and aarch64",
)


REFUSED = {
    "openat": errno.EACCES, "stat": errno.EACCES, "list": errno.EACCES, "readlink": errno.EACCES,
    "getcwd": errno.EACCES, "unlink": errno.EPERM, "socket": errno.EPERM, "socketpair": errno.EPERM,
    "fork": errno.EPERM, "fork-by-clone": errno.EPERM, "clone-namespace": errno.EPERM, "execve": errno.EPERM,
    "kill-parent": errno.EPERM, "kill-self": errno.EPERM, "memfd_create": errno.EPERM, "mmap-exec": errno.EACCES,
    "mprotect-exec": errno.EACCES, "mmap-shared": errno.EACCES, "prctl-dumpable": errno.EPERM,
    "prctl-seccomp": errno.EPERM, "tiocsti": errno.ENOTTY, "fcntl-setfl": errno.EPERM,
    "prlimit-write": errno.EPERM, "prlimit-parent": errno.EPERM,
}  # fmt: skip
# These fail without the filter too: the file is not there, the terminal is none.
ALSO_WITHOUT = {"unlink", "tiocsti", "clone-namespace", "prlimit-write"}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_filter_forbids_fails_behind_it_and_succeeds_without_it(name: str) -> None:
    behind, without = outcomes()[name]
    assert behind == REFUSED[name]
    if name not in ALSO_WITHOUT:
        assert without == 0


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the sandbox's aarch64 has no open(2)")
def test_the_old_open_call_is_refused_as_well() -> None:
    assert outcomes()["open"] == [errno.EACCES, 0]


@pytest.mark.parametrize("name", ["ptrace", "bpf", "unshare", "io_uring", "process_vm_readv"])
def test_what_nobody_calls_by_accident_ends_the_process(name: str) -> None:
    behind, without = outcomes()[name]
    assert behind == -31
    assert without != -31


@pytest.mark.parametrize(
    "name", ["thread", "private-memory", "clock", "sleep", "random", "pipe", "read", "prlimit-read"]
)
def test_what_computing_needs_works_behind_the_filter(name: str) -> None:
    assert outcomes()[name] == [0, 0]


@cache
def instructions(machine: str, *, relaxed: bool = False) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("=HBBI", build_filter(machine, 4711, relaxed=relaxed)))


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_the_program_is_well_formed_every_jump_lands_in_it_and_its_end_is_an_answer(machine: str) -> None:
    program = instructions(machine)
    assert len(program) < 4_096
    for position, (code, if_true, if_false, _) in enumerate(program):
        assert code in {0x20, 0x15, 0x35, 0x45, 0x54, 0x06}
        if code & 0x07 == 0x05:
            assert position + 1 + max(if_true, if_false) < len(program)
    assert program[-1][0] == 0x06


def run(machine: str, number: int, *args: int, arch: int | None = None, relaxed: bool = False) -> int:
    """Interpret the program as the kernel would and return its answer."""
    own = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    data = struct.pack("=iIQ6Q", number, own if arch is None else arch, 0, *(*args, *[0] * (6 - len(args))))
    program, position, accumulator = instructions(machine, relaxed=relaxed), 0, 0
    while True:
        code, if_true, if_false, k = program[position]
        position += 1
        if code == 0x06:
            return k
        if code == 0x20:
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif code == 0x54:
            accumulator &= k
        else:
            met = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[code]
            position += if_true if met else if_false


ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_the_program_answers_as_it_should_for_every_known_call(machine: str) -> None:
    numbers = ARCHITECTURES[machine]
    for name in ALLOWED:
        if name in numbers:
            assert run(machine, numbers[name]) == ALLOW, name
    assert run(machine, numbers["mmap"], 0, 4096, 3, 0x22) == ALLOW
    assert run(machine, numbers["mmap"], 0, 4096, 5, 0x22) == ERRNO | errno.EACCES
    assert run(machine, numbers["mmap"], 0, 4096, 1, 0x21) == ERRNO | errno.EACCES
    assert run(machine, numbers["mprotect"], 0, 4096, 7) == ERRNO | errno.EACCES
    assert run(machine, numbers["clone"], 0x3D0F00) == ALLOW
    assert run(machine, numbers["clone"], 17) == ERRNO | errno.EPERM
    assert run(machine, numbers["clone"], 0x3D0F00 | 0x10000000) == ERRNO | errno.EPERM
    assert run(machine, numbers["tgkill"], 4711, 4712, 6) == ALLOW
    assert run(machine, numbers["tgkill"], 1, 1, 9) == ERRNO | errno.EPERM
    assert run(machine, numbers["tgkill"], 4711 | 1 << 32, 1, 9) == ERRNO | errno.EPERM
    assert run(machine, numbers["openat"]) == ERRNO | errno.EACCES
    assert run(machine, numbers["clone3"]) == ERRNO | errno.ENOSYS
    for name in ("ptrace", "mount", "bpf", "io_uring_setup", "unshare", "setns"):
        assert run(machine, numbers[name]) == KILL, name


@pytest.mark.parametrize("relaxed", [False, True])
@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_memory_that_no_limit_counts_is_refused(machine: str, relaxed: bool) -> None:
    def answer(name: str, *args: int) -> int:
        return run(machine, ARCHITECTURES[machine][name], *args, relaxed=relaxed)

    private = 0x22
    grows_down, locked, huge, sync, droppable, noreserve = 0x100, 0x2000, 0x40000, 0x80000, 0x8, 0x4000
    assert answer("mmap", 0, 4096, 3, private | noreserve) == ALLOW
    for flag in (grows_down, locked, huge, sync, droppable, 0x1, 0x3):
        assert answer("mmap", 0, 4096, 3, private | flag) == ERRNO | errno.EACCES, hex(flag)
    assert answer("mprotect", 0, 4096, 3) == ALLOW
    assert answer("mprotect", 0, 4096, 3 | 0x01000000) == ERRNO | errno.EACCES  # PROT_GROWSDOWN


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_advice_that_reaches_beyond_the_process_is_refused(machine: str) -> None:
    number = ARCHITECTURES[machine]["madvise"]
    free, dont_need, huge_page = 8, 4, 14
    for advice in (0, dont_need, free, huge_page):
        assert run(machine, number, 0, 4096, advice) == ALLOW
    remove, mergeable, poison, offline = 9, 12, 100, 101
    for advice in (remove, mergeable, poison, offline):
        assert run(machine, number, 0, 4096, advice) == ERRNO | errno.EPERM


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_a_thread_with_descriptors_of_its_own_is_refused_and_one_of_any_c_library_is_not(
    machine: str,
) -> None:
    number = ARCHITECTURES[machine]["clone"]
    glibc, musl = 0x3D0F00, 0x7D0F00
    assert run(machine, number, glibc) == run(machine, number, musl) == ALLOW
    files, folders, parent, traced, pidfd, vfork = 0x400, 0x200, 0x8000, 0x2000, 0x1000, 0x4000
    for flag in (files, folders):
        assert run(machine, number, glibc & ~flag) == ERRNO | errno.EPERM
    for flag in (parent, traced, pidfd, vfork):
        assert run(machine, number, glibc | flag) == ERRNO | errno.EPERM


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_calls_of_another_architecture_end_the_process(machine: str) -> None:
    assert run(machine, 0, arch=0x40000003) == KILL
    if machine == "x86_64":
        assert run(machine, 0x40000000) == KILL  # x32


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_a_call_that_is_not_known_is_refused(machine: str) -> None:
    named = set(ARCHITECTURES[machine].values())
    for number in set(range(600)) - named:
        assert run(machine, number) == ERRNO | errno.EPERM


def test_a_signal_ends_what_no_python_code_could_interrupt() -> None:
    code = """
        import signal
        from secureload.sandbox.kernel import exit_on

        exit_on(signal.SIGPROF)
        signal.setitimer(signal.ITIMER_PROF, 0.2)
        key = ()
        for _ in range(60):
            key = (key, key)
        hash(key)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, timeout=60)
    assert ended.returncode == signal.SIGPROF


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_the_relaxed_program_opens_files_for_reading_alone_and_maps_only_code_that_nobody_can_write(
    machine: str,
) -> None:
    numbers, refused = ARCHITECTURES[machine], ERRNO | errno.EACCES
    cloexec, directory = 0x80000, 0x10000 if machine == "x86_64" else 0x4000

    def answer(name: str, *args: int) -> int:
        return run(machine, numbers[name], *args, relaxed=True)

    assert answer("openat", 0, 0, cloexec) == ALLOW
    assert answer("openat", 0, 0, cloexec | directory) == ALLOW
    for flags in (1, 2, 3, 0x40, 0x200, 0x400, 0x200000, 0x400000 | directory, cloexec | 0x41):
        assert answer("openat", 0, 0, flags) == refused, hex(flags)
    private, shared, anonymous = 2, 1, 0x20
    assert answer("mmap", 0, 4096, 5, private) == ALLOW
    assert answer("mmap", 0, 4096, 3, private | anonymous) == ALLOW
    assert answer("mmap", 0, 4096, 7, private) == refused
    assert answer("mmap", 0, 4096, 5, private | anonymous) == refused
    assert answer("mmap", 0, 4096, 1, shared) == refused
    assert answer("mprotect", 0, 4096, 5) == refused
    assert answer("getdents64") == answer("newfstatat") == answer("statx") == ALLOW


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_the_relaxed_program_differs_from_the_strict_one_in_what_reads_files_and_nothing_else(
    machine: str,
) -> None:
    reading = {
        "open", "openat", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink",
        "readlinkat", "getcwd", "getdents64", "fadvise64", "mmap",
    }  # fmt: skip
    for name, number in ARCHITECTURES[machine].items():
        for args in ((), (17,), (0, 0, 0), (0, 0, 7, 2)):
            if name not in reading:
                assert run(machine, number, *args) == run(machine, number, *args, relaxed=True), name
