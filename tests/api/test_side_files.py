from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from secureload.api.check import Checked, check
from secureload.api.examiner import Examiner
from secureload.artifact.artifact import open_artifact
from secureload.errors import ExitCode
from secureload.limits import DEFAULT_LIMITS
from secureload.pickles.assembler import Assembler
from secureload.scan.allowlist import load_default
from secureload.scan.finding import Severity
from tests.formats.tars import archive

from .old_joblib import OLD_FILES, write_old

PLAIN = ("plain.pkl", "plain.pkl_01.npy", "plain.pkl_02.npy")
PACKED = ("big.pkl", "big.pkl_01.npy.z", "big.pkl_02.npy.z")
HOSTILE = Assembler(4).global_("os", "system").mark().text("echo hello").tuple_().reduce().stop()


def findings(checked: Checked) -> list[str]:
    return [f"{found.rule_id} {found.severity.value}" for found in checked.examination.findings]


def paths(checked: Checked) -> list[str]:
    return [part.path for part in checked.examination.parts]


def named(name: str) -> bytes:
    """A pickle whose loader opens ``name``."""
    code = Assembler(2).global_("joblib.numpy_pickle", "NDArrayWrapper").mark().tuple_().newobj()
    return code.mark().text("filename").text(name).dict_().build().stop()


@pytest.mark.parametrize(
    "files", [PLAIN, PACKED, ("packed.pkl",), ("matrix.pkl", "matrix.pkl_01.npy")], ids=str
)
def test_what_joblib_0_9_wrote_is_examined_with_every_file_of_it_and_accepted(
    files: tuple[str, ...], tmp_path: Path
) -> None:
    write_old(tmp_path, *files)
    checked = check(tmp_path / files[0])
    assert findings(checked) == []
    assert checked.verdict.exit_code is ExitCode.ACCEPTED
    assert set(files[1:]) <= set(paths(checked))


@pytest.mark.parametrize("files", [PLAIN, PACKED], ids=["plain", "packed"])
def test_a_file_that_is_missing_is_named_and_leaves_the_verdict_open(
    files: tuple[str, ...], tmp_path: Path
) -> None:
    write_old(tmp_path, *files[:-1])
    checked = check(tmp_path / files[0])
    assert checked.verdict.exit_code is ExitCode.UNDECIDED
    assert any(files[-1] in found.title for found in checked.examination.findings)
    assert "SL412 unknown" in findings(checked)


def test_a_payload_in_a_file_beside_the_model_rejects_it(tmp_path: Path) -> None:
    """numpy.load unpickles what is no array, and joblib lets it."""
    write_old(tmp_path, *PLAIN)
    (tmp_path / PLAIN[1]).write_bytes(HOSTILE)
    assert check(tmp_path / "plain.pkl").verdict.exit_code is ExitCode.REJECTED
    file = io.BytesIO()
    np.save(file, np.array([None]))
    header = file.getvalue()[: file.getvalue().index(b"\x80")]
    (tmp_path / PLAIN[1]).write_bytes(header + HOSTILE)
    checked = check(tmp_path / "plain.pkl")
    assert checked.verdict.exit_code is ExitCode.REJECTED
    assert any(path.startswith(PLAIN[1]) for path in paths(checked))


@pytest.mark.parametrize("name", ["/etc/passwd", "../other/evil.npy", "sub/evil.npy"])
def test_a_name_that_leads_elsewhere_is_rejected_and_never_opened(name: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/evil.npy").write_bytes(HOSTILE)
    (tmp_path / "model.pkl").write_bytes(named(name))
    checked = check(tmp_path / "model.pkl")
    assert checked.verdict.exit_code is ExitCode.REJECTED
    assert findings(checked) == ["SL412 dangerous"]
    assert paths(checked) == [""]


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    write_old(tmp_path, "plain.pkl", "plain.pkl_02.npy")
    (tmp_path / "elsewhere").write_bytes(base64.b64decode(OLD_FILES["plain.pkl_01.npy"]))
    (tmp_path / "plain.pkl_01.npy").symlink_to("elsewhere")
    checked = check(tmp_path / "plain.pkl")
    assert checked.verdict.exit_code is ExitCode.UNDECIDED
    assert any("link" in found.title for found in checked.examination.findings)


def test_a_pickle_that_names_itself_is_examined_once_more_and_no_further(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(named("model.pkl"))
    checked = check(tmp_path / "model.pkl")
    assert paths(checked) == ["", "model.pkl"]
    assert checked.verdict.exit_code is ExitCode.UNDECIDED


def test_a_member_of_an_archive_has_no_files_beside_it(tmp_path: Path) -> None:
    write_old(tmp_path, "plain.pkl_01.npy")
    (tmp_path / "model.tar").write_bytes(archive([("m.pkl", named("plain.pkl_01.npy"))]))
    checked = check(tmp_path / "model.tar")
    assert findings(checked) == ["SL412 unknown"]


def test_a_file_beside_it_over_the_limit_leaves_the_verdict_open(tmp_path: Path) -> None:
    write_old(tmp_path, *PLAIN)
    checked = check(tmp_path / "plain.pkl", limits=replace(DEFAULT_LIMITS, artifact_bytes=400))
    assert checked.verdict.exit_code is ExitCode.ACCEPTED
    (tmp_path / PLAIN[1]).write_bytes(bytes(401))
    checked = check(tmp_path / "plain.pkl", limits=replace(DEFAULT_LIMITS, artifact_bytes=400))
    assert checked.verdict.exit_code is ExitCode.UNDECIDED


def test_a_run_over_many_files_examines_the_files_beside_each_of_them_too(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        write_old(tmp_path / folder, *PLAIN)
    (tmp_path / "second" / PLAIN[1]).write_bytes(HOSTILE)
    with Examiner(load_default()) as examiner:
        found = []
        for folder in ("first", "second"):
            with open_artifact(tmp_path / folder / "plain.pkl", DEFAULT_LIMITS, expect="file") as artifact:
                found.append(examiner.examine(artifact).worst())
    assert found == [None, Severity.DANGEROUS]
