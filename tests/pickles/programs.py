"""Random opcode programs: those that know what is on their stack, and those that do not care."""

from __future__ import annotations

import pickle
from collections.abc import Callable

from hypothesis import strategies as st

from secureload.pickles.assembler import Assembler
from secureload.pickles.opcodes import OPCODES

MODULES = ["os", "builtins", "numpy", "copy_reg", "__builtin__", "cPickle", "a.b", "ü"]
NAMES = ["system", "eval", "ndarray", "_reconstructor", "xrange", "loads", "x.y", "", "è"]
_SMALL = st.integers(0, 255)
_TEXTS = st.one_of(
    st.sampled_from(MODULES + NAMES), st.text(max_size=12), st.text(min_size=250, max_size=270)
)

# What a value on the stack can be used for; MARKs are kept apart.
_TEXT, _LIST, _DICT, _SET, _TUPLE, _OBJECT, _CLASS, _BUFFER, _OTHER = [
    "text",
    "list",
    "dict",
    "set",
    "tuple",
    "object",
    "class",
    "buffer",
    "other",
]


class _Program:
    """Opcodes so far, and what they leave: a stack for each MARK, and the memo."""

    def __init__(self, draw: Callable[[st.SearchStrategy[object]], object], protocol: int | None) -> None:
        self.draw = draw
        self.code = Assembler(protocol)
        self.stacks: list[list[str]] = [[]]
        self.memo: dict[int, str] = {}

    @property
    def stack(self) -> list[str]:
        return self.stacks[-1]

    def push(self, kind: str) -> None:
        self.stack.append(kind)

    def choose(self) -> Callable[[], None]:
        """Draw one of the steps that the stack allows."""
        top = self.stack[-3:]
        steps: list[Callable[[], None]] = [self.literal, self.literal, self.name, self.import_, self.mark]
        if top:
            steps += [self.memoize, self.dup, self.pop, self.tuple_one, self.binpersid]
            # Of plain data, BUILD only takes a state that is false.
            built = len(top) > 1 and (top[-2] in {_CLASS, _OBJECT} or self.draw(st.integers(0, 19)) == 0)
            steps += [self.build] if built else []
        if self.memo:
            steps += [self.get, self.get]
        if len(top) > 1:
            steps += [self.tuple_two]
            steps += [self.stack_global] * 3 if top[-2:] == [_TEXT, _TEXT] else []
            callable_ = top[-2] in {_CLASS, _OBJECT}
            steps += [self.reduce] * 3 if callable_ and top[-1] == _TUPLE else []
            steps += [self.newobj] * 2 if top[-2] == _CLASS and top[-1] == _TUPLE else []
            steps += [self.append] if top[-2] in {_LIST, _OBJECT, _CLASS} else []
        if len(top) > 2:
            steps += [self.tuple_three]
            steps += [self.newobj_ex] * 2 if top == [_CLASS, _TUPLE, _DICT] else []
            steps += [self.setitem] if top[0] in {_DICT, _OBJECT, _CLASS} else []
        if len(self.stacks) > 1:
            steps += [self.collect, self.collect, self.pop_mark]
            under = self.stacks[-2][-1:]
            steps += [self.fill] * 2 if under and under[0] in {_LIST, _DICT, _SET, _OBJECT, _CLASS} else []
            steps += [self.obj] * 2 if self.stack and self.stack[0] in {_CLASS, _OBJECT} else []
            steps += [self.inst]
        return self.draw(st.sampled_from(steps))  # type: ignore[return-value]

    # -- values --

    def literal(self) -> None:
        kind, code = self.draw(_LITERALS)  # type: ignore[misc]
        self.code.raw(code)
        self.push(kind)

    def name(self) -> None:
        text = self.draw(_TEXTS)
        self.code.raw(self.draw(_text_codes(text)))  # type: ignore[arg-type]
        self.push(_TEXT)

    def import_(self) -> None:
        module, name = self.draw(st.sampled_from(MODULES)), self.draw(st.sampled_from(NAMES))
        if self.draw(st.booleans()):
            self.code.global_(module, name)  # type: ignore[arg-type]
        else:
            self.code.stack_global(module, name)  # type: ignore[arg-type]
        self.push(_CLASS)

    def stack_global(self) -> None:
        self.code.op("STACK_GLOBAL")
        del self.stack[-2:]
        self.push(_CLASS)

    # -- stack and memo --

    def mark(self) -> None:
        self.code.mark()
        self.stacks.append([])

    def pop_mark(self) -> None:
        self.code.op("POP_MARK")
        self.stacks.pop()

    def dup(self) -> None:
        self.code.op("DUP")
        self.push(self.stack[-1])

    def pop(self) -> None:
        self.code.pop()
        self.stack.pop()

    def memoize(self) -> None:
        index = len(self.memo)
        form = self.draw(
            st.sampled_from(["MEMOIZE", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "again", "ahead"])
        )
        if form in {"again", "ahead"}:
            index = self.draw(st.integers(0, 12 if form == "again" else 300))  # type: ignore[assignment]
            form = "LONG_BINPUT"
        if form == "BINPUT" and index < 256:
            self.code.op("BINPUT", bytes([index]))
        elif form == "LONG_BINPUT":
            self.code.put(index)
        elif form == "PUT":
            self.code.line("PUT", str(index))
        else:
            self.code.memoize()
        self.memo[index] = self.stack[-1]

    def get(self) -> None:
        index: int = self.draw(st.sampled_from(sorted(self.memo)))  # type: ignore[assignment]
        form = self.draw(st.sampled_from(["BINGET", "LONG_BINGET", "GET"]))
        if form == "BINGET" and index < 256:
            self.code.op("BINGET", bytes([index]))
        elif form == "GET":
            self.code.line("GET", str(index))
        else:
            self.code.get(index)
        self.push(self.memo[index])

    # -- containers --

    def _tuple(self, name: str, count: int) -> None:
        self.code.op(name)
        del self.stack[-count:]
        self.push(_TUPLE)

    def tuple_one(self) -> None:
        self._tuple("TUPLE1", 1)

    def tuple_two(self) -> None:
        self._tuple("TUPLE2", 2)

    def tuple_three(self) -> None:
        self._tuple("TUPLE3", 3)

    def collect(self) -> None:
        forms = [("TUPLE", _TUPLE), ("LIST", _LIST), ("FROZENSET", _OTHER)]
        if len(self.stack) % 2 == 0:
            forms.append(("DICT", _DICT))
        name, kind = self.draw(st.sampled_from(forms))  # type: ignore[misc]
        self.code.op(name)
        self.stacks.pop()
        self.push(kind)

    def fill(self) -> None:
        under = self.stacks[-2][-1]
        names = {_LIST: ["APPENDS"], _DICT: ["SETITEMS"], _SET: ["ADDITEMS"]}.get(
            under, ["APPENDS", "SETITEMS", "ADDITEMS"]
        )
        self.code.op(self.draw(st.sampled_from(names)))  # type: ignore[arg-type]
        self.stacks.pop()

    def append(self) -> None:
        self.code.op("APPEND")
        self.stack.pop()

    def setitem(self) -> None:
        self.code.op("SETITEM")
        del self.stack[-2:]

    # -- what would run --

    def reduce(self) -> None:
        self.code.reduce()
        del self.stack[-2:]
        self.push(_OBJECT)

    def newobj(self) -> None:
        self.code.newobj()
        del self.stack[-2:]
        self.push(_OBJECT)

    def newobj_ex(self) -> None:
        self.code.newobj_ex()
        del self.stack[-3:]
        self.push(_OBJECT)

    def build(self) -> None:
        self.code.build()
        self.stack.pop()

    def obj(self) -> None:
        self.code.op("OBJ")
        self.stacks.pop()
        self.push(_OBJECT)

    def inst(self) -> None:
        module, name = self.draw(st.sampled_from(MODULES)), self.draw(st.sampled_from(NAMES))
        self.code.line("INST", module, name)  # type: ignore[arg-type]
        self.stacks.pop()
        self.push(_OBJECT)

    def binpersid(self) -> None:
        self.code.op("BINPERSID")
        self.stack[-1] = _OBJECT


def _literal(kind: str, *codes: bytes) -> st.SearchStrategy[tuple[str, bytes]]:
    return st.sampled_from([(kind, code) for code in codes])


def _made(
    kind: str, build: Callable[..., Assembler], *values: st.SearchStrategy[object]
) -> st.SearchStrategy[tuple[str, bytes]]:
    return st.builds(lambda *drawn: (kind, build(*drawn).code()), *values)


_LITERALS: st.SearchStrategy[tuple[str, bytes]] = st.one_of(
    _literal(_OTHER, b"N", b"\x88", b"\x89", b"I01\n", b"I00\n", b"I-5\n", b"L7L\n", b"F1.5\n", b"F-1e-05\n"),
    _literal(_LIST, b"]"), _literal(_DICT, b"}"), _literal(_SET, b"\x8f"), _literal(_TUPLE, b")"),
    _made(_OTHER, lambda i: Assembler(None).integer(i), st.integers(-(1 << 70), 1 << 70)),
    _made(_OTHER, lambda f: Assembler(None).floating(f), st.floats()),
    _made(_OTHER, lambda i: Assembler(None).op("BININT1", bytes([i])), _SMALL),
    _made(_OTHER, lambda d: Assembler(None).op("BININT2", d), st.binary(min_size=2, max_size=2)),
    _made(_BUFFER, lambda d: Assembler(None).counted("SHORT_BINBYTES", d), st.binary(max_size=40)),
    _made(_BUFFER, lambda d: Assembler(None).binary(d), st.binary(max_size=300)),
    _made(_BUFFER, lambda d: Assembler(None).counted("BINBYTES8", d), st.binary(max_size=9)),
    _made(_BUFFER, lambda d: Assembler(None).counted("BYTEARRAY8", d), st.binary(max_size=9)),
    _made(_OTHER, lambda d: Assembler(None).counted("LONG4", d), st.binary(max_size=9)),
)  # fmt: skip


def _text_codes(text: object) -> st.SearchStrategy[bytes]:
    assert isinstance(text, str)
    data = text.encode("utf-8", "surrogatepass")
    codes = [Assembler(None).text(text), Assembler(None).counted("BINUNICODE8", data)]
    if len(data) < 256:
        codes += [Assembler(None).short_text(text)] * 3
    if data.isascii():
        codes.append(Assembler(None).counted("BINSTRING", data))
        codes += [Assembler(None).counted("SHORT_BINSTRING", data)] if len(data) < 256 else []
        if text.isprintable():
            codes += [Assembler(None).line("STRING", repr(text))]
    if "\\" not in text and text.isprintable() and data.isascii():
        codes.append(Assembler(None).line("UNICODE", text))
    return st.sampled_from([code.code() for code in codes])


@st.composite
def programs(draw: Callable[[st.SearchStrategy[object]], object], most: int = 40) -> bytes:
    """A pickle whose opcodes nearly always find what they take; nested, memoized, with every opcode there is."""
    protocol: int | None = draw(st.sampled_from([None, 0, 1, 2, 3, 4, 4, 5]))  # type: ignore[assignment]
    program = _Program(draw, protocol)
    for _ in range(draw(st.integers(1, most))):  # type: ignore[arg-type]
        program.choose()()
    while len(program.stacks) > 1:
        program.collect()
    if not program.stack:
        program.code.none()
    code = program.code.stop()
    if draw(st.booleans()) and protocol is not None and len(code) > 8:
        inner = Assembler(None).raw(code[2:])
        return Assembler(protocol).framed(inner).code()
    return code


def _any_argument(code: int) -> st.SearchStrategy[bytes]:
    opcode = OPCODES[code]
    if opcode.fixed:
        return st.binary(min_size=opcode.fixed, max_size=opcode.fixed)
    if opcode.counted:
        return st.binary(max_size=6).map(lambda d: len(d).to_bytes(opcode.counted, "little") + d)
    if opcode.lines == 2:
        return st.builds(
            lambda m, n: f"{m}\n{n}\n".encode(), st.sampled_from(MODULES), st.sampled_from(NAMES)
        )
    if opcode.lines:
        numbers = ["0", "1", "-1", "0x10", "1_0", "010", "1L", "0x10L", "1.5", "nan", "", " 7", "'os'", "x"]
        return st.sampled_from([f"{number}\n".encode() for number in numbers])
    return st.just(b"")


def _is_bomb(step: bytes) -> bool:
    """Whether the C unpickler would allocate for a memo index, or for a frame of this size."""
    return step[:1] in {pickle.LONG_BINPUT, pickle.FRAME} and int.from_bytes(step[1:5], "little") > 70_000


STEPS = (
    st.sampled_from(sorted(OPCODES))
    .flatmap(lambda code: _any_argument(code).map(lambda argument: bytes([code]) + argument))
    .filter(lambda step: not _is_bomb(step))
)


def without_bombs(data: bytes) -> bytes:
    """Bytes for the C unpickler: read from a place where no opcode begins, any could be a memo index without end."""
    return data.replace(pickle.LONG_BINPUT, pickle.BINPUT).replace(pickle.PUT, pickle.BINPUT)


# Opcodes of every kind in any order; FRAMEs that end wherever they end, PROTO and STOP anywhere.
SOUPS = st.lists(
    st.one_of(STEPS, st.builds(lambda n: Assembler(None).frame(n).code(), st.integers(0, 40))), max_size=40
).map(b"".join)
