from __future__ import annotations

import pickletools

from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.assembler import Assembler


def names_and_arguments(data: bytes) -> list[tuple[str, object]]:
    return [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(data)]


def test_every_method_writes_the_opcode_of_its_name() -> None:
    code = (
        Assembler(4).none().boolean(True).boolean(False).integer(-5).integer(1 << 40).floating(0.5).text("ü")
    )
    code.binary(b"x").mark().tuple_().mark().list_().mark().dict_().mark().frozenset_().empty_dict()
    code.global_("m", "n").stack_global("o", "p").reduce().newobj().newobj_ex().build().memoize().put(3).get(
        3
    )
    assert names_and_arguments(code.pop().stop()) == [
        ("PROTO", 4), ("NONE", None), ("NEWTRUE", None), ("NEWFALSE", None), ("BININT", -5), ("LONG1", 1 << 40),
        ("BINFLOAT", 0.5), ("BINUNICODE", "ü"), ("BINBYTES", b"x"), ("MARK", None), ("TUPLE", None),
        ("MARK", None), ("LIST", None), ("MARK", None), ("DICT", None), ("MARK", None), ("FROZENSET", None),
        ("EMPTY_DICT", None), ("GLOBAL", "m n"), ("BINUNICODE", "o"), ("BINUNICODE", "p"), ("STACK_GLOBAL", None),
        ("REDUCE", None), ("NEWOBJ", None), ("NEWOBJ_EX", None), ("BUILD", None), ("MEMOIZE", None),
        ("LONG_BINPUT", 3), ("LONG_BINGET", 3), ("POP", None), ("STOP", None),
    ]  # fmt: skip


def test_without_a_protocol_there_is_no_proto_opcode() -> None:
    assert Assembler(None).none().stop() == b"N."


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(st.integers(-(1 << 2000), 1 << 2000), st.floats(allow_nan=False), st.text(), st.binary()),
        max_size=8,
    )
)
def test_constants_are_read_back_as_they_were_written(values: list[object]) -> None:
    code = Assembler(4)
    for value in values:
        if isinstance(value, int):
            code.integer(value)
        elif isinstance(value, float):
            code.floating(value)
        elif isinstance(value, str):
            code.text(value)
        elif isinstance(value, bytes):
            code.binary(value)
    assert [argument for _, argument in names_and_arguments(code.stop())[1:-1]] == values
