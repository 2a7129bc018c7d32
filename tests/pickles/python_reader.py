"""Python's own unpickler in Python, run inert: what it does with each opcode, and at which offset.

It is given the stand-ins of the inert VM, so it imports and calls nothing; only its parser is its own.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, ClassVar

from secureload.pickles.names import effective_name
from secureload.pickles.stand_ins import Global, Inert, StandIn
from secureload.pickles.trace import GlobalRef, Result

_MOST_BYTES = 1 << 20
# (kind, target, offset of the opcode)
Event = tuple[str, object, int]


class PythonReader(pickle._Unpickler):  # type: ignore[name-defined]
    """``events`` holds what it did, ``error`` what ended it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._file = io.BytesIO(data)
        super().__init__(self._file)
        self.events: list[Event] = []
        self.error: Exception | None = None
        self.at = 0
        self._globals: dict[GlobalRef, Global] = {}

    def run(self) -> PythonReader:
        try:
            while self._file.tell() < len(self._file.getbuffer()):
                self._one_pickle()
        except Exception as error:  # whatever its input leads it to
            self.error = error
        return self

    def _one_pickle(self) -> None:
        """The loop of ``pickle._Unpickler.load``, which also notes where each opcode stands."""
        self._unframer = pickle._Unframer(self._file_read, self._file_readline)  # type: ignore[attr-defined]
        self.read = self._unframer.read
        self.readinto = self._unframer.readinto
        self.readline = self._unframer.readline
        self.metastack: list[Any] = []
        self.stack: list[Any] = []
        self.append = self.stack.append
        self.memo: dict[int, Any] = {}
        self.proto = 0
        try:
            while True:
                self.at = self._offset()
                key = self.read(1)
                if not key:
                    raise EOFError
                self.dispatch[key[0]](self)
        except pickle._Stop:  # type: ignore[attr-defined]
            return

    def _bytearray(self) -> None:
        """BYTEARRAY8, which reserves what it is told before it reads."""
        size = int.from_bytes(self.read(8), "little")
        if size > _MOST_BYTES:
            raise pickle.UnpicklingError("more bytes than a test has")
        data = bytearray(size)
        self.readinto(data)
        self.append(data)

    dispatch: ClassVar[Any] = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: _bytearray}  # type: ignore[attr-defined]

    def _offset(self) -> int:
        frame = self._unframer.current_frame
        left = len(frame.getvalue()) - frame.tell() if frame else 0
        return self._file.tell() - left

    def find_class(self, module: str, name: str) -> Any:
        ref = GlobalRef(*effective_name(module, name, self.proto))
        self.events.append(("import", ref, self.at))
        if ref not in self._globals:
            self._globals[ref] = Global("StandIn", (StandIn,), {"session": self, "ref": ref, "__slots__": ()})
        return self._globals[ref]

    def persistent_load(self, pid: object) -> Inert:
        self.events.append(("persid", Result("persid", None), self.at))
        return Inert(self, "persid", None, None, None)

    # -- the stand-ins' session --

    def made(self, kind: Any, target: object, args: object, kwargs: object) -> Inert:
        self.events.append((kind, _shown(target), self.at))
        return Inert(self, kind, target.ref if isinstance(target, Global) else None, None, None)

    def built(self, target: object, state: object) -> None:
        self.events.append(("build", _shown(target), self.at))

    def filled(self, kind: str, target: object, item: object) -> None:
        # The C unpickler does not extend by nothing.
        if kind != "append" or item != [] or self._data[self.at] != pickle.APPENDS[0]:
            self.events.append((kind, _shown(target), self.at))


def _shown(target: object) -> object:
    if isinstance(target, Global):
        return target.ref
    assert isinstance(target, Inert)
    return Result(target.kind, target.of)


def python_reads(data: bytes) -> PythonReader:
    return PythonReader(data).run()
