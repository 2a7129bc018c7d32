"""Network: sockets of every kind, and the one that is open, the wire to the parent."""

from __future__ import annotations

import array
import ctypes
import errno
import socket

from secureload.sandbox.battery.attempt import Attempt, Run, Scene, call, free, guarded

__all__ = ["ATTEMPTS"]

_DESCRIPTORS = range(3, 64)
_NOT_THE_WIRE = frozenset({errno.EBADF, errno.ENOTSOCK})
_MSG_ZEROCOPY = 0x4000000
_NAME_SERVER = ("127.0.0.53", 53)


def _on_the_wire(attempt: object) -> Run:
    """Return the attempt on the first socket that is open."""

    def run(_scene: Scene) -> None:
        for number in _DESCRIPTORS:
            try:
                attempt(number)  # type: ignore[operator]  # one of the functions below
            except OSError as error:
                if error.errno in _NOT_THE_WIRE:
                    continue
                raise
            return
        raise OSError(errno.EBADF, "no socket is open")

    return run


def _send_descriptor(number: int) -> None:
    call("fcntl", number, 3)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=number)
    try:
        sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
    finally:
        sock.detach()


def _with_flags(flags: int) -> Run:
    return _on_the_wire(lambda number: call("sendto", number, b"x", 1, flags, 0, 0))


def _ask_a_name(_scene: Scene) -> None:
    """Send a question to a name server: the way out that firewalls leave open."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\7example\0\0\1\0\1", socket.MSG_DONTWAIT, _NAME_SERVER)


def _listen(_scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        pass


def _abstract(_scene: Scene) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("")  # the kernel chooses an abstract name


def _journal(_scene: Scene) -> None:
    """Connect to a socket in the file system, as the system's log and container daemons have; there may be none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect("/run/systemd/journal/socket")
        except FileNotFoundError:
            return


ATTEMPTS: tuple[Attempt, ...] = (
    free("network: TCP", lambda s: socket.socket(socket.AF_INET)),
    free("network: TCP over IPv6", lambda s: socket.socket(socket.AF_INET6)),
    free("network: UDP", lambda s: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    guarded("network: DNS", _ask_a_name),
    free("network: listen", _listen),
    free("network: Unix", lambda s: socket.socket(socket.AF_UNIX)),
    free("network: abstract name", _abstract),
    free("network: socket of a daemon", _journal),
    free("network: netlink", lambda s: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)),
    free("network: pair", lambda s: socket.socketpair()),
    guarded("network: raw", lambda s: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
    guarded("network: packet", lambda s: socket.socket(17, socket.SOCK_RAW)),
    guarded("network: vsock", lambda s: socket.socket(40, socket.SOCK_STREAM)),
    guarded("network: kernel's cryptography", lambda s: socket.socket(38, socket.SOCK_SEQPACKET)),
    guarded("network: Bluetooth", lambda s: socket.socket(31, socket.SOCK_RAW, 1)),
    guarded("network: XDP", lambda s: socket.socket(44, socket.SOCK_RAW)),
    free("network: pass a descriptor", _on_the_wire(_send_descriptor)),
    free("network: urgent data", _with_flags(1)),
    free("network: zero copy", _with_flags(_MSG_ZEROCOPY)),
    guarded("network: send to an address", _on_the_wire(
        lambda n: call("sendto", n, b"x", 1, 0, ctypes.create_string_buffer(b"\1\0/x", 16), 16))),
    guarded("network: many messages at once", _on_the_wire(lambda n: call("sendmmsg", n, 0, 0, 0))),
    guarded("network: receive many at once", _on_the_wire(lambda n: call("recvmmsg", n, 0, 0, 0, 0))),
    free("network: options of the wire", _on_the_wire(
        lambda n: call("setsockopt", n, 1, 7, ctypes.byref(ctypes.c_int(1 << 20)), 4))),
)  # fmt: skip
