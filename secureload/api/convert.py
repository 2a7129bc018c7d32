"""``convert()``: admit a model, write it in another format, and prove that nothing changed, before anybody gets it."""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from secureload.api.check import allow_list, counted, verification_of
from secureload.api.examiner import Examiner
from secureload.api.in_process import own_refs
from secureload.api.load import warn_of_versions
from secureload.api.readings import Reading, reading_of
from secureload.artifact.admitted import Admitted, admit
from secureload.artifact.artifact import Artifact, open_artifact
from secureload.artifact.sidecar import sidecar_path
from secureload.convert.catalog import TARGETS, Target, target_named
from secureload.convert.proof import Compared, Tier, Tolerance, compare_outputs, prove
from secureload.convert.written import beside, put_in_place, refuse_existing, taken_back
from secureload.errors import (
    ConversionError,
    LoadFailedError,
    PolicyError,
    SecureloadError,
    TrustError,
    UsageError,
)
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import Trace
from secureload.policy.verdict import EXAMINE, Outcome, decide
from secureload.printable import printable
from secureload.sandbox.converting import ConvertingWorker
from secureload.sandbox.opinions import NoOpinions
from secureload.scan.allowlist import AllowList
from secureload.scan.by_value import is_by_value
from secureload.signing.keys import Signer
from secureload.signing.truststore import TrustStore
from secureload.values import dataclass

__all__ = ["SEED", "TOLERANCES", "Admission", "Conversion", "convert"]

SEED = 20_260_101
# What single and double precision are held to: a forest adds a hundred probabilities, a scaler divides.
TOLERANCES = {"float32": Tolerance(1e-4, 1e-3), "float64": Tolerance(1e-9, 1e-7)}
_MAX_NAMES = 20
_HOOK = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What was converted: files, digests (SHA-256, hexadecimal), sizes in bytes, and the proof.

    ``state_hash`` names the model's state; ``provenance`` says where the signed lineage is, None without a key.
    """

    source: Path
    target: Path
    format: str
    model: str
    source_digest: str
    target_digest: str
    source_size: int
    target_size: int
    state_hash: str | None
    proof: Compared
    tolerance: Tolerance
    inputs: int
    runs_code: bool
    provenance: Path | None


def convert(
    path: str | os.PathLike[str],
    to: str,
    *,
    output: str | os.PathLike[str] | None = None,
    key: Signer | str | os.PathLike[str] | None = None,
    password: bytes | None = None,
    allow: Iterable[str] | AllowList = (),
    force: bool = False,
    accept_difference: float | None = None,
    zstd: bool = False,
    dtype: str = "float32",
    opset: int | None = None,
    golden: Any = None,
    onnx_hook: str | None = None,
    trust_store: TrustStore | str | os.PathLike[str] | None = None,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Conversion:
    """Convert the file at ``path`` to the format ``to`` ("safetensors", "skops", "onnx", "joblib" or "pickle").

    A source need not be signed, but a signature that is there must be one about these bytes, as far as its key is known
    (``trust_store``, by default your own; ``name`` is the signed name of a file that was renamed). The source is
    examined, and opened in the sandbox only; the target is written when its proof holds: the same state, or the same
    outputs for the golden rows (those that were signed with it, and ``golden``, an input or a list of some), for inputs
    within the ranges that the model was trained on, and at their edges. ``accept_difference`` is the largest difference
    that is accepted all the same. With ``key`` the target is signed, and its lineage with it. ``zstd`` compresses
    safetensors; ``dtype`` ("float32" or "float64") and ``opset`` are for ONNX, and so is ``onnx_hook``:
    "package.module:function" of your own, which is called in the sandbox to register converters of your own estimators
    with skl2onnx.

    Raises:
        TrustError: the source was changed after it was signed, or its signature was forged.
        ConversionError: something of the model has no form in the target, or the proof failed. Nothing is written.
        PolicyError: the source holds something that is dangerous or unknown.
        UsageError: the target exists, a library is missing, or there is no such file.
        SandboxError: the worker died, or the disk is full. Where the target cannot be signed, it is removed again.
    """
    target = target_named(to)
    _refuse_options_of_others(target, zstd=zstd, dtype=dtype, opset=opset, hook=onnx_hook)
    if dtype not in TOLERANCES:
        raise UsageError(f"there is no precision {printable(dtype, 40)!r}", hint="float32 or float64")
    allowed = allow if isinstance(allow, AllowList) else allow_list(allow)
    source = Path(path)
    if not source.name:
        raise UsageError(f"{printable(source, 400)} is a folder", hint="name the model's file in it")
    place = Path(output) if output is not None else _beside_source(source, target, zstd)
    refuse_existing(place, force=force)
    was_there = {one: os.path.lexists(one) for one in (place, sidecar_path(place))}
    options = {"zstd": zstd, "dtype": dtype, "opset": opset}
    if onnx_hook is not None and not _HOOK.fullmatch(onnx_hook):
        raise UsageError(
            f"{printable(onnx_hook, 80)!r} names no function", hint="write package.module:function"
        )
    with open_artifact(source, limits, expect="file") as artifact:
        signed = _signed_rows(artifact, trust_store, name, limits)
        given = [*_listed(golden), *([] if signed is None else [signed])]
        job = _Job(target, options, Admission(allowed, limits, onnx_hook), accept_difference, given)
        made = job.run(artifact, place, force=force)
    if key is None:
        return made
    from secureload.api.lineage import sign_conversion

    with taken_back(was_there):
        return sign_conversion(
            made, key, password, {name: value for name, value in options.items() if value}, limits
        )


def _refuse_options_of_others(
    target: Target, *, zstd: bool, dtype: str, opset: int | None, hook: str | None
) -> None:
    """Raise :class:`UsageError` for an option that the target has no use for: it would say something untrue."""
    if zstd and target.name != "safetensors":
        raise UsageError(f"{target.name} is not compressed with zstd", hint="--zstd is for --to safetensors")
    given = {"--dtype": dtype != "float32", "--opset": opset is not None, "--onnx-hook": hook is not None}
    if target.name != "onnx" and any(given.values()):
        flags = " and ".join(flag for flag, is_given in given.items() if is_given)
        raise UsageError(f"{target.name} has no use for {flags}", hint="it is for --to onnx")


def _listed(golden: Any) -> list[Any]:
    return [] if golden is None else golden if isinstance(golden, list) else [golden]


def _signed_rows(
    artifact: Artifact,
    trust_store: TrustStore | str | os.PathLike[str] | None,
    name: str | None,
    limits: Limits,
) -> Any:
    """Return the golden rows that a trusted signer vouches for, None without; raise for a signature that is wrong."""
    found = verification_of(artifact, trust_store, name, limits)
    wrong = counted(found, EXAMINE)
    if isinstance(wrong, TrustError):
        raise wrong
    if found is None or isinstance(found, SecureloadError):
        return None
    from secureload.api.golden_rows import rows_of
    from secureload.api.verify import signed_metadata

    metadata = signed_metadata(found)
    return None if metadata is None or metadata.golden is None else rows_of(metadata.golden)


def _beside_source(source: Path, target: Target, zstd: bool) -> Path:
    name = source.name
    for suffix in (".gz", ".zst", ".bz2", ".xz", ".lz4", ".z"):
        name = name.removesuffix(suffix)
    return source.with_name(Path(name).stem + target.suffix + (".zst" if zstd else ""))


@dataclass(frozen=True, slots=True)
class Admission:
    """Admits what is converted, and opens it in workers of the converting role."""

    allowed: AllowList
    limits: Limits
    hook: str | None = None

    def admit(self, artifact: Artifact, *, tell: bool = False) -> tuple[Admitted, Reading]:
        """Examine, decide and admit an open artifact; return it with how it is read.

        With ``tell`` the caller is warned of a model that another version of a library saved.

        Raises:
            ConversionError: it is rejected.
            PolicyError: something in it is unknown; the hint names it.
        """
        with Examiner(self.allowed, self.limits, opinions=NoOpinions(self.limits)) as examiner:
            examination = examiner.examine(artifact)
        verdict = decide(EXAMINE, None, examination, artifact.manifest.subject_digest)
        try:
            admitted = admit(artifact, verdict)
        except PolicyError as error:
            raise self._unknown(error, examination.trace) from None
        if tell:
            warn_of_versions(examination)
        return admitted, reading_of(examination)

    def worker(self, artifact: Artifact, reading: Reading, targets: Iterable[str]) -> ConvertingWorker:
        """Return a worker that holds the object and can convert it to ``targets``."""
        own = {ref.module for ref in own_refs(reading.trace, self.allowed)}
        converters = list(targets)
        if self.hook is not None:
            own.add(self.hook.partition(":")[0])
            converters.insert(0, f"hook:{self.hook}")
        return ConvertingWorker(
            artifact.fileno(),
            artifact.size,
            reading.trace,
            reading.name,
            converters,
            own_modules=own,
            limits=self.limits,
        )

    def _unknown(self, error: PolicyError, trace: Trace | None) -> PolicyError | ConversionError:
        """Name all unknown globals at once where they are all that stands in the way; what is dangerous is rejected."""
        if error.verdict.outcome is Outcome.REJECTED:
            return ConversionError(f"nothing was converted: {error.message}", hint=error.hint)
        found = [item.ref for item in trace.imports if self.allowed.find(item.ref) is None] if trace else []
        if any(map(is_by_value, found)):
            return PolicyError(
                error.message,
                verdict=error.verdict,
                hint="the file carries code, a lambda or a function of the script that saved it: move it into a module "
                "of yours, save the model again, and allow it with --allow MODULE.NAME",
            )
        if not found or {reason.kind for reason in error.verdict.reasons} != {"undecided"}:
            return error
        flags = " ".join(
            f"--allow {printable(f'{ref.module}.{ref.name}', 200)}" for ref in found[:_MAX_NAMES]
        )
        return PolicyError(
            error.message, verdict=error.verdict, hint=f"if you know and trust them all: {flags}"
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """One conversion: what is wanted, and by which lists."""

    target: Target
    options: Mapping[str, Any]
    admission: Admission
    accepted: float | None
    golden: list[Any]

    def run(self, artifact: Artifact, place: Path, *, force: bool) -> Conversion:
        """Convert the open artifact, prove the result, and put it at ``place``."""
        admitted, reading = self.admission.admit(artifact, tell=True)
        if reading.name == "onnx":
            raise ConversionError(
                "an ONNX model is a graph, and is not turned back into an estimator",
                hint="convert the file that it was made from",
                unsupported="onnx",
            )
        with self.admission.worker(admitted.artifact, reading, [self.target.name]) as before:
            told = before.ask("describe")
            target = (
                TARGETS["tensors"] if told["tensors"] and self.target.name == "safetensors" else self.target
            )
            options = {**self.options, "versions": _saved_with(reading.trace)}
            data = memoryview(before.ask("encode", target=target.name, options=options))
            with beside(place, data) as fresh:
                proof, state, count, digest = self._proved(before, told, target, fresh)
                if proof.tier is Tier.FAILED:
                    raise _failed(proof, target)
                put_in_place(fresh, place, force=force)
        return Conversion(
            source=Path(artifact.locator), target=place, format=target.name, model=str(told["type"]),
            source_digest=artifact.manifest.members[0].digest.hex(), target_digest=digest,
            source_size=artifact.size, target_size=len(data), state_hash=state, proof=proof,
            tolerance=self._bound(target), inputs=count, runs_code=not target.code_free, provenance=None,
        )  # fmt: skip

    @contextmanager
    def _reading_back(
        self, artifact: Artifact, reading: Reading, target: Target
    ) -> Iterator[ConvertingWorker]:
        try:
            with self.admission.worker(artifact, reading, [target.name]) as worker:
                yield worker
        except LoadFailedError as error:
            raise ConversionError(
                f"the {target.name} file cannot be read back, and was not written: {error.message}",
                hint="try another --dtype or --opset, or --to safetensors"
                if target.name == "onnx"
                else "use the versions of the libraries that saved it, or keep it as a signed file",
            ) from None

    def _proved(
        self, before: ConvertingWorker, told: Mapping[str, Any], target: Target, fresh: Path
    ) -> tuple[Compared, str | None, int, str]:
        """Open what was written as anybody would, and compare; return the proof, the state's hash, inputs, digest."""
        with open_artifact(fresh, self.admission.limits, expect="file") as written:
            admitted, reading = self.admission.admit(written)
            digest = written.manifest.members[0].digest.hex()
            with self._reading_back(admitted.artifact, reading, target) as after:
                if target.name == "tensors":
                    return _same_arrays(before.ask("arrays"), after.ask("arrays")), None, 0, digest
                return (*self._compared(before, after, told, target), digest)

    def _compared(
        self, before: ConvertingWorker, after: ConvertingWorker, told: Mapping[str, Any], target: Target
    ) -> tuple[Compared, str | None, int]:
        state, same = _same_state(before, after) if target.exact else (None, None)
        differs = "the state differs" if same is not False else _where_it_differs(before, after)
        methods = [
            name for name in told["methods"] if target.exact or name in after.ask("describe")["methods"]
        ]
        given = (
            self._given(before, single=not target.exact and self.options["dtype"] == "float32")
            if methods
            else []
        )
        if not given:
            if not target.exact:
                raise ConversionError(
                    "there are no inputs to prove it with", hint="give some: golden rows of the model"
                )
            return prove(same, None, differs), state, 0
        first = before.ask("outputs", given=given, methods=methods)
        outputs = compare_outputs(
            first, after.ask("outputs", given=given, methods=methods), self._tolerance(target), self.accepted
        )
        return prove(same, outputs, differs), state, len(given)

    def _given(self, before: ConvertingWorker, *, single: bool) -> list[Any]:
        return [*self.golden, *before.ask("inputs", seed=SEED, single=single, missing=True)]

    def _bound(self, target: Target) -> Tolerance:
        """Return what the outputs were held to: what the caller accepts takes the place of the tolerance."""
        return self._tolerance(target) if self.accepted is None else Tolerance(self.accepted)

    def _tolerance(self, target: Target) -> Tolerance:
        return Tolerance() if target.exact else TOLERANCES[self.options["dtype"]]


def _saved_with(trace: Trace) -> dict[str, str]:
    """Return the versions of libraries that saved the model, of several the one that is not installed here."""
    return dict(sorted(trace.versions, key=lambda pair: installed(pair[0]) != pair[1]))


def _same_state(before: ConvertingWorker, after: ConvertingWorker) -> tuple[str | None, bool | None]:
    """Return the hash of the model's state, None for one without a structured form, and whether both have the same.

    What has no structured form is compared leaf by leaf; None for what cannot be taken apart.
    """
    try:
        state = str(before.ask("state")["hash"])
    except ConversionError:
        state = None
    try:
        if state is not None:
            return state, state == str(after.ask("state")["hash"])
        return None, before.ask("leaves", listed=False) == after.ask("leaves", listed=False)
    except ConversionError:
        return state, None if state is None else False


def _where_it_differs(before: ConvertingWorker, after: ConvertingWorker) -> str:
    try:
        first, second = (worker.ask("leaves", listed=True) for worker in (before, after))
    except ConversionError:
        return "the state differs"
    for (where, old), (place, new) in zip(first, second, strict=False):
        if (where, old) != (place, new):
            shown = f"{old} → {new}" if where == place else f"{old}, and then {place}: {new}"
            return f"the state differs at {where}: {shown}"
    return "the state differs"


def _same_arrays(before: Mapping[str, Any], after: Mapping[str, Any]) -> Compared:
    import numpy as np

    wrong = [
        name
        for name in {**before, **after}
        if name not in before or name not in after or not _same(np, before[name], after[name])
    ]
    if wrong:
        return Compared(tier=Tier.FAILED, reasons=(f"tensor {printable(wrong[0], 80)!r} is not what it was",))
    return Compared(tier=Tier.STATE, compared=sum(int(array.size) for array in before.values()))


def _same(np: Any, one: Any, other: Any) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes())


def _failed(proof: Compared, target: Target) -> ConversionError:
    reasons = printable("; ".join(proof.reasons) or "the outputs differ", 600)
    found = proof.largest
    where = ""
    fields: dict[str, object] = {"ties": proof.ties, "flips": proof.flips}
    if found is not None:
        place = f"{found.method}, input {found.given}, row {found.row}"
        where = f"; the largest difference is {found.size:.3g} ({place}: {found.before} → {found.after})"
        fields |= {"difference": found.size, "method": found.method, "row": found.row}
    return ConversionError(
        f"the {target.name} file is not equivalent, and was not written: {reasons}{printable(where, 400)}",
        hint="--accept-difference BOUND writes it all the same, if that much does not matter"
        if found is not None
        else "keep the file as it is, or convert it to another format",
        **fields,
    )


def installed(library: str) -> str:
    """Return the version of a library that is installed, "" where it is not."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
