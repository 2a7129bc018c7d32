"""A policy decides what ``safe_load`` gives out: of a file, and of a member of a signed folder."""

from __future__ import annotations

from pathlib import Path

import joblib
import pytest

import secureload
from secureload.api import load as load_module
from secureload.api.attest import attest
from secureload.api.sign import sign
from secureload.errors import ManifestMismatchError, PolicyError, RequirementError, UnsignedError
from secureload.signing.keys import SigningKey
from secureload.signing.predicates.approval import Approval
from secureload.signing.truststore import TrustedKey, TrustStore

ALICE, BOB = SigningKey.generate(), SigningKey.generate()
STORE = TrustStore(
    (
        TrustedKey("alice", ALICE.public, frozenset({"signer"})),
        TrustedKey("bob", BOB.public, frozenset({"approver"})),
    )
)
APPROVED = """
version = 1
name = "approved"
formats = ["pickle"]
[[require]]
statement = "signature"
[[require]]
statement = "approval"
"""
UGLY = "INSECURE-anybody-may-have-made-this-for-tests-only"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(APPROVED)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.joblib"
    joblib.dump({"weights": [0.5]}, path)
    sign(path, key=ALICE)
    return path


def test_what_lacks_an_approval_is_not_examined_and_not_loaded_until_it_has_one(
    model: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(load_module, "spawn_loader", lambda: pytest.fail("a worker was started"))
        with pytest.raises(RequirementError, match="approval by 1 key that did not sign it"):
            secureload.safe_load(model, trust_store=STORE, policy=policy)
    attest(model, Approval(), key=BOB)
    assert secureload.safe_load(model, trust_store=STORE, policy=policy) == {"weights": [0.5]}


def test_a_format_that_the_policy_does_not_name_is_not_loaded(model: Path, policy: Path) -> None:
    attest(model, Approval(), key=BOB)
    policy.write_text(APPROVED.replace('"pickle"', '"safetensors"'))
    with pytest.raises(PolicyError, match="admits safetensors, and this is pickle"):
        secureload.safe_load(model, trust_store=STORE, policy=policy)
    with pytest.raises(RequirementError, match="admits safetensors"):
        secureload.verify(model, trust_store=STORE, policy=policy)


def test_names_that_the_policy_allows_are_allowed_and_no_others(tmp_path: Path, policy: Path) -> None:
    path = tmp_path / "own.pkl"
    path.write_bytes(b"cmycompany.features\nRatioEncoder\n)\x81.")
    assert secureload.check(path).verdict.exit_code == 3
    policy.write_text(APPROVED.replace('formats = ["pickle"]', 'allow = ["mycompany.features:RatioEncoder"]'))
    sign(path, key=ALICE)
    attest(path, Approval(), key=BOB)
    assert secureload.check(path, trust_store=STORE, policy=policy).verdict.exit_code == 0


def test_the_policy_for_tests_loads_what_nobody_signed_and_no_other_policy_does(model: Path) -> None:
    Path(f"{model}.sig").unlink()
    assert secureload.safe_load(model, policy=UGLY) == {"weights": [0.5]}
    for policy in (None, "standard", "strict"):
        with pytest.raises(UnsignedError):
            secureload.safe_load(model, trust_store=STORE, policy=policy)


def test_a_member_of_a_signed_folder_is_loaded_without_the_others_being_read(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    joblib.dump({"weights": [0.5]}, folder / "a.joblib")
    joblib.dump({"weights": [0.7]}, folder / "b.joblib")
    sign(folder, key=ALICE)
    (folder / "b.joblib").write_bytes(b"changed")
    assert secureload.safe_load(folder, trust_store=STORE, member="a.joblib") == {"weights": [0.5]}
    for member in ("b.joblib", "c.joblib"):
        with pytest.raises(ManifestMismatchError):
            secureload.safe_load(folder, trust_store=STORE, member=member)


def test_a_member_that_its_signer_left_out_is_not_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    joblib.dump({"weights": [0.5]}, folder / "a.joblib")
    joblib.dump({"weights": [0.7]}, folder / "b.joblib")
    sign(folder, key=ALICE, ignore=["b.joblib"])
    assert secureload.safe_load(folder, trust_store=STORE, member="a.joblib") == {"weights": [0.5]}
    with pytest.raises(secureload.TrustError):
        secureload.safe_load(folder, trust_store=STORE, member="b.joblib")
