"""What secureload, model_signing, TUF, minisign and ``ssh-keygen -Y`` notice, attack by attack.

Run it with ``python -m benchmarks.trust_attacks``; with ``--write`` the table goes into SECURITY.md and
docs/trust-compared.md. Every
cell is a run of the tool with keys made for it in a temporary folder: the honest model is accepted first, or the run
ends. Tools that are not installed are told as not run. The tools run with their defaults.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.trusting.by_file import Minisign, SshKeygen
from benchmarks.trusting.oms import ModelSigning, ModelSigningShards
from benchmarks.trusting.ours import Secureload
from benchmarks.trusting.tool import ByDesignError, NotApplicableError, Tool
from benchmarks.trusting.tuf import Tuf

_ROOT = Path(__file__).resolve().parents[1]
PAGES = (_ROOT / "SECURITY.md", _ROOT / "docs" / "trust-compared.md")
TOOLS: tuple[type[Tool], ...] = (Secureload, ModelSigning, ModelSigningShards, Tuf, Minisign, SshKeygen)
_TABLE = re.compile(r"^\| attack \| secureload \d.*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Attack:
    """``happens`` tells if the attack went through: the tool accepted, or handed over, what it should not."""

    name: str
    happens: Callable[[Tool], bool]


def file_of(tool: Tool, data: bytes = b"the honest model") -> Path:
    """A file that the honest signer signed and the tool accepts."""
    path = tool.work / "model.bin"
    path.write_bytes(data)
    tool.sign(path)
    return _accepted(tool, path)


def folder_of(tool: Tool, version: int = 1) -> Path:
    """A folder of three members, likewise."""
    path = tool.work / "model"
    (path / "sub").mkdir(parents=True, exist_ok=True)
    for name in ("a.bin", "b.bin", "sub/c.bin"):
        (path / name).write_text(f"{name} of version {version}")
    tool.sign(path, version)
    return _accepted(tool, path)


def _accepted(tool: Tool, path: Path) -> Path:
    if not tool.accepts(path):
        raise AssertionError(f"{tool.name} does not accept what is honest")
    return path


def after(make: Callable[[Tool], Path], change: Callable[[Path], object]) -> Callable[[Tool], bool]:
    """The attack that changes something in or beside an honest model."""

    def happens(tool: Tool) -> bool:
        path = make(tool)
        change(path)
        return tool.accepts(path)

    return happens


def with_tool(change: Callable[[Tool, Path], object]) -> Callable[[Tool], bool]:
    """The same with a change that knows the tool's signatures."""
    return lambda tool: _after_change(tool, change)


def by_method(name: str) -> Callable[[Tool], bool]:
    """The same with a change that each tool makes by a method of this name."""
    return with_tool(lambda tool, path: getattr(tool, name)(path))


def _after_change(tool: Tool, change: Callable[[Tool, Path], object]) -> bool:
    path = file_of(tool)
    change(tool, path)
    return tool.accepts(path)


def _tamper(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def _with_its_own_signatures(path: Path, name: str) -> list[Path]:
    """The member and, where members are signed on their own, what lies beside it under its name."""
    return [one for one in path.iterdir() if one.name.startswith(name)]


def _remove(path: Path) -> None:
    for one in _with_its_own_signatures(path, "b.bin"):
        one.unlink()


def _rename(path: Path) -> None:
    for one in _with_its_own_signatures(path, "b.bin"):
        one.rename(one.with_name(one.name.replace("b.bin", "d.bin")))


def _git(path: Path) -> None:
    (path / ".git").mkdir()
    (path / ".git" / "hook").write_text("added")


def _linked(tool: Tool) -> bool:
    if not tool.sees_links:
        raise NotApplicableError("its client downloads bytes, and sees no links")
    return after(folder_of, _link_folder)(tool)


def _link_folder(path: Path) -> None:
    elsewhere = path.parent / "elsewhere"
    (path / "sub").rename(elsewhere)
    (path / "sub").symlink_to(elsewhere, target_is_directory=True)


def _hard_link(path: Path) -> None:
    other = path.parent / "other"
    other.write_text("b.bin of the attacker")
    (path / "b.bin").unlink()
    (path / "b.bin").hardlink_to(other)


def _swapped(tool: Tool) -> bool:
    path = file_of(tool)
    return (
        tool.read_swapped(path, lambda: path.write_bytes(b"the other model!") and None) != b"the honest model"
    )


def _strip(tool: Tool, path: Path) -> None:
    signature = tool.signature(path)
    shutil.rmtree(signature) if signature.is_dir() else signature.unlink()


def _of_another_file(tool: Tool, path: Path) -> None:
    other = path.with_name("other.bin")
    other.write_bytes(b"another model")
    tool.sign(other)
    _strip(tool, path)
    tool.signature(other).rename(tool.signature(path))
    path.write_bytes(b"the other model!")


def _passed_off(tool: Tool, path: Path) -> None:
    """The other file comes with the signature: a rightly signed model under the name of this one."""
    _of_another_file(tool, path)
    path.write_bytes(path.with_name("other.bin").read_bytes())


def _rolled_back(tool: Tool) -> bool:
    path = folder_of(tool)
    shutil.copytree(tool.work, tool.root / "old")
    folder_of(tool, version=2)
    shutil.rmtree(tool.work)
    shutil.copytree(tool.root / "old", tool.work)
    return tool.accepts(path)


def _mixed(tool: Tool) -> bool:
    path = folder_of(tool)
    shutil.copytree(tool.work, tool.root / "old")
    folder_of(tool, version=2)
    for one in _with_its_own_signatures(tool.root / "old" / "model", "a.bin"):
        shutil.copy(one, path / one.name)
    return tool.accepts(path)


def _open_trust(tool: Tool) -> bool:
    path = file_of(tool)
    for one in tool.trust_files():
        one.chmod(0o777 if one.is_dir() else 0o666)
    return tool.accepts(path)


def _open_key(tool: Tool) -> bool:
    path = file_of(tool)
    tool.private_key().chmod(0o644)
    try:
        tool.sign(path, 2)
    except Exception:  # whatever it refuses with
        return False
    return True


ATTACKS: tuple[Attack, ...] = (
    Attack("a bit of the file is changed", after(file_of, _tamper)),
    Attack("a member is added", after(folder_of, lambda path: (path / "new.bin").write_text("added"))),
    Attack("an empty member is added", after(folder_of, lambda path: (path / "__init__.py").touch())),
    Attack("a member is added under `.git/`", after(folder_of, _git)),
    Attack("a member is removed", after(folder_of, _remove)),
    Attack("a member is renamed", after(folder_of, _rename)),
    Attack("a symbolic link takes the place of a folder", _linked),
    Attack("a hard link to other bytes takes the place of a member", after(folder_of, _hard_link)),
    Attack("the file is swapped between verifying and reading", _swapped),
    Attack("members of two signed versions are mixed", _mixed),
    Attack("the signature is stripped", with_tool(_strip)),
    Attack("the signature of another file is replayed", with_tool(_of_another_file)),
    Attack("another signed file, with its signature, takes the place of this one", with_tool(_passed_off)),
    Attack("an older signed version is replayed, after a newer one", _rolled_back),
    Attack(
        "a key of the JSON around the payload is repeated",
        by_method("duplicate_keys"),
    ),
    Attack("an unknown field is added to the JSON around the payload", by_method("add_field")),
    Attack("the signature file spells the same bytes otherwise", by_method("respell")),
    Attack("a gigabyte of white space follows the signature", by_method("swell")),
    Attack(
        "a second signature stands beside the honest one",
        by_method("second_signature"),
    ),
    Attack("the signature is altered: S + L (ECDSA: n - s)", by_method("malleate")),
    Attack("the key is a point of small order", lambda tool: tool.accepts_weak_key(file_of(tool))),
    Attack("the statement, certificate or key has expired", lambda tool: tool.accepts_expired(file_of(tool))),
    Attack("the key is revoked", lambda tool: tool.accepts_revoked(file_of(tool))),
    Attack("a stranger's key lies beside the model", lambda tool: tool.accepts_key_beside(file_of(tool))),
    Attack("everybody may write to what says whom to trust", _open_trust),
    Attack("the private key has mode 0644", _open_key),
)


def outcome(tool: type[Tool], attack: Attack) -> str:
    """Make one attack on one tool, in a folder of its own, and say what came of it."""
    if tool.version() is None:
        return "not run"
    with tempfile.TemporaryDirectory() as root:
        try:
            return "not noticed" if attack.happens(tool(Path(root) / "here")) else "noticed"
        except subprocess.TimeoutExpired as error:
            return f"not noticed: still at it after {error.timeout:.0f} s"
        except NotApplicableError as reason:
            return f"not applicable: {reason}"
        except ByDesignError as reason:
            return f"not noticed, by design: {reason}"


def table() -> str:
    """Return the Markdown table of everything."""
    names = [f"{tool.name} {tool.version() or '(not installed)'}" for tool in TOOLS]
    lines = ["| attack | " + " | ".join(names) + " |", "|---" * (len(TOOLS) + 1) + "|"]
    for attack in ATTACKS:
        cells = " | ".join(outcome(tool, attack) for tool in TOOLS)
        lines.append(f"| {attack.name} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into SECURITY.md and docs/")
    wanted = parser.parse_args()
    measured = table()
    print(measured)
    if wanted.write:
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            page.write_text(_TABLE.sub(lambda _: measured, text, count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
