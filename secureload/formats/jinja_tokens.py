"""The tokens of a Jinja template's code, without Jinja: nothing is compiled, nothing is rendered.

Follows ``jinja2.lexer`` of Jinja 3 with its usual delimiters: ``{{ … }}``, ``{% … %}``, ``{# … #}``. What a
``raw`` block holds is read as code too: better one token too many than a program that is taken for text.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Literal, NamedTuple

__all__ = ["Token", "tokens"]

_BEGIN = re.compile(r"\{[{%#]")
# Possessive throughout: each character is looked at once.
_TOKEN = re.compile(
    r"""(?P<space>\s++)
      | (?P<string>'(?:[^'\\]++|\\.)*+' | "(?:[^"\\]++|\\.)*+")
      | (?P<name>[^\W\d]\w*+)
      | (?P<number>\d\w*+)
      | (?P<op>//|\*\*|==|!=|>=|<=|[-+/*%~\[\](){}<>=.:|,;])""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}
_ENDS = {"{{": re.compile(r"-?\}\}"), "{%": re.compile(r"[-+]?%\}")}

_Kind = Literal["begin", "end", "string", "name", "number", "op", "broken"]
_KINDS: dict[str, _Kind] = {"string": "string", "name": "name", "number": "number", "op": "op"}


class Token(NamedTuple):
    """One token of the code; ``at`` is its position in the template.

    "begin" and "end" stand around each piece of code. "broken" ends everything: Jinja refuses the template
    there, and the rest of it is its text.
    """

    kind: _Kind
    text: str
    at: int


def tokens(template: str) -> Iterator[Token]:
    """Yield the tokens of all code in ``template``."""
    at = 0
    while begin := _BEGIN.search(template, at):
        if begin.group() == "{#":
            end = template.find("#}", begin.end())
            if end < 0:
                yield Token("broken", template[begin.start() :], begin.start())
                return
            at = end + 2
            continue
        at = yield from _code(template, begin.group(), begin.start())
        if at < 0:
            return


def _code(template: str, begin: str, start: int) -> Generator[Token, None, int]:
    """Yield the tokens of one piece of code; return where it ends, -1 where it is broken."""
    at = start + 2
    # The sign that strips white space belongs to the delimiter.
    at += template[at : at + 1] in ("-", "+")
    yield Token("begin", begin, start)
    open_brackets: list[str] = []
    while True:
        if not open_brackets and (end := _ENDS[begin].match(template, at)):
            yield Token("end", end.group(), at)
            return end.end()
        found = _TOKEN.match(template, at)
        if found is None or found.lastgroup is None:
            break
        text = found.group()
        if text in _CLOSES.values():
            open_brackets.append(text)
        elif text in _CLOSES and (not open_brackets or open_brackets.pop() != _CLOSES[text]):
            break
        if found.lastgroup != "space":
            yield Token(_KINDS[found.lastgroup], text, at)
        at = found.end()
    yield Token("broken", template[at:], at)
    return -1
