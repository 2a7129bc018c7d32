"""Formulas of statistical models ("y ~ a + np.log(b)"), which their library evaluates as Python.

A formula is data only as far as evaluating it is: names, numbers, operators, and calls of functions of numbers that
are known by name. Everything else, an attribute, a subscript, a text, may be a program.
"""

from __future__ import annotations

import re
from keyword import iskeyword
from typing import Final
from unicodedata import normalize

from secureload.pickles.trace import Const, Value
from secureload.printable import printable

__all__ = ["why_not_formula"]

# One token of a formula. Each alternative begins with other characters, so nothing is tried twice.
_TOKEN = re.compile(
    r"[ \t\n]+|[^\W\d]\w{0,63}(?:\.[^\W\d]\w{0,63}){0,2}"
    r"|[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,3})?(?![\w.])"
    r"|\*\*?|[-+~:/|,^()]|[<>!]=?|=="
)
_NUMERIC: Final = ("log", "log1p", "log2", "log10", "exp", "expm1", "sqrt", "square", "cbrt", "abs", "sin", "cos",
                   "tan", "power", "sign", "tanh", "maximum", "minimum")  # fmt: skip
_FUNCTIONS: Final = frozenset(
    {
        "C",
        "I",
        "bs",
        "cr",
        "cc",
        "te",
        "center",
        "standardize",
        "scale",
        "poly",
        "Treatment",
        "Sum",
        "Poly",
        "Helmert",
    }
    | {"Diff"}
    | {f"{prefix}{name}" for prefix in ("", "np.", "numpy.") for name in _NUMERIC}
)
# Arguments by name, such as bs(x, df=4); a single "=" stands nowhere else in a formula.
_KEYWORD = re.compile(
    r"(?:df|degree|knots|constraints|include_intercept|center|scale|reference|levels) ?=(?!=)"
)
_WORDS: Final = frozenset({"and", "or", "not", "in", "is", "None", "True", "False"})


def why_not_formula(value: Value | None) -> str | None:
    """Return None where the value is a formula that may be evaluated, else one line that says why not."""
    if not isinstance(value, Const) or not isinstance(value.value, str) or value.is_cut:
        return "the formula of a model is not known as a whole"
    text, position, last = value.value, 0, ""
    if normalize("NFKC", text) != text:
        return "the formula of a model has names that Python would read as others"
    while position < len(text):
        keyword = _KEYWORD.match(text, position) if last in ("", "(", ",") else None
        token = keyword or _TOKEN.match(text, position)
        if token is None:
            return f"the formula of a model holds {printable(repr(text[position : position + 1]))}"
        position = token.end()
        shown = token[0].strip()
        if not shown:
            continue
        if shown == "(" and not _may_be_called(last):
            return f"the formula of a model calls {printable(last)}"
        if _is_name(shown) and not keyword and not _is_plain(shown):
            return f"the formula of a model reaches for {printable(shown)}"
        last = shown
    return None


def _may_be_called(before: str) -> bool:
    """Whether a parenthesis may stand behind this token: to group, or to call a function of numbers."""
    return (
        before in _FUNCTIONS
        or before in _WORDS - {"None", "True", "False"}
        or not (_is_name(before) or before[:1].isdigit() or before in {")", "None", "True", "False"})
    )


def _is_plain(name: str) -> bool:
    return "__" not in name and not iskeyword(name) and ("." not in name or name in _FUNCTIONS)


def _is_name(token: str) -> bool:
    return (token[:1].isalpha() or token[:1] == "_") and token not in _WORDS
