"""Every text of a report made printable, in one place, so that no renderer can forget one."""

from __future__ import annotations

from typing import Any, TypeVar

from secureload.printable import printable
from secureload.report.report import Report
from secureload.values import fields_of, is_value

__all__ = ["printed"]

_Value = TypeVar("_Value")


def printed(value: _Value, *, text_chars: int, source_lines: int) -> _Value:
    """Return a report, a run or a part of one with each text cut to ``text_chars`` and on one line.

    Decompiled source keeps its line breaks, and at most ``source_lines`` lines.
    """
    result: _Value = _printed(value, text_chars, source_lines)
    return result


def _printed(value: Any, chars: int, lines: int) -> Any:
    if isinstance(value, str):
        return printable(value, chars)
    if isinstance(value, tuple):
        return tuple([_printed(item, chars, lines) for item in value])
    if not is_value(value):
        return value
    fields: dict[str, Any] = fields_of(value)
    source = fields.pop("decompiled") if isinstance(value, Report) else None
    shown = {name: _printed(item, chars, lines) for name, item in fields.items()}
    if source is not None:
        shown["decompiled"] = _printed_source(source, chars, lines)
    return type(value)(**shown)


def _printed_source(source: str, text_chars: int, source_lines: int) -> str:
    # Only "\n" breaks a line here: str.splitlines would break at characters that printable() shows.
    lines = source.rstrip("\n").split("\n") if source else []
    shown = [printable(line, text_chars) for line in lines[:source_lines]]
    if len(lines) > source_lines:
        shown.append(f"# … {len(lines) - source_lines:,} more lines")
    return "\n".join(shown)
