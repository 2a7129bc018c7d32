from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import random
import zlib
from pathlib import Path

import joblib
import lz4.frame
import numpy as np
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib.compressor import _COMPRESSORS

from secureload.errors import LimitError, MalformedError, SecureloadError
from secureload.formats.compression import detect_compression
from secureload.formats.expanding import ExpandingReader
from secureload.limits import DEFAULT_LIMITS, Limits

from .test_compression import ENCODERS

COMPRESSIONS = sorted(ENCODERS)
# What joblib reads with, and what pandas does.
READERS = {name: compressor.decompressor_file for name, compressor in _COMPRESSORS.items()} | {
    "zstd": zstd.open
}
MEMBERS = ["bz2", "gzip", "lz4", "lzma", "xz", "zstd"]


def reader(data: bytes, compression: str | None = None, limits: Limits = DEFAULT_LIMITS) -> ExpandingReader:
    found = compression or detect_compression(data)
    assert found is not None
    return ExpandingReader(io.BytesIO(data), found, limits)  # type: ignore[arg-type]  # a parametrized str


def noise(length: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(length)


def small_lz4_blocks(data: bytes) -> bytes:
    packed = lz4.frame.compress(data, block_size=lz4.frame.BLOCKSIZE_MAX64KB, block_checksum=True)
    assert isinstance(packed, bytes)
    return packed


def checked_zstd(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


CHECKED = {"lz4": small_lz4_blocks, "zstd": checked_zstd}


def everything(source: ExpandingReader) -> bytes:
    """All bytes that can be had, whatever comes after them."""
    pieces = []
    try:
        while piece := source.read(1 << 16):
            pieces.append(piece)
    except SecureloadError as error:
        assert source.failure is error
    return b"".join(pieces)


@pytest.mark.parametrize("compression", ["zlib", "gzip", "bz2", "xz", "lzma", "lz4"])
def test_what_joblib_wrote_reads_back_as_joblib_itself_expands_it(compression: str, tmp_path: Path) -> None:
    model = {"weights": np.arange(200_000.0).reshape(400, 500), "noise": noise(70_000), "name": "tree"}
    path = tmp_path / "model.joblib"
    joblib.dump(model, path, compress=(compression, 3))
    with path.open("rb") as file:
        expected = _COMPRESSORS[compression].decompressor_file(file).read()
    source = reader(path.read_bytes())
    assert source.compression == compression
    assert source.read(-1) == expected
    assert source.tell() == len(expected) > 1_600_000
    assert source.read(1) == b""
    assert (source.failure, source.trailing_bytes) == (None, 0)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@given(
    data=st.data(),
    content=st.lists(st.binary(max_size=300), max_size=8).map(b"\n".join),
    repeat=st.sampled_from([1, 7, 3000]),
)
@settings(deadline=None, max_examples=15)
def test_reading_in_any_steps_gives_the_same_bytes_and_positions(
    compression: str, data: st.DataObject, content: bytes, repeat: int
) -> None:
    content *= repeat
    source = reader(ENCODERS[compression](content), compression)
    expected = io.BytesIO(content)
    for _ in range(data.draw(st.integers(0, 12))):
        step = data.draw(st.sampled_from(["read", "readline", "skip", "head"]))
        size = data.draw(st.integers(0, 400_000) | st.integers(0, 5))
        if step == "read":
            assert source.read(size) == expected.read(size)
        elif step == "readline":
            assert source.readline() == expected.readline()
        elif step == "head":
            position = expected.tell()
            assert source.head(size) == expected.read(size)
            expected.seek(position)
        else:
            assert source.skip(size) == len(expected.read(size))
        assert source.tell() == expected.tell()
    assert source.read(-1) == expected.read()
    assert source.failure is None


def test_the_unpickler_finds_nothing_to_read_ahead_with() -> None:
    source = reader(zlib.compress(b"x"))
    assert not hasattr(source, "peek")
    assert not hasattr(source, "readinto")


def test_the_unpickler_reads_exactly_one_pickle_of_several() -> None:
    first, second = pickle.dumps([1, "two"]), pickle.dumps({"three": noise(100_000)})
    source = reader(gzip.compress(first + second))
    unpickler = pickle.Unpickler(source)  # our own plain data
    assert unpickler.load() == [1, "two"]
    assert source.tell() == len(first)
    assert pickle.Unpickler(source).load()["three"][:1] == noise(100_000)[:1]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_truncated_stream_gives_what_it_has_and_then_says_where_it_ends(compression: str) -> None:
    content = b"payload first " + noise({"lz4": 9_000_000, "bz2": 1_900_000}.get(compression, 900_000))
    packed = ENCODERS[compression](content)
    source = reader(packed[:-1000], compression)
    got = everything(source)
    assert content.startswith(got)
    assert len(got) > 100_000
    assert isinstance(source.failure, MalformedError)
    assert source.failure.fields["format"] == compression
    assert source.failure.fields["offset"] == len(packed) - 1000
    assert "cut off" in source.failure.message
    with pytest.raises(MalformedError):
        source.read(1)


def test_a_failure_is_raised_again_by_every_way_of_reading_but_head() -> None:
    source = reader(zlib.compress(b"some\nlines\n")[:-4])
    assert source.read(100) == b"some\nlines\n"
    for read in (lambda: source.read(1), lambda: source.read(-1), source.readline, lambda: source.skip(1)):
        with pytest.raises(MalformedError, match="cut off"):
            read()
    assert source.head(5) == b""
    assert source.drain() == 0


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_payload_in_front_of_a_wrong_byte_is_never_hidden_by_it(compression: str) -> None:
    """What the standard readers, in any step size, get out before the damage, we give out too."""
    payload = b"cos\nsystem\n(S'inert'\ntR."
    encode = CHECKED.get(compression, ENCODERS[compression])
    packed = bytearray(encode(payload + noise(300_000)))
    position = 200_000 if compression == "lz4" else 50_000
    packed[position : position + 40] = bytes(40)
    source = reader(bytes(packed), compression)
    got = everything(source)
    for step in (1, 100, 8192, 65536):
        loader = READERS[compression](io.BytesIO(packed))
        seen = b""
        try:
            while piece := loader.read(step):
                seen += piece
                if len(seen) > 1000 and step == 1:
                    break
        except (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zstd.ZstdError):
            pass
        assert len(got) >= len(seen)
        assert got.startswith(seen)
    assert isinstance(source.failure, MalformedError)


def test_bytes_of_a_bz2_block_are_given_although_its_checksum_is_wrong() -> None:
    """libbz2 hands a block out before it compares the checksum: so do we."""
    packed = bytearray(bz2.compress(b"payload" * 100))
    packed[10:14] = b"\0\0\0\0"
    source = reader(bytes(packed), "bz2")
    got = everything(source)
    assert got == (b"payload" * 100)[:-1] or got == b"payload" * 100
    assert isinstance(source.failure, MalformedError)


@pytest.mark.parametrize("compression", MEMBERS)
def test_members_that_follow_each_other_are_one_stream(compression: str) -> None:
    encode = ENCODERS[compression]
    source = reader(encode(b"one ") + encode(b"") + encode(b"two "), compression)
    assert source.read(-1) == b"one two "
    assert (source.failure, source.trailing_bytes) == (None, 0)


def test_gzip_padding_between_members_is_read_over_and_at_the_end_counted() -> None:
    source = reader(gzip.compress(b"one ") + bytes(700) + gzip.compress(b"two") + bytes(9), "gzip")
    assert source.read(-1) == b"one two"
    assert source.trailing_bytes == 9


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("tail", [b"\x80", b"\x80\x04N.", noise(100_000)], ids=["byte", "pickle", "noise"])
def test_bytes_after_the_stream_are_counted(compression: str, tail: bytes) -> None:
    source = reader(ENCODERS[compression](b"data") + tail, compression)
    assert source.drain() == 4
    assert source.trailing_bytes == len(tail)
    assert source.failure is None


@pytest.mark.parametrize("compression", ["zlib", "gzip", "bz2", "xz", "lzma", "zstd"])
def test_a_decompression_bomb_ends_at_the_ratio_that_the_limits_allow(compression: str) -> None:
    packed = ENCODERS[compression](bytes(8_000_000))
    limits = Limits(expansion_floor_bytes=1_000_000, expansion_ratio=50)
    source = reader(packed, compression, limits)
    assert 0 < len(everything(source)) <= max(1_000_000, 50 * len(packed))
    assert isinstance(source.failure, LimitError)
    assert source.failure.fields["limit"] == "expansion_ratio"
    assert source.failure.fields["allowed"] == 50
    with pytest.raises(LimitError):
        source.skip(1)


def test_zeros_that_deflate_as_well_as_deflate_can_are_within_the_default_ratio() -> None:
    source = reader(zlib.compress(bytes(50_000_000), 9))
    assert source.drain() == 50_000_000
    assert source.failure is None


def test_the_expanded_size_is_bounded_whatever_the_ratio() -> None:
    source = reader(zlib.compress(noise(600_000)), limits=Limits(expanded_bytes=300_000))
    assert len(everything(source)) <= 300_000
    assert isinstance(source.failure, LimitError)
    assert source.failure.fields["limit"] == "expanded_bytes"


def test_a_header_that_asks_for_gigabytes_of_memory_is_a_limit() -> None:
    packed = bytearray(lzma.compress(b"data", format=lzma.FORMAT_ALONE))
    packed[1:5] = (0xC0000000).to_bytes(4, "little")
    for before in (b"", lzma.compress(b"first")):
        source = reader(before + bytes(packed), "xz" if before else "lzma")
        assert everything(source) == (b"first" if before else b"")
        assert isinstance(source.failure, LimitError)
        assert source.failure.fields["limit"] == "lzma_memory_bytes"


def test_a_zstd_frame_that_asks_for_a_window_of_gigabytes_is_a_limit() -> None:
    wide = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})
    source = reader(zstd.compress(b"first") + wide.compress(b"data") + wide.flush(), "zstd")
    assert everything(source) == b"first"
    assert isinstance(source.failure, LimitError)
    assert source.failure.fields["limit"] == "zstd_window_bytes"


def test_frames_of_user_data_between_zstd_frames_are_stepped_over() -> None:
    notes = (0x184D2A50).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"cos"
    source = reader(notes + zstd.compress(b"one ") + notes + zstd.compress(b"two") + notes)
    assert source.read(-1) == b"one two"
    assert (source.failure, source.trailing_bytes) == (None, 0)


def test_a_megabyte_of_empty_members_is_read_to_its_end() -> None:
    source = reader(lz4.frame.compress(b"") * 5_000, "lz4")
    assert source.drain() == 0
    assert source.failure is None


def test_a_million_empty_members_end_in_a_named_limit() -> None:
    source = reader(lz4.frame.compress(b"") * 50 + lz4.frame.compress(b"x"), "lz4", Limits(empty_members=50))
    assert (source.read(-1), source.failure) == (b"x", None)
    source = reader(lz4.frame.compress(b"") * 51 + lz4.frame.compress(b"x"), "lz4", Limits(empty_members=50))
    assert source.drain() == 0
    assert isinstance(source.failure, LimitError)
    assert source.failure.fields["limit"] == "empty_members"


LOADERS = {
    "bz2": bz2.open,
    "gzip": gzip.open,
    "lz4": lz4.frame.open,
    "lzma": lzma.open,
    "xz": lzma.open,
    "zstd": zstd.open,
}


@pytest.mark.parametrize("compression", MEMBERS)
@given(data=st.data(), content=st.binary(max_size=300), step=st.sampled_from([1, 3, 50, 8192]))
@settings(deadline=None, max_examples=30)
def test_no_standard_reader_gets_anything_out_of_a_damaged_file_that_we_do_not(
    compression: str, data: st.DataObject, content: bytes, step: int
) -> None:
    encode = CHECKED.get(compression, ENCODERS[compression])
    packed = bytearray(encode(content * data.draw(st.sampled_from([1, 60]))) + encode(b"second" * 9))
    for _ in range(data.draw(st.integers(0, 3))):
        packed[data.draw(st.integers(14, len(packed) - 1))] = data.draw(st.integers(0, 255))
    del packed[len(packed) - data.draw(st.integers(0, 80)) :]
    seen = b""
    try:
        with LOADERS[compression](io.BytesIO(packed)) as loader:
            while piece := loader.read(step):
                seen += piece
    except (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zstd.ZstdError):
        pass
    assert everything(reader(bytes(packed), compression)).startswith(seen)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_arbitrary_and_mutated_bytes_end_in_bytes_or_a_secureload_error(
    compression: str, data: st.DataObject
) -> None:
    packed = bytearray(ENCODERS[compression](data.draw(st.binary(max_size=400))))
    for _ in range(data.draw(st.integers(0, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    packed = bytearray(data.draw(st.binary(max_size=60))) if data.draw(st.booleans()) else packed
    source = reader(bytes(packed), compression)
    assert isinstance(everything(source), bytes)
    assert source.trailing_bytes <= len(packed)


def test_bare_deflate_is_expanded_and_what_follows_is_counted() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(noise(90_000)) + packer.flush()
    source = reader(packed + b"more", "deflate")
    assert source.read(-1) == noise(90_000)
    assert (source.failure, source.trailing_bytes) == (None, 4)
    with pytest.raises(MalformedError, match="cut off"):
        reader(packed[:5], "deflate").read(1)
