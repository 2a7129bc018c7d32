"""Whether a chat template would do more than write a prompt.

A chat template is a Jinja template, and Jinja outside its sandbox reaches every class of the interpreter from
any value: ``''.__class__.__mro__[1].__subclasses__()`` (CVE-2024-34359 in llama-cpp-python; the same in every
program that renders templates with a plain ``Environment``). A template that writes prompts loops over
messages, compares roles and joins texts: it needs no name that begins with an underscore, no attribute whose
name is computed, no other file. Those are looked for among the tokens of its code. Nothing is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from secureload.formats.item_count import ItemCount
from secureload.formats.jinja_tokens import Token, tokens
from secureload.formats.reading import Observation

__all__ = ["is_template", "template_events"]

# Names of the interpreter's own attributes, by which an escape goes; whole, or cut in pieces to be joined.
_DUNDERS = frozenset(
    f"__{name}__"
    for name in (
        "class", "mro", "base", "bases", "subclasses", "globals", "builtins", "init", "import", "getattribute",
        "getattr", "dict", "code", "closure", "func", "self", "module", "loader", "spec", "reduce", "reduce_ex",
        "subclasshook", "new", "call", "wrapped", "getitem", "doc", "name", "qualname", "enter", "exit", "del",
    )
)  # fmt: skip
_DUNDER = re.compile(r"__[a-z_]{2,24}__")
# Attributes without underscores that lead from a value to frames, code and globals (jinja2.sandbox names most).
_INNER = frozenset((
    "mro", "gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code", "f_globals", "f_locals",
    "f_builtins", "f_back", "f_code", "tb_frame", "tb_next", "func_globals", "func_code", "func_closure", "im_func",
    "im_class", "im_self", "co_code", "co_consts",
))  # fmt: skip
# What such a walk calls at its end.
_CALLED = frozenset((
    "popen", "system", "exec", "eval", "execfile", "check_output", "check_call", "import_module", "load_module",
    "getattr", "setattr", "execl", "execv", "execve", "spawn", "fork", "urlopen", "get_flashed_messages",
))  # fmt: skip
# Functions that Jinja gives to every template; their attributes are a way out.
_GLOBALS = frozenset(("lipsum", "cycler", "joiner", "namespace", "range", "dict"))
_OTHER_FILES = frozenset(("include", "import", "from", "extends"))
# Filters that take the name of an attribute.
_BY_NAME = frozenset((
    "map", "select", "reject", "selectattr", "rejectattr", "sort", "groupby", "unique", "min", "max", "sum",
))  # fmt: skip
_JOINS = frozenset(("~", "+", "%", "*"))
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_JOINED = ("computed", "reads an attribute or a key whose name is put together")
_BUILDERS = frozenset(("join", "format", "reverse", "replace", "lower", "upper", "string", "first", "last"))
_SHOWN_CHARS = 120
# The longest templates that are in use have some 30,000.
_MOST_CHARS = 1_000_000


def is_template(data: bytes) -> bool:
    """Whether there is any code in a text that could be a template."""
    return b"{{" in data or b"{%" in data


def template_events(template: str, name: str, count: ItemCount, offset: int = -1) -> Iterator[Observation]:
    """Yield what a prompt does not need in the code of ``template``, which is called ``name``.

    Of one that is longer than any prompt's, the beginning is judged. Raises :class:`LimitError` where ``count`` is
    used up: two characters are counted as one token.
    """
    if len(template) > _MOST_CHARS:
        yield Observation(
            code="template.too-long",
            message=f"the template {name!r} has {len(template):,} characters, more than are judged",
            offset=offset,
        )
        template = template[:_MOST_CHARS]
    count.add(len(template) // 2)
    found = list(tokens(template))
    joined = _joined_subscripts(found)
    for at, token in enumerate(found):
        for code, what in (_JOINED,) if at in joined else _judged(found, at, token):
            yield Observation(
                code=f"template.{code}",
                message=f"the template {name!r} {what}",
                detail=_around(template, token.at),
                offset=offset,
            )


def _judged(found: Sequence[Token], at: int, token: Token) -> Iterator[tuple[str, str]]:
    if token.kind == "string":
        yield from _string(found, at, token)
    elif token.kind == "name":
        yield from _name(found, at, token.text)
    elif token.kind == "broken":
        yield from _broken(token)


def _name(found: Sequence[Token], at: int, name: str) -> Iterator[tuple[str, str]]:
    before, after = _text(found, at - 1), _text(found, at + 1)
    if before == ".":
        if name.startswith("_") or name in _INNER:
            yield "escape", f"reads the inner attribute {name}"
        elif name in _CALLED and after == "(":
            yield "escape", f"calls {name}"
        elif name in ("format", "format_map") and after == "(" and found[max(at - 2, 0)].kind != "string":
            yield "computed", f"formats by a text that is computed ({name})"
    elif before == "|" and name == "attr":
        argument = found[at + 2] if at + 2 < len(found) else None
        plain = argument is not None and argument.kind == "string" and "_" not in _value(argument.text)[:1]
        yield ("computed", "reads an attribute through attr") if plain else (
            "escape", "reads an attribute whose name is computed, through attr"
        )  # fmt: skip
    elif name.startswith("__") and name.strip("_"):
        yield "escape", f"uses the inner name {name}"
    elif name in _GLOBALS and after in (".", "[", "|"):
        yield "escape", f"looks into the function {name}"
    elif name == "lipsum":
        yield "computed", "uses lipsum, which no prompt needs"
    elif name in _OTHER_FILES and found[at - 1].text == "{%":
        yield "other-file", f"reads another template ({name})"


def _string(found: Sequence[Token], at: int, token: Token) -> Iterator[tuple[str, str]]:
    value = _value(token.text)
    if value.count("_") > token.text.count("_"):
        yield "escape", "writes underscores as escapes"
    inner = next((name for name in _DUNDER.findall(value) if name in _DUNDERS), "")
    if inner:
        yield "escape", f"names the inner attribute {inner}"
        return
    before, after = _text(found, at - 1), _text(found, at + 1)
    if value.startswith("_") and before == "[" and after == "]" and _is_subscript(found, at - 1):
        yield "escape", f"reads the inner attribute {value[:40]}"
    elif _is_piece(value):
        yield "escape", "puts the name of an inner attribute together"
    elif value.strip("_") == "" and "_" in value and (before in _JOINS or after in _JOINS):
        yield "computed", "puts a name with underscores together"
    elif _filter_of(found, at) in _BY_NAME and (
        value == "attr" or any(part.startswith("_") for part in value.split("."))
    ):
        yield "escape", "reads an inner attribute by its name"


def _is_piece(value: str) -> bool:
    """Whether a text is the beginning or the end of an inner name, with a letter of it at least."""
    if len(value) < 4 or not (value.startswith("__") or value.endswith("__")):
        return False
    return any(name.startswith(value) or name.endswith(value) for name in _DUNDERS)


def _joined_subscripts(found: Sequence[Token]) -> set[int]:
    """Return where the brackets open that read from a value by a key which is put together from texts."""
    joined: set[int] = set()
    # Of each bracket that is open: where it is, whether a text stands in it, and whether something is joined.
    stack: list[tuple[int, bool, bool]] = []
    for at, token in enumerate(found):
        if token.kind == "op" and token.text in _OPENING:
            stack.append((at, False, False))
            continue
        texts = token.kind == "string"
        joins = (token.kind == "op" and token.text in _JOINS) or (
            token.kind == "name" and token.text in _BUILDERS and _text(found, at - 1) in (".", "|")
        )
        if token.kind == "op" and token.text in _CLOSING and stack:
            begin, texts, joins = stack.pop()
            if texts and joins and found[begin].text == "[" and _is_subscript(found, begin):
                joined.add(begin)
        if stack and (texts or joins):
            begin, had_texts, had_joins = stack[-1]
            stack[-1] = begin, had_texts or texts, had_joins or joins
    return joined


def _broken(token: Token) -> Iterator[tuple[str, str]]:
    yield "broken", "is broken: Jinja refuses it"
    inner = next((name for name in _DUNDER.findall(token.text) if name in _DUNDERS), "")
    if inner:
        yield "escape", f"names the inner attribute {inner}"


def _is_subscript(found: Sequence[Token], at: int) -> bool:
    """Whether the bracket at ``at`` reads from a value; else it begins a list."""
    before = found[at - 1] if at else None
    if before is None:
        return False
    if before.kind == "name":
        return before.text not in ("in", "and", "or", "not", "if", "else", "is", "elif")
    return before.kind == "string" or before.text in (")", "]", "}")


def _filter_of(found: Sequence[Token], at: int) -> str:
    """Return the filter whose argument the token at ``at`` is, "" where it is none."""
    for position in range(at - 1, max(at - 12, 1), -1):
        if found[position].text == "(":
            is_filter = found[position - 1].kind == "name" and _text(found, position - 2) == "|"
            return found[position - 1].text if is_filter else ""
    return ""


def _text(found: Sequence[Token], at: int) -> str:
    """Return the text of the token at ``at`` where it is a name or an operator."""
    if 0 <= at < len(found) and found[at].kind in ("name", "op"):
        return found[at].text
    return ""


def _value(text: str) -> str:
    """Return what a string in quotes stands for, read as Jinja reads it."""
    try:
        return text[1:-1].encode("ascii", "backslashreplace").decode("unicode-escape")
    except UnicodeDecodeError:
        return text[1:-1]


def _around(template: str, at: int) -> str:
    start = max(at - _SHOWN_CHARS // 3, 0)
    return template[start : start + _SHOWN_CHARS]
