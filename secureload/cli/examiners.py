"""An examiner for each thread of a run, which it keeps from file to file; what was decided is shared."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from secureload.limits import Limits

if TYPE_CHECKING:
    from secureload.api.examiner import Examiner
    from secureload.cli.begun import Begun
    from secureload.scan.allowlist import AllowList

__all__ = ["Examiners"]


class Examiners:
    """The examiners of a run. Use it in a ``with`` block: they end with it."""

    def __init__(
        self, allow: AllowList, limits: Limits, begun: Begun | None = None, *, alone: bool = False
    ) -> None:
        """``begun`` is the tracer of the first examiner, if there is one already; ``alone`` is for one file."""
        from secureload.api.examiner import Judgements
        from secureload.cli.remembering import opinions_of_user

        self._allow = allow
        self._limits = limits
        self._alone = alone
        self._judgements = Judgements(limits)
        self._opinions = opinions_of_user(limits) if begun is None else begun.opinions
        self._begun = None if begun is None else begun.tracer
        self._here = threading.local()
        self._all: list[Examiner] = []
        self._lock = threading.Lock()

    def mine(self) -> Examiner:
        """Return the examiner of the calling thread."""
        from secureload.api.examiner import Examiner

        found: Examiner | None = getattr(self._here, "examiner", None)
        if found is None:
            with self._lock:
                tracer, self._begun = self._begun, None
            found = Examiner(
                self._allow,
                self._limits,
                judgements=self._judgements,
                opinions=self._opinions,
                tracer=tracer,
                alone=self._alone,
            )
            self._here.examiner = found
            with self._lock:
                self._all.append(found)
        return found

    def __enter__(self) -> Examiners:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for examiner in self._all:
                examiner.close()
            self._all.clear()
        self._opinions.close()
