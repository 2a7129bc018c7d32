"""``secureload verify`` without its parser: verify, and say who vouches for what."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secureload.cli.output import Format, emit, emit_json, note
from secureload.cli.progress import progress_of
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.api.verify import Verified

__all__ = ["run_verify"]

_TEXT_CHARS = 1_000


def run_verify(
    path: Path,
    *,
    trust_store: Path | None = None,
    name: str | None = None,
    policy: str | None = None,
    only: list[str] | None = None,
    allow_rollback: bool = False,
    explain: bool = False,
    output_format: Format = Format.TEXT,
) -> None:
    """Verify the file or folder at ``path`` and write the result. Raises as :func:`secureload.verify`."""
    from secureload.api.verify import verify

    if explain:
        _explain(path, trust_store, name, policy, note if output_format is Format.JSON else emit)
    with warnings.catch_warnings(record=True) as told, progress_of(path) as progress:
        warnings.simplefilter("always")
        verified = verify(
            path,
            trust_store=trust_store,
            policy=policy,
            name=name,
            only=only,
            allow_rollback=allow_rollback,
            progress=progress,
        )
    for warning in told:
        note(f"warning: {printable(warning.message, 400)}")
    if output_format is Format.JSON:
        emit_json(_fields(path, verified))
    else:
        emit(_text(path, verified))


def _explain(
    path: Path, trust_store: Path | None, name: str | None, policy: str | None, write: Callable[[str], None]
) -> None:
    """Write what each statement is worth, and then what the policy asks for."""
    from secureload.api.policy_answers import policy_answers

    asked = policy_answers(path, policy=policy, trust_store=trust_store, name=name)
    if asked.verification is not None:
        for result in (*asked.verification.results, *asked.verification.attestations):
            write(f"{result.status.value}: {result.kind}: {printable(result.message, _TEXT_CHARS)}")
            if result.hint:
                write(f"  {printable(result.hint, _TEXT_CHARS)}")
    for answer in asked.answers:
        write(
            f"policy {asked.policy.name}: {'met' if answer.is_met else 'missing'}: {answer.requirement.describe()}"
        )


def _signatures(verified: Verified) -> list[dict[str, Any]]:
    from secureload.signing.instants import encode_instant

    found = []
    for result in verified.verification.good:
        if result.statement is None:
            continue
        said = result.statement
        found.append(
            {
                "signer": result.key_name,
                "fingerprint": result.fingerprint,
                "name": printable(said.name, _TEXT_CHARS),
                "version": None if said.version is None else printable(said.version, _TEXT_CHARS),
                "created": encode_instant(said.created),
                "expires": None if said.expires is None else encode_instant(said.expires),
            }
        )
    return found


def _statements(verified: Verified) -> list[dict[str, Any]]:
    from secureload.signing.instants import encode_instant

    return [
        {
            "kind": result.kind,
            "by": result.key_name,
            "fingerprint": result.fingerprint,
            "created": encode_instant(result.attestation.created),
            "expires": None
            if result.attestation.expires is None
            else encode_instant(result.attestation.expires),
        }
        for result in verified.verification.attestations
        if result.status.value == "good" and result.attestation is not None
    ]


def _digest(verified: Verified) -> str:
    manifest = verified.manifest
    if verified.partial and verified.verification.statements:
        return verified.verification.statements[0].manifest.subject_digest.hex()
    return manifest.shown_digest


def _not_counted(verified: Verified) -> list[str]:
    return [
        printable(f"{'' if one.kind == 'signature' else f'{one.kind}: '}{one.message}", _TEXT_CHARS)
        for one in (*verified.verification.results, *verified.verification.attestations)
        if one.status.value != "good"
    ]


def _fields(path: Path, verified: Verified) -> dict[str, Any]:
    return {
        "locator": printable(path, 4_096),
        "outcome": "verified",
        "sha256": _digest(verified),
        "kind": verified.manifest.kind,
        "members": len(verified.manifest.members),
        "sidecar": printable(verified.sidecar, 4_096),
        "policy": verified.policy,
        "partial": verified.partial,
        "ignored": [printable(name, _TEXT_CHARS) for name in verified.verification.ignored],
        "signatures": _signatures(verified),
        "statements": _statements(verified),
        "not_counted": _not_counted(verified),
    }


def _text(path: Path, verified: Verified) -> str:
    lines = [f"verified: {printable(path, 400)}", f"  sha256:  {_digest(verified)}"]
    if verified.manifest.kind == "folder":
        rest = " of them, and nothing is said of the others" if verified.partial else ""
        lines.append(f"  members: {len(verified.manifest.members):,}{rest}")
    if verified.verification.ignored:
        names = printable(", ".join(verified.verification.ignored), _TEXT_CHARS)
        lines.append(f"  left out by the signer, covered by nothing: {names}")
    if not verified.verification.good:
        lines[0] = (
            f"not verified, and the policy {verified.policy!r} does not ask for it: {printable(path, 400)}"
        )
    for found in _signatures(verified):
        lines += [
            f"  signed by {found['signer']} ({found['fingerprint']})",
            f"    name:    {found['name']}",
            f"    version: {found['version'] or 'not given'}",
            f"    created: {found['created']}",
            f"    expires: {found['expires'] or 'never'}",
        ]
    lines += [f"  {one['kind']} by {one['by']}, {one['created']}" for one in _statements(verified)]
    if verified.policy != "standard":
        lines.append(f"  policy:  {verified.policy}")
    lines += [f"  not counted: {message}" for message in _not_counted(verified)]
    return "\n".join(lines)
