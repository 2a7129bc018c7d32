"""``secureload compare``: which format? Measured on your model, in one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secureload.cli.output import Format, emit, emit_json, note
from secureload.errors import SandboxError, UsageError
from secureload.printable import printable

if TYPE_CHECKING:
    from secureload.api.compare import Comparison, Measured

__all__ = ["add_to", "compare"]

_EPILOG = """\b
Examples:
  secureload compare model.joblib
  secureload compare model.joblib --formats 'pickle 5,safetensors,onnx' --format json
  secureload compare model.joblib --plot formats.html
"""
_PANELS = (
    ("size", "File size"),
    ("save", "Save"),
    ("load", "Load"),
    ("peak", "Peak memory"),
    ("row", "One row"),
    ("batch", "All rows"),
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(compare)


def compare(
    path: Annotated[Path, typer.Argument(help="The model.", readable=False)],
    formats: Annotated[
        str | None, typer.Option("--formats", help="Some of them, with commas between.")
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", help="How often each is measured.", min=1, max=100)
    ] = 5,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw it: a .png or .html file.", readable=False)
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="Allow a name of your own: package.module.Class.")
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to write the result.")] = Format.TEXT,
) -> None:
    """Save the model in every format and measure size, times, memory and whether its predictions stay the same."""
    from secureload.api.compare import compare as compare_file

    if plot is not None and plot.suffix not in (".png", ".html"):
        raise UsageError(
            f"{printable(plot, 200)} is neither a .png nor an .html file",
            hint="name the picture so that it says which",
        )
    names = None if formats is None else [name.strip() for name in formats.split(",") if name.strip()]
    found = compare_file(
        path, names, repeats=repeats, allow=allow or (), progress=lambda name: note(f"measuring {name}")
    )
    if plot is not None:
        _draw(found, plot)
    if output_format is Format.JSON:
        emit_json(_fields(found))
    else:
        emit(_text(found))


def _fields(found: Comparison) -> dict[str, Any]:
    return {
        "source": printable(found.source, 4_096),
        "model": printable(found.model, 400),
        "method": found.method,
        "rows": found.rows,
        "repeats": found.repeats,
        "formats": [
            {
                "format": one.format,
                "bytes": one.size,
                "save_seconds": one.save,
                "load_seconds": one.load,
                "peak_bytes": one.peak,
                "row_seconds": one.row,
                "batch_seconds": one.batch,
                "predictions": one.identical,
                "runs_code_at_load": one.runs_code,
                "reason": printable(one.reason, 1_000),
            }
            for one in found.measured
        ],
    }  # fmt: skip


def _shown(one: Measured, key: str) -> str:
    value = getattr(one, key)
    if value is None:
        return "-"
    if key == "size":
        return f"{value / 1e6:,.2f} MB" if value >= 1e5 else f"{value / 1e3:,.1f} kB"
    if key == "peak":
        return f"{value / 1e6:,.0f} MB"
    return f"{value * 1e3:,.1f} ms" if value >= 1e-3 else f"{value * 1e6:,.0f} µs"


def _text(found: Comparison) -> str:
    head = [
        "format",
        "size",
        "save",
        "load",
        "peak",
        "one row",
        f"{found.rows:,} rows",
        "predictions",
        "runs code",
    ]
    rows = [
        [
            one.format,
            *(_shown(one, key) for key, _ in _PANELS),
            one.identical or "-",
            "yes" if one.runs_code else "no",
        ]
        for one in found.measured
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]
    lines += [f"{one.format}: {printable(one.reason, 300)}" for one in found.measured if one.reason]
    what = f"{found.method} of" if found.method else "no predictions of"
    lines.append(
        f"medians of {found.repeats} fresh sandboxed processes; {what} {printable(found.model, 200)}"
    )
    return "\n".join(lines)


def _draw(found: Comparison, plot: Path) -> None:
    panels = [
        (
            name,
            [(one.format, getattr(one, key), _shown(one, key), not one.runs_code) for one in found.measured],
        )
        for key, name in _PANELS
    ]
    title = f"{printable(found.model.rpartition('.')[2], 80)} in {len(found.measured)} formats"
    try:
        if plot.suffix == ".html":
            from secureload.report.comparison import render_bars

            plot.write_text(
                render_bars(title, f"Medians of {found.repeats} fresh processes.", panels), encoding="utf-8"
            )
        else:
            _draw_png(title, panels, plot)
    except OSError as error:
        raise SandboxError(
            f"{printable(plot, 200)} cannot be written: {error.strerror}", hint="name another file"
        ) from None


def _draw_png(title: str, panels: list[tuple[str, list[tuple[str, Any, str, bool]]]], plot: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "a .png needs matplotlib", hint="pip install matplotlib, or name an .html file"
        ) from None
    figure = Figure(figsize=(12, 7), layout="constrained")
    figure.suptitle(f"{title} (green: cannot run code when it is loaded; shorter is better)")
    for axes, (name, rows) in zip(figure.subplots(2, 3).ravel(), panels, strict=True):
        shown = rows[::-1]
        bars = axes.barh(
            [row[0] for row in shown],
            [row[1] or 0 for row in shown],
            color=["#228833" if row[3] else "#4477aa" for row in shown],
        )
        axes.bar_label(bars, [row[2] for row in shown], padding=3, fontsize=8)
        axes.set_title(name)
        axes.set_xticks([])
        axes.margins(x=0.25)
    figure.savefig(plot, dpi=110)
