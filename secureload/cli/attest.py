"""``secureload attest``: state something about a model with your key, or merge what others stated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from secureload.cli.moments import parse_moment
from secureload.cli.output import emit
from secureload.cli.progress import progress_of
from secureload.cli.signers import choose_signer
from secureload.cli.signing_key import AgentOption, KeyOption, PassphraseOption, Pkcs11Option
from secureload.errors import UsageError
from secureload.limits import DEFAULT_LIMITS
from secureload.printable import printable

__all__ = ["add_to", "attest"]

_KINDS = ("metadata", "approval", "scan", "lineage", "timestamp")
_EPILOG = """\b
Examples:
  secureload attest model.joblib --predicate approval --comment 'ticket 81'
  secureload attest model.joblib --predicate metadata --metadata meta.toml
  secureload attest model.joblib --predicate scan
  secureload attest model-folder --predicate scan
  secureload attest model.joblib --predicate approval --output bob.sig
  secureload attest model.joblib --merge bob.sig --merge carol.sig
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(attest)


def attest(
    path: Annotated[Path, typer.Argument(help="A file or a folder.", readable=False)],
    predicate: Annotated[
        str | None, typer.Option("--predicate", help=f"What to state: {', '.join(_KINDS)}.")
    ] = None,
    merge: Annotated[
        list[Path] | None,
        typer.Option("--merge", help="Add the statements in this file; repeatable.", readable=False),
    ] = None,
    comment: Annotated[
        str | None, typer.Option("--comment", help="Of an approval: what you looked at.")
    ] = None,
    metadata: Annotated[
        Path | None, typer.Option("--metadata", help="The TOML file of --predicate metadata.", readable=False)
    ] = None,
    source: Annotated[
        list[Path] | None,
        typer.Option(
            "--source", help="Of --predicate lineage: what it was made from; repeatable.", readable=False
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Which signed name is meant.")] = None,
    model_version: Annotated[
        str | None, typer.Option("--model-version", "--version", help="Which signed version is meant.")
    ] = None,
    expires: Annotated[str | None, typer.Option("--expires", help="Until when it counts: 90d.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write it into a file of its own.", readable=False)
    ] = None,
    key: KeyOption = None,
    agent: AgentOption = False,
    pkcs11: Pkcs11Option = None,
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Sign a statement about a model: metadata, an approval, a scan result, its lineage, or that you saw it today."""
    if (predicate is None) == (not merge):
        raise UsageError("say what to do: --predicate KIND, or --merge FILE", hint="secureload attest --help")
    if merge:
        _merge(path, merge)
        return
    from secureload.api.attest import attest as attest_artifact
    from secureload.signing.instants import encode_instant

    until = None if expires is None else parse_moment(expires, "--expires", datetime.now(UTC))
    statement = _statement(str(predicate), comment, metadata, source or [])
    signer = choose_signer(key, passphrase_fd, agent=agent, pkcs11=pkcs11)
    with progress_of(path) as progress:
        done = attest_artifact(
            path,
            statement,
            key=signer,
            name=name,
            version=model_version,
            expires=until,
            output=output,
            progress=progress,
        )
    rows = [
        ("stated", f"{done.kind} of {_statements(done.count)}" if done.kind == "timestamp" else done.kind),
        ("about", printable(done.name, 400)),
        ("version", printable(done.version or "", 400)),
        ("expires", encode_instant(until) if until is not None else ""),
        ("key", done.fingerprint),
        ("written", printable(done.written, 400)),
    ]
    emit("\n".join(f"{label + ':':9} {value}" for label, value in rows if value))


def _merge(path: Path, files: list[Path]) -> None:
    from secureload.api.attest import merge

    with progress_of(path) as progress:
        written, added, there = merge(path, files, progress=progress)
    known = f", {there:,} {'was' if there == 1 else 'were'} there already" if there else ""
    emit(f"merged: {_statements(added)} into {printable(written, 400)}{known}")


def _statements(count: int) -> str:
    return f"{count:,} {'statement' if count == 1 else 'statements'}"


def _statement(kind: str, comment: str | None, metadata: Path | None, sources: list[Path]) -> object:
    for option, value, its_kind in (
        ("--comment", comment, "approval"),
        ("--metadata", metadata, "metadata"),
        ("--source", sources, "lineage"),
    ):
        if value and kind != its_kind:
            raise UsageError(f"{option} belongs to --predicate {its_kind}", hint="secureload attest --help")
    if kind == "approval":
        from secureload.signing.predicates.approval import Approval

        return Approval(comment or "")
    if kind == "metadata":
        from secureload.api.sign import read_metadata

        if metadata is None:
            raise UsageError("the metadata is missing", hint="name its file: --metadata meta.toml")
        return read_metadata(metadata, DEFAULT_LIMITS)
    if kind == "lineage":
        return _lineage(sources)
    if kind in ("scan", "timestamp"):
        return kind
    raise UsageError(
        f"there is no predicate {printable(kind, 60)!r}", hint=f"it is one of {', '.join(_KINDS)}"
    )


def _lineage(sources: list[Path]) -> object:
    from secureload import __version__
    from secureload.artifact.artifact import open_artifact
    from secureload.signing.predicates.fields import HOME
    from secureload.signing.predicates.lineage import Lineage, Source

    if not sources:
        raise UsageError("the sources are missing", hint="name what it was made from: --source model.joblib")
    found = []
    for path in sources:
        with open_artifact(path, pin=False) as artifact:
            manifest = artifact.manifest
            digest = manifest.members[0].digest if manifest.kind == "file" else manifest.subject_digest
            found.append(Source(printable(artifact.name, 400), digest))
    return Lineage(builder=f"{HOME}/secureload/{__version__}", sources=tuple(found))
