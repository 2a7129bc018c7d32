"""A payload in an archive, by every public way of hiding one there: each is rejected, and by its name."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from secureload.formats.region import Region
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.assembler import Assembler
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Examination, Severity
from secureload.scan.survey import survey

from ..formats.zips import BZIP2, DEFLATED, XZ, Entry, archive, local_record

PAYLOAD = Assembler(2).global_("posix", "system").mark().text("echo hello").tuple_().reduce().stop()
INNOCENT = b"\x80\x02}q\x00."


def examined(data: bytes, name: str = "model.pt", limits: Limits = DEFAULT_LIMITS) -> Examination:
    return examine(survey(Region(data), name, limits), load_default(), {})


def ids(found: Examination, severity: Severity = Severity.DANGEROUS) -> set[str]:
    return {finding.rule_id for finding in found.findings if finding.severity is severity}


def torch(*more: Entry, data: bytes = INNOCENT, **fields: object) -> bytes:
    entries = [
        Entry("model/data.pkl", data, **fields),  # type: ignore[arg-type]  # fields of Entry
        Entry("model/byteorder", b"little"),
        Entry("model/data/0", b"\0\0\x80\x3f" * 4),
        Entry("model/version", b"3\n"),
    ]
    return archive(*entries, *more)


def test_an_innocent_archive_is_accepted() -> None:
    found = examined(torch())
    assert found.coverage.complete
    assert found.findings == ()


@pytest.mark.parametrize(
    "name", ["model/config.p", "model/readme.txt", "weights.npy", "model/data/1", "model/x.pkl"]
)
@pytest.mark.parametrize("method", [0, DEFLATED])
def test_cve_2025_1889_a_member_with_a_misleading_name(name: str, method: int) -> None:
    assert "SL101" in ids(examined(torch(Entry(name, PAYLOAD, method=method))))


def test_cve_2025_1944_another_name_in_the_local_header() -> None:
    assert ids(examined(torch(data=PAYLOAD, local_name="model/data.txt"))) >= {"SL101", "SL401"}


@pytest.mark.parametrize("bit", [0x1, 0x20, 0x40, 0x2000])
def test_cve_2025_1945_flag_bits(bit: int) -> None:
    found = examined(torch(data=PAYLOAD, flags=bit))
    assert "SL101" in ids(found)
    assert "SL401" in ids(found, Severity.UNKNOWN if bit == 0x20 else Severity.DANGEROUS)


def test_ghsa_mjqp_a_wrong_checksum() -> None:
    found = examined(torch(data=PAYLOAD, crc=0xBAD))
    assert "SL101" in ids(found)
    assert "SL402" in ids(found, Severity.UNKNOWN)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.ckpt", "model.pth", "model.zip", "model", "model.jpg"]
)
def test_ghsa_jgw4_whatever_the_file_is_called(name: str) -> None:
    assert "SL101" in ids(examined(torch(data=PAYLOAD), name))


HIDDEN: dict[str, Callable[[], bytes]] = {
    "in no directory": lambda: torch(Entry("model/x", PAYLOAD, listed=False)),
    "in front of the archive": lambda: b"".join((PAYLOAD, torch())),
    "behind the archive": lambda: torch() + PAYLOAD,
    "between two members": lambda: torch(Entry("model/last", b"x", before=PAYLOAD)),
    "in an archive in the archive": lambda: torch(Entry("model/x", torch(data=PAYLOAD))),
    "in an overlapping member": lambda: archive(
        Entry("a", b"x" + local_record(Entry("b", PAYLOAD))), Entry("b", PAYLOAD, offset=32)
    ),
    "in the archive of another end record": lambda: archive(Entry("a", b"x"), comment=torch(data=PAYLOAD) + b"tail"),
    "packed by bzip2": lambda: torch(Entry("model/x", PAYLOAD, BZIP2, packed=bz2.compress(PAYLOAD))),
    "packed by xz": lambda: torch(Entry("model/x", PAYLOAD, XZ, packed=lzma.compress(PAYLOAD))),
    "stored, and called deflated": lambda: torch(Entry("model/x", PAYLOAD, DEFLATED, packed=PAYLOAD, local_method=0)),
    "deflated, and called stored in the directory": lambda: torch(
        Entry("model/x", PAYLOAD, 0, packed=Entry("", PAYLOAD, DEFLATED).packed_bytes(), local_method=DEFLATED)
    ),
    "under a second name for data.pkl": lambda: torch(Entry("model/DATA.PKL", PAYLOAD)),
    "in another root": lambda: torch(Entry("other/data.pkl", PAYLOAD)),
    "as a tensor": lambda: torch(Entry("model/data/1", PAYLOAD)),
    "as debug information": lambda: torch(Entry("model/code/m.py.debug_pkl", PAYLOAD, DEFLATED)),
    "as an array of objects": lambda: npz(PAYLOAD),
}  # fmt: skip


def npz(payload: bytes) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    return archive(Entry("a.npy", file.getvalue() + payload))


@pytest.mark.parametrize("build", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_payload_is_found(build: Callable[[], bytes]) -> None:
    assert "SL101" in ids(examined(build()))


def test_a_payload_in_a_truncated_archive_is_found() -> None:
    whole = torch(data=PAYLOAD)
    assert "SL101" in ids(examined(whole[: whole.index(b"PK\1\2")]))


@pytest.mark.parametrize(
    "use", ["TypeNode", "FunctionNode", "ObjectNode", "DictNode", "ListNode", "TreeNode", "EvalNode"]
)
def test_a_skops_file_that_names_a_gadget(use: str) -> None:
    node = {"__class__": "system", "__module__": "posix", "__loader__": use, "content": []}
    data = archive(Entry("schema.json", json.dumps({"a": [node], **node, "__class__": "x"}).encode()))
    assert "SL101" in ids(examined(data, "model.skops"))


def test_a_keras_model_that_names_a_gadget() -> None:
    call = {"class_name": "function", "module": "os", "config": "system", "registered_name": "system"}
    layer = {
        "class_name": "Dense",
        "module": "keras.layers",
        "config": {"activation": call},
        "registered_name": None,
    }
    data = archive(Entry("config.json", json.dumps(layer).encode()), Entry("metadata.json", b"{}"))
    assert "SL101" in ids(examined(data, "model.keras"))


def test_archives_in_archives_end_in_a_named_limit() -> None:
    data = b"x"
    for _ in range(20):
        data = archive(Entry("inner.zip", data, DEFLATED))
    found = examined(data, "model.zip")
    assert any("nesting_depth" in why for why in found.coverage.not_examined)


def test_a_member_that_expands_beyond_every_ratio_ends_in_a_named_limit() -> None:
    bomb = bz2.compress(bytes(40 << 20))
    found = examined(archive(Entry("bomb", b"", BZIP2, packed=bomb, size=40 << 20)), "model.zip")
    assert ids(found, Severity.UNKNOWN) == {"SL201"}
    assert any("1,100 : 1" in why for why in found.coverage.not_examined)


def test_a_million_members_end_in_a_named_limit() -> None:
    found = examined(
        archive(*(Entry(str(number)) for number in range(300))), limits=Limits(archive_members=200)
    )
    assert any("200 members" in why for why in found.coverage.not_examined)


def test_what_honest_programs_write_is_accepted() -> None:
    file = io.BytesIO()
    np.savez_compressed(file, weights=np.arange(50_000.0), bias=np.zeros(3))
    assert examined(file.getvalue(), "model.npz").findings == ()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("readme.txt", "A model.\n" * 1000)
        writer.writestr("labels.json", '["a", "b"]')
        writer.mkdir("folder")
    found = examined(file.getvalue(), "model.zip")
    assert found.coverage.complete
    assert {finding.severity for finding in found.findings} <= {Severity.NOTE}
