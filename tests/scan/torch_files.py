"""PyTorch files of the tests in the forms before the zip archive."""

from __future__ import annotations

import base64
import struct

from secureload.pickles.assembler import Assembler
from secureload.scan.torch_legacy import MAGIC
from tests.formats.tars import archive

# ``torch.save(OrderedDict(w=…, v=w[0], b=zeros(3, bfloat16), i=arange(4)), …, _use_new_zipfile_serialization=False)``
# by PyTorch 2.13.0.
STATE = base64.b64decode(
    "gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5x"
    "AohYCgAAAHR5cGVfc2l6ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAmNjb2xs"
    "ZWN0aW9ucwpPcmRlcmVkRGljdApxAClScQEoWAEAAAB3cQJjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxAygo"
    "WAcAAABzdG9yYWdlcQRjdG9yY2gKRmxvYXRTdG9yYWdlCnEFWA4AAAA5NDA2MTM4NzQzMjMwNHEGWAMAAABjcHVxB0sGTnRx"
    "CFFLAEsCSwOGcQlLA0sBhnEKiWgAKVJxC3RxDFJxDVgBAAAAdnEOaAMoKGgEaAVYDgAAADk0MDYxMzg3NDMyMzA0cQ9oB0sG"
    "TnRxEFFLAEsDhXERSwGFcRKJaAApUnETdHEUUnEVWAEAAABicRZoAygoaARjdG9yY2gKQkZsb2F0MTZTdG9yYWdlCnEXWA4A"
    "AAA5NDA2MTMwMTA0OTUyMHEYaAdLA050cRlRSwBLA4VxGksBhXEbiWgAKVJxHHRxHVJxHlgBAAAAaXEfaAMoKGgEY3RvcmNo"
    "CkxvbmdTdG9yYWdlCnEgWA4AAAA5NDA2MTMwMTA0OTk2OHEhaAdLBE50cSJRSwBLBIVxI0sBhXEkiWgAKVJxJXRxJlJxJ3Uu"
    "gAJdcQAoWA4AAAA5NDA2MTMwMTA0OTUyMHEBWA4AAAA5NDA2MTMwMTA0OTk2OHECWA4AAAA5NDA2MTM4NzQzMjMwNHEDZS4D"
    "AAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAIAAAAAAAAAAwAAAAAAAAAGAAAAAAAAAAAAAAAAAIA/AAAA"
    "QAAAQEAAAIBAAACgQA=="
)


def plain(value: object) -> bytes:
    """A pickle of a number, a text, a list of texts."""
    return _put(Assembler(2), value).stop()


def _put(code: Assembler, value: object) -> Assembler:
    if isinstance(value, int):
        return code.integer(value)
    if isinstance(value, str):
        return code.text(value)
    assert isinstance(value, list)
    code.mark()
    for item in value:
        _put(code, item)
    return code.list_()


def storage(key: str = "7", kind: str = "FloatStorage", numbers: int = 2) -> bytes:
    """A pickle whose object is one storage."""
    code = Assembler(2).mark().text("storage").global_("torch", kind).text(key).text("cpu")
    return code.integer(numbers).none().tuple_().raw(b"Q").stop()


def stacked(
    *,
    first: bytes = plain(MAGIC),
    version: bytes = plain(1001),
    body: bytes = storage(),
    keys: bytes = plain(["7"]),
    raw: bytes = struct.pack("<q2f", 2, 1.0, 2.0),
) -> bytes:
    """A file of PyTorch before 1.6."""
    return first + version + Assembler(2).empty_dict().stop() + body + keys + raw


def torch_tar(
    *, body: bytes | None = None, storages_tail: bytes = b"", tensors_tail: bytes = b"", dimensions: int = 1
) -> bytes:
    """A file of PyTorch before 0.1.10: one storage of two floats, one tensor over it, a dictionary with it."""
    entry = Assembler(2).mark().text("5").text("cpu").global_("torch", "FloatStorage").tuple_().stop()
    raw = struct.pack("<q2f", 2, 1.0, 2.0)
    tensor = Assembler(2).mark().integer(9).text("5").global_("torch", "FloatTensor").tuple_().stop()
    shape = struct.pack("<i4xqqq", dimensions, 2, 1, 0)
    code = Assembler(2).mark().text("w").integer(9).raw(b"Q").dict_()
    return archive(
        [
            ("sys_info", Assembler(2).empty_dict().stop()),
            ("pickle", code.stop() if body is None else body),
            ("storages", plain(1) + entry + raw + plain([]) + storages_tail),
            ("tensors", plain(1) + tensor + shape + tensors_tail),
        ]
    )
