"""What a loader opens besides the stream: files beside it, and files that are among its own arguments.

joblib before 0.10 kept each array in a file beside the pickle, which it opens as soon as the wrapper of the array
has its state. Plain pickle saves a tensor as a call that loads a whole PyTorch file from bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final, Literal

from secureload.errors import MalformedError
from secureload.limits import Limits
from secureload.pickles.recorder import TraceLimitError
from secureload.pickles.stand_ins import Global, Inert
from secureload.pickles.trace import GlobalRef, Nested, SideFile

__all__ = ["ENCODE", "Elsewhere", "bytes_of", "side_file_kind", "text_of_bytes"]

# How protocols 0 to 2 write bytes.
ENCODE: Final = GlobalRef("_codecs", "encode")
_LATIN_1: Final = ("latin1", "latin-1")
_WRAPPERS: Final[dict[str, Literal["npy", "zfile"]]] = {"NDArrayWrapper": "npy", "ZNDArrayWrapper": "zfile"}
_MODULES: Final = frozenset(
    {
        "joblib.numpy_pickle",
        "joblib.numpy_pickle_compat",
        "sklearn.externals.joblib.numpy_pickle",
        "sklearn.externals.joblib.numpy_pickle_compat",
    }
)


def side_file_kind(ref: GlobalRef) -> Literal["npy", "zfile"] | None:
    """Return what kind of file an instance of ``ref`` stands for, None where it is no wrapper of joblib's."""
    return _WRAPPERS.get(ref.name) if ref.module in _MODULES else None


def text_of_bytes(args: tuple[object, ...]) -> str | None:
    """Return the text that ``_codecs.encode(*args)`` gives the bytes of, where it is called as pickle does."""
    if len(args) == 2 and args[1] in _LATIN_1:
        text = args[0]
        return text if type(text) is str else None
    return None


def bytes_of(value: object) -> object:
    """Return the bytes that ``value`` is for, where it is a text that was encoded to give them."""
    if isinstance(value, Inert) and value.text is not None:
        with contextlib.suppress(UnicodeEncodeError):
            return value.text.encode("latin-1")
    return value


class Elsewhere:
    """The files of one trace. ``start_of`` tells where bytes stand in the stream that were stepped over."""

    def __init__(self, limits: Limits, start_of: Callable[[bytes], int | None]) -> None:
        self._limits = limits
        self._start_of = start_of
        self._side_files: dict[str, SideFile] = {}
        self._nested: list[Nested] = []
        self._kept = 0

    @property
    def side_files(self) -> tuple[SideFile, ...]:
        """The files beside the stream, each once."""
        return tuple(self._side_files.values())

    @property
    def nested(self) -> tuple[Nested, ...]:
        """The files among the arguments, in the order in which they are loaded."""
        return tuple(self._nested)

    def beside(self, kind: Literal["npy", "zfile"], state: object, position: int) -> str:
        """Note the file that a wrapper with this ``state`` opens; return what is odd about it, or "".

        Raises:
            MalformedError: the state names no file.
            TraceLimitError: there are too many.
        """
        name = state.get("filename") if type(state) is dict else None
        if type(state) is not dict or type(name) is not str:
            raise MalformedError("an array's wrapper names no file", format="joblib", offset=position)
        if name not in self._side_files and len(self._side_files) >= self._limits.trace_side_files:
            raise TraceLimitError(
                "trace_side_files", self._limits.trace_side_files, len(self._side_files) + 1
            )
        shown = name.encode("utf-8", "backslashreplace").decode()[: self._limits.trace_text_chars]
        self._side_files.setdefault(name, SideFile(shown, kind, position))
        if kind == "zfile" and not _fills_an_array(state):
            return "the array of an old joblib file is not made as joblib does it"
        return ""

    def tensor(self, args: tuple[object, ...]) -> None:
        """Note where the bytes are that a tensor is loaded from.

        Raises:
            TraceLimitError: there are too many.
        """
        if len(self._nested) >= self._limits.trace_nested_items:
            raise TraceLimitError(
                "trace_nested_items", self._limits.trace_nested_items, len(self._nested) + 1
            )
        data = args[0] if len(args) == 1 else None
        if type(data) is not bytes or not data:
            self._nested.append(Nested(0))
        elif (start := self._start_of(data)) is not None:
            self._nested.append(Nested(len(data), start))
        elif self._kept + len(data) <= self._limits.trace_nested_bytes:
            self._kept += len(data)
            self._nested.append(Nested(len(data), data=data))
        else:
            self._nested.append(Nested(len(data)))


def _fills_an_array(state: dict[object, object]) -> bool:
    """Whether ``numpy.core.multiarray._reconstruct(*init_args)`` and its state are what joblib 0.9 writes."""
    made, filled = state.get("init_args"), state.get("state")
    return (
        type(made) is tuple
        and len(made) == 3
        and isinstance(made[0], Global)
        and made[1:] in (((0,), b"b"), ((0,), "b"))
        and type(filled) is tuple
        and len(filled) == 4
        and type(filled[1]) is tuple
        and all(type(extent) is int for extent in filled[1])
        and isinstance(filled[2], Inert)
        and filled[2].call_args is not None
    )
