"""Which kind of model a protocol buffer is: they have no mark, only fields in an order.

A field of text must hold text, a nested message must begin with a field that it has: of a hundred thousand
files of other kinds none begins like this by accident, and a pickle cannot, for neither 8 nor 10 is an opcode.
"""

from __future__ import annotations

import re

__all__ = ["root_of"]

# The keys of ModelProto after ir_version: texts, numbers and messages.
_ONNX_TEXTS = frozenset((0x12, 0x1A, 0x22, 0x32))
_ONNX_OTHERS = frozenset((0x28, 0x3A, 0x42, 0x72))
_ONNX_HIGHEST_IR = 64
_NAME = re.compile(rb"[\w./>^:+-]{1,2000}+", re.ASCII)
_OPERATOR = re.compile(rb"_?[A-Z][\w>]{0,200}+", re.ASCII)
_KERAS = b"_tf_keras_"
_FINGERPRINT_KEYS = (0x08, 0x10, 0x18, 0x20, 0x28)


def root_of(head: bytes, size: int) -> str:
    """Return "onnx", "saved model", "meta graph", "graph", "keras metadata" or "fingerprint", else "".

    ``head`` is the beginning of ``size`` bytes.
    """
    if head[:1] == b"\x08":
        if _is_saved_model(head, size):
            return "saved model"
        if _is_onnx(head, size):
            return "onnx"
        return "fingerprint" if _is_fingerprint(head, size) else ""
    if head[:1] == b"\x0a":
        if _is_graph(head, size):
            return "graph"
        if _is_meta_graph(head, size):
            return "meta graph"
        return "keras metadata" if _is_keras(head, size) else ""
    return ""


def _is_onnx(head: bytes, size: int) -> bool:
    """ir_version, then a text or a message of the model."""
    if len(head) < 4 or not 0 < head[1] <= _ONNX_HIGHEST_IR:
        return False
    key = head[2]
    if key in _ONNX_OTHERS:
        return key == 0x28 or _fits(head, 3, size)
    if key not in _ONNX_TEXTS or not _fits(head, 3, size):
        return False
    length, start = _varint(head, 3)
    return _is_text(head[start : start + length])


def _is_saved_model(head: bytes, size: int) -> bool:
    """Schema version 1, then a MetaGraphDef: it begins with its own info or with the graph."""
    if head[:3] != b"\x08\x01\x12" or not _fits(head, 3, size):
        return False
    _, start = _varint(head, 3)
    return head[start : start + 1] in (b"\x0a", b"\x12") and _fits(head, start + 1, size)


def _is_meta_graph(head: bytes, size: int) -> bool:
    """The info: it begins with the list of operators, and that with the name of the first one."""
    at = 0
    for key in (b"\x0a", b"\x12", b"\x0a", b"\x0a"):
        if head[at : at + 1] != key or not _fits(head, at + 1, size):
            return False
        length, at = _varint(head, at + 1)
    return bool(_OPERATOR.fullmatch(head[at : at + length]))


def _is_graph(head: bytes, size: int) -> bool:
    """A node: its name and its operator."""
    if not _fits(head, 1, size):
        return False
    _, start = _varint(head, 1)
    if head[start : start + 1] != b"\x0a":
        return False
    length, start = _varint(head, start + 1)
    if (
        not _NAME.fullmatch(head[start : start + length])
        or head[start + length : start + length + 1] != b"\x12"
    ):
        return False
    length, start = _varint(head, start + length + 1)
    return bool(_OPERATOR.fullmatch(head[start : start + length]))


def _is_keras(head: bytes, size: int) -> bool:
    """Objects with the identifiers of Keras."""
    return _fits(head, 1, size) and _KERAS in head[:512]


def _is_fingerprint(head: bytes, size: int) -> bool:
    """Five hashes as numbers: the file beside a SavedModel that says what it was."""
    if size > 512:
        return False
    at = 0
    for key in _FINGERPRINT_KEYS:
        if head[at : at + 1] != bytes((key,)):
            return False
        _, at = _varint(head, at + 1)
        if at > size:
            return False
    return head[at : at + 1] in (b"\x32", b"\x3a", b"")


def _varint(head: bytes, at: int) -> tuple[int, int]:
    """Return the number at ``at`` and where it ends; a position behind the head where it does not."""
    value = shift = 0
    for position in range(at, min(at + 10, len(head))):
        value |= (head[position] & 0x7F) << shift
        shift += 7
        if head[position] < 0x80:
            return value, position + 1
    return 0, 1 << 62


def _fits(head: bytes, at: int, size: int) -> bool:
    """Whether the length at ``at`` is followed by as many bytes."""
    length, start = _varint(head, at)
    return start + length <= size


def _is_text(raw: bytes) -> bool:
    try:
        return raw.decode("utf-8").isprintable()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
