"""A storage is not larger in the pickle than in the archive."""

from __future__ import annotations

import zipfile

import pytest

from secureload.formats.reading import Child
from secureload.formats.region import Region
from secureload.pickles.assembler import Assembler
from secureload.pickles.stand_ins import Global, StandIn
from secureload.pickles.trace import GlobalRef
from secureload.scan.finding import Severity
from secureload.scan.rules.torch_archive import GRADES
from secureload.scan.survey import survey
from secureload.scan.torch_legacy import StackedTorch
from secureload.scan.torch_storages import TorchStorageSizes

from ..advisories.archives import zipped


def tensor(count: int, kind: str = "FloatStorage", key: str = "0") -> Assembler:
    code = Assembler(2).global_("torch._utils", "_rebuild_tensor_v2").mark()
    code = (
        code.mark()
        .text("storage")
        .global_("torch", kind)
        .text(key)
        .text("cpu")
        .integer(count)
        .tuple_()
        .raw(b"Q")
    )
    code = code.integer(0).mark().integer(1).tuple_().mark().integer(1).tuple_().boolean(False)
    return code.global_("collections", "OrderedDict").mark().tuple_().reduce().tuple_().reduce()


def codes(data: bytes) -> set[str]:
    parts = survey(Region(bytearray(data)), "model.pt")
    return {
        each.code for part in parts for each in part.observations if each.code.startswith("torch.storage")
    }


def archive(pickled: bytes, storage: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    return zipped({"a/data.pkl": pickled, "a/data/0": storage, "a/version": b"3\n"}, method)


@pytest.mark.parametrize(("kind", "size"), [("FloatStorage", 4), ("DoubleStorage", 8), ("UntypedStorage", 1)])
def test_a_storage_that_is_as_large_as_its_member_is_not_remarked(kind: str, size: int) -> None:
    assert codes(archive(tensor(5, kind).stop(), bytes(5 * size))) == set()
    assert codes(archive(tensor(4, kind).stop(), bytes(5 * size))) == set()


@pytest.mark.parametrize("count", [6, 1 << 20, (1 << 62) + 1])
def test_a_storage_that_is_larger_than_its_member_is_dangerous(count: int) -> None:
    assert codes(archive(tensor(count).stop(), bytes(20))) == {"torch.storage-size"}
    assert GRADES["torch.storage-size"].severity is Severity.DANGEROUS


def test_the_larger_of_two_counts_of_one_storage_counts() -> None:
    two = tensor(5).pop().raw(tensor(500).stop()[2:-1]).stop()
    assert codes(archive(two, bytes(20))) == {"torch.storage-size"}
    assert codes(archive(tensor(500).pop().raw(tensor(5).stop()[2:-1]).stop(), bytes(20))) == {
        "torch.storage-size"
    }


def test_a_compressed_storage_is_compared_where_its_size_is_known() -> None:
    assert codes(archive(tensor(5).stop(), bytes(20), zipfile.ZIP_DEFLATED)) == set()
    assert codes(archive(tensor(50).stop(), bytes(20), zipfile.ZIP_DEFLATED)) == {"torch.storage-size"}


def test_a_compressed_storage_whose_size_is_not_known_is_undecided() -> None:
    sizes = TorchStorageSizes()
    machine = StackedTorch()
    storage = Global("S", (StandIn,), {"ref": GlobalRef("torch", "FloatStorage"), "__slots__": ()})
    machine.referred(("storage", storage, "0", "cpu", 5))
    sizes.state(machine)
    sizes.hold(Child(name="a/data/0", data=lambda: Region(b"").cursor(), expect="data"))
    assert [each.code for each in sizes.differences()] == ["torch.storage-compressed"]
    assert GRADES["torch.storage-compressed"].severity is Severity.UNKNOWN


def test_an_archive_inside_of_another_has_storages_of_its_own() -> None:
    inner = archive(tensor(5).stop(), bytes(20))
    assert codes(zipped({"b/data.pkl": tensor(9).stop(), "b/data/0": bytes(36), "b/extra": inner})) == set()
    bad = archive(tensor(50).stop(), bytes(20))
    assert codes(zipped({"b/model.pt": bad})) == {"torch.storage-size"}


def test_other_archives_have_none() -> None:
    assert codes(zipped({"x/data/0": b"1", "x/notes.txt": b"2"})) == set()


@pytest.mark.parametrize(("count", "expected"), [(5, set()), (6, {"torch.storage-size"})])
def test_a_storage_of_a_torch_package_is_called_otherwise(count: int, expected: set[str]) -> None:
    members = {
        "a/model.pkl": tensor(count).stop(),
        "a/.data/0.storage": bytes(20),
        "a/.data/extern_modules": b"",
    }
    assert codes(zipped(members)) == expected
