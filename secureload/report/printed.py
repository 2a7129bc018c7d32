"""Every text of a report made printable, in one place, so that no renderer can forget one."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from secureload.printable import printable
from secureload.report.report import Report

__all__ = ["printed"]

_Value = TypeVar("_Value")


def printed(report: Report, *, text_chars: int, source_lines: int) -> Report:
    """Return ``report`` with each text cut to ``text_chars`` and on one line.

    The decompiled source keeps its line breaks, and at most ``source_lines`` lines.
    """
    plain = dataclasses.replace(report, decompiled="")
    return dataclasses.replace(
        _printed_value(plain, text_chars),
        decompiled=_printed_source(report.decompiled, text_chars, source_lines),
    )


def _printed_source(source: str, text_chars: int, source_lines: int) -> str:
    # Only "\n" breaks a line here: str.splitlines would break at characters that printable() shows.
    lines = source.rstrip("\n").split("\n") if source else []
    shown = [printable(line, text_chars) for line in lines[:source_lines]]
    if len(lines) > source_lines:
        shown.append(f"# … {len(lines) - source_lines:,} more lines")
    return "\n".join(shown)


def _printed_value(value: _Value, chars: int) -> _Value:
    """Return ``value`` with every text in it made printable, through tuples and dataclasses."""
    if isinstance(value, str):
        return printable(value, chars)  # type: ignore[return-value]  # str in, str out
    if isinstance(value, tuple):
        return tuple(_printed_value(item, chars) for item in value)  # type: ignore[return-value]  # as above
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(
            value, **{name: _printed_value(getattr(value, name), chars) for name in names}
        )
    return value
