"""What signing and verifying cost, against hashing alone, OpenSSL and OpenSSF's model signer, in one run.

Run it with ``make bench-trust``; it needs 6 GB of disk in the folder for temporary files, takes some minutes,
prints the tables, and writes benchmarks/results/trust.md. Each figure is the median over rounds in which every
contender had its turn; files are in the page cache, and the modules of both programs are compiled before. Peak memory
is the highest of all rounds, sampled, and without memfds, which hold the sealed copy.
"""

from __future__ import annotations

import argparse
import json
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

import secureload
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
_SEALED = """
import sys
from benchmarks.trusting.in_process import verify_sealed
verify_sealed(sys.argv[1])
"""
_OPENSSL = "find '{folder}' -type f ! -name '*.sig' -print0 | xargs -0 openssl dgst -sha256"
_PASS = "pass"
_OURS = ("secureload sign", "secureload verify", "verify, sealed copy")
_HEAD = ["| must reach | bound | found | reached |", "|---|---|---:|---|"]
_MOST_MB = 45.0
_MOST_HELP_MS = 250.0


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
        return judged(self.what, found, self.bound, "", at_most=self.at_most)


def judged(what: str, found: float, bound: float, unit: str, *, at_most: bool) -> str:
    """Return a row of the table of what must be reached; a bound is met as it is measured, not as it is printed."""
    reached = found <= bound if at_most else found >= bound
    digits = 0 if unit else 2
    sign = "≤" if at_most else "≥"
    return (
        f"| {what} | {sign} {bound:g}{unit} | {found:.{digits}f}{unit} | {'yes' if reached else '**no**'} |"
    )


def goals(*, many: bool) -> list[Goal]:
    """The ratios of one set of files."""
    most, least = (1.3, 1.7) if many else (1.15, 1.2)
    return [
        *hashing_goals("secureload verify", most, many=many),
        Goal("sign, faster than model_signing", "model_signing sign", "secureload sign", least, False),
        Goal("verify, faster than model_signing", "model_signing verify", "secureload verify", least, False),
    ]


def hashing_goals(verify: str, most: float, *, many: bool) -> list[Goal]:
    """The ratios over hashing the same bytes alone; a sealed copy is made of one file."""
    found = [Goal("verify, over hashing alone", verify, "hashlib", most, True)]
    if not many:
        found.append(
            Goal(
                "verify with the sealed copy, over hashing alone", "verify, sealed copy", "hashlib", 1.5, True
            )
        )
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
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
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
            **({} if path.is_dir() else {"verify, sealed copy": [sys.executable, "-c", _SEALED, str(path)]}),
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


def measured(bench: Bench, path: Path, title: str, rounds: int, *, many: bool) -> list[str]:
    """Measure one set of files; return its part of the page."""
    costs = bench.measure(path, rounds)
    lines, seconds = table(costs)
    rows = [goal.judged(seconds) for goal in goals(many=many)]
    peak = max(cost.memory for name in _OURS for cost in costs.get(name, ()))
    rows.append(judged("peak memory of ours, without the sealed copy", peak, _MOST_MB, " MB", at_most=True))
    return [
        *(
            f"## {title}",
            "",
            "From the start of each process to its exit.",
            "",
            *lines,
            "",
            *_HEAD,
            *rows,
            "",
        ),
        *in_process(bench, path, rounds, many=many),
    ]


def in_process(bench: Bench, path: Path, rounds: int, *, many: bool) -> list[str]:
    """Measure the call of a program that is running already."""
    arguments = [str(path), str(rounds), "bench" if many else path.name]
    done = measured_run(
        [sys.executable, "-m", "benchmarks.trusting.in_process", *arguments], bench.environment
    )
    seconds = {what: statistics.median(found) for what, found in json.loads(done.output).items()}
    rows = [f"| {what} | {found:.2f} |" for what, found in seconds.items()]
    most = 1.3 if many else 1.15
    met = [goal.judged(seconds) for goal in hashing_goals("secureload.verify()", most, many=many)]
    return [
        *("The call alone, in a process that has made it before.", ""),
        *("| what | seconds |", "|---|---:|", *rows, "", *_HEAD, *met, ""),
    ]


def help_times(bench: Bench, rounds: int) -> list[str]:
    """Measure how long the two programs take to print their help."""
    commands = {
        "secureload --help": [sys.executable, "-m", "secureload", "--help"],
        "model_signing --help": [bench.peer, "-m", "model_signing", "--help"],
        "python -c pass": [sys.executable, "-c", _PASS],
    }
    lines = ["## Start-up", "", "| what | ms |", "|---|---:|"]
    found: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            cost = measured_run(command, bench.environment).wall * 1e3
            if turn:
                found[name].append(cost)
    medians = {name: statistics.median(times) for name, times in found.items()}
    lines += [f"| {name} | {time:.0f} |" for name, time in medians.items()]
    row = judged("--help", medians["secureload --help"], _MOST_HELP_MS, " ms", at_most=True)
    return [*lines, "", *_HEAD, row, ""]


def peer_python() -> Path:
    """Return the Python of an environment with model_signing, made in the cache folder the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "secureload-bench"
    python = cache / "envs" / "model_signing" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        packages = ["model-signing==1.1.1", "pyOpenSSL>=24"]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def compile_modules(python: Path, folder: Path) -> None:
    """Compile what ``python`` would otherwise compile at each start, where it may not write bytecode."""
    # Some packages ship files that no Python compiles; that is no failure.
    subprocess.run(
        [str(python), "-m", "compileall", "-qq", str(folder)], check=False, stdout=subprocess.DEVNULL
    )


def main() -> None:
    """Measure, print, and write the result."""
    parser = argparse.ArgumentParser(description="Measure signing and verifying.")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="smaller files, at which starting up outweighs hashing; nothing is written",
    )
    quick = parser.parse_args().quick
    size, count, rounds = (128 << 20, 200, 2) if quick else (2 * _GIB, 2_000, 5)
    with tempfile.TemporaryDirectory(prefix="secureload-bench-") as name:
        folder = Path(name)
        peer = peer_python()
        compile_modules(Path(sys.executable), Path(secureload.__file__).parent)
        compile_modules(peer, peer.parents[1] / "lib")
        bench = Bench(folder, peer)
        page = [machine(), ""]
        write_files(folder / "big", 1, size)
        path = folder / "big" / "part-00000.bin"
        page += measured(bench, path, f"One file of {size / _GIB:g} GiB", rounds, many=False)
        shutil.rmtree(folder / "big")
        write_files(folder / "many", count, 256 * _KIB)
        page += measured(bench, folder / "many", f"{count:,} files of 256 KiB", rounds, many=True)
        page += help_times(bench, 5 if quick else 15)
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
