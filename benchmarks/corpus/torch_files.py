"""Payloads in PyTorch's files: the zip form, the two older ones, and archives whose directory lies."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.expression import Call, Name, Style, bare, encode, write
from benchmarks.corpus.gadgets import PAYLOADS
from benchmarks.corpus.sample import Sample
from benchmarks.corpus.wrappers import zip_of
from secureload.pickles.assembler import Assembler

__all__ = ["torch_samples"]

_MAGIC = 0x1950A86A20F9469CFC6C
_TENSOR = (
    b"\x80\x02"
    + bare(Name("torch._utils", "_rebuild_tensor_v2"), Style(2))
    + b"("
    + bare(("storage", Name("torch", "FloatStorage"), "0", "cpu", 4), Style(2))
    + pickle.BINPERSID
    + bare(0) + bare((4,)) + bare((1,)) + bare(False)
    + bare(Call(Name("collections", "OrderedDict")), Style(2))
    + b"tR"
)  # fmt: skip


def torch_samples() -> Iterator[Sample]:
    """Yield a file for each way and payload."""
    for key, call in PAYLOADS.items():
        style = Style(4 if key == "dotted" else 2)
        hostile = _state_dict(call, style)
        for part in (_zips, _directories, _older):
            for name, data in part(hostile, encode(call, style)):
                yield Sample("malicious", "torch", f"{key}-{name}", data)
        # How a tensor is pickled outside of torch.save: as the bytes of a torch.save.
        inner = _older(hostile, encode(call, style))
        for name, data in inner:
            if name.startswith("legacy"):
                nested = encode({"w": Call(Name("torch.storage", "_load_from_bytes"), (data,))})
                yield Sample("malicious", "torch", f"{key}-from-bytes-{name}.pkl", nested)
    for number, line in enumerate(
        (
            'torch.from_file("/nonexistent/canary", True, 10)',
            'torch.save(x, "/nonexistent/canary")',
        )
    ):
        yield Sample("malicious", "torchscript", f"code-{number}.pt", _script(line))


def _state_dict(call: Any, style: Style) -> bytes:
    """An ordered dictionary with one honest tensor, and the call as its second value."""
    out = Assembler(style.protocol)
    write(out, Call(Name("collections", "OrderedDict")), style)
    out.mark().text("weight").raw(_TENSOR[2:])
    write(out.text("bias"), call, style)
    return out.raw(b"u").stop()


def _members(data: bytes, **others: bytes) -> dict[str, bytes]:
    return {
        "model/data.pkl": data,
        "model/byteorder": b"little",
        "model/data/0": struct.pack("<4f", 1, 2, 3, 4),
        "model/version": b"3\n",
        **{name.replace("__", "/").replace("_dot_", "."): content for name, content in others.items()},
    }


def _honest() -> bytes:
    return _TENSOR + b"."


def _zips(hostile: bytes, alone: bytes) -> Iterator[tuple[str, bytes]]:
    whole = zip_of(_members(hostile))
    for extension in ("pt", "pth", "bin", "ckpt", "model", "pt2"):
        yield f"state-dict.{extension}", whole
    yield "deflated.pt", zip_of(_members(hostile), deflate=True)
    yield "bare-call.pt", zip_of(_members(alone))
    yield (
        "other-folder.pt",
        zip_of({name.replace("model/", "weights/deep/"): data for name, data in _members(hostile).items()}),
    )
    yield "second-pickle.pt", zip_of(_members(_honest(), model__extra_dot_pkl=alone))
    yield "second-pickle-named-txt.pt", zip_of(_members(_honest(), model__readme_dot_txt=alone))
    yield "second-pickle-no-name.pt", zip_of(_members(_honest(), model__extra=alone))
    yield "second-data-pkl.pt", zip_of({**_members(_honest()), "other/data.pkl": hostile})
    yield "data-pkl-in-capitals.pt", zip_of({**_members(_honest()), "model/DATA.PKL": hostile})
    yield "constants.pt", zip_of(_members(_honest(), model__constants_dot_pkl=alone))
    yield "storage-is-a-pickle.pt", zip_of({**_members(_honest()), "model/data/1": alone})
    yield "nested-archive.pt", zip_of(_members(_honest(), model__inner_dot_pt=whole))


def _directories(hostile: bytes, alone: bytes) -> Iterator[tuple[str, bytes]]:
    whole = zip_of(_members(hostile))
    directory = whole.index(b"PK\x01\x02")
    flagged = bytearray(whole)
    flagged[directory + 8 : directory + 10] = b"\x01\x00"
    yield "encrypted-flag-in-directory.pt", bytes(flagged)
    flagged[6:8] = b"\x01\x00"
    yield "encrypted-flag-twice.pt", bytes(flagged)
    for bit in (5, 6, 13, 15):
        bits = bytearray(whole)
        bits[directory + 8 : directory + 10] = struct.pack("<H", 1 << bit)
        yield f"flag-bit-{bit}.pt", bytes(bits)
    broken = bytearray(whole)
    broken[directory + 16 : directory + 20] = b"\xde\xad\xbe\xef"
    yield "bad-crc.pt", bytes(broken)
    yield "local-name-differs.pt", whole.replace(b"model/data.pkl", b"model/data.txt", 1)
    swapped = whole.replace(b"model/data.pkl", b"model/data.dat")
    yield "named-dat.pt", swapped
    yield "prefixed.pt", alone + whole
    yield "behind-another.pt", zip_of(_members(_honest())) + whole
    yield "behind-the-end.pt", zip_of(_members(_honest())) + alone
    long = whole[:-2] + struct.pack("<H", 9) + b"a comment"
    yield "with-comment.pt", long
    truncated = whole[:directory]
    yield "no-directory.pt", truncated
    # The compression method is one that nobody knows; torch's own reader of this member would refuse it.
    method = bytearray(whole)
    method[directory + 10 : directory + 12] = struct.pack("<H", 99)
    yield "unknown-method.pt", bytes(method)
    # A directory entry that points at another local header.
    offsets = bytearray(whole)
    second = whole.index(b"PK\x01\x02", directory + 4)
    offsets[second + 42 : second + 46] = bytes(4)
    yield "two-entries-one-member.pt", bytes(offsets)


def _older(hostile: bytes, alone: bytes) -> Iterator[tuple[str, bytes]]:
    head = pickle.dumps(_MAGIC, 2) + pickle.dumps(1001, 2)
    info = pickle.dumps(
        {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2
    )
    keys = pickle.dumps(["0"], 2)
    storage = struct.pack("<q4f", 4, 1, 2, 3, 4)
    yield "legacy.pt", head + info + hostile + keys + storage
    yield "legacy-in-info.pt", head + alone + _honest() + keys + storage
    yield "legacy-in-keys.pt", head + info + _honest() + alone + storage
    yield "legacy-behind.pt", head + info + _honest() + keys + storage + alone
    yield "legacy-magic-is-a-call.pt", alone + pickle.dumps(1001, 2) + info + _honest() + keys + storage
    # torch compares the magic with ==; a call that gives it is as good as the number.
    reduced = encode(Call(Name("builtins", "int"), (str(_MAGIC),)), Style(2))
    yield "legacy-magic-reduced.pt", reduced + pickle.dumps(1001, 2) + info + hostile + keys + storage
    yield "legacy.bin", head + info + alone
    yield (
        "tar.pt",
        _tar(
            {
                "sys_info": info,
                "pickle": hostile,
                "storages": pickle.dumps(0, 2),
                "tensors": pickle.dumps(0, 2),
            }
        ),
    )
    yield (
        "tar-in-storages.pt",
        _tar({"sys_info": info, "pickle": _honest(), "storages": alone, "tensors": alone}),
    )


def _tar(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _script(line: str) -> bytes:
    code = (
        "class Net(Module):\n"
        "  __parameters__ = []\n"
        "  __buffers__ = []\n"
        "  training : bool\n"
        "  def forward(self: __torch__.Net,\n"
        "    x: Tensor) -> Tensor:\n"
        f"    _0 = {line}\n"
        "    return x\n"
    )
    made = Call(Name("__torch__", "Net"), (), "newobj")
    data = encode(made, Style(2))[:-1] + bare({"training": False}) + b"b."
    members = {
        "model/data.pkl": data,
        "model/code/__torch__.py": code.encode(),
        "model/constants.pkl": encode((), Style(2)),
        "model/byteorder": b"little",
        "model/version": b"3\n",
    }
    return zip_of(members)
