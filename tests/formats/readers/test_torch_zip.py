"""PyTorch archives: what torch.load reads in them, and what others would hide beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from secureload.formats.readers import zip_archive
from tests.formats.zips import DEFLATED, Entry, archive

from .reading import Read, run

FILES = Path(__file__).parent / "files"
PICKLE = b"\x80\x02}."
STATE = (
    Entry("model/data.pkl", PICKLE),
    Entry("model/.format_version", b"1"),
    Entry("model/.storage_alignment", b"64"),
    Entry("model/byteorder", b"little"),
    Entry("model/data/0", b"\0\0\x80\x3f" * 6),
    Entry("model/version", b"3\n"),
    Entry("model/.data/serialization_id", b"0636067578006930"),
)
SOURCE = b"""\
class M(Module):
  __parameters__ = ["weight"]
  def forward(self: __torch__.M, x: Tensor) -> Tensor:
    y = ops.quantized.linear(x, self._packed_params)
    if bool(torch.gt(torch.sum(y), 0)):
      ops.prim.RaiseException("AssertionError: bad")
    return torch.relu(y)
"""


def read(*entries: Entry) -> Read:
    return run(zip_archive, archive(*entries), name="model.pt")


def roles(found: Read) -> dict[str, str]:
    return {child.name: child.expect for child in found.children}


def script(source: bytes, *more: Entry) -> Read:
    return read(
        Entry("m/data.pkl", PICKLE),
        Entry("m/code/__torch__.py", source, method=DEFLATED),
        Entry("m/code/__torch__.py.debug_pkl", PICKLE, method=DEFLATED),
        Entry("m/constants.pkl", b"\x80\x02)."),
        Entry("m/version", b"3\n"),
        *more,
    )


def test_a_state_dict_is_one_pickle_and_raw_data() -> None:
    found = read(*STATE)
    assert found.formats == ["torch-zip"]
    assert (found.codes, found.problems) == ([], [])
    assert roles(found) == {"model/data.pkl": "pickle"} | {entry.name: "data" for entry in STATE[1:]}
    assert found.children[0].reading == "torch"


@pytest.mark.parametrize(
    "name", ["model/config.p", "model/data/0.png", "model/extra/readme.txt", "other/x", "x"]
)
def test_cve_2025_1889_a_pickle_under_any_other_name_is_looked_at(name: str) -> None:
    found = read(*STATE, Entry(name, PICKLE))
    role = roles(found)[name]
    # What PyTorch takes for a tensor is traced where it begins as a pickle does.
    assert role == ("data" if "/data/" in name else "any")


@pytest.mark.parametrize("name", ["model/second.pkl", "model/sub/more.PKL", "model/code/x.debug_pkl"])
def test_whatever_is_called_a_pickle_is_taken_for_one(name: str) -> None:
    assert roles(read(*STATE, Entry(name, b"not a pickle")))[name] == "pickle"


@pytest.mark.parametrize(
    "second", [("model/DATA.pkl", "zip.similar-names"), ("other/data.pkl", "torch.outside-root"),
               ("model/data.pkl", "zip.duplicate-name")]
)  # fmt: skip
def test_several_data_pkl_are_ambiguous_and_all_are_pickles(second: tuple[str, str]) -> None:
    name, code = second
    found = read(*STATE, Entry(name, PICKLE))
    assert {"torch.several-pickles", code} <= set(found.codes)
    assert [child.expect for child in found.children if child.name.lower().endswith("data.pkl")] == [
        "pickle"
    ] * 2


def test_the_root_is_that_of_the_first_name_in_the_directory() -> None:
    found = read(Entry("first/version", b"3"), *STATE)
    assert found.codes == ["torch.outside-root"]


def test_files_that_pytorch_wrote() -> None:
    """Made with torch 2.13: torch.save(model.state_dict()) and torch.jit.script(model).save of a small model."""
    found = run(zip_archive, (FILES / "state.pt").read_bytes(), name="state.pt")
    assert (found.codes, found.problems, found.formats) == ([], [], ["torch-zip"])
    found = run(zip_archive, (FILES / "script.pt").read_bytes(), name="script.pt")
    assert (found.codes, found.problems, found.formats) == (["torchscript.code"], [], ["torchscript"])


def test_a_torch_package_says_that_its_sources_run() -> None:
    found = read(
        Entry("p/.data/extern_modules", b"sys\n"),
        Entry("p/.data/version", b"6"),
        Entry("p/model/model.pkl", PICKLE),
        Entry("p/code.py", b"import os\n"),
    )
    assert found.codes == ["torch.package"]
    assert roles(found)["p/code.py"] == "any"


def test_a_scripted_model_of_plain_operators() -> None:
    found = script(SOURCE)
    assert found.formats == ["torchscript"]
    assert found.codes == ["torchscript.code"]
    assert "m/code/__torch__.py" in [getattr(event, "detail", "") for event in found.events]
    assert roles(found)["m/code/__torch__.py"] == "data"
    assert roles(found)["m/code/__torch__.py.debug_pkl"] == "pickle"


def test_sources_that_reach_outside_are_shown() -> None:
    found = script(SOURCE + b'    ops.aten.save(x, "/tmp/out")\n    z = torch.from_file("/etc/passwd")\n')
    details = [getattr(event, "detail", "") for event in found.events]
    assert found.codes.count("torchscript.outside") == 2
    assert 'ops.aten.save(x, "/tmp/out")' in details


def test_the_bytecode_of_the_lite_interpreter_is_searched_too() -> None:
    found = script(SOURCE, Entry("m/bytecode.pkl", b"\x80\x02X\x0a\x00\x00\x00aten::save."))
    assert "torchscript.outside" in found.codes


def test_sources_that_cannot_be_read_are_a_problem() -> None:
    found = script(SOURCE, Entry("m/code/__torch__/bad.py", SOURCE, method=DEFLATED, packed=b"\xff" * 9))
    assert found.problems[0].kind == "malformed"
