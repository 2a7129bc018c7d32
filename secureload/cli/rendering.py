"""A run in the format that was asked for; only that format's renderer is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secureload.cli.output import ReportFormat, width

if TYPE_CHECKING:
    from secureload.report.run import Run

__all__ = ["rendered"]


def rendered(run: Run, output_format: ReportFormat, *, color: bool, to_file: bool) -> str:
    """Return the report as text; ``color`` is for the terminal alone.

    The hint at the end of a text is for files: beside a report on standard output it stands on standard error.
    """
    if output_format is ReportFormat.JSON:
        from secureload.report.as_json import render_json

        return render_json(run)
    if output_format is ReportFormat.SARIF:
        from secureload.api.rule_pages import rule_pages
        from secureload.report.as_sarif import render_sarif

        return render_sarif(run, rule_pages())
    if output_format is ReportFormat.HTML:
        from secureload.report.as_html import render_html

        return render_html(run)
    from secureload.report.terminal import render_text

    return render_text(run, color=color, width=width(), hint=to_file)
