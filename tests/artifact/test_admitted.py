from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from secureload.artifact.admitted import Admitted, admit
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.errors import PolicyError, SandboxError, UsageError
from secureload.policy.verdict import Outcome, Reason, Verdict


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04N.")
    return open_artifact(tmp_path / "model.pkl")


def accepted(artifact: Artifact) -> Verdict:
    return decided(artifact, Outcome.ACCEPTED)


def decided(artifact: Artifact, outcome: Outcome) -> Verdict:
    reasons = () if outcome is Outcome.ACCEPTED else (Reason("dangerous", "it would call os.system\x1b[2J"),)
    return Verdict(
        outcome=outcome, policy="test", artifact_digest=artifact.manifest.subject_digest, reasons=reasons
    )


class _LooksLikeAVerdict:
    outcome = Outcome.ACCEPTED
    summary = "forged"

    def __init__(self, artifact: Artifact) -> None:
        self.artifact_digest = artifact.manifest.subject_digest


def test_an_accepted_artifact_is_admitted_with_its_verdict(artifact: Artifact) -> None:
    with artifact:
        verdict = accepted(artifact)
        admitted = admit(artifact, verdict)
        assert admitted.artifact is artifact
        assert admitted.verdict is verdict


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.UNDECIDED])
def test_anything_but_accepted_is_a_policy_error_that_carries_the_verdict(
    artifact: Artifact, outcome: Outcome
) -> None:
    with artifact:
        verdict = decided(artifact, outcome)
        with pytest.raises(PolicyError, match="is not admitted") as caught:
            admit(artifact, verdict)
        assert caught.value.verdict is verdict
        assert caught.value.message.isprintable()


def test_a_verdict_about_other_bytes_admits_nothing(artifact: Artifact, tmp_path: Path) -> None:
    (tmp_path / "other.pkl").write_bytes(b"\x80\x04K\x01.")
    with artifact, open_artifact(tmp_path / "other.pkl") as other:
        verdict = accepted(artifact)
        with pytest.raises(SandboxError, match="about other bytes"):
            admit(other, verdict)


@pytest.mark.parametrize(
    "forged", [_LooksLikeAVerdict, lambda _: True, lambda _: None, lambda _: Outcome.ACCEPTED]
)
def test_only_a_verdict_admits(artifact: Artifact, forged: Callable[[Artifact], object]) -> None:
    with artifact:
        verdict = forged(artifact)
        with pytest.raises(UsageError, match="a verdict is needed"):
            admit(artifact, verdict)  # type: ignore[arg-type]  # the attempt is the test


def test_a_closed_artifact_is_not_admitted(artifact: Artifact) -> None:
    artifact.close()
    with pytest.raises(UsageError, match="is closed"):
        admit(artifact, accepted(artifact))


def test_nobody_else_makes_an_admitted_artifact(artifact: Artifact) -> None:
    with artifact:
        with pytest.raises(TypeError, match="admit"):
            Admitted(artifact, accepted(artifact))
        with pytest.raises(TypeError):
            Admitted(artifact, accepted(artifact), token=object())
        with pytest.raises(TypeError, match="subclasses"):
            type("Forged", (Admitted,), {})


def test_an_admitted_artifact_can_neither_be_changed_nor_copied(artifact: Artifact) -> None:
    with artifact:
        admitted = admit(artifact, accepted(artifact))
        with pytest.raises(AttributeError):
            admitted.artifact = artifact  # type: ignore[misc]  # the attempt is the test
        with pytest.raises(AttributeError):
            del admitted.verdict
        for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                attempt(admitted)
