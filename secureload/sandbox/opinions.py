"""fickling's opinions, asked once for each distilled pickle, in a confined worker of its own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from typing import Any

from secureload.errors import SandboxError
from secureload.limits import DEFAULT_LIMITS, Limits
from secureload.pickles.checked import TraceFormatError, as_list, as_str, as_text, each
from secureload.pickles.fickling_reader import UNREADABLE, Opinion, opinion_of
from secureload.pickles.trace import GlobalRef
from secureload.printable import printable
from secureload.sandbox.host import Worker, start_worker
from secureload.sandbox.remembered import Remembered
from secureload.sandbox.wire.frame import Kind
from secureload.values import dataclass, fields_of, replace

__all__ = ["NoOpinions", "Opinions", "ThirdReading"]


@dataclass(frozen=True, slots=True)
class ThirdReading:
    """What fickling sees imported by a payload's own bytes, or the ``failure`` that kept it from reading them."""

    imports: tuple[GlobalRef, ...]
    failure: str = ""


class Opinions:
    """Remembers what fickling said by the digest of what it was asked about; for several threads at once.

    The hundred models of one kind are one distilled pickle: fickling is asked once.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, remembered: Remembered | None = None) -> None:
        """``remembered`` are the opinions of earlier runs."""
        self._remembered = remembered
        self._limits = replace(limits, message_payload_bytes=0)
        self._known: dict[bytes, Opinion] = {}
        self._lock = threading.Lock()
        self._worker: Worker | None = None

    def of(self, distilled: bytes) -> Opinion:
        """Return fickling's opinion of a distilled pickle; that it has none, for whatever reason, is one too."""
        apart = b"" if self._remembered is None else self._remembered.told_apart_by
        digest = hashlib.sha256(apart + b"\0" + distilled).digest()
        with self._lock:
            found = self._known.get(digest)
            if found is None:
                found = self._recalled(digest, distilled)
                if len(self._known) < self._limits.opinions_kept_items:
                    self._known[digest] = found
            return found

    def _recalled(self, digest: bytes, distilled: bytes) -> Opinion:
        if self._remembered is None:
            return self._asked(distilled)
        found = self._remembered.find(digest)
        if found is None:
            found = self._asked(distilled)
            self._remembered.keep(digest, found)
        return found

    def of_original(self, descriptor: int, size: int) -> ThirdReading:
        """Return what fickling sees imported by the pickle in ``descriptor``, ``size`` bytes of the payload itself."""
        with self._lock:
            try:
                pairs, failure = as_list(self._exchange(descriptor, {"size": size, "original": True}))
                imports = each(pairs, lambda module, name: GlobalRef(as_str(module), as_str(name)))
                return ThirdReading(imports, as_text(failure))
            except (SandboxError, TraceFormatError, OSError, ValueError, TypeError) as error:
                self.close()
                return ThirdReading((), f"it gave no answer: {printable(error)}")

    def close(self) -> None:
        """End the worker."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _asked(self, distilled: bytes) -> Opinion:
        try:
            return self._ask(distilled)
        except (SandboxError, TraceFormatError, OSError, ValueError) as error:
            self.close()  # the next one is asked of a new worker
            return Opinion("", UNREADABLE, (f"fickling gave no answer: {printable(error)}",))

    def _ask(self, distilled: bytes) -> Opinion:
        descriptor = os.memfd_create("secureload-distilled", os.MFD_CLOEXEC)
        with contextlib.closing(os.fdopen(descriptor, "wb", buffering=0)) as file:
            file.write(distilled)
            answer = self._exchange(descriptor, {"size": len(distilled)})
        source, severity, messages = as_list(answer)
        return opinion_of(source, as_text(severity), as_list(messages))

    def _exchange(self, descriptor: int, task: dict[str, Any]) -> Any:
        limits = self._limits
        if self._worker is None:
            config = {
                "memory_bytes": limits.tracer_memory_bytes,
                "cpu_seconds": limits.tracer_cpu_seconds,
                "limits": fields_of(limits),
            }
            self._worker = start_worker("fickle", config, limits, group="fickle")
        seconds = limits.fickling_wall_seconds
        self._worker.open(descriptor, task, seconds=seconds)
        message, _ = self._worker.channel.receive(seconds=seconds)
        if message.kind is not Kind.REPLY:
            raise TraceFormatError(f"it failed: {printable(message.body)}")
        return message.body


class NoOpinions(Opinions):
    """For whom no report is written: fickling is not asked, and no worker is started for it."""

    def of(self, distilled: bytes) -> Opinion:
        """Return an empty opinion."""
        del distilled
        return Opinion("", "", ())

    def of_original(self, descriptor: int, size: int) -> ThirdReading:
        """Return a reading that sees nothing."""
        del descriptor, size
        return ThirdReading(())
