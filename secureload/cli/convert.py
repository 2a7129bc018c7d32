"""``secureload convert``: a model in another format, with the proof that nothing changed."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secureload.cli.output import Format, emit, emit_json, note
from secureload.cli.trust import StoreOption
from secureload.errors import UsageError
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.api.convert import Conversion

__all__ = ["add_to", "convert"]

_TEXT_CHARS = 1_000
_EPILOG = """\b
Examples:
  secureload convert model.joblib --to safetensors
  secureload convert model.joblib --to safetensors --zstd --key ~/keys/release
  secureload convert model.joblib --to onnx --dtype float64 --opset 18
  secureload convert model.safetensors --to joblib --output for-the-old-tool.joblib --key alice

\b
Exit codes: 0 written; 1 the source is dangerous, or the result would not be equivalent: nothing is
written; 2 usage, or the target exists; 3 undecided about the source; 4 its signature is wrong;
5 the sandbox or the disk.
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(convert)


def convert(
    path: Annotated[Path, typer.Argument(help="The model to convert.", readable=False)],
    to: Annotated[str, typer.Option("--to", help="safetensors, skops, onnx, joblib or pickle.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The file to write; by default beside the source.", readable=False
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Sign the result and its lineage with this private key.", readable=False),
    ] = None,
    passphrase_fd: Annotated[
        int | None, typer.Option("--passphrase-fd", help="Read the passphrase from this descriptor.", min=0)
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="Allow a name of your own: package.module.Class.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the target.")] = False,
    accept_difference: Annotated[
        float | None, typer.Option("--accept-difference", help="The largest difference to accept.", min=0.0)
    ] = None,
    zstd: Annotated[bool, typer.Option("--zstd", help="Compress safetensors (.safetensors.zst).")] = False,
    dtype: Annotated[
        str, typer.Option("--dtype", help="The precision of ONNX: float32 or float64.")
    ] = "float32",
    opset: Annotated[
        int | None, typer.Option("--opset", help="The operator set of ONNX; by default the newest.", min=9)
    ] = None,
    onnx_hook: Annotated[
        str | None,
        typer.Option("--onnx-hook", help="package.module:function that registers converters of yours."),
    ] = None,
    golden: Annotated[
        Path | None, typer.Option("--golden", help="Rows to compare on: a .npy file.", readable=False)
    ] = None,
    trust_store: StoreOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The signed name, where it was renamed since.")
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to write the result.")] = Format.TEXT,
) -> None:
    """Convert a model in the sandbox; it is written only if its state or its outputs stayed the same."""
    from secureload.api.convert import convert as convert_file

    signer = None
    if key is not None:
        from secureload.cli.signers import choose_signer

        signer = choose_signer(key, passphrase_fd)
    with _told_at_once():
        made = convert_file(
        path, to, output=output, key=signer, allow=allow or (), force=force, accept_difference=accept_difference,
        zstd=zstd, dtype=dtype, opset=opset, onnx_hook=onnx_hook, golden=None if golden is None else _rows(golden),
        trust_store=trust_store, name=name,
    )  # fmt: skip
    if output_format is Format.JSON:
        emit_json(_fields(made))
    else:
        emit(_text(made))


@contextlib.contextmanager
def _told_at_once() -> Iterator[None]:
    """What the library warns of is said when it is known: also where the conversion fails afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: note(f"warning: {printable(message, 400)}")
        yield


def _rows(path: Path) -> Any:
    """Return the rows of a numpy file, which holds numbers alone."""
    import numpy as np

    try:
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{printable(path, 160)} holds no rows: {printable(error, 200)}",
            hint="write them with numpy.save: numbers, a row each",
        ) from None


def _fields(made: Conversion) -> dict[str, Any]:
    proof = made.proof
    largest = proof.largest
    return {
        "source": printable(made.source, 4_096),
        "target": printable(made.target, 4_096),
        "format": made.format,
        "model": printable(made.model, _TEXT_CHARS),
        "source_sha256": made.source_digest,
        "target_sha256": made.target_digest,
        "source_bytes": made.source_size,
        "target_bytes": made.target_size,
        "state_sha256": made.state_hash,
        "runs_code_at_load": made.runs_code,
        "proof": {
            "tier": proof.tier.value,
            "inputs": made.inputs,
            "values": proof.compared,
            "ties": proof.ties,
            "flips": proof.flips,
            "tolerance": {"absolute": made.tolerance.absolute, "relative": made.tolerance.relative},
            "largest_difference": None if largest is None else {
                "size": largest.size, "method": largest.method, "input": largest.given, "row": largest.row,
                "before": printable(largest.before, 80), "after": printable(largest.after, 80),
            },
        },
        "provenance": None if made.provenance is None else printable(made.provenance, 4_096),
    }  # fmt: skip


_TIERS = {
    "state": "the state is the same, to the last bit",
    "bit-identical": "all outputs are the same, to the last bit",
    "last-place": "outputs differ in their last place",
    "tolerance": "outputs agree within the tolerance",
}


def _text(made: Conversion) -> str:
    proof = made.proof
    rows = [
        ("written", f"{printable(made.target, 400)} ({made.target_size:,} bytes, was {made.source_size:,})"),
        (
            "format",
            made.format
            + (
                ": it can run code when it is loaded"
                if made.runs_code
                else ": it cannot run code when it is loaded"
            ),
        ),
        ("model", printable(made.model, 400)),
        ("sha256", made.target_digest),
        ("state", made.state_hash or ""),
        ("proof", f"{proof.tier.value}: {_TIERS[proof.tier.value]}"),
        (
            "compared",
            f"{proof.compared:,} values of {made.inputs} inputs"
            if made.inputs
            else f"{proof.compared:,} values"
            if proof.compared
            else "",
        ),
        (
            "labels",
            f"{proof.ties:,} differ where two classes are as probable as each other, {proof.flips:,} others"
            if proof.ties or proof.flips
            else "",
        ),
        ("largest", _largest(made)),
        (
            "signed",
            printable(made.provenance, 400)
            if made.provenance is not None
            else "no: sign it, and where it comes from, with --key",
        ),
    ]
    return "\n".join(f"{label + ':':9} {value}" for label, value in rows if value)


def _largest(made: Conversion) -> str:
    found = made.proof.largest
    if found is None:
        return ""
    place = f"{found.method}, input {found.given}, row {found.row}"
    return f"{found.size:.3g} in {place}: {printable(found.before, 60)} → {printable(found.after, 60)}"
