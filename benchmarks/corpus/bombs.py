"""Files that cost more than they are: memory, time, recursion, expansion. To be stopped by a limit, never accepted."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.expression import Built, Call, Name, Style, bare, encode
from benchmarks.corpus.numpy_files import npy
from benchmarks.corpus.sample import Sample
from benchmarks.corpus.wrappers import tar_of, zip_of

__all__ = ["bomb_samples"]

_GIB = 1 << 30


def bomb_samples() -> Iterator[Sample]:
    """Yield each bomb."""
    parts = (
        ("of opcodes", _opcodes),
        ("of calls", _calls),
        ("of expansion", _expansion),
        ("of claims", _claims),
    )
    for group, part in parts:
        for name, data in part():
            yield Sample("bomb", group, name, data)


def _opcodes() -> Iterator[tuple[str, bytes]]:
    head = b"\x80\x04"
    yield "memo-index.pkl", head + b"Nr\xff\xff\xff\x7f."
    yield "memo-index-high.pkl", head + b"N" + pickle.LONG_BINPUT + b"\xfe\xff\xff\xff."
    yield "text-memo-index.pkl", b"Np999999999\n."
    yield "deep-lists.pkl", head + b"]" * 400_000 + b"a" * 399_999 + b"."
    yield "deep-tuples.pkl", head + b"N" + b"\x85" * 1_000_000 + b"."
    yield "deep-marks.pkl", head + b"(" * 2_000_000 + b"t" * 1_999_999 + b"."
    laughs = b"(" + b"N" * 10 + b"t"
    for number in range(40):
        laughs += b"q" + bytes([number]) + b"0(" + (b"h" + bytes([number])) * 10 + b"t"
    yield "billion-laughs-tuples.pkl", head + laughs + b"."
    # A tuple that doubles sixty times, as a key: hashing it takes 2**60 steps.
    doubled = b"N\x85"
    for number in range(60):
        doubled += b"q" + bytes([number]) + b"h" + bytes([number]) + b"\x86"
    yield "hash-as-a-key.pkl", head + b"}" + doubled + b"K\x01s."
    numbers = b"".join(bare((1 << 61) * step - step) for step in range(1, 40_000))
    yield (
        "colliding-keys.pkl",
        head + b"}(" + b"".join(bare(((1 << 61) - 1) * step) + b"N" for step in range(1, 40_000)) + b"u.",
    )
    yield "colliding-set.pkl", head + b"\x8f(" + numbers + b"\x90."
    yield "int-of-many-digits.pkl", b"I" + b"9" * 3_000_000 + b"\n."
    yield "long-of-many-digits.pkl", b"L" + b"9" * 3_000_000 + b"L\n."
    yield "many-stops.pkl", b"N." * 400_000
    yield (
        "many-globals.pkl",
        head + b"".join(b"c" + f"m{n}\nname\n".encode() + b"0" for n in range(60_000)) + b"N.",
    )
    yield "long-line.pkl", b"c" + b"a" * 20_000_000 + b"\nname\n."
    yield "many-dots.pkl", head + bare(Name("collections", ".".join("a" * 50_000))) + b"."


def _calls() -> Iterator[tuple[str, bytes]]:
    integer = Call(Name("builtins", "int"), ("9" * 4_000,))
    tree: dict[str, Any] = {
        "bytes-of-a-terabyte": Call(Name("builtins", "bytes"), (1 << 40,)),
        "bytearray-of-a-terabyte": Call(Name("builtins", "bytearray"), (1 << 40,)),
        "list-of-a-range": Call(Name("builtins", "list"), (Call(Name("builtins", "range"), (1 << 40,)),)),
        "array-of-zeros": Call(Name("numpy", "zeros"), ((1 << 40,),)),
        "array-reconstructed": Built(
            Call(Name("numpy.core.multiarray", "_reconstruct"), (Name("numpy", "ndarray"), (1 << 40,), b"b")),
            None,
        ),
        "power": Call(Name("operator", "pow"), (integer, integer)),
        "text-times": Call(Name("operator", "mul"), ("a" * 1000, 1 << 40)),
        "text-of-width": Call(Name("builtins", "str.ljust"), ("a", 1 << 40)),
        "text-format": Call(Name("builtins", "format"), (1, "1000000000000")),
        "deque": Call(Name("collections", "deque"), (Call(Name("builtins", "range"), (1 << 40,)),)),
        "sum-of-range": Call(Name("builtins", "sum"), (Call(Name("builtins", "range"), (1 << 40,)),)),
        "counter-of-range": Call(
            Name("collections", "Counter"), (Call(Name("builtins", "range"), (1 << 40,)),)
        ),
        "sleep": Call(Name("time", "sleep"), (86_400,)),
        "factorial": Call(Name("math", "factorial"), (1 << 30,)),
        "torch-zeros": Call(Name("torch", "zeros"), (1 << 40,)),
        "recursion-limit": Call(Name("sys", "setrecursionlimit"), (1 << 30,)),
    }
    for name, call in tree.items():
        yield f"{name}.pkl", encode(call, Style(4))


def _expansion() -> Iterator[tuple[str, bytes]]:
    yield "zeros.pkl.gz", _streamed(zlib.compressobj(9, wbits=31), 4 * _GIB)
    yield "zeros.pkl.z", _streamed(zlib.compressobj(9), 4 * _GIB)
    yield "zeros.pkl.bz2", _streamed(bz2.BZ2Compressor(9), 2 * _GIB)
    yield "zeros.pkl.xz", _streamed(lzma.LZMACompressor(preset=0), 2 * _GIB)
    claimed = b"\x80\x04\x8e" + struct.pack("<Q", 2 * _GIB)
    yield "bytes-of-zeros.joblib", _streamed(zlib.compressobj(9), 2 * _GIB, claimed)
    layer = b"\x80\x04N."
    for _ in range(60):
        layer = gzip.compress(layer, mtime=0)
    yield "sixty-gzips.pkl.gz", layer
    layer = zip_of({"a": b"\x80\x04N."})
    for number in range(40):
        layer = zip_of({f"{number}.zip": layer})
    yield "forty-zips.zip", layer
    yield "a-million-empty-members.pkl.gz", gzip.compress(b"", mtime=0) * 1_000_000
    inner = _zip_of_zeros(_GIB // 4)
    yield "zip-of-zeros.zip", _zip_of_zeros(2 * _GIB)
    yield "zip-of-zips-of-zeros.zip", zip_of({f"{number}.zip": inner for number in range(16)})
    yield "overlapping.zip", _overlapping()
    yield "many-members.zip", zip_of({f"{number}": b"" for number in range(60_000)})
    yield "many-members.tar", tar_of({f"{number}": b"" for number in range(60_000)})
    yield "sparse.tar", _sparse_tar()


def _streamed(compressor: Any, size: int, head: bytes = b"\x80\x04N") -> bytes:
    zeros = bytes(1 << 24)
    parts = [compressor.compress(head)]
    parts += [compressor.compress(zeros) for _ in range(size >> 24)]
    return b"".join([*parts, compressor.flush()])


def _zip_of_zeros(size: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        info = zipfile.ZipInfo("weights.pkl", (2020, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w", force_zip64=True) as member:
            for _ in range(size >> 24):
                member.write(bytes(1 << 24))
    return buffer.getvalue()


def _overlapping() -> bytes:
    """Ten thousand directory entries, all of one member of 64 MB."""
    whole = _zip_of_zeros(1 << 26)
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    # The zip64 records in between belong to the entry; one entry is from its mark to the end record.
    entry = whole[start:end]
    count = 10_000
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, start, 0)
    return whole[:start] + entry * count + tail


def _sparse_tar() -> bytes:
    info = tarfile.TarInfo("weights.pkl")
    info.size = 1 << 40
    return info.tobuf(format=tarfile.GNU_FORMAT) + bytes(1024)


def _claims() -> Iterator[tuple[str, bytes]]:
    head = b"\x80\x04"
    for name, code in (("bytes8", b"\x8e"), ("text8", b"\x8d"), ("bytearray8", b"\x96"), ("frame", b"\x95")):
        for size in (1 << 40, (1 << 63) - 1, (1 << 64) - 1):
            yield f"{name}-{size.bit_length()}.pkl", head + code + struct.pack("<Q", size) + b"abc."
    yield "negative-bytes.pkl", b"\x80\x02T\xff\xff\xff\xffabc."
    yield "negative-long.pkl", head + b"\x8b\xff\xff\xff\xffabc."
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({1 << 40}, {1 << 40}), }}"
    yield "huge.npy", npy(bytes(64), 1, header)
    yield "negative.npy", npy(bytes(64), 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (-5,), }")
    yield "header-of-gigabytes.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFF0) + b"{" * 4096
    yield "nested-header.npy", npy(bytes(8), 2, "(" * 60_000 + ")" * 60_000)
    yield "huge-header.safetensors", struct.pack("<Q", 1 << 62) + b'{"a":1}'
    yield "nested-json.safetensors", struct.pack("<Q", 200_001) + b'{"a":' + b"[" * 199_996
    yield "many-tensors.gguf", b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60)
    array = struct.pack("<QQ", 1, 9) + b"general.x" + struct.pack("<I", 9)
    yield (
        "array-without-end.gguf",
        b"GGUF" + struct.pack("<IQ", 3, 0) + array + struct.pack("<IQ", 4, 1 << 60),
    )
    yield (
        "arrays-in-arrays.gguf",
        b"GGUF" + struct.pack("<IQ", 3, 0) + array + struct.pack("<IQ", 9, 1) * 1_000_000,
    )
    lists = b'{"a":[' + b"[]," * 20_000_000 + b"0]}"
    yield "many-lists.safetensors", struct.pack("<Q", len(lists)) + lists
    yield "many-lists.json", lists
    yield "many-lists.keras", zip_of({"config.json": lists, "metadata.json": b"{}"})
    yield "many-lists.skops", zip_of({"schema.json": lists})
    yield "long4-of-2-gigabytes.pkl", head + b"\x8b\xff\xff\xff\x7f" + b"\x01" * 1000
    yield "zfile.joblib", b"ZF0xffffffffffff".ljust(21) + zlib.compress(b"\x80\x02N.")
