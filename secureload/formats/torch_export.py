"""An exported PyTorch program (``torch.export.save``): a graph as JSON, whose loader evaluates some of its texts.

``torch.export.load`` hands the sizes in the graph, texts such as ``Mul(Integer(2), Symbol('s0'))``, to
``sympy.sympify``, which is Python's ``eval``; and it looks the functions of the graph up by walking from the
module ``torch``, ``math`` or ``_operator`` to whatever the text says. Source: ``torch/_export/serde/serialize.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from secureload.errors import LimitError, SecureloadError
from secureload.formats.json_text import parse_json_text
from secureload.formats.reading import Event, Observation, Problem, ReadContext, Reference
from secureload.formats.torchscript import CodeUse, read_source

__all__ = ["walk_program"]

_TOKEN: Final = re.compile(r"[A-Za-z]\w*|'[A-Za-z]\w*'|[0-9]+(?:\.[0-9]+)?|[(),=+*/<>&|~ -]+")
_SYMBOL: Final = re.compile(r"(?:s|u|zf|zuf)[0-9]+")
# The functions that the deserializer gives to sympify, the classes of sympy that its own output names, and keywords.
_WORDS: Final = frozenset(
    ("Abs", "Add", "And", "CeilDiv", "CeilToInt", "CleanDiv", "Eq", "Equality", "ExprCondPair", "False",
     "Float", "FloatPow", "FloatTrueDiv", "FloorDiv", "FloorToInt", "GreaterThan", "Identity", "IntTrueDiv",
     "Integer", "LShift", "Le", "LessThan", "Lt", "Ge", "Gt", "Max", "Min", "Mod", "ModularIndexing", "Mul",
     "Ne", "Not", "Or", "Piecewise", "Pow", "PowByNatural", "PythonMod", "RShift", "Rational", "RoundDecimal",
     "RoundToInt", "StrictGreaterThan", "StrictLessThan", "Symbol", "ToFloat", "TruncToFloat", "TruncToInt",
     "True", "Unequality", "Where", "even", "false", "finite", "int_oo", "integer", "negative", "nonnegative",
     "nonzero", "odd", "oo", "positive", "precision", "real", "true", "zero")
)  # fmt: skip
_OPERATOR: Final = re.compile(
    r"(?:torch\.ops\.\w+\.\w+(?:\.\w+)?|_operator\.[a-z]\w*|math\.[a-z]\w*|torch\.sym_\w+)"
)
# What these modules have besides arithmetic.
_CALLS_MORE: Final = frozenset(("_operator.call", "_operator.methodcaller", "_operator.attrgetter"))
_MOST_SHOWN: Final = 20


def walk_program(text: bytes, context: ReadContext, found: CodeUse) -> Iterator[Event]:
    """Yield what ``torch.export.load`` would evaluate and look up for the program ``text``; add its operators."""
    try:
        program = parse_json_text(text, where="the exported program", limits=context.limits)
    except SecureloadError as error:
        yield Problem(kind="limit" if isinstance(error, LimitError) else "malformed", message=error.message)
        return
    if program.repeated:
        message = f"the exported program has the key {program.repeated[0]!r} twice: readers differ in which one counts"
        yield Observation(code="torch.repeated-key", message=message)
    expressions: dict[str, None] = {}
    targets: dict[str, None] = {}
    pending: list[object] = [program.value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            _note(item.get("expr_str"), expressions)
            _note(item.get("target"), targets)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    for expression in expressions:
        yield from _about_expression(expression)
    for target in targets:
        yield from _about_target(target, found)


def _note(value: object, texts: dict[str, None]) -> None:
    if isinstance(value, str):
        texts[value] = None
    elif value is not None and not isinstance(value, dict | list):
        texts[repr(value)] = None


def _about_expression(text: str) -> Iterator[Observation]:
    at = 0
    unknown = ""
    for match in _TOKEN.finditer(text):
        if match.start() != at:
            break
        at = match.end()
        word = match.group()
        if word[0].isalpha() and word not in _WORDS and not _SYMBOL.fullmatch(word):
            unknown = unknown or word
    if at != len(text):
        message = "the exported program holds a text that is evaluated as Python when it is loaded"
        yield Observation(code="torch.evaluated-text", message=message, detail=text)
    elif unknown:
        message = (
            f"the exported program holds a size with the function {unknown!r}, which is evaluated as Python"
        )
        yield Observation(code="torch.unknown-expression", message=message, detail=text)


def _about_target(text: str, found: CodeUse) -> Iterator[Event]:
    if text.startswith("torch.ops."):
        read_source(text, found)
    module, _, name = text.partition(".")
    if not _OPERATOR.fullmatch(text) or text in _CALLS_MORE:
        # A text without one of the three modules is looked up nowhere.
        if module in ("torch", "_operator", "math"):
            yield Reference(module=module, name=name, use="call")
        elif text:
            message = f"the exported program calls {text[:200]!r}, which is no operator of PyTorch"
            yield Observation(code="torch.unknown-target", message=message)
