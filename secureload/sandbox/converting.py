"""A worker that loads an admitted artifact and converts it, from the caller's side."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any

from secureload.errors import ConversionError, LoadFailedError, SandboxError, UsageError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.trace import Trace
from secureload.printable import printable
from secureload.sandbox.channel import ChannelClosedError
from secureload.sandbox.host import start_worker
from secureload.sandbox.loading import loader_config
from secureload.sandbox.wire.errors import Unencodable, WireValueError
from secureload.sandbox.wire.frame import Kind, Message
from secureload.sandbox.wire.values import Decoder, Encoder

__all__ = ["ConvertingWorker"]

_TEXT_CHARS = 1_000


class ConvertingWorker:
    """Holds one loaded object in a confined worker; :meth:`ask` answers with data. Not thread-safe."""

    def __init__(
        self,
        descriptor: int,
        size: int,
        trace: Trace,
        reading: str,
        converters: Collection[str],
        *,
        own_modules: Collection[str] = (),
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Load the pinned bytes; raises as :func:`~secureload.sandbox.loading.load_confined` does."""
        config = loader_config(size, trace, limits, own_modules, reading)
        config["modules"] = [*config["modules"], *_frames_for(trace)]
        self._limits = limits
        self._request = 0
        self._worker = start_worker("convert", {**config, "converters": list(converters)}, limits)
        try:
            self._worker.open(
                descriptor, {"size": size, "reading": reading}, seconds=limits.worker_load_seconds
            )
            self._receive(0, limits.worker_load_seconds)
        except BaseException:
            self.close()
            raise

    def ask(self, operation: str, **fields: Any) -> Any:
        """Ask about the object.

        Raises:
            ConversionError: the operation cannot be done; the message says why.
            SandboxError: the worker is gone, too slow, or does not keep to the protocol.
        """
        encoder = Encoder(self._limits)
        try:
            encoded = {key: encoder.encode(value) for key, value in fields.items()}
        except Unencodable as error:
            raise UsageError(f"{error} cannot be sent to the sandbox: only data crosses") from None
        self._request += 1
        body = {"op": operation, "ref": 0, "fields": encoded}
        message = Message(Kind.REQUEST, self._request, body, tuple(encoder.segments))
        self._worker.channel.send(message, seconds=self._limits.worker_call_seconds)
        answer = self._receive(self._request, self._limits.worker_call_seconds)
        if isinstance(answer, dict) and "refused" in answer:
            raise ConversionError(
                printable(answer["refused"], _TEXT_CHARS), hint=printable(answer.get("hint", ""), _TEXT_CHARS)
            )
        return answer

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def __enter__(self) -> ConvertingWorker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive(self, request: int, seconds: float) -> Any:
        try:
            message, _ = self._worker.channel.receive(seconds=seconds)
        except ChannelClosedError:
            raise self._worker.died() from None
        if message.request_id != request or not isinstance(message.body, dict):
            raise SandboxError("the converting worker answered out of turn")
        if message.kind is Kind.FAILURE:
            raise _failure(message.body, loading=request == 0)
        try:
            decoder = Decoder(
                message.segments, self._limits, lambda tree: tree, deadline=time.monotonic() + seconds
            )
            return decoder.decode(message.body.get("value"))
        except WireValueError as error:
            raise SandboxError(f"the converting worker answered with {error}") from None


def _failure(body: Mapping[str, Any], *, loading: bool) -> LoadFailedError | ConversionError:
    lineage = body.get("lineage")
    name = (
        lineage[0][1] if isinstance(lineage, list) and lineage and isinstance(lineage[0], list) else "Error"
    )
    what = f"{printable(name, 100)}: {printable(body.get('message'), _TEXT_CHARS)}"
    if loading:
        return LoadFailedError(
            f"loading it failed: {what}", hint="use the library versions that it was saved with"
        )
    return ConversionError(f"the model cannot be converted: {what}", hint="keep it as a signed joblib file")


def _frames_for(trace: Trace) -> tuple[str, ...]:
    """Return pandas where the model takes columns by name, and it is installed: its inputs are frames."""
    wanted = any(item.ref.name == "ColumnTransformer" for item in trace.imports)
    return ("pandas",) if wanted and importlib.util.find_spec("pandas") is not None else ()
