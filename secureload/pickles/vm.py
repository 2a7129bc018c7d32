"""The inert VM: CPython's own unpickler, run over a payload with nothing real to hold on to.

``find_class`` answers with stand-ins that record what is done with them and do nothing. No module is
imported, no foreign callable is called; and because it *is* the C parser of ``pickle.load``, there is no
second opinion about what an opcode means. What was recorded before an error counts.
"""

from __future__ import annotations

import contextlib
import pickle
from typing import Any

from secureload.allowance import allowed_for
from secureload.errors import LimitError, MalformedError, SecureloadError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.arrays import (
    ArrayBytes,
    ArrayLayoutError,
    array_bytes,
    dtype_layout,
    is_array_wrapper,
)
from secureload.pickles.between import Between
from secureload.pickles.code_makers import TENSOR_LOADER, makes_classes
from secureload.pickles.elsewhere import ENCODE, Elsewhere, bytes_of, side_file_kind, text_of_bytes
from secureload.pickles.extent import Extent, ExtentError, keys_of
from secureload.pickles.formula_state import why_evaluated
from secureload.pickles.names import effective_name, first_protocol
from secureload.pickles.recorder import Recorder, TraceLimitError
from secureload.pickles.source import ByteSource, SkippingFile
from secureload.pickles.stand_ins import Global, Inert, MadeClass, StandIn
from secureload.pickles.trace import (
    GlobalRef,
    Operation,
    OperationKind,
    Reading,
    Result,
    Section,
    Trace,
    TraceProblem,
)
from secureload.printable import printable
from secureload.values import replace

__all__ = ["trace_stream", "with_pickle_reading"]

_RECONSTRUCTORS = frozenset({("copyreg", "_reconstructor"), ("copyreg", "__newobj__")})
# What an unpickler looks up on an instance, what makes it one of another class, and what numpy takes for the
# address of an array: whoever sets it through a state decides what the next operation on the object means.
_LOOKED_UP = frozenset({"__class__", "__setstate__", "__array__", "__array_interface__", "__array_struct__"})
_CHANGED = "an object is changed after it was given its state, or used"
_GETATTR = GlobalRef("builtins", "getattr")
_LONGEST_VERSION = 64
_LONGEST_ATTRIBUTE = 64
_MOST_OTHER = 100
# Their arguments are hashed when they are called. Protocols below 4 write every set as such a call.
_HASHING = frozenset(
    {("builtins", name) for name in ("set", "frozenset", "dict")}
    | {("collections", name) for name in ("OrderedDict", "Counter")}
)
_MAPPINGS = frozenset({"dict", "OrderedDict"})
# What C says of every EXT opcode, because the registry is empty where we trace.
_UNKNOWN_EXTENSION = "unregistered extension code"


class _Session:
    """One pass over one stream: the recorder, the source, and the state that joblib's arrays need."""

    def __init__(
        self,
        source: ByteSource,
        limits: Limits,
        *,
        reading: Reading = "joblib",
        between: Between | None = None,
    ) -> None:
        self.source = source
        self.reading = reading
        self.limits = limits
        self.between = between
        self.file = SkippingFile(source)
        self.recorder = Recorder(limits, self.describe, self.key_of)
        self.globals: dict[GlobalRef, Global] = {}
        self.made_classes: dict[GlobalRef, MadeClass] = {}
        self.sections: list[Section] = []
        self.problems: list[TraceProblem] = []
        self.versions: dict[tuple[str, str], None] = {}
        self.saw_array = False
        self.extent = Extent(limits)
        self.elsewhere = Elsewhere(limits, self.file.start_of)
        self.protocol = -1
        self.pickles = 0
        self.depth = 0

    # -- what the stand-ins call -----------------------------------------------------------------------

    def find_global(self, module: str, name: str, protocol: int) -> Global:
        ref = GlobalRef(*effective_name(module, name, protocol))
        self.recorder.imported(ref, self.source.tell())
        stand_in = self.globals.get(ref)
        if stand_in is None:
            stand_in = Global(
                "StandIn",
                (StandIn,),
                {"session": self, "ref": ref, "key": ("global", ref.module, ref.name), "__slots__": ()},
            )
            self.globals[ref] = stand_in
        return stand_in

    def made(
        self, kind: Any, target: object, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> Inert | MadeClass:
        of = _named_by(target)
        if of == TENSOR_LOADER:
            args = tuple(map(bytes_of, args))
            self.elsewhere.tensor(args)
        self.recorder.operation(kind, target, args, kwargs, self.source.tell())
        self.extent.note_all(args)
        if kwargs:
            self.extent.note(kwargs)
        if of is not None and args and (of.module, of.name) in _HASHING:
            self.extent.note_keys(keys_of(args[0]) if of.name in _MAPPINGS else args[0])
        _settle_dtypes(args)
        if of is not None and makes_classes(of):
            return self.made_class(of)
        if of == _GETATTR and (attribute := _attribute(args)) is not None:
            return Inert(self, "attribute", attribute, None, None)
        made_from = of
        if of is not None and args and (of.module, of.name) in _RECONSTRUCTORS:
            made_from = _named_by(args[0])
        is_dtype = of is not None and of.name == "dtype" and of.module.startswith("numpy")
        made = Inert(self, kind, of, made_from, args if is_dtype else None)
        if of == ENCODE:
            made.text = text_of_bytes(args)
        return made

    def made_class(self, of: GlobalRef) -> MadeClass:
        known = self.made_classes.get(of)
        if known is None:
            key = ("call", of.module, of.name)
            known = MadeClass(
                "MadeClass", (StandIn,), {"session": self, "of": of, "key": key, "__slots__": ()}
            )
            self.made_classes[of] = known
        return known

    def built(self, target: Inert | Global, state: object) -> None:
        self.recorder.operation("build", target, (state,), {}, self.source.tell())
        self.extent.note(state)
        if isinstance(target, Global):
            return
        self._settle(target)
        if target.call_args is not None:
            self._lay_out(target, target.call_args, state)
        _settle_dtypes(state)
        if _names_protocol(state):
            self._problem_once("an object's state holds what pickle or numpy would look up on it")
        if type(state) is dict:
            self._note_version(state)
        made_from = target.made_from
        if why := why_evaluated(made_from, state):
            self._problem_once(why)
        if made_from is not None and self.reading == "joblib":
            if is_array_wrapper(made_from):
                self._step_over_array(state)
            elif (kind := side_file_kind(made_from)) is not None:
                self.saw_array = True
                if odd := self.elsewhere.beside(kind, state, self.source.tell()):
                    self._problem_once(odd)

    def filled(self, kind: OperationKind, target: object, item: object) -> None:
        self.recorder.operation(kind, target, (item,), {}, self.source.tell())
        self.extent.note(item)
        if isinstance(target, Inert) and target.settled:
            self._problem_once(_CHANGED)

    def keyed(self, target: object, key: object) -> None:
        self.extent.note_key(target, key)

    def _settle(self, target: Inert) -> None:
        """Note that ``target`` has its state now: pickle gives it last, and once."""
        if target.settled:
            self._problem_once(_CHANGED)
        target.settled = True

    def _lay_out(self, dtype: Inert, args: tuple[object, ...], state: object) -> None:
        try:
            dtype.layout = dtype_layout(args, state, self._dtype_layout)
        except ArrayLayoutError as error:
            self._problem_once(str(error))
            dtype.call_args = ()  # an array of it has no size that is known

    def persistent(self, pid: object) -> object:
        self.recorder.operation("persid", None, (pid,), {}, self.source.tell())
        stands_for = self.between.referred(pid) if self.between is not None else None
        return Inert(self, "persid", None, None, None) if stands_for is None else stands_for

    @staticmethod
    def describe(value: object) -> GlobalRef | Result | None:
        if isinstance(value, Inert):
            return Result(value.kind, value.of)
        if isinstance(value, MadeClass):
            return Result("call", value.of)
        if isinstance(value, Global):
            return value.ref
        return None

    @staticmethod
    def key_of(value: object) -> object | None:
        return value.key if isinstance(value, Inert | Global) else None

    # -- joblib's arrays -------------------------------------------------------------------------------

    def _note_version(self, state: dict[object, object]) -> None:
        version = state.get("_sklearn_version")
        if type(version) is str and len(version) <= _LONGEST_VERSION:
            self.versions[("scikit-learn", version)] = None

    def _step_over_array(self, state: object) -> None:
        self.saw_array = True
        layout = self._array_layout(state)
        start = self.source.tell()
        if layout.nested_pickle:
            if self.depth >= self.limits.nesting_depth:
                raise TraceLimitError("nesting_depth", self.limits.nesting_depth, self.depth + 1)
            self.run_pickle()
            return
        if layout.aligned:
            padding = self.source.read(1)
            if not padding or self.source.skip(padding[0]) != padding[0]:
                raise MalformedError("the padding before an array is cut off", format="joblib", offset=start)
        left = layout.size
        while left:
            skipped = self.source.skip(left)
            if not skipped:
                raise MalformedError(
                    f"an array of {layout.size:,} bytes is cut off", format="joblib", offset=start
                )
            left -= skipped
        self.sections.append(Section("array", start, self.source.tell()))

    def _array_layout(self, state: object) -> ArrayBytes:
        if type(state) is not dict:
            raise ArrayLayoutError("the array wrapper's state is not a dictionary")
        return array_bytes(state, *self._dtype_layout(state.get("dtype")))

    def _dtype_layout(self, dtype: object) -> tuple[int, bool]:
        if not isinstance(dtype, Inert) or dtype.call_args is None:
            raise ArrayLayoutError("the array's dtype is not made by numpy.dtype")
        dtype.settled = True
        if dtype.layout is None:
            dtype.layout = dtype_layout(dtype.call_args, None)
        return dtype.layout

    # -- running ---------------------------------------------------------------------------------------

    def run_pickle(self) -> object:
        """Run one pickle of the stream, up to and including its STOP, and return what it gives."""
        start = self.source.tell()
        protocol = first_protocol(self.source.head(2))
        self.protocol = max(self.protocol, protocol)
        self.pickles += 1
        self.depth += 1
        try:
            value = _InertUnpickler(self, protocol).load()
        finally:
            self.depth -= 1
            self.sections.append(Section("pickle", start, self.source.tell()))
        self.extent.note(value)
        return value

    def run(self) -> None:
        """Run every pickle of the stream; stop at the first problem, which is recorded."""
        while self.source.head(1):
            start = self.source.tell()
            known = self.recorder.count
            if self.pickles >= self.limits.trace_pickles:
                self._problem(
                    "limit", f"trace_pickles: more than {self.limits.trace_pickles:,} pickles in one file"
                )
                return
            try:
                self._between_pickles(self.run_pickle())
                self.extent.measure()
            except Exception as error:  # the C unpickler raises whatever its input leads it to
                self._failed(error, start, anything_new=self.recorder.count != known)
                return

    def _between_pickles(self, value: object) -> None:
        if self.between is None:
            return
        start = self.source.tell()
        trailing = self.between.ended(value, self.source)
        if self.source.tell() > start:
            self.sections.append(Section("array", start, self.source.tell()))
        if self.between.reading is not None:
            self.reading = self.between.reading
        if trailing and self.source.head(1):
            self._problem("trailing", trailing)

    def _failed(self, error: Exception, start: int, *, anything_new: bool) -> None:
        if isinstance(error, TraceLimitError | ExtentError):
            self._problem("limit", str(error))
        elif isinstance(error, MemoryError):
            self._problem(
                "limit", "tracer_memory_bytes: the payload asks for more memory than the tracer has"
            )
        elif isinstance(error, ValueError) and str(error).startswith(_UNKNOWN_EXTENSION):
            self._problem("extension", "an EXT opcode: a global by a number of the extension registry")
        elif isinstance(error, LimitError):
            self._problem("limit", error.named)
        elif isinstance(error, SecureloadError):
            self._problem("malformed", error.message)
        elif self.pickles > 1 and not anything_new and self.depth == 0:
            self._problem("trailing", f"bytes behind the pickle are not a pickle ({_said(error)})", start)
        else:
            self._problem("malformed", _said(error))

    def _problem_once(self, message: str) -> None:
        """Record what no library writes, and go on: what comes later counts as well."""
        if all(problem.message != message for problem in self.problems):
            self._problem("unsupported", message)

    def _problem(self, kind: Any, message: str, offset: int | None = None) -> None:
        position = self.source.tell() if offset is None else offset
        self.problems.append(TraceProblem(kind, message, position))


class _InertUnpickler(pickle.Unpickler):
    """CPython's unpickler with our ``find_class`` and ``persistent_load``."""

    def __init__(self, session: _Session, protocol: int) -> None:
        super().__init__(session.file)
        self._session = session
        self._protocol = protocol

    def find_class(self, module: str, name: str, /) -> Any:
        return self._session.find_global(module, name, self._protocol)

    def persistent_load(self, pid: Any) -> Any:
        return self._session.persistent(pid)


def _named_by(value: object) -> GlobalRef | None:
    """The global that a stand-in stands for; None for what was made."""
    return value.ref if isinstance(value, Global) and not isinstance(value, MadeClass) else None


def _attribute(args: tuple[object, ...]) -> GlobalRef | None:
    """Return the dotted name of the attribute that ``getattr(*args)`` reads from a global, if it is that."""
    match args:
        case (owner, str(name)) if len(name) <= _LONGEST_ATTRIBUTE and name.isidentifier():
            ref = _named_by(owner)
            return None if ref is None else GlobalRef(ref.module, f"{ref.name}.{name}")
    return None


def _names_protocol(state: object) -> bool:
    parts = state if type(state) is tuple and len(state) == 2 else (state,)
    return any(type(part) is dict and any(name in part for name in _LOOKED_UP) for part in parts)


def _settle_dtypes(values: object) -> None:
    """A dtype that stands among the arguments of a call or in a state is complete: arrays share it."""
    if type(values) is tuple:
        for value in values:
            if isinstance(value, Inert) and value.call_args is not None:
                value.settled = True


def _said(error: Exception) -> str:
    text = printable(error, 160)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def trace_stream(
    source: ByteSource,
    *,
    limits: Limits = DEFAULT_LIMITS,
    compression: str | None = None,
    bytes_total: int = -1,
    reading: Reading | None = None,
    between: Between | None = None,
) -> Trace:
    """Trace every pickle in ``source`` without running anything, and return what it would do.

    Whatever the bytes, this returns: what could not be read stands in :attr:`Trace.problems`. ``bytes_total``
    is the size of the stream where it is known, ``reading`` the loader where that is known: without it the
    stream is joblib's if it holds an array wrapper, what ``between`` takes it for, or else a pickle.
    """
    session = _Session(source, limits, reading="joblib" if reading is None else reading, between=between)
    with allowed_for(bytes_total, limits):
        session.run()
    examined = source.tell()
    if session.problems:
        examined = min((p.offset for p in session.problems if p.offset >= 0), default=examined)
    if reading is None and session.reading == "joblib":
        reading = "joblib" if session.saw_array else "pickle"
    return Trace(
        reading=reading or session.reading,
        compression=compression,
        protocol=session.protocol,
        imports=session.recorder.imports(),
        operations=session.recorder.operations(),
        sections=tuple(session.sections),
        problems=tuple(session.problems),
        versions=tuple(session.versions),
        bytes_total=bytes_total if bytes_total >= 0 else source.tell(),
        bytes_examined=examined,
        pickles=session.pickles,
        side_files=session.elsewhere.side_files,
        nested=session.elsewhere.nested,
    )


def with_pickle_reading(trace: Trace, source: ByteSource, *, limits: Limits = DEFAULT_LIMITS) -> Trace:
    """Return ``trace``, a joblib reading, with what ``pickle.load`` of the same bytes would do besides.

    joblib steps over the bytes of an array; pickle reads them as opcodes, and fails there unless somebody made
    them to be read. ``source`` is the stream from its beginning.
    """
    session = _Session(source, limits, reading="pickle")
    # Where it ends does not matter, only what it did before.
    with allowed_for(trace.bytes_total, limits), contextlib.suppress(Exception):
        session.run_pickle()
    imports = {item.ref for item in trace.imports}
    known = {_what(operation) for operation in trace.operations}
    return replace(
        trace,
        other_imports=tuple(item for item in session.recorder.imports() if item.ref not in imports),
        other_operations=tuple(
            operation for operation in session.recorder.operations() if _what(operation) not in known
        )[:_MOST_OTHER],
    )


def _what(operation: Operation) -> object:
    return (operation.kind, operation.target, operation.args, operation.kwargs)
