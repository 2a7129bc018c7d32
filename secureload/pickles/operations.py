"""What each opcode does to the walker's machine: one function an opcode, all in one table.

A function is given the machine and the position of the opcode, and returns the position behind its argument.
That may lie beyond the window: what is long and no name is stepped over. What an unpickler refuses raises
:class:`~secureload.pickles.symbols.WalkStop`; where the C and the Python unpickler differ, the walk goes on as
long as one of them does. Source: ``Lib/pickle.py`` and ``Modules/_pickle.c``.
"""

from __future__ import annotations

from typing import Final

from secureload.pickles import symbols
from secureload.pickles.literals import LITERALS, Operation, read_line
from secureload.pickles.machine import Machine
from secureload.pickles.opcodes import HIGHEST_PROTOCOL
from secureload.pickles.symbols import Target, Value, WalkLimit, WalkStop

__all__ = ["OPERATIONS", "PickleEnd"]

_, _CALL, _NEW, _BUILD, _APPEND, _SETITEM, _ADDITEM, _PERSID = range(8)
_MOST_DEPTH = 100_000
_INDEX_DIGITS = 40
_ITERABLES = frozenset({symbols.TUPLE, symbols.LIST, symbols.DICT, symbols.SET, symbols.FROZENSET,
                        symbols.BYTES, symbols.BYTEARRAY, symbols.TEXT, symbols.BUFFER})  # fmt: skip
_HOLDERS = {
    _APPEND: frozenset({symbols.LIST, symbols.BYTEARRAY}),
    _SETITEM: frozenset({symbols.DICT, symbols.LIST, symbols.BYTEARRAY, symbols.BUFFER}),
    _ADDITEM: frozenset({symbols.SET}),
}


class PickleEnd(Exception):  # noqa: N818  # STOP was reached
    """One pickle is complete; ``position`` is behind its STOP."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


# -- containers ---------------------------------------------------------------------------------------------


def _mark(machine: Machine, data: bytes, position: int) -> int:
    context = machine.context
    fences = context.fences
    if len(fences) >= _MOST_DEPTH:
        raise WalkLimit(f"more than {_MOST_DEPTH:,} MARKs in each other")
    fences.append(None)
    context.below.append(context.stack)
    context.stack = []
    return position + 1


def _collecting(value: int) -> Operation:
    def collect(machine: Machine, data: bytes, position: int) -> int:
        context = machine.context
        if context.fences and context.fences[-1] is None:  # as drop_mark, without a call
            context.fences.pop()
            context.stack = context.below.pop()
        else:
            machine.drop_mark()
        context.stack.append(value)
        return position + 1

    return collect


def _dict(machine: Machine, data: bytes, position: int) -> int:
    if machine.drop_mark() % 2:
        raise WalkStop("DICT of an odd number of items")
    machine.context.stack.append(symbols.DICT)
    return position + 1


def _tuple_of(count: int) -> Operation:
    def collect(machine: Machine, data: bytes, position: int) -> int:
        stack = machine.need(count)
        if count > 1:
            del stack[1 - count :]
        stack[-1] = symbols.TUPLE
        return position + 1

    return collect


def _filling_one(kind: int, items: int) -> Operation:
    def fill(machine: Machine, data: bytes, position: int) -> int:
        stack = machine.need(items + 1)
        del stack[-items:]
        _filled(machine, kind, stack[-1], items, position)
        return position + 1

    return fill


def _filling_all(kind: int) -> Operation:
    def fill(machine: Machine, data: bytes, position: int) -> int:
        # How many items there are matters only to what is not plain data: its events are counted.
        counted = machine.under_mark().__class__ is Target
        items = len(machine.pop_mark()) if counted else machine.drop_mark()
        target = machine.need(1)[-1]
        if items:
            _filled(machine, kind, target, items, position)
        return position + 1

    return fill


def _filled(machine: Machine, kind: int, target: Value, items: int, position: int) -> None:
    if isinstance(target, Target):
        times = {_APPEND: 1, _SETITEM: items // 2, _ADDITEM: items}[kind]
        if times:
            machine.record(kind, target, position, times)
    elif target not in _HOLDERS[kind]:
        raise WalkStop("something is filled that holds no items")
    if kind == _SETITEM and items % 2:
        raise WalkStop("SETITEMS of an odd number of items")


# -- stack and memo -----------------------------------------------------------------------------------------


def _pop(machine: Machine, data: bytes, position: int) -> int:
    context = machine.context
    if not context.stack and context.fences and context.fences[-1] is None:
        machine.drop_mark()
    else:
        machine.need(1).pop()
    return position + 1


def _pop_mark(machine: Machine, data: bytes, position: int) -> int:
    machine.drop_mark()
    return position + 1


def _dup(machine: Machine, data: bytes, position: int) -> int:
    stack = machine.need(1)
    stack.append(stack[-1])
    return position + 1


def _getting(width: int) -> Operation:
    def get(machine: Machine, data: bytes, position: int) -> int:
        end = position + 1 + width
        index = int.from_bytes(data[position + 1 : end], "little")
        machine.context.stack.append(machine.get(index))
        return end

    return get


def _putting(width: int) -> Operation:
    def put(machine: Machine, data: bytes, position: int) -> int:
        end = position + 1 + width
        machine.put(int.from_bytes(data[position + 1 : end], "little"), position)
        return end

    return put


def _index(machine: Machine, position: int) -> tuple[int, int]:
    """Return the index that stands in a line, and the position behind it."""
    line, end = read_line(machine, position + 1)
    if not 0 < len(line) <= _INDEX_DIGITS:
        raise WalkStop("a memo index that is no number")
    if not (line.isdigit() and line.isascii()):
        machine.odd("number.odd", "a memo index that no pickler writes", position)
    try:
        return int(line), end
    except ValueError as error:
        raise WalkStop("a memo index that is no number") from error


def _get(machine: Machine, data: bytes, position: int) -> int:
    index, end = _index(machine, position)
    machine.context.stack.append(machine.get(index))
    return end


def _put(machine: Machine, data: bytes, position: int) -> int:
    index, end = _index(machine, position)
    if index < 0:
        raise WalkStop("a memo index below 0")
    machine.put(index, position)
    return end


def _memoize(machine: Machine, data: bytes, position: int) -> int:
    machine.memoize(position)
    return position + 1


# -- what runs code -----------------------------------------------------------------------------------------


def _global(machine: Machine, data: bytes, position: int) -> int:
    module, end = read_line(machine, position + 1)
    name, end = read_line(machine, end)
    machine.context.stack.append(_imported(machine, module, name, position))
    return end


def _imported(machine: Machine, module: bytes, name: bytes, position: int) -> Target:
    if not (module.isascii() and name.isascii()):
        try:
            module.decode(), name.decode()
        except UnicodeDecodeError as error:  # lone surrogates, which the other opcodes take
            raise WalkStop("the name of a global is not UTF-8") from error
    return machine.import_(module, name, position)


def _stack_global(machine: Machine, data: bytes, position: int) -> int:
    stack = machine.need(2)
    name, module = stack.pop(), stack[-1]
    if isinstance(name, bytes) and isinstance(module, bytes):
        stack[-1] = machine.import_(module, name, position)
    else:
        stack[-1] = _odd_global(machine, module, name, position)
    return position + 1


def _odd_global(machine: Machine, module: Value, name: Value, position: int) -> Target:
    if isinstance(module, str) or isinstance(name, str):
        machine.odd("name.old", "STACK_GLOBAL takes a name from an opcode of older protocols", position)
    names = [machine.name(part) for part in (module, name)]
    if None in names:
        known = "".join(f" {text!r}" for text in names if text is not None)
        machine.odd(
            "name.computed", f"the name of a global{known} is computed, or too long to be one", position
        )
        return machine.computed
    parts = [(text or "").encode("utf-8", "surrogatepass") for text in names]
    return machine.import_(parts[0], parts[1], position)


def _reduce(machine: Machine, data: bytes, position: int) -> int:
    stack = machine.need(2)
    args, target = stack.pop(), stack[-1]
    if not isinstance(target, Target):
        raise WalkStop("REDUCE of something that cannot be called")
    _check_args(args)
    stack[-1] = machine.make(_CALL, target, position)
    return position + 1


def _newobj(machine: Machine, data: bytes, position: int) -> int:
    stack = machine.need(2)
    args, target = stack.pop(), stack[-1]
    if not isinstance(target, Target):
        raise WalkStop("NEWOBJ of something that is no class")
    _check_args(args)
    stack[-1] = machine.make(_NEW, target, position)
    return position + 1


def _newobj_ex(machine: Machine, data: bytes, position: int) -> int:
    stack = machine.need(3)
    named, args, target = stack.pop(), stack.pop(), stack[-1]
    if not isinstance(target, Target):
        raise WalkStop("NEWOBJ_EX of something that is no class")
    _check_args(args)
    if isinstance(named, int) and named not in {symbols.DICT, symbols.BUFFER}:
        raise WalkStop("NEWOBJ_EX with keyword arguments that are no dictionary")
    stack[-1] = machine.make(_NEW, target, position)
    return position + 1


def _check_args(args: Value) -> None:
    """The Python unpickler takes anything that can be iterated over."""
    if isinstance(args, int) and args not in _ITERABLES:
        raise WalkStop("arguments that are no tuple")


def _instantiate(machine: Machine, target: Value, args: int, position: int) -> None:
    if not isinstance(target, Target):
        raise WalkStop("OBJ of something that cannot be called")
    # A class without arguments is not called: ``cls.__new__(cls)``.
    kind = _NEW if not args and target.is_class else _CALL
    machine.context.stack.append(machine.make(kind, target, position))


def _obj(machine: Machine, data: bytes, position: int) -> int:
    items = machine.pop_mark()
    if not items:
        raise WalkStop("OBJ without a class")
    _instantiate(machine, items[0], len(items) - 1, position)
    return position + 1


def _inst(machine: Machine, data: bytes, position: int) -> int:
    module, end = read_line(machine, position + 1)
    name, end = read_line(machine, end)
    target = _imported(machine, module, name, position)
    _instantiate(machine, target, len(machine.pop_mark()), position)
    return end


def _build(machine: Machine, data: bytes, position: int) -> int:
    stack = machine.need(2)
    stack.pop()
    target = stack[-1]
    if isinstance(target, Target):
        machine.record(_BUILD, target, position)
    return position + 1


def _persistent(machine: Machine, position: int) -> Target:
    machine.record(_PERSID, machine.persistent, position)
    return machine.persistent


def _persid(machine: Machine, data: bytes, position: int) -> int:
    line, end = read_line(machine, position + 1)
    if not line.isascii():
        raise WalkStop("a persistent id that is not ASCII")
    machine.context.stack.append(_persistent(machine, position))
    return end


def _binpersid(machine: Machine, data: bytes, position: int) -> int:
    stack = machine.need(1)
    stack[-1] = _persistent(machine, position)
    return position + 1


def _extension(width: int) -> Operation:
    def push(machine: Machine, data: bytes, position: int) -> int:
        end = position + 1 + width
        number = int.from_bytes(data[position + 1 : end], "little", signed=width == 4)
        machine.odd("extension", f"a global by the number {number} of the extension registry", position)
        machine.context.stack.append(machine.computed)
        return end

    return push


# -- the pickle itself --------------------------------------------------------------------------------------


def _proto(machine: Machine, data: bytes, position: int) -> int:
    protocol = data[position + 1]
    if protocol > HIGHEST_PROTOCOL:
        raise WalkStop(f"protocol {protocol}, which does not exist")
    context = machine.context
    if machine.window.offset(position) != context.start:
        machine.odd("proto.middle", "the protocol is changed in mid-stream", position)
    context.protocol = protocol
    return position + 2


def _frame(machine: Machine, data: bytes, position: int) -> int:
    window, context = machine.window, machine.context
    start = position + 9
    length = int.from_bytes(data[position + 1 : start], "little")
    if length >= 1 << 63:
        raise WalkStop("a frame larger than any memory")
    begins = window.offset(start)
    if context.frame_end > begins:
        machine.odd("frame.nested", "a frame begins inside of another", position)
    # The C unpickler goes on with the outer frame where the inner one lies in it.
    context.frame_end = max(context.frame_end, begins + length)
    return start


def _stop(machine: Machine, data: bytes, position: int) -> int:
    machine.need(1)
    raise PickleEnd(position + 1)


_TABLE: dict[int, Operation] = {
    ord("("): _mark, ord("."): _stop, ord("0"): _pop, ord("1"): _pop_mark, ord("2"): _dup, ord("R"): _reduce,
    ord("Q"): _binpersid, ord("P"): _persid, ord("b"): _build, ord("c"): _global, ord("i"): _inst,
    ord("o"): _obj, 0x81: _newobj, 0x92: _newobj_ex, 0x93: _stack_global, 0x94: _memoize, 0x80: _proto,
    0x95: _frame,
    ord("a"): _filling_one(_APPEND, 1), ord("s"): _filling_one(_SETITEM, 2), ord("e"): _filling_all(_APPEND),
    ord("u"): _filling_all(_SETITEM), 0x90: _filling_all(_ADDITEM), ord("d"): _dict,
    ord("l"): _collecting(symbols.LIST), ord("t"): _collecting(symbols.TUPLE),
    0x91: _collecting(symbols.FROZENSET), 0x85: _tuple_of(1), 0x86: _tuple_of(2), 0x87: _tuple_of(3),
    ord("g"): _get, ord("h"): _getting(1), ord("j"): _getting(4), ord("p"): _put, ord("q"): _putting(1),
    ord("r"): _putting(4), 0x82: _extension(1), 0x83: _extension(2), 0x84: _extension(4),
    **LITERALS,
}  # fmt: skip
# By the opcode's byte; None for those that only push a value (``symbols.SIZES``), and for what is no opcode.
OPERATIONS: Final = tuple(_TABLE.get(code) for code in range(256))
