"""Archives that one library opens and another does not, or not in the same way."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import pytest

from .archives import EVIL, GOOD, MAGIC, central, legacy_torch, local, patched, tarred, torch_zip, zipped
from .checking import dangerous, names, not_accepted

SYSTEM = "os.system('echo hello')"
PICKLE = "archive/data.pkl"


@pytest.mark.parametrize(
    "member",
    ["archive/data.p", "archive/config.p", "archive/data.txt", "archive/data", "archive/weights.json"],
    ids=lambda name: f"GHSA-769v-p64c-89pr-CVE-2025-1889-{name}",
)
def test_a_pickle_under_another_extension_in_a_torch_archive(member: str, tmp_path: Path) -> None:
    data = torch_zip(GOOD, **{member: EVIL})
    assert names(dangerous(tmp_path, data, "model.pt"), SYSTEM)


def test_GHSA_7q5r_7gvp_wc82_CVE_2025_1944_a_name_that_differs_between_the_two_headers(
    tmp_path: Path,
) -> None:
    data = torch_zip()
    data = patched(data, local(data, PICKLE) + 30, b"archive/data.pal")
    found = dangerous(tmp_path, data, "model.pt")
    assert names(found, SYSTEM)
    assert len({item.rule_id for item in found}) > 1, "the disagreement is a finding of its own"


@pytest.mark.parametrize("flags", [0x1, 0x20, 0x40, 0x2000, 0x2061])
@pytest.mark.parametrize("where", ["local", "central", "both"])
def test_GHSA_w8jq_xcqf_f792_CVE_2025_1945_flag_bits_that_pytorch_ignores(
    flags: int, where: str, tmp_path: Path
) -> None:
    data = torch_zip()
    if where in ("local", "both"):
        data = patched(data, local(data, PICKLE) + 6, flags.to_bytes(2, "little"))
    if where in ("central", "both"):
        data = patched(data, central(data, PICKLE) + 8, flags.to_bytes(2, "little"))
    assert names(dangerous(tmp_path, data, "model.pt"), SYSTEM)


@pytest.mark.parametrize("where", ["local", "central", "both"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_GHSA_mjqp_26hc_grxg_CVE_2025_10156_a_checksum_that_is_wrong(
    where: str, method: int, tmp_path: Path
) -> None:
    data = zipped({PICKLE: EVIL, "archive/version": b"3\n"}, method)
    if where in ("local", "both"):
        data = patched(data, local(data, PICKLE) + 14, b"\x00\x00\x00\x01")
    if where in ("central", "both"):
        data = patched(data, central(data, PICKLE) + 16, b"\x00\x00\x00\x01")
    assert names(dangerous(tmp_path, data, "model.pt"), SYSTEM)


def test_GHSA_jgw4_cr84_mqxg_CVE_2025_10155_a_pickle_by_the_name_of_a_torch_archive(tmp_path: Path) -> None:
    for name in ("model.bin", "model.pt", "model.pth", "model.ckpt", "model.zip", "model.npz"):
        assert names(dangerous(tmp_path, EVIL, name), SYSTEM)


def test_a_torch_archive_by_the_name_of_a_pickle(tmp_path: Path) -> None:
    for name in ("model.pkl", "model.joblib", "model.npy", "model.txt", "model"):
        assert names(dangerous(tmp_path, torch_zip(), name), SYSTEM)


def test_GHSA_97f8_7cmv_76j2_the_magic_number_of_an_old_torch_file_that_is_computed(tmp_path: Path) -> None:
    code = b"\x80\x02cbuiltins\neval\n(X\x16\x00\x00\x000x1950A86A20F9469CFC6CtR."
    found = dangerous(tmp_path, legacy_torch(code, GOOD), "model.pt")
    assert names(found, "builtins.eval")
    hidden = dangerous(tmp_path, legacy_torch(code, EVIL), "model.pt")
    assert names(hidden, SYSTEM)


def test_an_old_torch_file_is_read_to_its_last_pickle(tmp_path: Path) -> None:
    assert names(dangerous(tmp_path, legacy_torch(MAGIC), "model.pt"), SYSTEM)
    last = legacy_torch(MAGIC, GOOD) + EVIL
    assert names(dangerous(tmp_path, last, "model.pth"), SYSTEM)


def test_CVE_2025_32434_a_tar_archive_that_weights_only_did_not_guard(tmp_path: Path) -> None:
    data = tarred({"storages": GOOD, "tensors": GOOD, "pickle": EVIL})
    assert names(dangerous(tmp_path, data, "model.pt"), SYSTEM)
    in_storages = tarred({"storages": EVIL, "tensors": GOOD, "pickle": GOOD})
    assert names(dangerous(tmp_path, in_storages, "model.tar"), SYSTEM)


@pytest.mark.parametrize("wrap", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bz2", "xz"])
def test_modelscan_338_a_payload_in_a_compressed_file_in_an_archive(wrap: object, tmp_path: Path) -> None:
    compressed = wrap(EVIL)  # type: ignore[operator]
    assert names(dangerous(tmp_path, compressed, "model.pkl.gz"), SYSTEM)
    assert names(dangerous(tmp_path, zipped({"a/model.bin": compressed}), "model.zip"), SYSTEM)


def test_modelscan_338_an_archive_in_an_archive(tmp_path: Path) -> None:
    data = EVIL
    for depth in range(4):
        data = tarred({f"{depth}/member": data}) if depth % 2 else zipped({f"{depth}/member": data})
    assert names(dangerous(tmp_path, data, "model.zip"), SYSTEM)


def test_modelscan_263_a_member_that_cannot_be_opened_hides_none_behind_it(tmp_path: Path) -> None:
    data = zipped({"archive/first": b"x" * 40, PICKLE: EVIL, "archive/version": b"3\n"})
    for at, new in (
        (central(data, "archive/first") + 10, b"\x63\x00"),
        (local(data, "archive/first"), b"PKxx"),
    ):
        assert names(dangerous(tmp_path, patched(data, at, new), "model.pt"), SYSTEM)


def test_a_seven_zip_archive_is_never_accepted(tmp_path: Path) -> None:
    assert not_accepted(tmp_path, b"7z\xbc\xaf\x27\x1c\x00\x04" + EVIL * 4, "model.7z")


def test_an_archive_that_is_cut_off_is_never_accepted(tmp_path: Path) -> None:
    whole = torch_zip(GOOD)
    for size in (4, 30, len(whole) // 2, len(whole) - 1):
        assert not_accepted(tmp_path, whole[:size], "model.pt")
