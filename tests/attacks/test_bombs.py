"""Files that cost more than they are: each ends in a limit with its name, none is accepted, none takes for ever."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from secureload.api.check import check
from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.policy.verdict import Outcome
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity
from secureload.scan.survey import survey

HEAD = b"\x80\x04"
MODULUS = (1 << 61) - 1
# A tuple that holds the one below twice, sixty times over: hashing it takes 2**60 steps.
DOUBLED = b"N\x85" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(60))
SYSTEM = b"cos\nsystem\nX\x04\x00\x00\x00true\x85R0"


def limits_of(path: Path, data: bytes) -> tuple[Outcome, set[str]]:
    """Return the outcome of a check, and the names of the limits that it reports."""
    path.write_bytes(data)
    checked = check(path)
    titles = [item.title for item in checked.examination.findings if "limit was reached" in item.title]
    return checked.verdict.outcome, {title.split(": ")[1] for title in titles}


@pytest.mark.parametrize("holder", [b"}" + DOUBLED + b"K\x01s", b"\x8f(" + DOUBLED + b"\x90"])
def test_a_key_that_is_hashed_for_ever_ends_in_seconds(tmp_path: Path, holder: bytes) -> None:
    outcome, limits = limits_of(tmp_path / "model.pkl", HEAD + holder + b".")
    assert outcome is Outcome.UNDECIDED
    assert limits == {"unpickler_cpu_seconds"}


def test_what_stands_before_it_is_found_all_the_same(tmp_path: Path) -> None:
    data = HEAD + SYSTEM + b"}" + DOUBLED + b"K\x01s."
    outcome, limits = limits_of(tmp_path / "model.pkl", data)
    assert outcome is Outcome.REJECTED
    assert limits == {"unpickler_cpu_seconds"}


def test_keys_that_have_one_hash_never_get_as_far_as_the_model(tmp_path: Path) -> None:
    numbers = [MODULUS * step for step in range(1, 60_000)]
    data = HEAD + b"}(" + b"".join(pickle.dumps(n)[2:-1] + b"N" for n in numbers) + b"u."
    outcome, limits = limits_of(tmp_path / "model.pkl", data)
    assert outcome is Outcome.UNDECIDED
    assert limits == {"unpickler_cpu_seconds"}


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"Nr\xff\xff\xff\x7f.",
        HEAD + b"Nr\xfe\xff\xff\xff.",
        HEAD + b"Np2147483647\n.",
    ],
    ids=["2**31", "2**32", "in text"],
)
def test_a_memo_index_beyond_all_memory_is_named(tmp_path: Path, data: bytes) -> None:
    outcome, limits = limits_of(tmp_path / "model.pkl", data)
    assert outcome is Outcome.UNDECIDED
    assert limits == {"tracer_memory_bytes"}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def nested_gzip(levels: int) -> bytes:
    data = HEAD + b"N."
    for _ in range(levels):
        data = gzip.compress(data, mtime=0)
    return data


def nested_zip(levels: int) -> bytes:
    data = zipped({"a.pkl": HEAD + b"N."})
    for _ in range(levels):
        data = zipped({"a.zip": data})
    return data


def gguf(value: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 9) + b"general.x" + struct.pack("<I", 9) + value


def sparse_tar() -> bytes:
    info = tarfile.TarInfo("weights.pkl")
    info.size = 1 << 40
    return info.tobuf(format=tarfile.GNU_FORMAT) + bytes(1024)


def pax_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("x")
        info.pax_headers = {"comment": "a" * 3_000_000}
        archive.addfile(info)
    return buffer.getvalue()


def seven_zip(files: bytes) -> bytes:
    """A 7z archive whose header says that it holds ``files`` (a 7z number) files, and ends there."""
    header = b"\x01\x05" + files + b"\0\0"
    start = struct.pack("<QQI", 0, len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + header


def npy(shape: str) -> bytes:
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text) + 1) + text + b"\n" + bytes(64)


LISTS = b'{"a":[' + b"[]," * 5_000 + b"0]}"
FEW = Limits(json_collections_items=1_000)
STRICT = Limits(expansion_floor_bytes=1, expansion_ratio=9)
MANY = zipped(dict.fromkeys(map(str, range(200)), b""))
KERAS = zipped({"config.json": LISTS, "metadata.json": b"{}"})
GLOBALS = b"".join(b"cm\nn%d\n0" % number for number in range(200)) + b"N."
NAMED = {
    "gzip of gzip": ("model.pkl.gz", nested_gzip(60), DEFAULT_LIMITS, "nesting_depth"),
    "zip of zip": ("model.zip", nested_zip(20), DEFAULT_LIMITS, "nesting_depth"),
    "zeros": ("x.pkl.gz", gzip.compress(bytes(1 << 22)), STRICT, "expansion_ratio"),
    "zeros in a zip": ("x.zip", zipped({"x.pkl": bytes(1 << 22)}), STRICT, "expansion_ratio"),
    "empty members": ("x.gz", gzip.compress(b"") * 200, Limits(empty_members=100), "empty_members"),
    "many members": ("x.zip", MANY, Limits(archive_members=100), "archive_members"),
    "pax header": ("x.tar", pax_tar(), DEFAULT_LIMITS, "tar_header_bytes"),
    "lists in a schema": ("x.skops", zipped({"schema.json": LISTS}), FEW, "json_collections_items"),
    "lists in a configuration": ("x.keras", KERAS, FEW, "json_collections_items"),
    "lists in a header": ("x.safetensors", struct.pack("<Q", len(LISTS)) + LISTS, FEW, "json_collections_items"),
    "lists in a text": ("x.json", LISTS, FEW, "json_collections_items"),
    "pickles": ("x.pkl", (HEAD + b"N.") * 200, Limits(trace_pickles=100), "trace_pickles"),
    "globals": ("x.pkl", GLOBALS, Limits(trace_globals=100), "trace_globals"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", sorted(NAMED))
def test_what_expands_or_counts_without_end_reaches_the_limit_of_its_name(bomb: str) -> None:
    name, data, limits, wanted = NAMED[bomb]
    found = examine(survey(Region(data), name, limits), load_default(), {}).findings
    assert any(wanted in item.title and item.rule_id == "SL201" for item in found)


CLAIMS = {
    "bytes of 2**62": ("x.pkl", HEAD + b"\x8e" + struct.pack("<Q", 1 << 62) + b"abc."),
    "text of 2**62": ("x.pkl", HEAD + b"\x8d" + struct.pack("<Q", 1 << 62) + b"abc."),
    "bytearray of 2**62": ("x.pkl", b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b"abc."),
    "frame of 2**62": ("x.pkl", HEAD + b"\x95" + struct.pack("<Q", 1 << 62) + b"N."),
    "frame that is too short": ("x.pkl", HEAD + b"\x95" + struct.pack("<Q", 3) + b"\x8c\x05abcde."),
    "long of 2 GB": ("x.pkl", HEAD + b"\x8b\xff\xff\xff\x7f" + b"\x01" * 100),
    "array of 2**80 bytes": ("x.npy", npy(f"({1 << 40}, {1 << 40})")),
    "array of 440,000 dimensions": ("x.npy", npy("(" + "1," * 440_000 + ")")),
    "header of 2**62 bytes": ("x.safetensors", struct.pack("<Q", 1 << 62) + b'{"a":1}'),
    "array of 2**60 items": ("x.gguf", gguf(struct.pack("<IQ", 4, 1 << 60))),
    "arrays in arrays": ("x.gguf", gguf(struct.pack("<IQ", 9, 1) * 1_000_000)),
    "tensors without end": ("x.gguf", b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60)),
    "a member of a terabyte": ("x.tar", sparse_tar()),
    "2**56 files": ("x.7z", seven_zip(b"\xff" + b"\xff" * 7 + b"\0")),
    "marks": ("x.pkl", HEAD + b"(" * 200_000 + b"."),
    "half an archive": ("x.zip", b"PK\x05\x06" * 200_000),
}


@pytest.mark.parametrize("bomb", sorted(CLAIMS))
def test_what_claims_more_than_there_is_is_never_accepted(tmp_path: Path, bomb: str) -> None:
    name, data = CLAIMS[bomb]
    path = tmp_path / name
    path.write_bytes(data)
    checked = check(path)
    assert checked.verdict.outcome in {Outcome.UNDECIDED, Outcome.REJECTED}
    assert any(finding.severity is Severity.UNKNOWN for finding in checked.examination.findings)
