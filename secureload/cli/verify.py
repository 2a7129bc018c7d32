"""``secureload verify``: who vouches for a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from secureload.cli.oms import OmsKeyOption, OmsRootOption, SignatureOption, write_oms
from secureload.cli.output import Format
from secureload.cli.policy import PolicyOption
from secureload.cli.trust import StoreOption
from secureload.cli.verify_run import run_verify
from secureload.errors import UsageError

__all__ = ["add_to", "verify"]

_EPILOG = """\b
Examples:
  secureload verify model.joblib
  secureload verify renamed.joblib --name model.joblib
  secureload verify model-folder --trust-store keys --format json
  secureload verify model-folder --only weights/part-1.safetensors
  secureload verify model.joblib --policy strict --explain
  secureload verify model-folder --oms-key signer.pub --signature model-folder/model.sig
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(verify)


def verify(
    path: Annotated[Path, typer.Argument(help="A file or a folder that was signed.", readable=False)],
    trust_store: StoreOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The signed name, where it was renamed since.")
    ] = None,
    policy: PolicyOption = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Of a folder: verify this member alone; repeatable."),
    ] = None,
    allow_rollback: Annotated[
        bool, typer.Option("--allow-rollback", help="Take a version that is lower than one seen before.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say of every statement in the signature file what it is worth.")
    ] = False,
    oms_key: OmsKeyOption = None,
    oms_root: OmsRootOption = None,
    signature: SignatureOption = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
) -> None:
    """Verify that somebody whom you trust signed exactly these bytes; what they would do is not examined."""
    if oms_key is not None or oms_root is not None:
        if name or policy or only or allow_rollback or explain or trust_store:
            raise UsageError(
                "an OMS signature is verified by its key or its root alone",
                hint="leave the other options away, or export nothing and verify the .sig of 'secureload sign'",
            )
        write_oms(path, oms_key, oms_root, signature, output_format)
        return
    if signature is not None:
        raise UsageError("--signature is for --oms-key and --oms-root", hint="name one of them")
    run_verify(
        path,
        trust_store=trust_store,
        name=name,
        policy=policy,
        only=only or None,
        allow_rollback=allow_rollback,
        explain=explain,
        output_format=output_format,
    )
