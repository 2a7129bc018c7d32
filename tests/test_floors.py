"""The floors: imports point down only, the lower ones have no effects, and heavy libraries wait.

6 cli · 5 api · 4 convert, registry · 3 artifact, trust, sandbox · 2 scan, policy
1 formats, pickles, signing, report · 0 allowance, errors, json_values, limits, printable
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import secureload

PACKAGE = Path(secureload.__file__).parent
FLOORS = {
    **dict.fromkeys(
        ("allowance", "errors", "events", "json_values", "limits", "package_data", "printable", "values"), 0
    ),
    **dict.fromkeys(("formats", "pickles", "signing", "report", "structured"), 1),
    **dict.fromkeys(("scan", "policy"), 2),
    **dict.fromkeys(("artifact", "trust", "sandbox"), 3),
    **dict.fromkeys(("convert", "registry"), 4),
    "api": 5,
    **dict.fromkeys(("cli", "integrations", "__main__"), 6),
}
# Pairs on one floor, each with its reason; a pair that nobody uses any more fails.
NEIGHBOURS = {
    ("policy", "scan"): "a verdict is decided from an examination",
}

EFFECTS = {
    "ctypes", "fcntl", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil", "signal", "socket",
    "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
# Modules of floors 0 to 2 that may import what has effects, each with its reason.
EFFECTS_ALLOWED = {
    "package_data.py": "lists the package's own modules",
    "formats/detect.py": "PurePath alone: the suffix of a name",
    "scan/allow/by_loader/keras_names.py": "a maintainer's script: reads the sources of Keras",
    "scan/gadgets/reach.py": "a maintainers' script: reads the source of installed libraries",
    "scan/allow/build.py": "a maintainer's script: writes the allow-list from the evidence",
    "scan/allow/collect.py": "a maintainer's script: collects evidence from installed libraries",
    "scan/allow/effects.py": "a maintainer's script: makes one of each class in a child process",
    "scan/allow/standard.py": "a maintainer's script: values to collect evidence from",
    "scan/allow/estimators.py": "a maintainer's script: estimators to collect evidence from",
}
HEAVY = {"catboost", "fickling", "imblearn", "joblib", "lightgbm", "numpy", "onnx", "pandas", "polars"} | {
    "pyarrow", "scipy", "skops", "sklearn", "statsmodels", "torch", "xgboost"
}  # fmt: skip
HEAVY_ALLOWED = ("sandbox/roles/", "scan/allow/")
# Who may run an unpickler that resolves real globals.
LOADERS = {
    "sandbox/roles/loader.py": "the confined worker, with the globals that the verdict admitted",
    "sandbox/roles/torch_loader.py": "the same, as torch.load reads",
    "sandbox/roles/warm.py": "a network that it has just saved itself, before the doors close",
    "scan/allow/collect.py": "a maintainer's script over pickles that it has just made itself",
}


def modules() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert len(found) > 50
    return found


def short(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def package_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module by its dotted name; of ``from secureload import x`` that is ``secureload.x``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module == "secureload":
                yield from (f"secureload.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def imports_at_import_time(tree: ast.Module) -> Iterator[str]:
    """What runs when the module is imported: not in functions, not under ``if TYPE_CHECKING``."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(ast.Module([node], []))
        waiting.extend(ast.iter_child_nodes(node))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def own_imports(path: Path) -> set[str]:
    """The packages of secureload that a module imports, its own left out."""
    names = {name.split(".")[1] for name in imports(parsed(path)) if name.startswith("secureload.")}
    # Names of the package itself (`from secureload import __version__`) are on no floor.
    return {name for name in names if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()} - {
        package_of(path)
    }


def test_every_package_has_its_floor() -> None:
    present = {package_of(path) for path in modules()} - {"__init__"}
    assert present <= set(FLOORS)


@pytest.mark.parametrize("path", modules(), ids=short)
def test_imports_point_down_only(path: Path) -> None:
    package = package_of(path)
    if package == "__init__":
        return
    wrong = [
        name
        for name in own_imports(path)
        if FLOORS[name] > FLOORS[package]
        or (FLOORS[name] == FLOORS[package] != 0 and (package, name) not in NEIGHBOURS and FLOORS[name] != 6)
    ]
    assert wrong == [], f"{short(path)} (floor {FLOORS[package]}) imports {wrong}"


def test_every_pair_of_neighbours_is_in_use() -> None:
    used = {(package_of(path), name) for path in modules() for name in own_imports(path)}
    assert set(NEIGHBOURS) <= used


@pytest.mark.parametrize(
    "path", [path for path in modules() if FLOORS.get(package_of(path), 9) <= 2], ids=short
)
def test_the_floors_below_effects_open_nothing_and_start_nothing(path: Path) -> None:
    effects = {name.split(".")[0] for name in imports(parsed(path))} & EFFECTS
    if short(path) in EFFECTS_ALLOWED:
        assert effects, f"{short(path)} needs its exception no more"
        return
    assert effects == set()
    called = {
        node.func.id
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "exec", "eval", "compile", "__import__", "input", "print"}


def test_no_exception_of_the_floors_is_stale() -> None:
    assert all((PACKAGE / name).is_file() for name in [*EFFECTS_ALLOWED, *LOADERS])
    detect = parsed(PACKAGE / "formats/detect.py")
    from_pathlib = [
        alias.name
        for node in ast.walk(detect)
        if isinstance(node, ast.ImportFrom) and node.module == "pathlib"
        for alias in node.names
    ]
    assert set(from_pathlib) <= {"PurePath", "PurePosixPath"}


@pytest.mark.parametrize("path", modules(), ids=short)
def test_heavy_libraries_are_imported_where_they_are_used(path: Path) -> None:
    if short(path).startswith(HEAVY_ALLOWED):
        return
    heavy = {name.split(".")[0] for name in imports_at_import_time(parsed(path))} & HEAVY
    assert heavy == set()


@pytest.mark.parametrize("path", modules(), ids=short)
def test_nothing_unpickles_outside_the_confined_loader(path: Path) -> None:
    if short(path) in LOADERS:
        return
    tree = parsed(path)
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"load", "loads"}:
            owner = ast.unparse(node.value)
            if owner in {"pickle", "joblib", "cloudpickle", "dill", "marshal", "numpy", "np", "torch"}:
                wrong.append(f"{owner}.{node.attr}")
        if isinstance(node, ast.ImportFrom) and node.module in {"pickle", "joblib", "marshal", "shelve"}:
            wrong.extend(alias.name for alias in node.names if alias.name in {"load", "loads"})
    assert wrong == []


@pytest.mark.parametrize(
    "code",
    [
        "import secureload",
        "import secureload; secureload.Limits; secureload.SecureloadError",
        "import secureload.cli",
    ],
)
def test_importing_secureload_imports_neither_numpy_nor_sklearn(code: str) -> None:
    assert loaded_after(code) == set()


def test_the_help_of_the_command_line_imports_neither_numpy_nor_sklearn() -> None:
    code = (
        "import contextlib, io, sys\n"
        "sys.argv = ['secureload', '--help']\n"
        "from secureload.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "assert 'check' in out.getvalue()"
    )
    assert loaded_after(code) == set()


def loaded_after(code: str) -> set[str]:
    """Which heavy libraries a fresh interpreter has imported after running ``code``."""
    whole = f"{code}\nimport sys\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    present = set(done.stdout.split())
    assert "secureload" in present
    return present & (HEAVY | {"cryptography", "msgpack"})
