"""What is read while a worker starts is what the judgement reads anyway."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from secureload.api.check import allow_list, check
from secureload.api.examiner import Examiner
from secureload.cli.meanwhile import read_meanwhile
from secureload.scan import allowlist

HOSTILE = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."


def test_the_lists_of_what_the_first_bytes_name_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(allowlist, "_read_library", read.append)
    read_meanwhile(b"\x80\x04\x8c\x10sklearn.pipeline", text=True)
    assert sorted(read) == ["numpy", "scikit-learn"]
    read_meanwhile(b"", text=False)
    assert sorted(read) == ["numpy", "scikit-learn"]


def test_nothing_heavy_is_imported_by_it() -> None:
    code = (
        "import sys; from secureload.cli.meanwhile import read_meanwhile; read_meanwhile(b'sklearn', text=True);"
        "print(sorted({'inspect', 'numpy', 'sklearn', 'fickling'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_file_alone_is_judged_as_among_others(tmp_path: Path) -> None:
    fitted = Ridge().fit(np.eye(3), np.arange(3))
    for name, data in {
        "model.pkl": pickle.dumps(fitted),
        "evil.pkl": HOSTILE,
        "cut.pkl": HOSTILE[:-4],
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with Examiner(allow_list(()), alone=True) as alone, Examiner(allow_list(())) as among:
            one, other = check(path, examiner=alone), check(path, examiner=among)
        assert one.verdict == other.verdict
        assert one.examination.findings == other.examination.findings
        assert one.examination.coverage == other.examination.coverage
        assert tuple(one.examination.parts) == tuple(other.examination.parts)
