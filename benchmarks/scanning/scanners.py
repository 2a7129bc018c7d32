"""What each scanner is called with, and what it says of each file.

An :class:`Answer` is the same for all: does the scanner name the file as dangerous, and would it have ended with
an exit code other than 0? A file that the scanner does not look at is not named, and counts as passed where the
scanner alone with that file would exit 0.
"""

from __future__ import annotations

import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.scanning.environments import program_of
from benchmarks.scanning.measure import Measured, measure

__all__ = ["SCANNERS", "Answer", "Scanner"]

_FOLDER_SECONDS = 300.0
_FILE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one file; ``words`` is the reason, for whoever looks a miss up.

    ``flagged`` is a word of warning about a file that is accepted all the same; only ours has that.
    """

    named: bool
    refused: bool
    words: str = ""
    flagged: bool = False


class Scanner(ABC):
    """One scanner as its command line."""

    name: str
    # How many malicious and benign files are asked about; 0: all of them. A sample is asked about file by file, for
    # so many seconds at most.
    sample: tuple[int, int] = (0, 0)
    budget: float = 0.0
    named_means = ""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.program = program_of(cache, self.name)
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(cache / "home"),
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
        }
        (cache / "home").mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def command(self, path: Path) -> list[str]:
        """Return the command that scans one path, a file or a folder, as a person would type it."""

    @abstractmethod
    def answers(self, folder: Path, files: Sequence[Path], seconds: float) -> dict[Path, Answer]:
        """Ask about ``files``, all of them below ``folder``; within ``seconds`` a file may stay without an answer."""

    def run(self, path: Path, seconds: float, *, shares: bool = False) -> Measured:
        """Measure one scan."""
        return self.measured(self.command(path), seconds, shares=shares)

    def measured(self, command: Sequence[str], seconds: float, *, shares: bool = False) -> Measured:
        """Measure a command in this scanner's surroundings: a home of its own, an empty working directory."""
        with TemporaryDirectory(prefix="bench-") as empty:
            return measure(
                command, seconds=seconds, environment=self.environment, folder=empty, shares=shares
            )


class Secureload(Scanner):
    """Our own."""

    name = "secureload"
    named_means = "rejected"

    def command(self, path: Path) -> list[str]:
        """``secureload check PATH``."""
        return [self.program, "check", str(path)]

    def answers(self, folder: Path, files: Sequence[Path], seconds: float) -> dict[Path, Answer]:
        """One run for the folder; file by file where that does not come to an end."""
        with TemporaryDirectory(prefix="bench-") as scratch:
            output = Path(scratch, "report.json")
            self.measured([*self.command(folder), "--format", "json", "--output", str(output)], seconds)
            if not output.exists():
                return _each(files, self._alone)
            report = json.loads(output.read_text(encoding="utf-8"))
        said = {folder / entry["locator"]: entry for entry in report["files"]}
        # What a folder's walk leaves out, because it is certainly nothing to load, is asked about by itself.
        alone = {path: self._alone(path) for path in files if path not in said}
        return {path: self._answer(said[path]) if path in said else alone[path] for path in files}

    def _alone(self, path: Path) -> Answer:
        done = self.measured([*self.command(path), "--format", "json"], _FOLDER_SECONDS)
        try:
            return self._answer(json.loads(done.output)["files"][0])
        except (ValueError, IndexError):
            return Answer(False, done.code != 0, done.errors[-200:])

    @staticmethod
    def _answer(report: dict[str, object]) -> Answer:
        findings = report.get("findings")
        flags = [f for f in findings if f["severity"] != "note"] if isinstance(findings, list) else []
        words = "; ".join(f"{f['id']} {f['title']}" for f in flags[:3]) or str(report["summary"])
        named = report["outcome"] == "rejected"
        return Answer(named, report["exit_code"] != 0, words, bool(flags))


class Picklescan(Scanner):
    """picklescan, as it is by default."""

    name = "picklescan"
    named_means = "“dangerous”"

    def command(self, path: Path) -> list[str]:
        """``picklescan -p PATH``."""
        return [self.program, "-p", str(path)]

    def answers(self, folder: Path, files: Sequence[Path], seconds: float) -> dict[Path, Answer]:
        """One run for the folder; file by file where it does not survive that."""
        done = self.measured(self.command(folder), seconds)
        if "SCAN SUMMARY" not in done.output + done.errors:
            return _each(
                files, lambda path: self._said(self.measured(self.command(path), _FILE_SECONDS), path)
            )
        return {path: self._said(done, path) for path in files}

    @staticmethod
    def _said(done: Measured, path: Path) -> Answer:
        text = done.output + done.errors
        about = [line for line in text.splitlines() if re.search(re.escape(str(path)) + r"(?![\w.-])", line)]
        named = any("dangerous import" in line for line in about)
        errors = [line for line in about if line.startswith("ERROR")]
        broke = "SCAN SUMMARY" not in text
        return Answer(named, named or bool(errors) or broke, "; ".join(about)[:200])


class StrictPicklescan(Picklescan):
    """picklescan, with every global outside its list called dangerous."""

    named_means = "“dangerous”, with --strict"

    def command(self, path: Path) -> list[str]:
        """``picklescan --strict -p PATH``."""
        return [self.program, "--strict", "-p", str(path)]


class Modelscan(Scanner):
    """modelscan."""

    name = "modelscan"
    named_means = "an issue of any severity"

    def command(self, path: Path) -> list[str]:
        """``modelscan -p PATH``."""
        return [self.program, "-p", str(path)]

    def answers(self, folder: Path, files: Sequence[Path], seconds: float) -> dict[Path, Answer]:
        """One run for the folder; file by file where it does not survive that."""
        with TemporaryDirectory(prefix="bench-") as scratch:
            output = Path(scratch, "report.json")
            self.measured([*self.command(folder), "-r", "json", "-o", str(output)], seconds)
            if not output.exists():
                return _each(files, self._alone)
            return self._from(json.loads(output.read_text(encoding="utf-8")), folder, files)

    def _alone(self, path: Path) -> Answer:
        with TemporaryDirectory(prefix="bench-") as scratch:
            output = Path(scratch, "report.json")
            done = self.measured([*self.command(path), "-r", "json", "-o", str(output)], _FILE_SECONDS)
            issues = json.loads(output.read_text(encoding="utf-8"))["issues"] if output.exists() else []
        return Answer(bool(issues), done.code != 0, done.errors[-200:])

    @staticmethod
    def _from(
        report: dict[str, list[dict[str, str]]], folder: Path, files: Sequence[Path]
    ) -> dict[Path, Answer]:
        def mentioned(entries: Iterable[dict[str, str]]) -> dict[str, str]:
            # A member of an archive is "archive:member".
            return {entry["source"].split(":")[0]: entry["description"] for entry in entries}

        issues, errors = mentioned(report["issues"]), mentioned(report["errors"])
        summary: dict[str, dict[str, list[str]]] = report["summary"]  # type: ignore[assignment]  # it is the one object
        scanned = {name.split(":")[0] for name in summary["scanned"].get("scanned_files", [])}
        answers = {}
        for path in files:
            name = path.relative_to(folder).as_posix()
            # Alone, a file that it does not scan ends with exit code 3.
            refused = name in issues or name in errors or name not in scanned
            words = issues.get(name) or errors.get(name) or ("" if name in scanned else "not scanned")
            answers[path] = Answer(name in issues, refused, words)
        return answers


class Modelaudit(Scanner):
    """modelaudit; a sample, because it takes seconds a file."""

    name = "modelaudit"
    sample = (150, 75)
    budget = 220.0
    named_means = "an issue of severity warning or critical"
    batch = 5

    def command(self, path: Path) -> list[str]:
        """``modelaudit scan PATH``, without its cache of earlier results."""
        return [self.program, "scan", "--no-cache", str(path)]

    def answers(self, folder: Path, files: Sequence[Path], seconds: float) -> dict[Path, Answer]:
        """A few files a run, two runs at a time, until the time is up."""
        batches = [files[start : start + self.batch] for start in range(0, len(files), self.batch)]
        return _until(seconds, batches, self._batch)

    def _batch(self, files: Sequence[Path]) -> dict[Path, Answer]:
        with TemporaryDirectory(prefix="bench-") as scratch:
            output = Path(scratch, "report.json")
            options = ["--no-cache", "--quiet", "--format", "json", "--output", str(output)]
            done = self.measured([self.program, "scan", *options, *map(str, files)], _FOLDER_SECONDS)
            if not output.exists():
                return {}
            report = json.loads(output.read_text(encoding="utf-8"))
        answers = {}
        for path in files:
            about = [issue for issue in report["issues"] if str(path) in str(issue["location"])]
            named = [issue for issue in about if issue["severity"] in ("warning", "critical")]
            errors = done.code not in (0, 1) or report.get("has_errors", False)
            answers[path] = Answer(
                bool(named), bool(about) or errors, "; ".join(i["message"] for i in named)[:200]
            )
        return answers


class Fickling(Scanner):
    """fickling; a sample, because it takes one file a run."""

    name = "fickling"
    sample = (300, 150)
    budget = 220.0
    named_means = "a severity over LIKELY_SAFE"

    def command(self, path: Path) -> list[str]:
        """``fickling --check-safety FILE``; a folder is one run a file, which a shell would do."""
        if path.is_dir():
            loop = 'for f in "$1"/*; do "$0" --check-safety --json-output /dev/null "$f"; done'
            return ["/bin/sh", "-c", loop, self.program, str(path)]
        return [self.program, "--check-safety", "--json-output", "/dev/null", str(path)]

    def answers(self, folder: Path, files: Sequence[Path], seconds: float) -> dict[Path, Answer]:
        """A run a file, two at a time, until the time is up."""
        return _until(seconds, [[path] for path in files], lambda paths: {paths[0]: self._alone(paths[0])})

    def _alone(self, path: Path) -> Answer:
        with TemporaryDirectory(prefix="bench-") as scratch:
            output = Path(scratch, "report.json")
            command = [self.program, "--check-safety", "--json-output", str(output), str(path)]
            done = self.measured(command, _FILE_SECONDS)
            try:
                report = json.loads(output.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return Answer(False, done.code != 0, done.errors[-200:])
        named = report["severity"] != "LIKELY_SAFE"
        return Answer(named, done.code != 0, f"{report['severity']}: {report['analysis']}"[:200])


def _until(
    seconds: float, batches: Sequence[Sequence[Path]], ask: Callable[[Sequence[Path]], dict[Path, Answer]]
) -> dict[Path, Answer]:
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda batch: ask(batch) if time.monotonic() < end else {}, batches))
    return {path: answer for answers in found for path, answer in answers.items()}


def _each(files: Sequence[Path], ask: Callable[[Path], Answer]) -> dict[Path, Answer]:
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(files, pool.map(ask, files), strict=True))


SCANNERS: dict[str, type[Scanner]] = {
    "secureload": Secureload,
    "picklescan": Picklescan,
    "picklescan --strict": StrictPicklescan,
    "modelscan": Modelscan,
    "modelaudit": Modelaudit,
    "fickling": Fickling,
}
