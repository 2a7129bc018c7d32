"""The formats that are told apart, how each is called in a message, and which file names belong to it."""

from __future__ import annotations

import re
from typing import TypeAlias

from secureload.formats.protobuf_head import root_of
from secureload.formats.region import Region
from secureload.formats.tables import is_checkpoint_index
from secureload.formats.tar_header import BLOCK_BYTES, has_checksum
from secureload.formats.ubjson import begins_as_ubjson

__all__ = [
    "ADVICE",
    "DATA",
    "DESCRIPTIONS",
    "EXTENSIONS",
    "READERS",
    "FormatName",
    "is_disc_image",
    "is_raw_data",
    "magic_format",
]

# The name of a format; DESCRIPTIONS has all of them.
FormatName: TypeAlias = str

DESCRIPTIONS: dict[FormatName, str] = {
    "empty": "an empty file",
    "pickle": "a pickle",
    "compressed": "a compressed file",
    "joblib-zfile": "a compressed file of a joblib older than 0.10",
    "zip": "a zip archive",
    "torch-zip": "a PyTorch model",
    "torch-legacy": "a PyTorch model of a version before 1.6 (pickles)",
    "torchscript": "a TorchScript model",
    "torch-export": "an exported PyTorch program",
    "npz": "an archive of numpy arrays",
    "skops": "a skops file",
    "keras": "a Keras model",
    "npy": "a numpy array file",
    "hdf5": "an HDF5 file",
    "keras-hdf5": "a Keras model in an HDF5 file",
    "pytables": "an HDF5 file of pandas or PyTables",
    "safetensors": "a safetensors file",
    "onnx": "an ONNX model",
    "gguf": "a GGUF model",
    "tensorflow": "a TensorFlow model",
    "tf-checkpoint": "the index of a TensorFlow checkpoint",
    "tflite": "a TensorFlow Lite model",
    "tar": "a tar archive",
    "torch-tar": "a PyTorch model of a version before 0.1.10 (tar)",
    "7z": "a 7-Zip archive",
    "rar": "a RAR archive",
    "cab": "a Windows cabinet",
    "ar": "an ar archive",
    "cpio": "a cpio archive",
    "unix-compress": "a file compressed by compress (.Z)",
    "snappy": "a file compressed by Snappy",
    "lzip": "a file compressed by lzip",
    "lzop": "a file compressed by lzop",
    "xgboost": "an XGBoost model",
    "xgboost-binary": "an XGBoost model in the binary format of versions before 3",
    "ubjson": "a Universal Binary JSON file",
    "lightgbm": "a LightGBM model",
    "catboost": "a CatBoost model",
    "iso": "an image of a disc (ISO 9660 or UDF)",
    "raw-data": "raw data, by its name",
    "json": "a JSON text",
    "text": "a text file",
    "unknown": "a file of an unknown format",
}

# Which module of :mod:`secureload.formats.readers` reads the format; a format without one is never a pass.
READERS: dict[str, str] = {
    "7z": "sevenzip",
    "joblib-zfile": "joblib_zfile",
    "tar": "tar_archive",
    "gguf": "gguf_file",
    "hdf5": "hdf5_file",
    "npy": "npy",
    "onnx": "onnx_model",
    "safetensors": "safetensors_file",
    "tensorflow": "tensorflow_model",
    "tf-checkpoint": "tf_checkpoint",
    "tflite": "tflite_model",
    "catboost": "catboost_file",
    "lightgbm": "lightgbm_text",
    "ubjson": "ubjson_file",
    "json": "json_file",
    "text": "text_file",
    "zip": "zip_archive",
}

# Formats that are data through and through: without a reader they count as examined.
DATA: frozenset[str] = frozenset(("text", "empty", "raw-data"))
# What to do with a format that has no reader, where saving it again is not the answer or not all of it.
ADVICE: dict[FormatName, str] = {
    "xgboost-binary": "save it as JSON or UBJSON, save_model('model.ubj'), with a version of XGBoost before 3",
    "iso": "take the files out of it, and check each of them",
}
# Where an image of a disc says what it is, behind 16 sectors that belong to whoever boots from it: ECMA-119 and
# ECMA-167.
_DISC_MARK_AT = 32_769
_DISC_MARKS = (b"CD001", b"BEA01", b"CDROM")

# What the content of a file with this extension may be; an extension that is not listed says nothing.
EXTENSIONS: dict[str, frozenset[str]] = {
    **dict.fromkeys((".pkl", ".pickle", ".p", ".sav"), frozenset(("pickle", "compressed", "joblib-zfile"))),
    **dict.fromkeys((".joblib", ".jl"), frozenset(("pickle", "compressed", "joblib-zfile"))),
    ".z": frozenset(("compressed", "joblib-zfile", "unix-compress")),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".lzma", ".lz4", ".zst"), frozenset(("compressed",))),
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".ptl", ".pt2"), frozenset(("zip", "pickle", "tar"))),
    **dict.fromkeys((".zip", ".npz", ".skops"), frozenset(("zip",))),
    ".keras": frozenset(("zip", "hdf5")),
    ".npy": frozenset(("npy",)),
    **dict.fromkeys((".h5", ".hdf5"), frozenset(("hdf5",))),
    ".safetensors": frozenset(("safetensors",)),
    ".onnx": frozenset(("onnx",)),
    ".gguf": frozenset(("gguf",)),
    ".tflite": frozenset(("tflite",)),
    ".ubj": frozenset(("ubjson",)),
    ".cbm": frozenset(("catboost",)),
    ".json": frozenset(("json",)),
    **dict.fromkeys(
        (".txt", ".md", ".csv", ".toml", ".yaml", ".yml", ".jinja", ".py"),
        frozenset(("text", "json", "lightgbm")),
    ),
    ".tar": frozenset(("tar",)),
    ".7z": frozenset(("7z",)),
    ".rar": frozenset(("rar",)),
    ".cab": frozenset(("cab",)),
    **dict.fromkeys((".iso", ".udf"), frozenset(("iso", "unknown"))),
    ".cpio": frozenset(("cpio",)),
    **dict.fromkeys((".tgz", ".tbz2", ".txz", ".tzst"), frozenset(("compressed",))),
}

_MAGIC: tuple[tuple[int, bytes, FormatName], ...] = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),  # an archive without members
    (0, b"\x93NUMPY", "npy"),
    *((start, b"\x89HDF\r\n\x1a\n", "hdf5") for start in (0, 512, 1024, 2048)),  # behind a user block
    (0, b"GGUF", "gguf"),
    (4, b"TFL3", "tflite"),
    (0, b"CBM1", "catboost"),
    (0, b"binf", "xgboost-binary"),
    (0, b"tree\nversion=", "lightgbm"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (257, b"ustar", "tar"),
    # What has no reader here is named all the same.
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"MSCF\0\0\0\0", "cab"),
    (0, b"!<arch>\n", "ar"),
    (0, b"070701", "cpio"),
    (0, b"070702", "cpio"),
    (0, b"070707", "cpio"),
    (0, b"\xc7\x71", "cpio"),
    (0, b"\x1f\x9d", "unix-compress"),
    (0, b"\xff\x06\0\0sNaPpY", "snappy"),
    (0, b"LZIP\x01", "lzip"),
    (0, b"\x89LZO\0\r\n\x1a\n", "lzop"),
)
# Which format the kinds of models are that protocol buffers can hold.
_ROOTS: dict[str, FormatName] = {
    "onnx": "onnx",
    "fingerprint": "tensorflow",
    **dict.fromkeys(("saved model", "meta graph", "graph", "keras metadata"), "tensorflow"),
}

# Numbers without any frame, beside the model that knows what they are: shards of a TensorFlow checkpoint and of
# TensorFlow.js, the external data of ONNX.
_RAW_DATA = re.compile(r"(\.data-\d{5}-of-\d{5}|-shard\d{1,5}of\d{1,5}\.bin|\.onnx[._]data(_\d{1,3})?)\Z")


def is_raw_data(name: str) -> bool:
    """Whether a file of this name holds raw numbers, so that its content can be anything but a known format."""
    return _RAW_DATA.search(name) is not None


def is_disc_image(data: Region) -> bool:
    """Whether it bears the mark of a disc's file system, far behind what is looked at of every file."""
    return data.size > _DISC_MARK_AT and data.read_at(_DISC_MARK_AT, 5) in _DISC_MARKS


def magic_format(head: bytes, size: int) -> FormatName | None:
    """Return the format whose mark ``head``, the beginning of ``size`` bytes, bears, if any.

    Pickles and compressed streams are not judged here.
    """
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    if has_checksum(head[:BLOCK_BYTES]):
        return "tar"  # the oldest ones have no mark
    if head[:2] == b"ZF" and _is_hexadecimal(head[2:21]):
        return "joblib-zfile"  # of joblib before 0.10: the expanded length follows
    # A 64-bit little-endian header length (more than 2**40 is no length that anybody means) and the JSON header.
    if head[5:8] == b"\0\0\0" and head[8:64].lstrip(b" \t\r\n")[:1] == b"{":
        return "safetensors"
    if is_checkpoint_index(head):
        return "tf-checkpoint"
    if begins_as_ubjson(head, size):
        return "ubjson"
    return _ROOTS.get(root_of(head, size))


def _is_hexadecimal(text: bytes) -> bool:
    """Whether joblib reads a length in it, as ``int`` does."""
    try:
        return int(text, 16) >= 0
    except ValueError:
        return False
