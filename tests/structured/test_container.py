"""Every rule of the file: a file that breaks one is refused, and says which."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from secureload.errors import LimitError, MalformedError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.structured import container
from tests.structured.forging import read, written

MODEL = Ridge().fit(np.arange(40.0).reshape(10, 4), np.arange(10.0))
VALID = written(MODEL)


def parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined(header: Any, body: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + body


HEADER, BODY = parts(VALID)


def changed(**entries: Any) -> bytes:
    header = json.loads(json.dumps(HEADER))
    for name, value in entries.items():
        header["__metadata__" if name == "metadata" else name].update(value)
    return joined(header, BODY)


FORGED = {
    "nothing": b"",
    "a header that ends behind the file": struct.pack("<Q", 1 << 40) + VALID[8:],
    "a header of text": joined(b"hello", BODY),
    "a header that is no object": joined(b"{}"[:1] + b"1", BODY),
    "a key twice": joined(b'{"__metadata__":{},"__metadata__":{}}', BODY),
    "no metadata": joined({key: value for key, value in HEADER.items() if key != "__metadata__"}, BODY),
    "metadata that is a number": joined({**HEADER, "__metadata__": {"crc32": 1}}, BODY),
    "another format": changed(metadata={"format": "pt"}),
    "another version": changed(metadata={"version": "2"}),
    "no checksum": changed(metadata={"crc32": ""}),
    "another checksum": changed(metadata={"crc32": "12345678"}),
    "an unknown type": changed(__structure__={"dtype": "F8_E4M3"}),
    "a shape of text": changed(__structure__={"shape": ["1"]}),
    "a negative shape": changed(__structure__={"shape": [-1]}),
    "a shape of 2^70": changed(__structure__={"shape": [1 << 35, 1 << 35]}),
    "a hole": changed(__structure__={"data_offsets": [64, 70]}),
    "an overlap": changed(__structure__={"data_offsets": [0, HEADER["__structure__"]["data_offsets"][1]]}),
    "more fields": changed(__structure__={"more": 1}),
    "cut off": VALID[:-1],
    "longer": VALID + b"\0",
    "no structure": joined({"__metadata__": HEADER["__metadata__"]}, b""),
    "a structure that is not last": joined(
        {**{key: HEADER[key] for key in HEADER if key != "__structure__"}, "a": HEADER["__structure__"]}, BODY
    ),
}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED)
def test_a_file_that_breaks_a_rule_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        read(data)
    assert caught.value.fields["format"] == "structured safetensors"


def test_the_library_of_the_format_reads_the_file_too() -> None:
    numpy = pytest.importorskip("safetensors.numpy", reason="the safetensors library is not installed")
    found = numpy.load(VALID)
    assert list(found)[-1] == "__structure__" or "__structure__" in found
    assert any(np.array_equal(array, MODEL.coef_) for array in found.values()) or MODEL.coef_.size <= 4


def test_data_lies_at_a_multiple_of_64_bytes() -> None:
    assert (len(VALID) - len(BODY)) % 64 == 0


@given(st.integers(0, len(VALID) - 1), st.integers(1, 255))
def test_a_changed_byte_is_an_error_or_changes_nothing(position: int, change: int) -> None:
    data = bytearray(VALID)
    data[position] ^= change
    try:
        model = read(data)
    except (MalformedError, LimitError):
        return
    # A library's version is a note about the file, and no part of the model.
    assert written(model) == VALID


def test_too_many_tensors_reach_a_limit() -> None:
    data = written([np.arange(float(size)) for size in range(5, 15)])
    with pytest.raises(LimitError) as caught:
        container.parse(data, Limits(structured_tensors_items=3))
    assert caught.value.fields["limit"] == "structured_tensors_items"
    assert len(container.parse(data, DEFAULT_LIMITS).tensors) == 10


def test_the_beginning_tells_what_it_is() -> None:
    assert container.is_structured(VALID)
    assert not container.is_structured(joined({"__metadata__": {"format": "pt"}}, b""))
    assert container.read_metadata(VALID)["library.scikit-learn"] == "1.9"
