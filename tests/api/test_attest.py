"""Statements of several people about one model: made apart, merged, and asked for by a policy."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

import secureload
from secureload.api.attest import attest, merge
from secureload.api.policies import resolve_policy
from secureload.api.sign import sign
from secureload.api.verify import verify
from secureload.errors import ManifestMismatchError, RequirementError, UsageError
from secureload.policy.verdict import STANDARD
from secureload.signing.keys import SigningKey
from secureload.signing.predicates.approval import Approval
from secureload.signing.sidecar import parse_sidecar
from secureload.signing.truststore import TrustedKey, TrustStore

KEYS = {name: SigningKey.generate(name) for name in ("alice", "bob", "carol", "dora")}
STORE = TrustStore(
    tuple(
        TrustedKey(name, key.public, frozenset({"signer"} if name == "alice" else {"approver"}))
        for name, key in KEYS.items()
    )
)
TWO_OF_THREE = """
version = 1
name = "two-of-three"
[[require]]
statement = "signature"
[[require]]
statement = "approval"
keys = 2
by = ["bob", "carol", "dora"]
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(b"model")
    sign(path, key=KEYS["alice"], version="1.0")
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(TWO_OF_THREE)
    return path


def test_a_statement_never_takes_the_place_of_a_model_or_of_a_device(model: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(model)
    for name in ("model.bin", "notes.txt", "pipe", "link", "."):
        with pytest.raises(UsageError, match="no signature file; it is not replaced"):
            attest(model, Approval(), key=KEYS["bob"], output=tmp_path / name)
    assert (model.read_bytes(), (tmp_path / "notes.txt").read_text()) == (b"model", "mine")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    for _ in range(2):  # a signature file may be written again
        attest(model, Approval(), key=KEYS["bob"], output=tmp_path / "bob.sig")
    assert merge(model, [tmp_path / "bob.sig"])[1] == 1


def test_two_of_three_approve_on_different_machines_and_the_files_are_merged(
    model: Path, policy: Path, tmp_path: Path
) -> None:
    sent = []
    for name in ("bob", "carol"):
        machine = tmp_path / name
        machine.mkdir()
        copy = machine / model.name
        shutil.copy(model, copy)
        shutil.copy(f"{model}.sig", f"{copy}.sig")
        done = attest(copy, Approval(f"seen by {name}"), key=KEYS[name], output=machine / "approval.sig")
        assert (done.kind, done.name, done.version) == ("approval", "model.bin", "1.0")
        sent.append(machine / "approval.sig")
    merge(model, sent[:1])
    with pytest.raises(RequirementError, match="approval by 2 distinct keys of bob, carol, dora"):
        verify(model, trust_store=STORE, policy=policy)
    _, added, there = merge(model, sent)
    assert (added, there) == (1, 1)
    assert verify(model, trust_store=STORE, policy=policy).policy == "two-of-three"


def test_a_statement_about_another_file_is_not_merged(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(b"other")
    attest(other, Approval(), key=KEYS["bob"])
    before = Path(f"{model}.sig").read_bytes()
    with pytest.raises(ManifestMismatchError):
        merge(model, [f"{other}.sig"])
    assert Path(f"{model}.sig").read_bytes() == before


def test_nothing_is_stated_about_a_file_that_was_changed_since_it_was_signed(model: Path) -> None:
    model.write_bytes(b"changed")
    with pytest.raises(ManifestMismatchError, match="is not what was signed"):
        attest(model, Approval(), key=KEYS["bob"])


def test_a_second_approval_of_one_key_replaces_the_first_and_signing_again_keeps_it(model: Path) -> None:
    for comment in ("first", "second"):
        attest(model, Approval(comment), key=KEYS["bob"])
    assert len(parse_sidecar(Path(f"{model}.sig").read_bytes())) == 2
    sign(model, key=KEYS["alice"], version="1.0", metadata={"metrics": {"f1": 0.5}})
    assert len(verify(model, trust_store=STORE).verification.stated("approval")) == 1
    sign(model, key=KEYS["alice"], version="1.1")
    assert verify(model, trust_store=STORE).verification.attestations == ()


def test_a_policy_is_a_value_a_named_profile_or_a_path_and_never_a_plain_word_in_the_working_directory(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(policy.parent)
    (policy.parent / "strict").write_text(TWO_OF_THREE)
    assert resolve_policy("strict").name == "strict"
    assert resolve_policy(None) is STANDARD
    assert resolve_policy(STANDARD) is STANDARD
    assert resolve_policy("./policy.toml").name == resolve_policy(policy).name == "two-of-three"
    for wrong in ("policy", 7):
        with pytest.raises(UsageError):
            resolve_policy(wrong)  # type: ignore[arg-type]  # what a caller may get wrong


def test_a_signature_is_countersigned_once_by_each_key_and_the_earlier_time_stays(model: Path) -> None:
    assert attest(model, "timestamp", key=KEYS["bob"]).count == 1
    before = Path(f"{model}.sig").read_bytes()
    with pytest.raises(UsageError, match="already"):
        attest(model, "timestamp", key=KEYS["bob"])
    assert Path(f"{model}.sig").read_bytes() == before
    attest(model, Approval(), key=KEYS["carol"])
    assert attest(model, "timestamp", key=KEYS["bob"]).count == 1
    assert attest(model, "timestamp", key=KEYS["dora"]).count == 2


def test_what_is_no_statement_is_refused_before_anything_is_written(model: Path) -> None:
    before = Path(f"{model}.sig").read_bytes()
    for wrong in ("approved", None, object()):
        with pytest.raises(UsageError):
            secureload.attest(model, wrong, key=KEYS["bob"])
    assert Path(f"{model}.sig").read_bytes() == before
