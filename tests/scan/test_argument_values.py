"""What the rules ask of values."""

from __future__ import annotations

from secureload.pickles.trace import Collection, Const, Elided, GlobalRef, Result
from secureload.scan.argument_values import is_builtin, is_name, walk, why_not_data

SYSTEM = GlobalRef("os", "system")


def test_walk_yields_a_value_and_all_inside_it() -> None:
    inner = Collection("list", (Const(1), SYSTEM), 2)
    outer = Collection("tuple", (inner, Elided()), 2)
    assert list(walk(outer)) == [outer, inner, Const(1), SYSTEM, Elided()]


def test_results_are_data_but_globals_and_elided_values_are_not() -> None:
    assert why_not_data((Const(b"x", 1), Result("call", SYSTEM))) is None
    assert "os:system" in (why_not_data((Collection("list", (SYSTEM,), 1),)) or "")
    assert why_not_data((Elided(),)) is not None


def test_a_global_with_terminal_escapes_in_its_name_is_shown_printable() -> None:
    reason = why_not_data((GlobalRef("os\x1b[2J", "sys\ntem"),))
    assert reason is not None
    assert reason.isprintable()


def test_a_cut_text_is_no_name() -> None:
    assert is_name(Const("PCG64", 5), frozenset({"PCG64"}))
    assert not is_name(Const("PCG64", 500), frozenset({"PCG64"}))
    assert not is_name(Const(b"PCG64", 5), frozenset({"PCG64"}))


def test_builtins_are_known_by_both_of_their_names() -> None:
    assert is_builtin(GlobalRef("builtins", "list"), frozenset({"list"}))
    assert is_builtin(GlobalRef("__builtin__", "list"), frozenset({"list"}))
    assert not is_builtin(GlobalRef("os", "list"), frozenset({"list"}))
