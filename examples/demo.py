"""The whole story on a real model: train, save, sign, verify, check, load in the sandbox; then every refusal.

Run it with ``make demo``. It works in a temporary folder with a home of its own, shows what a user types
(``$ secureload …``) with the real output, and ends with a status other than 0 if any step does not behave.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import secureload

LESSON = "lesson.joblib"
ORIGINAL = "pipeline.joblib"
FEATURES = 30
SHOWN_LINES = 16


class UnexpectedError(Exception):
    """A step of the story did not end as it should."""


@dataclass
class Stage:
    """Where the story plays: a folder with a home of its own, the model, and rows that it has not seen."""

    folder: Path
    say: Callable[[str], None] = print
    environment: dict[str, str] = field(default_factory=dict)
    model: Any = None
    rows: Any = None
    labels: Any = None

    def __post_init__(self) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SECURELOAD_")},
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / ".config"),
            "SECURELOAD_PASSWORD": "correct horse battery staple",
            "NO_COLOR": "1",
            "COLUMNS": "110",
        }

    @property
    def trust_store(self) -> Path:
        """The trust store that the commands of this stage use."""
        return self.folder / ".config" / "secureload" / "trust"

    def path(self, name: str) -> Path:
        """Return the path of a file in the working folder."""
        return self.folder / name

    def shell(self, command: str, *, ends_with: int) -> str:
        """Run what a user types, show it with its output, and return the output (both streams)."""
        words = command.split()
        self.say(f"\n$ {command}")
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        lines = done.stdout.rstrip().splitlines()
        for line in lines if len(lines) <= 3 * SHOWN_LINES else [*lines[:SHOWN_LINES], "[…]", *lines[-4:]]:
            self.say(f"  {line}")
        self.say(f"  [exit status {done.returncode}]")
        expect(done.returncode == ends_with, f"{command!r} ended with {done.returncode}, not {ends_with}")
        expect("Traceback" not in done.stdout, f"{command!r} printed a traceback")
        return done.stdout

    def refused(self, name: str, kind: type[secureload.SecureloadError]) -> str:
        """Call ``safe_load``, which must refuse with ``kind``; show and return the message."""
        self.say(f"\n>>> safe_load({name!r})")
        try:
            secureload.safe_load(self.path(name), trust_store=self.trust_store)
        except kind as error:
            self.say(f"  {type(error).__name__}: {error}")
            return str(error)
        raise UnexpectedError(f"safe_load({name!r}) was not refused")


def expect(condition: bool, otherwise: str) -> None:
    """Raise :class:`UnexpectedError` unless the step behaved."""
    if not condition:
        raise UnexpectedError(otherwise)


def train(stage: Stage) -> None:
    """StandardScaler → PCA → RandomForestClassifier on the breast cancer data set."""
    features, target = load_breast_cancer(return_X_y=True)
    seen, stage.rows, labels, stage.labels = train_test_split(features, target, random_state=0)
    steps = [
        ("scale", StandardScaler()),
        ("reduce", PCA(n_components=10)),
        ("forest", RandomForestClassifier(n_estimators=100, random_state=0)),
    ]
    stage.model = Pipeline(steps).fit(seen, labels)
    score = stage.model.score(stage.rows, stage.labels)
    stage.say(f"trained on {len(seen)} rows; accuracy on the {len(stage.rows)} others: {score:.3f}")


def save(stage: Stage) -> list[str]:
    """Save the model in every form that people use, and once in the dictionary that tutorials teach."""
    joblib.dump(stage.model, stage.path(ORIGINAL))
    joblib.dump(stage.model, stage.path("compressed.joblib"), compress=3)
    for protocol in range(2, 6):
        data = pickle.dumps(stage.model, protocol=protocol)
        stage.path(f"protocol{protocol}.pkl").write_bytes(data)
    lesson = {
        "model": stage.model,
        "features": [f"feature {number}" for number in range(FEATURES)],
        "cv_score": 0.85,
        "trained_at": "2024-01-15",
        "sklearn_version": "1.9.1",
    }
    joblib.dump(lesson, stage.path(LESSON))
    names = forms()
    for name in names:
        stage.say(f"  {name:20} {stage.path(name).stat().st_size:>10,} bytes")
    return names


def forms() -> list[str]:
    """Return the names of the files that :func:`save` writes."""
    return [ORIGINAL, "compressed.joblib", *(f"protocol{number}.pkl" for number in range(2, 6)), LESSON]


def make_key_and_trust_it(stage: Stage) -> None:
    """The sender makes a key; the receiver, who got the .pub file from her, trusts it as a signer."""
    stage.shell("secureload keygen --name alice", ends_with=0)
    private = stage.folder / ".config" / "secureload" / "alice"
    expect(private.stat().st_mode & 0o777 == 0o600, "the private key is open to others")
    stage.shell("secureload trust add alice.pub --role signer", ends_with=0)


def sign_all(stage: Stage) -> None:
    """Sign every file; each gets a sidecar beside it."""
    for name in forms():
        stage.shell(f"secureload sign {name}", ends_with=0)
        expect(stage.path(f"{name}.sig").is_file(), f"{name}.sig was not written")


def verify_and_check(stage: Stage) -> None:
    """Who signed it, and what loading it would do; nothing of it runs."""
    output = stage.shell(f"secureload verify {ORIGINAL}", ends_with=0)
    expect("alice" in output, "the signer is not named")
    output = stage.shell(f"secureload check {ORIGINAL}", ends_with=0)
    expect("Nothing found in what was examined." in output, "the report does not say what it found")
    stage.shell(f"secureload check {' '.join(forms()[1:])}", ends_with=0)


def load_all(stage: Stage) -> None:
    """Load every file in the sandbox; the predictions are the original's, bit by bit."""
    for name in forms():
        loaded = secureload.safe_load(stage.path(name), trust_store=stage.trust_store)
        if name == LESSON:
            expect(type(loaded) is dict and loaded["cv_score"] == 0.85, "the dictionary's data is not data")
            expect(len(loaded["features"]) == FEATURES, "the list of features is not whole")
            loaded = loaded["model"]
        with loaded as model:
            same = np.array_equal(model.predict(stage.rows), stage.model.predict(stage.rows))
            same &= np.array_equal(model.predict_proba(stage.rows), stage.model.predict_proba(stage.rows))
            expect(bool(same), f"{name}: the predictions differ from the original's")
            expect(type(model) is not type(stage.model), f"{name}: the model itself is in this process")
            level = model.confinement.level
        stage.say(f"  safe_load({name!r}): predictions are np.array_equal; sandbox level {level!r}")


def one_byte_flipped(stage: Stage) -> None:
    """One bit of one byte changes on the way: refused, and the member is named."""
    name = f"received/{ORIGINAL}"
    data = bytearray(stage.path(ORIGINAL).read_bytes())
    data[len(data) // 2] ^= 0x01
    stage.path("received").mkdir()
    stage.path(name).write_bytes(data)
    shutil.copy(stage.path(f"{ORIGINAL}.sig"), stage.path(f"{name}.sig"))
    output = stage.shell(f"secureload verify {name}", ends_with=4)
    expect(f"changed: {ORIGINAL}" in output, "the changed member is not named")
    stage.refused(name, secureload.TrustError)


class Payload:
    """Pickles as a call of ``os.system``; the command would only write a file into the story's folder."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


def malicious_pickle(stage: Stage) -> None:
    """A model with a passenger: not run, refused although it is signed, and the call is shown decompiled."""
    name, footprint = "evil.pkl", stage.path("it-ran")
    stage.path(name).write_bytes(pickle.dumps({"model": [0.5], "hook": Payload(f"echo pwned > {footprint}")}))
    output = stage.shell(f"secureload check {name}", ends_with=1)
    expect("system('echo pwned" in output, "the decompiled call is not shown")
    stage.shell(f"secureload sign {name}", ends_with=0)
    stage.refused(name, secureload.PolicyError)
    expect(not footprint.exists(), "the payload ran")
    stage.say("  the payload's file does not exist: nothing of it ran")


def unsigned_file(stage: Stage) -> None:
    """A file that nobody signed."""
    name = "unsigned.joblib"
    shutil.copy(stage.path(ORIGINAL), stage.path(name))
    output = stage.shell(f"secureload verify {name}", ends_with=4)
    expect("no signature" in output, "an unsigned file has not its own words")
    stage.refused(name, secureload.TrustError)


def untrusted_key(stage: Stage) -> None:
    """A file with a good signature, by somebody whom the trust store does not list."""
    name = "mallory.joblib"
    shutil.copy(stage.path(ORIGINAL), stage.path(name))
    stage.shell("secureload keygen --name mallory", ends_with=0)
    key = stage.folder / ".config" / "secureload" / "mallory"
    stage.shell(f"secureload sign {name} --key {key}", ends_with=0)
    output = stage.shell(f"secureload verify {name}", ends_with=4)
    expect("trust store" in output, "an untrusted key has not its own words")
    stage.refused(name, secureload.TrustError)


CHAPTERS: tuple[tuple[str, Callable[[Stage], object]], ...] = (
    ("Train a pipeline", train),
    ("Save it in every form that people use", save),
    ("The sender makes a key; the receiver trusts it", make_key_and_trust_it),
    ("The sender signs", sign_all),
    ("The receiver verifies and checks; nothing runs", verify_and_check),
    ("Production loads it in the sandbox", load_all),
    ("One byte is flipped on the way", one_byte_flipped),
    ("Somebody sends a malicious pickle", malicious_pickle),
    ("Somebody forgot to sign", unsigned_file),
    ("Somebody signs with a key that nobody trusts", untrusted_key),
)


def main() -> int:
    """Tell the story; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="secureload-demo-") as folder:
        stage = Stage(Path(folder))
        for number, (title, chapter) in enumerate(CHAPTERS, 1):
            print(f"\n== {number}. {title}\n", flush=True)
            try:
                chapter(stage)
            except (UnexpectedError, secureload.SecureloadError) as error:
                print(f"\nThis step did not behave: {error}", file=sys.stderr)
                print(getattr(error, "hint", ""), file=sys.stderr)
                return 1
    print("\nEvery step behaved.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
