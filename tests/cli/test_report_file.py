"""The report as a file never takes the place of anything else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secureload.cli.report_file import require_writable, write_report
from secureload.errors import UsageError


def test_an_input_a_link_a_fifo_or_a_file_among_those_checked_is_refused(tmp_path: Path) -> None:
    model, folder = tmp_path / "m.pkl", tmp_path / "folder"
    folder.mkdir()
    for path in (model, folder / "n.pkl"):
        path.write_bytes(b"x")
    (tmp_path / "hard").hardlink_to(model)
    (tmp_path / "link").symlink_to(model)
    os.mkfifo(tmp_path / "fifo")
    refused = [model, tmp_path / "hard", tmp_path / "link", tmp_path / "fifo", folder, folder / "n.pkl"]
    for output in [*refused, tmp_path / "nowhere" / "r.txt"]:
        with pytest.raises(UsageError):
            require_writable(output, [model, folder])
    assert model.read_bytes() == b"x"


def test_a_report_is_replaced_as_a_whole(tmp_path: Path) -> None:
    output = tmp_path / "r.json"
    for text in ("first\n", "zwei \udc80\n"):
        require_writable(output, [tmp_path / "m.pkl"])
        write_report(output, text)
    assert output.read_text() == "zwei \\udc80\n"
    assert list(tmp_path.iterdir()) == [output]


def test_a_folder_that_is_gone_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(tmp_path / "gone" / "r.txt", "text")
