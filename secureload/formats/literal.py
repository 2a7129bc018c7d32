"""A strict parser of the small part of Python's literals that library headers are written in.

Nothing is evaluated: dictionaries, lists, tuples, strings, whole numbers, True, False and None, as ``repr``
writes them, with the ``L`` and ``u`` of Python 2 for the headers of that time. What ``ast.literal_eval`` takes
besides (sums, adjacent strings, comments, line breaks in between) no library writes: it is refused.
"""

from __future__ import annotations

from typing import TypeAlias

from secureload.errors import MalformedError

__all__ = ["Literal", "parse_literal"]

Literal: TypeAlias = "str | int | bool | list[Literal] | tuple[Literal, ...] | dict[str, Literal] | None"

_DEEPEST = 32
# Twice the digits of the largest 64-bit number: no size in a header has more.
_LONGEST_NUMBER = 40
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}
_WORDS: dict[str, bool | None] = {"True": True, "False": False, "None": None}
_SPACE = " \t"
_ASCII_DIGITS = frozenset("0123456789")


def parse_literal(text: str) -> Literal:
    """Return the value that ``text`` is written for, in time linear in its length.

    Raises:
        MalformedError: it is anything else; ``fields`` has ``offset``, in characters.
    """
    parser = _Parser(text)
    value = parser.value(0)
    parser.skip_space()
    if parser.at != len(text):
        raise parser.wrong("something follows the literal")
    return value


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def wrong(self, what: str) -> MalformedError:
        return MalformedError(f"{what}, at character {self.at:,}", format="literal", offset=self.at)

    def skip_space(self) -> None:
        while self.text[self.at : self.at + 1] in _SPACE and self.at < len(self.text):
            self.at += 1

    def next_is(self, char: str) -> bool:
        """Whether ``char`` comes next, behind spaces; if so, step over it."""
        self.skip_space()
        if self.text[self.at : self.at + 1] != char:
            return False
        self.at += 1
        return True

    def value(self, depth: int) -> Literal:
        if depth > _DEEPEST:
            raise self.wrong("literals are nested too deep")
        self.skip_space()
        char = self.text[self.at : self.at + 1]
        if char in ("'", '"'):
            return self.string()
        if char in ("u", "b") and self.text[self.at + 1 : self.at + 2] in ("'", '"'):
            self.at += 1
            return self.string()
        if char == "{":
            return self.dictionary(depth)
        if char == "[":
            self.at += 1
            return self.items("]", depth)[0]
        if char == "(":
            self.at += 1
            items, commas = self.items(")", depth)
            # One value in brackets is that value: (3) is no tuple.
            return tuple(items) if commas or not items else items[0]
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        return self.number()

    def number(self) -> int:
        start = self.at
        if self.text[self.at : self.at + 1] == "-":
            self.at += 1
        digits = self.at
        while self.text[self.at : self.at + 1] in _ASCII_DIGITS:
            self.at += 1
        if self.at == digits or self.at - digits > _LONGEST_NUMBER:
            raise self.wrong("there is no literal that is known here")
        if self.text[digits] == "0" and self.at - digits > 1:
            raise self.wrong("a number begins with a zero")
        number = int(self.text[start : self.at])
        if self.text[self.at : self.at + 1] == "L":
            self.at += 1
        return number

    def string(self) -> str:
        quote = self.text[self.at]
        self.at += 1
        pieces: list[str] = []
        while True:
            char = self.text[self.at : self.at + 1]
            if not char or char in "\n\r\0":
                raise self.wrong("a string does not end")
            self.at += 1
            if char == quote:
                return "".join(pieces)
            pieces.append(self.escape() if char == "\\" else char)

    def escape(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        if char in _ESCAPES:
            return _ESCAPES[char]
        width = _HEX_ESCAPES.get(char, 0)
        digits = self.text[self.at : self.at + width]
        self.at += width
        if (
            not width
            or len(digits) != width
            or not all(digit in "0123456789abcdefABCDEF" for digit in digits)
        ):
            raise self.wrong("an escape that repr does not write")
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise self.wrong("an escape of no character")
        return chr(code)

    def items(self, end: str, depth: int) -> tuple[list[Literal], int]:
        """Return what stands before ``end``, and how many commas there were."""
        items: list[Literal] = []
        commas = 0
        while not self.next_is(end):
            if commas < len(items):
                raise self.wrong("a comma is missing")
            items.append(self.value(depth + 1))
            commas += self.next_is(",")
        return items, commas

    def dictionary(self, depth: int) -> dict[str, Literal]:
        self.at += 1
        found: dict[str, Literal] = {}
        commas = 0
        while not self.next_is("}"):
            if commas < len(found):
                raise self.wrong("a comma is missing")
            key = self.value(depth + 1)
            if not isinstance(key, str):
                raise self.wrong("a key of a dictionary is not a string")
            if key in found:
                raise self.wrong("a key of a dictionary occurs twice")
            if not self.next_is(":"):
                raise self.wrong("a colon is missing")
            found[key] = self.value(depth + 1)
            commas += self.next_is(",")
        return found
