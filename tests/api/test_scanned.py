"""What a scan result is signed about: the very bytes that were examined, of a file and of every member of a folder."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

import secureload
from secureload.api.attest import attest
from secureload.api.examiner import Examiner
from secureload.api.scanned import scan_of
from secureload.api.sign import sign
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.errors import ManifestMismatchError, PolicyError
from secureload.scan.finding import Examination
from secureload.signing.keys import SigningKey
from secureload.signing.truststore import TrustedKey, TrustStore

ALICE, BOB = SigningKey.generate("alice"), SigningKey.generate("bob")
STORE = TrustStore(
    (
        TrustedKey("alice", ALICE.public, frozenset({"signer"})),
        TrustedKey("bob", BOB.public, frozenset({"scanner"})),
    )
)


class ForbiddenCall:
    """Pickles as a call of ``os.system``; nothing ever loads it, and it would do nothing if something did."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true never-runs",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as models are sent: two pickles, text, an empty file."""
    root = tmp_path / "model"
    (root / "parts").mkdir(parents=True)
    (root / "parts" / "a.pkl").write_bytes(pickle.dumps({"weights": [0.5]}))
    (root / "parts" / "b.pkl").write_bytes(pickle.dumps([1, 2]))
    (root / "README.md").write_text("# A model\n")
    (root / "config.json").write_text('{"layers": 2}\n')
    (root / "empty.txt").write_bytes(b"")
    return root


def test_a_folder_is_scanned_and_the_statement_counts_for_all_of_it(folder: Path) -> None:
    sign(folder, key=ALICE, name="scanned", version="1.0")
    done = attest(folder, "scan", key=BOB)
    assert (done.kind, done.name, done.version) == ("scan", "scanned", "1.0")
    found = secureload.verify(folder, trust_store=STORE, name="scanned")
    (stated,) = found.verification.stated("scan")
    assert stated.key_name == "bob"
    assert done.subject_digest == found.manifest.subject_digest


def test_one_dangerous_member_is_named_and_nothing_is_stated(folder: Path) -> None:
    (folder / "parts" / "z.pkl").write_bytes(pickle.dumps(ForbiddenCall()))
    sign(folder, key=ALICE)
    before = (folder / "model.sig").read_bytes()
    with pytest.raises(PolicyError, match=r"about .*parts/z\.pkl: rejected"):
        attest(folder, "scan", key=BOB)
    assert (folder / "model.sig").read_bytes() == before


def test_a_pickle_is_examined_whatever_its_name_says(folder: Path) -> None:
    (folder / "README.md").write_bytes(pickle.dumps(ForbiddenCall()))
    with open_artifact(folder) as opened, pytest.raises(PolicyError, match=r"README\.md"):
        scan_of(opened)


def test_what_its_signer_left_out_is_not_examined_and_not_covered(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "z.pkl").write_bytes(pickle.dumps(ForbiddenCall()))
    sign(folder, key=ALICE, ignore=["notes"])
    attest(folder, "scan", key=BOB)
    assert secureload.verify(folder, trust_store=STORE).verification.stated("scan")


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_file_that_is_swapped_between_hashing_and_examining_is_not_what_is_stated(
    folder: Path, is_folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folder / "parts" / "a.pkl"
    path = folder if is_folder else target
    sign(path, key=ALICE)
    examine = Examiner.examine
    seen: list[bytes] = []

    def swapped(self: Examiner, artifact: Artifact) -> Examination:
        for victim in (target, folder / "parts" / "b.pkl"):
            victim.write_bytes(pickle.dumps(ForbiddenCall()))
        seen.append(artifact.head(1 << 10))
        return examine(self, artifact)

    monkeypatch.setattr(Examiner, "examine", swapped)
    if is_folder:
        with pytest.raises(ManifestMismatchError):
            attest(path, "scan", key=BOB)
        assert b"scan" not in (folder / "model.sig").read_bytes()
        return
    attest(path, "scan", key=BOB)  # about the bytes that were examined, which are not there any more
    assert seen == [pickle.dumps({"weights": [0.5]})]
    with pytest.raises(ManifestMismatchError):
        secureload.verify(path, trust_store=STORE)


def test_a_folder_whose_signature_is_of_another_is_not_scanned(folder: Path, tmp_path: Path) -> None:
    sign(folder, key=ALICE)
    (folder / "parts" / "a.pkl").write_bytes(pickle.dumps({"weights": [0.7]}))
    with pytest.raises(ManifestMismatchError, match="not what was signed"):
        attest(folder, "scan", key=BOB)
