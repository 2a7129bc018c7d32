"""The wheel: what it declares, what it holds, and that a copy of it works away from the source tree."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# What `import fickling` needs and does not declare; without it a wheel installed alone does not work.
UNDECLARED_BY_OTHERS = "typing_extensions"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source tree, built offline."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("secureload-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package (a pure wheel is installed by unpacking it) and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def run(installed: Path, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a fresh interpreter that finds the installed copy before any other."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_the_wheel_declares_what_it_imports_and_what_its_dependencies_forgot(wheel: Path) -> None:
    required = metadata(wheel).get_all("Requires-Dist") or []
    base = [line for line in required if "extra ==" not in line]
    plain = {re.split(r"[ <>=!~;\[]", line, maxsplit=1)[0].replace("-", "_") for line in base}
    assert UNDECLARED_BY_OTHERS in plain
    needed = {
        "bcrypt",
        "cryptography",
        "fickling",
        "joblib",
        "lz4",
        "msgpack",
        "numpy",
        "scikit_learn",
        "typer",
    }
    assert needed <= plain
    assert metadata(wheel)["Requires-Python"] == "<3.14,>=3.11"
    assert metadata(wheel)["License-Expression"] == "Apache-2.0"


def test_the_wheel_holds_the_command_its_types_and_its_tables_and_nothing_of_the_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (points,) = [name for name in names if name.endswith("entry_points.txt")]
        scripts = configparser.ConfigParser()
        scripts.read_string(archive.read(points).decode("utf-8"))
    assert scripts["console_scripts"]["secureload"] == "secureload.cli:program"
    assert "secureload/py.typed" in names
    tables = {path.relative_to(ROOT).as_posix() for path in (ROOT / "secureload").rglob("*.toml")}
    assert tables
    assert tables <= names
    assert {"secureload/report/report.css", "secureload/report/schema/report-v1.json"} <= names
    assert all(name.startswith(("secureload/", "secureload-")) for name in names)


def test_an_installed_copy_works_away_from_the_source_tree(installed: Path, tmp_path: Path) -> None:
    code = (
        "import pickle, fickling, secureload\n"
        "from secureload.api.check import check\n"
        "open('list.pkl', 'wb').write(pickle.dumps([1, 2]))\n"
        "print(secureload.__file__)\n"
        "print(check('list.pkl').verdict.summary)\n"
    )
    done = run(installed, tmp_path, code)
    assert done.returncode == 0, done.stderr
    where, summary = done.stdout.splitlines()
    assert Path(where).is_relative_to(installed)
    assert summary.startswith("accepted")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.pkl"], "fickling's report was written"


def test_the_installed_command_tells_its_version(installed: Path, tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['secureload', '--version']; from secureload.cli import main; sys.exit(main())"
    done = run(installed, tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert metadata_version(installed) in done.stdout


def metadata_version(installed: Path) -> str:
    (folder,) = installed.glob("secureload-*.dist-info")
    return folder.name.removeprefix("secureload-").removesuffix(".dist-info")
