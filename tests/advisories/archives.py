"""PyTorch's archives with a payload in them, and what an attacker changes in their bytes."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Mapping

from secureload.pickles.assembler import Assembler

EVIL = Assembler(2).global_("os", "system").mark().text("echo hello").tuple_().reduce().stop()
GOOD = Assembler(2).empty_dict().stop()


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive of the members, in their order."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.getvalue()


def torch_zip(data: bytes = EVIL, name: str = "archive/data.pkl", **others: bytes) -> bytes:
    """What ``torch.save`` writes, with ``data`` as its pickle."""
    return zipped({name: data, "archive/version": b"3\n", "archive/byteorder": b"little", **others})


def central(data: bytes, member: str) -> int:
    """Where the entry of ``member`` begins in the central directory."""
    at = data.index(b"PK\x01\x02")
    while data[at + 46 : at + 46 + struct.unpack_from("<H", data, at + 28)[0]] != member.encode():
        at = data.index(b"PK\x01\x02", at + 1)
    return at


def local(data: bytes, member: str) -> int:
    """Where the local header of ``member`` begins."""
    return int(struct.unpack_from("<I", data, central(data, member) + 42)[0])


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def tarred(members: Mapping[str, bytes]) -> bytes:
    """A tar archive of the members."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def legacy_torch(magic: bytes, payload: bytes = EVIL) -> bytes:
    """What ``torch.save`` wrote before 1.6: magic number, protocol, system, object, keys, each a pickle."""
    protocol = Assembler(2).integer(1001).stop()
    system = Assembler(2).mark().text("little_endian").boolean(True).dict_().stop()
    return magic + protocol + system + payload + Assembler(2).mark().list_().stop()


MAGIC = Assembler(2).integer(0x1950A86A20F9469CFC6C).stop()


def skops(schema: object, **members: bytes) -> bytes:
    """A skops archive with this schema."""
    return zipped({**members, "schema.json": json.dumps(schema).encode()})
