"""What signing and verifying cost, against hashing alone, OpenSSL and OpenSSF's model signer, in one run.

Run it with ``make bench-trust``; it needs 6 GB of disk in the folder for temporary files, takes some minutes,
prints the tables, and writes benchmarks/results/trust.md. Each figure is the median over rounds in which every
contender had its turn; files are in the page cache. Peak memory is sampled, and without memfds.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.machine import machine
from benchmarks.scanning.measure import Measured, measure
from secureload.signing.ecdsa import EcdsaSigner
from secureload.signing.keys import SigningKey
from secureload.trust.keyfiles import write_private_key
from secureload.trust.store import add_trusted_key

RESULTS = Path(__file__).parent / "results" / "trust.md"
_GIB, _KIB = 1 << 30, 1 << 10
_HASH_FILES = """
import hashlib, os, sys
for root, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(os.path.join(root, name), "rb", buffering=0) as file:
            hashlib.file_digest(file, "sha256").hexdigest()
"""
_PIN = """
import sys
from secureload.artifact.artifact import open_artifact
with open_artifact(sys.argv[1]) as artifact:
    artifact.manifest
"""
_OPENSSL = "find '{folder}' -type f ! -name '*.sig' -print0 | xargs -0 openssl dgst -sha256"
_PASS = "pass"


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that must be reached: ``above`` over ``below``, at most or at least ``bound``."""

    what: str
    above: str
    below: str
    bound: float
    at_most: bool

    def judged(self, seconds: dict[str, float]) -> str:
        """Return a row of the table."""
        found = seconds[self.above] / seconds[self.below]
        reached = found <= self.bound if self.at_most else found >= self.bound
        sign = "≤" if self.at_most else "≥"
        return f"| {self.what} | {sign} {self.bound:g} | {found:.2f} | {'yes' if reached else '**no**'} |"


def goals(base: str, many: bool) -> list[Goal]:
    """The ratios of one set of files; ``base`` names the hashing of the same bytes."""
    most, least = (1.3, 1.7) if many else (1.15, 1.2)
    found = [
        Goal("verify, over hashing alone", "secureload verify", base, most, True),
        Goal("sign, faster than model_signing", "model_signing sign", "secureload sign", least, False),
        Goal("verify, faster than model_signing", "model_signing verify", "secureload verify", least, False),
    ]
    if not many:
        found.insert(1, Goal("with the sealed copy, over hashing alone", "sealed copy", base, 1.5, True))
    return found


class Bench:
    """Keys, a trust store, and the model_signing of an environment of its own."""

    def __init__(self, folder: Path, peer: Path) -> None:
        self.folder = folder
        self.peer = str(peer)
        self.store = folder / "trust"
        key = SigningKey.generate("bench")
        add_trusted_key(self.store, key.public, name="bench", roles=["signer"])
        write_private_key(folder / "bench", key, None)
        signer = EcdsaSigner.generate()
        private = signer._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "oms.pem").write_bytes(private)
        (folder / "oms.pub").write_bytes(signer.public.pem)
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "SECURELOAD_TRUST_STORE": str(self.store),
        }

    def commands(self, path: Path) -> dict[str, list[str]]:
        """What is measured on the file or folder at ``path``; hashing and verifying come after signing."""
        ours = [sys.executable, "-m", "secureload"]
        named = ["--name", "bench"] if path.is_dir() else []
        folder = path if path.is_dir() else path.parent
        theirs = str(self.folder / f"{path.name}.oms")
        keys = {"sign": ["--private_key", "oms.pem"], "verify": ["--public_key", "oms.pub"]}
        peer = {
            f"model_signing {verb}": [
                self.peer, "-m", "model_signing", verb, "key", str(path), "--signature", theirs,
                option[0], str(self.folder / option[1]),
                *(["--ignore-paths", str(path / "model.sig")] if path.is_dir() else []),
            ]
            for verb, option in keys.items()
        }  # fmt: skip
        return {
            "secureload sign": [*ours, "sign", str(path), *named, "--key", str(self.folder / "bench")],
            **peer,
            "secureload verify": [*ours, "verify", str(path), *named],
            "hashlib": [sys.executable, "-I", "-c", _HASH_FILES, str(folder)],
            "openssl dgst": ["sh", "-c", _OPENSSL.format(folder=folder)],
            "sealed copy": [sys.executable, "-c", _PIN, str(path)],
        }  # fmt: skip

    def measure(self, path: Path, rounds: int) -> dict[str, list[Measured]]:
        """Give every contender its turn ``rounds`` times, after one turn that does not count."""
        costs: dict[str, list[Measured]] = {}
        for turn in range(rounds + 1):
            for name, command in self.commands(path).items():
                cost = measured_run(command, self.environment)
                if turn:
                    costs.setdefault(name, []).append(cost)
        return costs


def measured_run(command: list[str], environment: dict[str, str]) -> Measured:
    """Run one command to its end; one that fails ends the benchmark, because its figure would mean nothing."""
    done = measure(command, seconds=600, environment=environment)
    if done.code != 0:
        raise SystemExit(f"{' '.join(command)}\nfailed: {done.code}\n{done.output}\n{done.errors}")
    return done


def write_files(folder: Path, count: int, size: int) -> None:
    """Write ``count`` files of ``size`` bytes that do not compress and are not alike."""
    folder.mkdir()
    block = random.Random(0).randbytes(min(size, 64 << 20))  # contents, not keys
    for number in range(count):
        with (folder / f"part-{number:05}.bin").open("wb") as file:
            written = 0
            while written < size:
                piece = number.to_bytes(8, "big") + block[8 : 8 + min(len(block), size - written) - 8]
                file.write(piece)
                written += len(piece)


def table(costs: dict[str, list[Measured]]) -> tuple[list[str], dict[str, float]]:
    """Return the rows of the table, and the median seconds of each contender."""
    seconds = {name: statistics.median(cost.wall for cost in found) for name, found in costs.items()}
    lines = ["| what | seconds | CPU seconds | peak MB |", "|---|---:|---:|---:|"]
    for name, found in costs.items():
        cpu = statistics.median(cost.cpu for cost in found)
        peak = max(cost.memory for cost in found)
        lines.append(f"| {name} | {seconds[name]:.2f} | {cpu:.2f} | {peak:,.0f} |")
    return lines, seconds


def measured(
    bench: Bench, path: Path, title: str, rounds: int, *, many: bool
) -> tuple[list[str], list[Measured]]:
    """Measure one set of files; return its part of the page, and what our verify cost."""
    costs = bench.measure(path, rounds)
    lines, seconds = table(costs)
    judged = [goal.judged(seconds) for goal in goals("hashlib", many)]
    head = ["| must reach | bound | found | reached |", "|---|---|---:|---|"]
    return [f"## {title}", "", *lines, "", *head, *judged, ""], costs["secureload verify"]


def help_times(bench: Bench, rounds: int) -> list[str]:
    """Measure how long the two programs take to print their help."""
    commands = {
        "secureload --help": [sys.executable, "-m", "secureload", "--help"],
        "model_signing --help": [bench.peer, "-m", "model_signing", "--help"],
        "python -c pass": [sys.executable, "-c", _PASS],
    }
    lines = ["## Start-up", "", "| what | ms |", "|---|---:|"]
    for name, command in commands.items():
        found = [measured_run(command, bench.environment).wall for _ in range(rounds + 1)][1:]
        lines.append(f"| {name} | {statistics.median(found) * 1e3:.0f} |")
    return [*lines, ""]


def peer_python() -> Path:
    """Return the Python of an environment with model_signing, made in the cache folder the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "secureload-bench"
    python = cache / "envs" / "model_signing" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        packages = ["model-signing==1.1.1", "pyOpenSSL>=24"]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description="Measure signing and verifying.")
    parser.add_argument(
        "--quick", action="store_true", help="smaller files, fewer rounds, nothing is written"
    )
    quick = parser.parse_args().quick
    size, count, rounds = (128 << 20, 200, 2) if quick else (2 * _GIB, 2_000, 5)
    with tempfile.TemporaryDirectory(prefix="secureload-bench-") as name:
        folder = Path(name)
        bench = Bench(folder, peer_python())
        page = [machine(), ""]
        write_files(folder / "big", 1, size)
        path = folder / "big" / "part-00000.bin"
        lines, verified = measured(bench, path, f"One file of {size / _GIB:g} GiB", rounds, many=False)
        beyond = max(cost.memory for cost in verified)
        page += [*lines, f"Peak memory of `verify` (the sealed copy is not in it): {beyond:.0f} MB.", ""]
        shutil.rmtree(folder / "big")
        write_files(folder / "many", count, 256 * _KIB)
        lines, _ = measured(bench, folder / "many", f"{count:,} files of 256 KiB", rounds, many=True)
        page += [*lines, *help_times(bench, 5 if quick else 15)]
    text = "\n".join(page)
    print(text)
    if not quick:
        head = "# Signing and verifying: what they cost\n\n"
        head += "Made by `make bench-trust`; the figures of your machine will differ.\n\n"
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(head + text, encoding="utf-8")
        print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
