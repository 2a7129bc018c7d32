"""The virtual environments of the benchmark: one for each scanner and one for the libraries that write models.

They lie in the cache folder and are made once; ours is made again when the package changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CHECKOUT", "ENVIRONMENTS", "Environment", "cache_folder", "install", "versions"]

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Environment:
    """A name and what pip installs under it."""

    name: str
    packages: tuple[str, ...]


ENVIRONMENTS: dict[str, Environment] = {
    environment.name: environment
    for environment in (
        Environment("secureload", (str(CHECKOUT),)),
        Environment("picklescan", ("picklescan[7z]==1.0.5",)),
        # TensorFlow, which it wants for SavedModels, is left out: it is larger than all the rest together.
        Environment("modelscan", ("modelscan[h5py]==0.8.8",)),
        Environment("modelaudit", ("modelaudit[h5,safetensors,sevenzip]==0.2.54",)),
        # It imports typing_extensions without saying that it needs it.
        Environment("fickling", ("fickling==0.1.12", "typing_extensions")),
        Environment(
            "models",
            (
                "torch==2.13.0", "numpy", "scipy", "scikit-learn", "pandas", "joblib", "lz4", "xgboost", "lightgbm",
                "catboost", "imbalanced-learn", "statsmodels", "skops", "safetensors", "onnx", "skl2onnx", "keras",
                "h5py", "cloudpickle", "dill", "py7zr", "zstandard",
            ),
        ),
        Environment(
            "older",
            (
                "numpy==1.26.4", "scipy==1.11.4", "scikit-learn==1.3.2", "pandas==2.1.4", "joblib==1.3.2", "lz4",
                "xgboost==1.7.6", "lightgbm==3.3.5", "catboost==1.2.2", "imbalanced-learn==0.11.0",
                "statsmodels==0.14.1", "skops==0.10.0",
            ),
        ),
    )
}  # fmt: skip


def cache_folder() -> Path:
    """Return where environments and files are kept between runs: below ``XDG_CACHE_HOME``."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "secureload-bench"


def python_of(cache: Path, name: str) -> Path:
    """Return the interpreter of an environment."""
    return cache / "envs" / name / "bin" / "python"


def program_of(cache: Path, name: str) -> str:
    """Return the command of the scanner in its environment."""
    return str(cache / "envs" / name / "bin" / name)


def install(cache: Path, name: str) -> None:
    """Make the environment, unless it is there as it should be."""
    environment = ENVIRONMENTS[name]
    folder = cache / "envs" / name
    wanted = json.dumps([environment.packages, _state() if name == "secureload" else ""])
    mark = folder / "installed.json"
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return
    print(f"installing {name} into {folder}", file=sys.stderr)
    if not python_of(cache, name).exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    options = ["--quiet", "--disable-pip-version-check"]
    if mark.is_file() and name == "secureload":
        options += ["--force-reinstall", "--no-deps"]
    pip = [str(python_of(cache, name)), "-m", "pip", "install", *options, *environment.packages]
    subprocess.run(pip, check=True)
    mark.write_text(wanted, encoding="utf-8")


def _state() -> str:
    """A digest of the package in the checkout, so that a change of it is installed."""
    digest = hashlib.sha256((CHECKOUT / "pyproject.toml").read_bytes())
    for path in sorted((CHECKOUT / "secureload").rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(path.relative_to(CHECKOUT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def versions(cache: Path, name: str) -> dict[str, str]:
    """Return the versions of the packages in an environment."""
    pip = [
        str(python_of(cache, name)),
        "-m",
        "pip",
        "list",
        "--format",
        "json",
        "--disable-pip-version-check",
    ]
    done = subprocess.run(pip, check=True, capture_output=True, text=True)
    return {entry["name"].lower(): entry["version"] for entry in json.loads(done.stdout)}
