from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import zlib

import lz4.frame
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.formats.compression import detect_compression

ENCODERS = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE, preset=0),
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("compression", ENCODERS)
@given(data=st.binary(max_size=200))
@settings(deadline=None, max_examples=15)
def test_what_an_encoder_writes_is_recognised(compression: str, data: bytes) -> None:
    assert detect_compression(ENCODERS[compression](data)) == compression


@pytest.mark.parametrize("level", range(10))
def test_every_zlib_level_is_recognised(level: int) -> None:
    assert detect_compression(zlib.compress(b"model", level)) == "zlib"


@pytest.mark.parametrize("preset", range(10))
def test_every_lzma_preset_is_recognised(preset: int) -> None:
    assert detect_compression(lzma.compress(b"m", format=lzma.FORMAT_ALONE, preset=preset)) == "lzma"


@pytest.mark.parametrize("protocol", range(6))
@given(value=st.recursive(st.none() | st.integers() | st.text() | st.binary(), st.lists, max_leaves=8))
@settings(deadline=None, max_examples=15)
def test_no_pickle_is_taken_for_a_compressed_stream(protocol: int, value: object) -> None:
    assert detect_compression(pickle.dumps(value, protocol)) is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"x",
        b"xx",
        b"x\x9d",
        b"x\xbb",
        b"BZ",
        b"BZh0" + bytes(6),
        b"BZh91AY&S",
        b"]\x00",
        b"\x04\x22\x4d",
    ],
    ids=repr,
)
def test_what_only_looks_like_a_magic_number_is_none(head: bytes) -> None:
    assert detect_compression(head) is None


SKIPPABLE = (0x184D2A5A).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"notes"


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_frames_of_user_data_in_front_hide_nothing(compression: str) -> None:
    assert detect_compression(SKIPPABLE * 2 + ENCODERS[compression](b"model")) == compression


def test_user_data_longer_than_what_is_seen_is_taken_for_what_pandas_reads() -> None:
    assert detect_compression(SKIPPABLE[:4] + b"\xff\xff\xff\xff" + bytes(100)) == "zstd"


@pytest.mark.parametrize("mark", [b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"])
def test_the_length_of_a_safetensors_header_is_no_zlib_stream(mark: bytes) -> None:
    head = mark + bytes(6) + b'{"a":'
    with pytest.raises(zlib.error):
        zlib.decompress(head)
    assert detect_compression(head) is None


@given(data=st.binary(min_size=5, max_size=9))
@settings(deadline=None, max_examples=300)
def test_only_what_zlib_refuses_at_its_first_block_is_taken_for_none(data: bytes) -> None:
    head = b"\x78\x9c" + data
    if detect_compression(head) is None:
        with pytest.raises(zlib.error):
            zlib.decompressobj().decompress(head)
