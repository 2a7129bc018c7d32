"""Payloads in compressed files and archives of every kind, in each other, and under names of something else."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator

from benchmarks.corpus.expression import encode
from benchmarks.corpus.gadgets import PAYLOADS
from benchmarks.corpus.sample import Sample

__all__ = ["tar_of", "wrapper_samples", "zip_of"]

_SOME = ("os-system", "eval", "popen", "dotted")
_EPOCH = (2020, 1, 1, 0, 0, 0)


def zip_of(members: dict[str, bytes], *, deflate: bool = False) -> bytes:
    """Return a zip archive; the same members give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
            archive.writestr(info, data)
    return buffer.getvalue()


def tar_of(members: dict[str, bytes], *, mode: str = "w") -> bytes:
    """Return a tar archive (``mode`` as of tarfile); the same members give the same bytes, but for gzip's clock."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return _COMPRESSIONS[mode](buffer.getvalue())


def _zstandard(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor().compress(data)


def _lz4(data: bytes) -> bytes:
    import lz4.frame

    return lz4.frame.compress(data)


def _seven_zip(members: dict[str, bytes]) -> bytes:
    import py7zr

    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return buffer.getvalue()


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


_COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "w": bytes,
    "w:gz": _gzip,
    "w:bz2": bz2.compress,
    "w:xz": lzma.compress,
}
_STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "pkl.gz": _gzip,
    "pkl.z": zlib.compress,
    "pkl.bz2": bz2.compress,
    "pkl.xz": lzma.compress,
    "pkl.lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "pkl.lz4": _lz4,
    "pkl.zst": _zstandard,
}
# What pickle.load and joblib.load open without asking how the file is called.
_DISGUISES = (
    "model.bin", "model.dat", "model.data", "model.h5", "model.safetensors", "model.onnx", "model.gguf", "model.txt",
    "model.json", "model.png", "model.md", "model.csv", "model.npy", "model.zip", "model.tar", "model", "model.unknown",
    "model.pt", "model.keras", "model.skops", "model.joblib", "model.PKL", ".hidden", "model.pkl.backup", "model.py",
    "requirements.txt", "config.yaml", "model.model", "weights.msgpack", "model.xz",
)  # fmt: skip


def wrapper_samples() -> Iterator[Sample]:
    """Yield every wrapping of every payload."""
    for key in _SOME:
        data = encode(PAYLOADS[key])
        for extension, compress in _STREAMS.items():
            yield Sample("malicious", "compressed", f"{key}.{extension}", compress(data))
            yield Sample(
                "malicious", "compressed", f"{key}-garbage.{extension}", compress(data) + b"\x00garbage"
            )
        yield Sample(
            "malicious", "compressed", f"{key}-two-members.pkl.gz", _gzip(b"\x80\x04N.") + _gzip(data)
        )
        yield Sample("malicious", "compressed", f"{key}-gz-in-xz.pkl.xz", lzma.compress(_gzip(data)))
        yield Sample("malicious", "compressed", f"{key}-zlib-in-bz2.pkl", bz2.compress(zlib.compress(data)))
        yield from _archives(key, data)
    for number, name in enumerate(_DISGUISES):
        key = _SOME[number % 3]
        yield Sample("malicious", "disguised", name, encode(PAYLOADS[key]))


def _archives(key: str, data: bytes) -> Iterator[Sample]:
    readme = b"A model.\n"
    members = {"README.md": readme, "model/weights.pkl": data}

    def made(group: str, name: str, content: bytes) -> Sample:
        return Sample("malicious", group, f"{key}-{name}", content)

    yield made("zip", "stored.zip", zip_of(members))
    yield made("zip", "deflated.zip", zip_of(members, deflate=True))
    yield made("zip", "odd-extension.zip", zip_of({"README.md": readme, "notes.txt": data}))
    yield made("zip", "no-extension.zip", zip_of({"weights": data}))
    yield made("zip", "two-of-a-name.zip", _joined(members, {"model/weights.pkl": b"\x80\x04N."}))
    yield made("zip", "prefixed.zip", b"#!/bin/sh\n" + zip_of(members))
    yield made("zip", "with-a-tail.zip", zip_of({"README.md": readme}) + data)
    yield made("zip", "between-members.zip", _between(data))
    yield made("zip", "bad-crc.zip", _bad_crc(zip_of(members)))
    yield made("zip", "encrypted-flag.zip", _flags(zip_of(members), 1))
    yield made(
        "zip", "names-differ.zip", _local_name(zip_of(members), b"model/weights.pkl", b"model/weights.txt")
    )
    yield made("zip", "not-in-directory.zip", _without_directory_entry(members))
    yield made("zip", "climbing-name.zip", zip_of({"../../weights.pkl": data}))
    yield made("zip", "in-zip-in-zip.zip", zip_of({"a.zip": zip_of({"b.zip": zip_of(members)})}))
    yield made("zip", "in-tar-in-gz.zip", zip_of({"a.tar.gz": tar_of(members, mode="w:gz")}))
    yield made("zip", "compressed-member.zip", zip_of({"weights.pkl.gz": _gzip(data)}))
    yield made("zip", "in-the-comment.zip", _comment(zip_of({"README.md": readme}), data))
    for mode, extension in (("w", "tar"), ("w:gz", "tar.gz"), ("w:bz2", "tar.bz2"), ("w:xz", "tar.xz")):
        yield made("tar", extension, tar_of(members, mode=mode))
        yield made("tar", f"odd-extension.{extension}", tar_of({"notes.txt": data}, mode=mode))
    yield made("tar", "zip-inside.tar", tar_of({"model.zip": zip_of(members)}))
    yield made("tar", "behind-the-end.tar", tar_of({"README.md": readme}) + tar_of(members))
    yield made("tar", "pickle-behind-the-end.tar", tar_of({"README.md": readme}) + data)
    yield made("tar", "link-out.tar", _tar_link(data))
    yield made("tar", "zst.tar.zst", _zstandard(tar_of(members)))
    yield made("7z", "plain.7z", _seven_zip(members))
    yield made("7z", "named-bin.bin", _seven_zip({"weights": data}))
    yield made("7z", "in-zip.zip", zip_of({"model.7z": _seven_zip(members)}))


def _joined(first: dict[str, bytes], second: dict[str, bytes]) -> bytes:
    import warnings

    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for members in (first, second):
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return buffer.getvalue()


def _between(data: bytes) -> bytes:
    """A payload between the members and the directory."""
    whole = zip_of({"README.md": b"A model.\n"})
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    moved = struct.pack("<I", start + len(data))
    return whole[:start] + data + whole[start:end] + whole[end : end + 16] + moved + whole[end + 20 :]


def _bad_crc(whole: bytes) -> bytes:
    out = bytearray(whole)
    at = whole.rindex(b"PK\x01\x02")
    out[at + 16 : at + 20] = b"\xde\xad\xbe\xef"
    return bytes(out)


def _flags(whole: bytes, flags: int) -> bytes:
    out = bytearray(whole)
    at = whole.rindex(b"PK\x01\x02")
    out[at + 8 : at + 10] = struct.pack("<H", flags)
    return bytes(out)


def _local_name(whole: bytes, name: bytes, other: bytes) -> bytes:
    """The local header says ``other``, the directory ``name``."""
    return whole.replace(name, other, 1)


def _without_directory_entry(members: dict[str, bytes]) -> bytes:
    """The last member has a local header and no entry in the directory."""
    whole = zip_of(members)
    end = whole.index(b"PK\x05\x06")
    last = whole.rindex(b"PK\x01\x02")
    out = bytearray(whole[:last] + whole[end:])
    at = out.index(b"PK\x05\x06")
    first = whole.index(b"PK\x01\x02")
    out[at + 8 : at + 16] = struct.pack("<HHI", 1, 1, last - first)
    return bytes(out)


def _comment(whole: bytes, data: bytes) -> bytes:
    return whole[:-2] + struct.pack("<H", len(data)) + data


def _tar_link(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("model.pkl")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        archive.addfile(link)
        info = tarfile.TarInfo("weights.pkl")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
