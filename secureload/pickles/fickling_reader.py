"""fickling over the distilled trace: decompiled Python for the human, and its severity as one input of many.

Where something was found it is also asked what it sees imported by the payload's own bytes, as a third opinion.
Whatever it raises is a note, not an error.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

from secureload.pickles.checked import as_str, as_text
from secureload.pickles.trace import Trace
from secureload.printable import printable
from secureload.values import dataclass, replace

__all__ = [
    "UNREADABLE",
    "Opinion",
    "ask_fickling",
    "fickling_imports",
    "opinion_of",
    "warm_up",
    "with_fickling",
    "with_opinion",
]

UNREADABLE = "UNREADABLE"
_MAX_LINES = 200
_MAX_LINE_CHARS = 1_000
_KEPT_LINE_CHARS = 2_000
_MAX_MESSAGES = 20


@dataclass(frozen=True, slots=True)
class Opinion:
    """What fickling says: decompiled Python, the name of its ``Severity`` or "UNREADABLE", and its messages."""

    decompiled: str
    severity: str
    messages: tuple[str, ...]


def opinion_of(decompiled: object, severity: str, messages: Sequence[object]) -> Opinion:
    """Return an opinion that came from elsewhere, made printable.

    Raises:
        TraceFormatError: something in it is no text.
    """
    lines = (printable(line, _KEPT_LINE_CHARS) for line in as_str(decompiled).splitlines())
    return Opinion("\n".join(lines), severity, tuple(as_text(text) for text in messages))


def warm_up() -> None:
    """Import what fickling imports late, and run it once over a pickle of nothing."""
    from secureload.pickles.distill import distill  # the parent only wants the values above

    ask_fickling(distill(Trace(reading="pickle")))


def ask_fickling(distilled: bytes) -> Opinion:
    """Return fickling's opinion of a distilled pickle. Whatever it raises is an opinion too: UNREADABLE."""
    import ast

    try:
        # check_safety() would also write a report into the working directory; the analyzer alone does not.
        from fickling.analysis import Analyzer
        from fickling.fickle import Pickled

        with contextlib.redirect_stdout(io.StringIO()):
            pickled = Pickled.load(io.BytesIO(distilled))
            source = ast.unparse(pickled.ast)
            results = Analyzer.default_instance.analyze(pickled)
            severity = results.severity.name
            messages = [f"{result.analysis_name}: {result.message}" for result in results.results]
    except Exception as error:  # fickling's own errors and those that its input leads it to
        return Opinion("", UNREADABLE, (printable(f"{type(error).__name__}: {error}"),))
    return Opinion(_cut(source), severity, tuple(printable(message) for message in messages[:_MAX_MESSAGES]))


def fickling_imports(original: bytes) -> tuple[tuple[str, str], ...]:
    """Return the globals that fickling sees imported by the first pickle of the payload's own bytes, once each.

    Raises whatever fickling raises: it cannot read joblib's arrays, and of protocol 5 not everything.
    """
    import ast

    from fickling.fickle import Pickled

    with contextlib.redirect_stdout(io.StringIO()):
        tree = Pickled.load(io.BytesIO(original)).ast
    found = [
        (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return tuple(dict.fromkeys(found))


def with_opinion(trace: Trace, opinion: Opinion) -> Trace:
    """Return ``trace`` with fickling's opinion of what was distilled from it."""
    return replace(
        trace,
        decompiled=opinion.decompiled,
        fickling_severity=opinion.severity,
        fickling_messages=opinion.messages,
    )


def with_fickling(trace: Trace) -> Trace:
    """Return ``trace`` with fickling's opinion, asked here and now."""
    from secureload.pickles.distill import distill

    return with_opinion(trace, ask_fickling(distill(trace)))


def _cut(source: str) -> str:
    lines = source.splitlines()
    shown = [printable(line, _MAX_LINE_CHARS) for line in lines[:_MAX_LINES]]
    if len(lines) > len(shown):
        shown.append(f"# … {len(lines) - len(shown):,} more lines")
    return "\n".join(shown)
