"""The state of any object, leaf by leaf: what pickle would take apart, as lines of text that are compared.

It proves what has no structured form (modules of PyTorch, boosters of XGBoost) on its way from one pickle to
another, and says where two states part. It runs in the worker, on objects that were loaded there.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterator
from typing import Any

from secureload.errors import ConversionError
from secureload.limits import Limits

__all__ = ["digest_of", "leaves_of"]

_TEXT_CHARS = 60
_GLOBALS = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodWrapperType,
)


def digest_of(model: Any, limits: Limits) -> str:
    """Return the SHA-256 (hexadecimal) of all leaves; raises as :func:`leaves_of` does."""
    digest = hashlib.sha256(b"secureload leaves 1\n")
    for where, what in leaves_of(model, limits):
        digest.update(f"{len(where)} {where} {len(what)} {what}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def leaves_of(model: Any, limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield (where it is, what it is) for every value in ``model``; arrays and tensors as the digest of their bytes.

    Raises:
        ConversionError: something cannot be taken apart, or there is more of it than ``limits`` allow.
    """
    yield from _Walk(limits).visit(model, "model", 0)


class _Walk:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []  # what is alive keeps its id

    def visit(self, value: Any, where: str, depth: int) -> Iterator[tuple[str, str]]:
        """Yield the leaves of one value."""
        kind = type(value)
        if value is None or kind in (bool, int, float, complex, str, bytes, range, slice):
            yield where, _plain(value)
            return
        if isinstance(value, _GLOBALS) or kind.__name__ in ("ufunc", "_ArrayFunctionDispatcher"):
            name = getattr(value, "__qualname__", getattr(value, "__name__", ""))
            yield where, f"{getattr(value, '__module__', '')}.{name}"
            return
        if _has_no_identity(value):
            yield where, str(_as_bytes(value, kind))
            return
        number = self._numbers.get(id(value))
        if number is not None:
            yield where, f"the object number {number:,}"
            return
        if depth > self._limits.structured_depth or len(self._kept) > self._limits.structured_nodes_items:
            raise ConversionError(f"its state at {where[:200]} is nested too deep, or has too many parts")
        if kind is not tuple:
            self._numbers[id(value)] = len(self._kept)
        self._kept.append(value)
        yield from self._parts(value, kind, where, depth + 1)

    def _parts(self, value: Any, kind: type, where: str, depth: int) -> Iterator[tuple[str, str]]:
        whole = _tensor(value, kind) if _is_dense_tensor(value, kind) else _as_bytes(value, kind)
        if whole is not None:
            yield where, whole
            return
        yield where, f"{kind.__module__}.{kind.__qualname__}"
        if kind in (list, tuple):
            for position, item in enumerate(value):
                yield from self.visit(item, f"{where}[{position}]", depth)
        elif kind is dict:
            yield from self._entries(value.items(), where, depth)
        elif kind in (set, frozenset):
            yield from sorted(leaf for item in value for leaf in self.visit(item, f"{where}{{}}", depth))
        elif _is_object_array(value):
            yield where, f"{value.shape}"
            for position, item in enumerate(value.ravel().tolist()):
                yield from self.visit(item, f"{where}[{position}]", depth)
        else:
            yield from self._reduced(value, kind, where, depth)

    def _entries(self, entries: Any, where: str, depth: int) -> Iterator[tuple[str, str]]:
        for key, item in entries:
            if type(key) is str:
                yield from self.visit(item, f"{where}.{key}", depth)
            else:
                yield from self.visit(key, f"{where} key", depth)
                yield from self.visit(item, f"{where}[{str(key)[:_TEXT_CHARS]}]", depth)

    def _reduced(self, value: Any, kind: type, where: str, depth: int) -> Iterator[tuple[str, str]]:
        try:
            reduced = value.__reduce_ex__(2)
        except Exception as error:
            raise ConversionError(
                f"{kind.__module__}.{kind.__qualname__} at {where[:200]} cannot be taken apart: {error}",
                hint="keep the file as it is, signed",
                unsupported=f"{kind.__module__}.{kind.__qualname__}",
            ) from None
        if isinstance(reduced, str):
            yield where, f"{kind.__module__}.{reduced}"
            return
        made_by, arguments, state, items, entries = [*reduced, None, None, None][:5]
        yield from self.visit(made_by, f"{where} made by", depth)
        yield from self.visit(tuple(arguments), f"{where} made from", depth)
        if type(state) is dict:
            yield from self._entries(state.items(), where, depth)
        elif state is not None:
            yield from self.visit(state, f"{where} state", depth)
        for position, item in enumerate(items or ()):
            yield from self.visit(item, f"{where}[{position}]", depth)
        yield from self._entries(entries or (), where, depth)


def _plain(value: Any) -> str:
    if isinstance(value, str | bytes) and len(value) > _TEXT_CHARS:
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        return f"{type(value).__name__} of {len(value):,}, SHA-256 {hashlib.sha256(data).hexdigest()}"
    return repr(value)


def _as_bytes(value: Any, kind: type) -> str | None:
    """Return what is one piece of memory as its digest: arrays, scalars and types of numpy, bytearrays."""
    import numpy as np

    if kind is bytearray:
        return f"bytearray of {len(value):,} bytes, SHA-256 {hashlib.sha256(value).hexdigest()}"
    if isinstance(value, np.dtype):
        return f"type {value.str} {value.names or ''}"
    if kind in (np.ndarray, np.memmap) or isinstance(value, np.generic):
        array = np.asarray(value)
        if array.dtype.hasobject:
            return None
        data = np.ascontiguousarray(array).tobytes()
        return f"array of {array.dtype.str} {array.shape}, SHA-256 {hashlib.sha256(data).hexdigest()}"
    return None


def _has_no_identity(value: Any) -> bool:
    """Whether two that are equal are one: which of them are the same object is chance."""
    import numpy as np

    return isinstance(value, np.generic | np.dtype) and not isinstance(value, np.void)


def _is_dense_tensor(value: Any, kind: type) -> bool:
    if kind.__module__.partition(".")[0] != "torch" or not hasattr(value, "untyped_storage"):
        return False
    return str(value.layout) == "torch.strided" and not value.is_quantized and not value.is_meta


def _tensor(value: Any, kind: type) -> str:
    """Return a tensor's numbers as a digest. Whether two lie in the same memory is left out: pickle loses it."""
    import torch

    flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    data = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return (
        f"{kind.__name__} of {value.dtype} {tuple(value.shape)}, gradient {value.requires_grad}, "
        f"SHA-256 {hashlib.sha256(data).hexdigest()}"
    )


def _is_object_array(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.ndarray) and value.dtype.names is None and value.dtype.hasobject
