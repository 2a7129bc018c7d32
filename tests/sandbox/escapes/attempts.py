"""What a hostile model would try, one function an attempt; each returns if it got through, and is inert.

The functions run in the worker, and (to prove that they can get through at all) in a bare process.
"""

from __future__ import annotations

import array
import ctypes
import errno
import mmap
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BATTERY = f"{__name__}:Battery"

_LIBC = ctypes.CDLL(None, use_errno=True)
_THREAD_FLAGS = 0x100 | 0x800 | 0x10000  # CLONE_VM, CLONE_SIGHAND, CLONE_THREAD
_AT_FDCWD = -100
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the canaries are: a folder with the file ``canary``, and the process that may not be touched."""

    folder: Path
    victim: int

    @property
    def canary(self) -> Path:
        return self.folder / "canary"

    @property
    def fresh(self) -> Path:
        return self.folder / f"made-{os.getpid()}"


Attempt = Callable[[Scene], Any]


def call(number: int, *args: Any) -> int:
    """Make a system call by its x86-64 number."""
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    ctypes.set_errno(0)
    result: int = _LIBC.syscall(ctypes.c_long(number), *words)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def raw(number: int, *args: Any) -> Attempt:
    return lambda _scene: call(number, *args)


def path(scene: Scene) -> bytes:
    return os.fsencode(scene.canary)


def send_descriptor(_scene: Scene) -> None:
    """Push a descriptor into whatever socket there is (the wire, in the worker)."""
    for number in range(3, 64):
        try:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=number)
        except OSError as error:
            if error.errno in {errno.EBADF, errno.ENOTSOCK}:
                continue
            raise
        rights = array.array("i", [number])
        try:
            sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        finally:
            sock.detach()
        return
    ours, theirs = socket.socketpair()
    socket.send_fds(ours, [b"x"], [theirs.fileno()])


def with_socket(flags: int) -> Attempt:
    """Send nothing with hostile flags over the wire, which is the first socket that is open."""

    def attempt(_scene: Scene) -> None:
        for number in range(3, 64):
            try:
                call(44, number, b"x", 1, flags, 0, 0)
            except OSError as error:
                if error.errno in {errno.EBADF, errno.ENOTSOCK}:
                    continue
                raise
            return
        ours, theirs = socket.socketpair()
        call(44, ours.fileno(), b"x", 1, flags, 0, 0)
        theirs.close()

    return attempt


def start_threads(_scene: Scene) -> None:
    """Start more threads than the worker may have."""
    stop = threading.Event()
    try:
        for _ in range(400):
            threading.Thread(target=stop.wait, daemon=True).start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from error
    finally:
        stop.set()


def open_pipes(_scene: Scene) -> None:
    opened: list[int] = []
    try:
        for _ in range(200):
            opened.extend(os.pipe())
    finally:
        for number in opened:
            os.close(number)


def write_what_is_open(_scene: Scene) -> None:
    """Grow any regular file that came along open (the pinned artifact among them)."""
    found = False
    for number in range(3, 64):
        try:
            os.lseek(number, 0, os.SEEK_END)
            found = True
            os.write(number, b"x")
        except OSError as error:
            if error.errno not in {errno.EBADF, errno.ESPIPE}:
                raise
    if not found:
        raise OSError(errno.EBADF, "nothing is open")


def environment(_scene: Scene) -> str:
    """Find what the caller has in its environment."""
    block = ctypes.cast(_LIBC.environ if hasattr(_LIBC, "environ") else None, ctypes.POINTER(ctypes.c_char_p))
    text = repr(dict(os.environ)) + repr([block[n] for n in range(3)] if block else "")
    if "SECURELOAD_CANARY" not in text:
        raise OSError(errno.ENOENT, "no canary")
    return text


def in_early_thread(attempt: Attempt) -> Attempt:
    """Make the attempt in a thread that was there before the doors were closed."""

    def run(scene: Scene) -> Any:
        return _EARLY.run(attempt, scene)

    return run


class _EarlyThread:
    def __init__(self) -> None:
        self._go, self._done = threading.Event(), threading.Event()
        self._work: tuple[Attempt, Scene] | None = None
        self._error: BaseException | None = None
        self._pid = 0

    def start(self) -> None:
        self._pid = os.getpid()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._go.wait()
            self._go.clear()
            assert self._work is not None
            attempt, scene = self._work
            self._error = None
            try:
                attempt(scene)
            except BaseException as error:
                self._error = error
            self._done.set()

    def run(self, attempt: Attempt, scene: Scene) -> None:
        if self._pid != os.getpid():  # a child of fork() has lost it
            self.start()
        self._work = (attempt, scene)
        self._done.clear()
        self._go.set()
        if not self._done.wait(5):
            raise TimeoutError("the thread is gone")
        if self._error is not None:
            raise self._error


_EARLY = _EarlyThread()
_EARLY.start()


def load_library(_scene: Scene) -> None:
    """Load a library that nobody has loaded."""
    try:
        ctypes.CDLL("libanl.so.1")
    except OSError as error:  # dlopen(3) has no errno
        raise OSError(errno.EACCES, str(error)) from error


def open_canary(scene: Scene) -> bytes:
    return scene.canary.read_bytes()


def map_shared(flags: int) -> Attempt:
    return raw(9, 0, _PAGE, 3, flags | 0x20, -1, 0)


def make_executable(_scene: Scene) -> None:
    page = mmap.mmap(-1, _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    call(10, address, _PAGE, 5)


# Stopped with an error; these get through in a bare process of any user.
FREE: dict[str, Attempt] = {
    "files: read": open_canary,
    "files: read in a thread from before": in_early_thread(open_canary),
    "files: openat": lambda s: call(257, _AT_FDCWD, path(s), 0, 0),
    "files: openat2": lambda s: call(437, _AT_FDCWD, path(s), ctypes.create_string_buffer(24), 24),
    "files: stat": lambda s: call(4, path(s), ctypes.create_string_buffer(256)),
    "files: statx": lambda s: call(332, _AT_FDCWD, path(s), 0, 0xFFF, ctypes.create_string_buffer(512)),
    "files: access": lambda s: call(21, path(s), 0),
    "files: faccessat2": lambda s: call(439, _AT_FDCWD, path(s), 0, 0),
    "files: list": lambda s: os.listdir(s.folder),
    "files: list the root": lambda s: os.listdir("/"),
    "files: where am I": lambda s: os.getcwd(),
    "files: follow a link": lambda s: os.readlink("/proc/self/exe"),
    "files: create": lambda s: s.fresh.write_bytes(b"x"),
    "files: folder": lambda s: s.fresh.mkdir(),
    "files: link": lambda s: os.symlink("x", s.fresh),
    "files: hard link": lambda s: os.link(s.canary, s.fresh),
    "files: pipe with a name": lambda s: os.mkfifo(s.fresh),
    "files: rename": lambda s: os.rename(s.canary, s.fresh),
    "files: remove": lambda s: os.unlink(s.canary),
    "files: truncate": lambda s: os.truncate(s.canary, 0),
    "files: mode": lambda s: os.chmod(s.canary, 0o600),
    "files: times": lambda s: os.utime(s.canary),
    "files: attributes": lambda s: os.listxattr(s.canary),
    "files: disk": lambda s: os.statvfs(s.folder),
    "files: watch": raw(253),
    "files: change folder": lambda s: os.chdir(s.folder),
    "files: anonymous": lambda s: os.memfd_create("x"),
    "files: load a library": load_library,
    "proc: own memory": lambda s: open("/proc/self/mem", "rb").close(),
    "proc: own environment": lambda s: open("/proc/self/environ", "rb").close(),
    "proc: the victim's command": lambda s: open(f"/proc/{s.victim}/cmdline", "rb").close(),
    "environment": environment,
    "network: IPv4": lambda s: socket.socket(socket.AF_INET),
    "network: IPv6": lambda s: socket.socket(socket.AF_INET6),
    "network: UDP": lambda s: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "network: Unix": lambda s: socket.socket(socket.AF_UNIX),
    "network: netlink": lambda s: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "network: pair": lambda s: socket.socketpair(),
    "network: pass a descriptor": send_descriptor,
    "network: urgent data": with_socket(socket.MSG_OOB),
    "network: zero copy": with_socket(0x4000000),
    "processes: limits read the old way": raw(97, 7, ctypes.create_string_buffer(16)),
    "processes: fork": lambda s: os.fork() or os._exit(0),
    "processes: clone": lambda s: call(56, 17, 0, 0, 0, 0) or os._exit(0),
    "processes: spawn": lambda s: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
    "processes: execute": lambda s: os.execv("/bin/true", ["true"]),
    "processes: shell": lambda s: os.popen("true").close(),
    "processes: look for the victim": lambda s: os.kill(s.victim, 0),
    "processes: look for anyone": lambda s: os.kill(-1, 0),
    "processes: signal a thread of it": lambda s: call(234, s.victim, s.victim, 0),
    "processes: tkill": lambda s: call(200, s.victim, 0),
    "processes: queue a signal": lambda s: call(434, s.victim, 0),
    "processes: limits of the victim": lambda s: call(302, s.victim, 7, 0, ctypes.create_string_buffer(16)),
    "processes: own limits": lambda s: call(
        160, 7, ctypes.create_string_buffer(b"\x10" + bytes(7) + b"\x10" + bytes(7), 16)
    ),
    "processes: affinity": lambda s: os.sched_setaffinity(0, os.sched_getaffinity(0)),
    "processes: priority": lambda s: os.nice(0),
    "processes: session": lambda s: os.setsid() if os.getpid() != os.getsid(0) else None,
    "processes: outlive the parent": raw(157, 1, 0, 0, 0, 0),
    "processes: adopt": raw(157, 36, 1, 0, 0, 0),
    "processes: readable again": raw(157, 4, 1, 0, 0, 0),
    "processes: alarm": raw(37, 0),
    "processes: timer": raw(38, 0, ctypes.create_string_buffer(32), 0),
    "processes: user": lambda s: os.setuid(os.getuid()),
    "processes: resources of threads": start_threads,
    "memory: executable": raw(9, 0, _PAGE, 7, 0x22, -1, 0),
    "memory: become executable": make_executable,
    "memory: shared": map_shared(1),
    "memory: shared, validated": lambda s: call(9, 0, _PAGE, 3, 0x21, -1, 0),
    "memory: System V": lambda s: call(31, call(29, 0, _PAGE, 0o1600), 0, 0),
    "memory: personality": raw(135, 0xFFFFFFFF),
    "memory: lock": lambda s: call(149, _page(), _PAGE),
    "memory: policy": raw(239, 0, 0, 0, 0, 0),
    "kernel: event": raw(290, 0, 0),
    "kernel: epoll": raw(291, 0),
    "kernel: timer descriptor": raw(283, 0, 0),
    "kernel: signal descriptor": lambda s: call(289, -1, ctypes.create_string_buffer(8), 8, 0),
    "kernel: semaphores": lambda s: call(66, call(64, 0, 1, 0o1600), 0, 0),
    "kernel: message queue": lambda s: call(71, call(68, 0, 0o1600), 0, 0),
    "kernel: flags of a descriptor": lambda s: call(72, 0, 4, 2048),
    "kernel: owner of a descriptor": lambda s: call(72, 0, 10, 0),
    "kernel: copy over a descriptor": lambda s: os.dup2(0, 0),
    "kernel: size of a pipe": lambda s: call(72, os.pipe()[0], 1031, 1 << 18),
    "kernel: arch_prctl": lambda s: call(158, 0x1003, ctypes.create_string_buffer(8)),
    "kernel: load": raw(100, ctypes.create_string_buffer(64)),
    "resources: descriptors": open_pipes,
}

# Stopped too; a bare process is stopped by something else where it has no privilege, or by its kernel.
OTHERS: dict[str, Attempt] = {
    "files: accounting": raw(163, 0),
    "files: open by handle": raw(304, _AT_FDCWD, ctypes.create_string_buffer(128), 0),
    "files: device": lambda s: os.mknod(s.fresh, 0o20600, os.makedev(1, 3)),
    "files: owner": lambda s: os.chown(s.canary, 1, 1),
    "files: what is open": write_what_is_open,
    "proc: the victim's memory": lambda s: open(f"/proc/{s.victim}/mem", "rb").close(),
    "proc: the victim's environment": lambda s: open(f"/proc/{s.victim}/environ", "rb").close(),
    "network: raw": lambda s: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "network: packet": lambda s: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "network: vsock": lambda s: socket.socket(40, socket.SOCK_STREAM),
    "processes: vfork": lambda s: call(58) or os._exit(0),
    "processes: clone3": lambda s: call(435, ctypes.create_string_buffer(64), 64),
    "processes: a thread in a user namespace": raw(56, _THREAD_FLAGS | 0x10000000, 0, 0, 0, 0),
    "processes: a thread in a time namespace": raw(56, _THREAD_FLAGS | 0x80, 0, 0, 0, 0),
    "processes: clone with high bits": raw(56, (1 << 32) | 17, 0, 0, 0, 0),
    "processes: take a descriptor": raw(438, 0, 0, 0),
    "processes: compare": lambda s: call(312, os.getpid(), s.victim, 0, 0, 0),
    "processes: capabilities": lambda s: call(
        126, ctypes.create_string_buffer(8), ctypes.create_string_buffer(24)
    ),
    "processes: limits raised": lambda s: call(302, 0, 7, ctypes.create_string_buffer(b"\xff" * 16, 16), 0),
    "processes: limits of the victim changed": lambda s: call(
        302, s.victim, 7, ctypes.create_string_buffer(16), 0
    ),
    "memory: secret": raw(447, 0),
    "memory: protection keys": lambda s: call(329, _page(), _PAGE, 7, -1),
    "memory: huge": lambda s: _touch(1 << 40),
    "memory: pages of another": lambda s: call(279, s.victim, 0, 0, 0, 0, 0),
    "memory: advise another": raw(440, 0, 0, 0, 0, 0),
    "kernel: keys": raw(250, 0, -3, 0),
    "kernel: add a key": raw(248, b"user", b"x", b"x", 1, -3),
    "kernel: log": raw(103, 10, 0, 0),
    "kernel: open a tree": raw(428, _AT_FDCWD, b"/", 0),
    "kernel: new file system": raw(430, b"tmpfs", 0),
    "kernel: mount attributes": raw(442, _AT_FDCWD, b"/", 0, 0, 0),
    "kernel: local descriptor table": raw(154, 0, 0, 0),
    "kernel: ports": raw(172, 3),
    "kernel: type into a terminal": raw(16, 0, 0x5412, b"x"),
    "kernel: watch all files": raw(300, 0, 0),
    "kernel: seals": raw(72, 0, 1033, 0),
    "kernel: strict filter": raw(157, 22, 1, 0, 0, 0),
    "kernel: no such call": raw(999),
    "kernel: another filter": raw(317, 2, 0, 0),
    "processes: let anyone trace": raw(157, 0x59616D61, -1, 0, 0, 0),
}

# End the process: nobody makes these calls by accident.
FATAL: dict[str, Attempt] = {
    "trace": raw(101, 0, 0, 0, 0),
    "trace the victim": lambda s: call(101, 16, s.victim, 0, 0),
    "read the victim's memory": lambda s: call(310, s.victim, 0, 0, 0, 0, 0),
    "write the victim's memory": lambda s: call(311, s.victim, 0, 0, 0, 0, 0),
    "io_uring": raw(425, 1, ctypes.create_string_buffer(120)),
    "bpf": raw(321, 0, 0, 0),
    "perf": raw(298, 0, 0, 0, 0, 0),
    "page faults": raw(323, 0),
    "mount": raw(165, 0, 0, 0, 0, 0),
    "change root": raw(161, b"/"),
    "new root": raw(155, b"/", b"/"),
    "namespaces": raw(272, 0),
    "another namespace": raw(308, 0, 0),
    "a module": raw(313, 0, 0, 0),
    "kexec": raw(246, 0, 0, 0, 0),
    "an x32 call": raw(0x40000000 | 39),
    "an x32 open": raw(0x40000000 | 2, b"/etc/passwd", 0, 0),
    "a 32-bit call": lambda _s: _ThirtyTwoBits.run(),
}


class _ThirtyTwoBits:
    """``mov eax, 20 (getpid); int 0x80; ret`` in a page from before the doors were closed: there is none later."""

    page: Any = None

    @classmethod
    def prepare(cls) -> None:
        cls.page = mmap.mmap(-1, _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
        cls.page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")

    @classmethod
    def run(cls) -> int:
        address = ctypes.addressof(ctypes.c_char.from_buffer(cls.page))
        result: int = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        return result


_ThirtyTwoBits.prepare()


def _page() -> int:
    page = mmap.mmap(-1, _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    _KEPT.append(page)
    return ctypes.addressof(ctypes.c_char.from_buffer(page))


_KEPT: list[Any] = []


def _touch(size: int) -> None:
    try:
        bytearray(size)
    except MemoryError as error:
        raise OSError(errno.ENOMEM, "no memory") from error


ALL = {**FREE, **OTHERS, **FATAL}


def outcome(name: str, scene: Scene) -> str:
    """Make one attempt: "through", or the name of the error that stopped it."""
    try:
        ALL[name](scene)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    except Exception as error:
        return type(error).__name__
    return "through"


class Battery:
    """A model whose methods make the attempts."""

    def try_all(self, names: list[str], folder: str, victim: int) -> dict[str, str]:
        return {name: outcome(name, Scene(Path(folder), victim)) for name in names}

    def try_one(self, name: str, folder: str, victim: int) -> str:
        return outcome(name, Scene(Path(folder), victim))

    def descriptors(self) -> list[int]:
        return [number for number in range(1024) if _is_open(number)]

    def write_to(self, number: int) -> int:
        return os.write(number, b"x" * 10)

    def hang(self) -> None:
        while True:
            time.sleep(1)


def _is_open(number: int) -> bool:
    try:
        call(72, number, 1)
    except OSError:
        return False
    return True
