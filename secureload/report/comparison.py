"""A comparison of formats as a picture that one can read at a glance: HTML with bars, without scripts."""

from __future__ import annotations

import html
from collections.abc import Sequence

__all__ = ["render_bars"]

_STYLE = (
    "body{font:15px system-ui;margin:2em;max-width:60em}h2{margin:1.4em 0 .3em;font-size:1em}"
    "td{padding:.1em .6em;white-space:nowrap}td.b{width:100%}td.b div{background:#4477aa;height:1em}"
    "tr.safe td.b div{background:#228833}p.k{color:#555}"
)


def render_bars(
    title: str, notes: str, panels: Sequence[tuple[str, Sequence[tuple[str, float | None, str, bool]]]]
) -> str:
    """Return a page: for each panel (name, rows of (format, value, value as text, cannot run code)) a chart of bars."""
    parts = [
        f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>",
        f"<h1>{html.escape(title)}</h1><p>{html.escape(notes)}</p>",
        "<p class=k>Green: cannot run code when it is loaded. Shorter is better.</p>",
    ]
    for name, rows in panels:
        most = max((value for _, value, _, _ in rows if value is not None), default=0.0) or 1.0
        parts.append(f"<h2>{html.escape(name)}</h2><table>")
        for label, value, text, safe in rows:
            width = 0.0 if value is None else 100 * value / most
            parts.append(
                f"<tr{' class=safe' if safe else ''}><td>{html.escape(label)}</td><td>{html.escape(text)}</td>"
                f'<td class=b><div style="width:{width:.1f}%"></div></td></tr>'
            )
        parts.append("</table>")
    return "\n".join(parts) + "\n"
