"""fickling over the distilled trace: decompiled Python for the human, and its severity as one input of many.

fickling is never given the payload's own bytes here. Whatever it raises is a note in the trace, not an error.
"""

from __future__ import annotations

import ast
import contextlib
import io
from dataclasses import replace

from secureload.pickles.distill import distill
from secureload.pickles.trace import Trace
from secureload.printable import printable

__all__ = ["warm_up", "with_fickling"]

_MAX_LINES = 200
_MAX_LINE_CHARS = 1_000
_MAX_MESSAGES = 20


def warm_up() -> None:
    """Import what fickling imports late, and run it once over a pickle of nothing."""
    with_fickling(Trace(reading="pickle"))


def with_fickling(trace: Trace) -> Trace:
    """Return ``trace`` with fickling's decompiled source, severity and messages.

    ``fickling_severity`` is the name of a member of fickling's ``Severity``, or ``"UNREADABLE"``.
    """
    try:
        # check_safety() would also write a report into the working directory; the analyzer alone does not.
        from fickling.analysis import Analyzer
        from fickling.fickle import Pickled

        with contextlib.redirect_stdout(io.StringIO()):
            pickled = Pickled.load(io.BytesIO(distill(trace)))
            source = ast.unparse(pickled.ast)
            results = Analyzer.default_instance.analyze(pickled)
            severity = results.severity.name
            messages = [f"{result.analysis_name}: {result.message}" for result in results.results]
    except Exception as error:  # fickling's own errors and those that its input leads it to
        return replace(
            trace,
            fickling_severity="UNREADABLE",
            fickling_messages=(printable(f"{type(error).__name__}: {error}"),),
        )
    return replace(
        trace,
        decompiled=_cut(source),
        fickling_severity=severity,
        fickling_messages=tuple(printable(message) for message in messages[:_MAX_MESSAGES]),
    )


def _cut(source: str) -> str:
    lines = source.splitlines()
    shown = [printable(line, _MAX_LINE_CHARS) for line in lines[:_MAX_LINES]]
    if len(lines) > len(shown):
        shown.append(f"# … {len(lines) - len(shown):,} more lines")
    return "\n".join(shown)
