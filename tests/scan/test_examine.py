from __future__ import annotations

import ast
import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import secureload.scan.rules as rules_package
from secureload.pickles.trace import (
    Collection,
    Const,
    Elided,
    GlobalRef,
    Import,
    Operation,
    Result,
    Trace,
    TraceProblem,
)
from secureload.scan.allowlist import load_default
from secureload.scan.case import shown_call, shown_value
from secureload.scan.examine import ON_OBSERVATIONS, all_rules, examine, not_examinable
from secureload.scan.finding import Coverage, Examination, Location, Severity

INSTALLED = {"scikit-learn": "1.9.1"}


def test_every_rule_has_an_id_of_its_own_a_title_and_an_explanation() -> None:
    rules = all_rules()
    ids = [rule.rule_id for rule in rules]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch(r"SL[1-4]\d\d", rule_id) for rule_id in ids)
    assert len(ids) >= 12
    assert all(rule.title and len(rule.explanation) > 80 for rule in rules)


def test_findings_of_several_rules_come_together_with_the_coverage() -> None:
    system = GlobalRef("os", "system")
    trace = Trace(
        reading="pickle",
        imports=(Import(system), Import(GlobalRef("unheard", "Of"))),
        operations=(Operation("call", system, (Const("x", 1),)),),
        problems=(TraceProblem("malformed", "cut off", 40),),
        bytes_total=50,
        bytes_examined=40,
        pickles=1,
    )
    found = examine(trace, load_default(), INSTALLED)
    assert [finding.rule_id for finding in found.findings] == ["SL101", "SL102", "SL201"]
    assert found.worst() is Severity.DANGEROUS
    assert found.coverage == Coverage(
        bytes_total=50, bytes_examined=40, pickles=1, members=1, not_examined=("cut off",)
    )
    assert not found.coverage.complete
    assert found.trace is trace


def test_a_trace_without_findings_is_complete() -> None:
    found = examine(Trace(reading="pickle", pickles=1), load_default(), INSTALLED)
    assert found.findings == ()
    assert found.worst() is None
    assert found.coverage.complete


def test_nothing_examined_is_never_complete() -> None:
    found = examine(Trace(reading="pickle"), load_default(), INSTALLED)
    assert not found.coverage.complete
    assert found.worst() is Severity.UNKNOWN


def test_more_findings_than_are_listed_are_a_finding_themselves() -> None:
    imports = tuple(Import(GlobalRef("unheard", f"n{number}")) for number in range(50))
    found = examine(Trace(reading="pickle", imports=imports, pickles=1), load_default(), {}, most_findings=10)
    assert len(found.findings) == 11
    assert "more than 10 findings" in found.findings[-1].title


def test_a_dangerous_finding_is_not_cut_off_behind_many_unknown_ones() -> None:
    unknown = tuple(Import(GlobalRef("unheard", f"n{number}")) for number in range(50))
    trace = Trace(reading="pickle", imports=(*unknown, Import(GlobalRef("os", "system"))), pickles=1)
    assert examine(trace, load_default(), {}, most_findings=10).worst() is Severity.DANGEROUS


def test_what_no_reader_fits_is_unknown_and_not_covered() -> None:
    found = not_examinable("this is a picture", 10, hint="nothing")
    assert isinstance(found, Examination)
    assert (found.worst(), found.coverage.complete, found.trace) == (Severity.UNKNOWN, False, None)


def test_locations_read_as_a_person_would_write_them() -> None:
    assert str(Location(1_234, "REDUCE")) == "offset 1,234, REDUCE"
    assert str(Location(-1)) == ""


def test_values_and_operations_are_shown_as_python() -> None:
    ref = GlobalRef("m", "f")
    pair = Collection("tuple", (Const("k", 1), Const(1)), 2)
    values = {
        shown_value(Collection("tuple", (Const(1),), 1)): "(1,)",
        shown_value(Collection("tuple", (Const(1),), 9)): "(1, …)",
        shown_value(Collection("list", (Const(1), Const(2)), 2)): "[1, 2]",
        shown_value(Collection("dict", (pair,), 1)): "{'k': 1}",
        shown_value(Collection("frozenset", (Const(1),), 1)): "frozenset(1)",
        shown_value(Result("call", ref)): "<result of m.f>",
        shown_value(Result("call", None)): "<computed>",
        shown_value(Elided()): "…",
        shown_value(Const("abc", 900)): "'abc'… (900 in all)",
        shown_call(Operation("call", ref, (Const(1),), (("key", Const(None)),))): "m.f(1, key=None)",
        shown_call(Operation("persid", Const(None), (Const("x", 1),))): "persistent_load('x')",
        shown_call(Operation("append", ref, (Const(1),))): "m.f is filled with 1",
    }
    assert list(values) == list(values.values())


_REFS = st.builds(GlobalRef, st.text(max_size=8), st.text(max_size=8))
_LEAVES = st.one_of(
    st.builds(Const, st.one_of(st.none(), st.booleans(), st.integers(), st.floats()), st.integers(-1, 9)),
    st.text(max_size=20).map(lambda text: Const(text, len(text))),
    st.binary(max_size=20).map(lambda data: Const(data, len(data))),
    _REFS,
    st.builds(Result, st.sampled_from(["call", "new", "persid"]), st.one_of(st.none(), _REFS)),
    st.just(Elided()),
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        Collection,
        st.sampled_from(["tuple", "list", "dict", "set", "frozenset"]),
        st.lists(inner, max_size=3).map(tuple),
        st.integers(0, 9),
    ),
    max_leaves=6,
)
_OPERATIONS = st.builds(
    Operation,
    st.sampled_from(["call", "new", "build", "append", "setitem", "additem", "persid"]),
    _VALUES,
    st.lists(_VALUES, max_size=3).map(tuple),
    st.lists(st.tuples(st.text(max_size=3), _VALUES), max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_OPERATIONS, max_size=5).map(tuple), st.lists(_REFS, max_size=4))
def test_any_trace_is_examined_and_every_text_is_one_printable_line(
    operations: tuple[Operation, ...], refs: list[GlobalRef]
) -> None:
    imports = tuple(Import(ref) for ref in refs)
    trace = Trace(reading="pickle", operations=operations, imports=imports, pickles=1)
    for finding in examine(trace, load_default(), INSTALLED).findings:
        assert finding.title.isprintable()
        assert finding.hint.isprintable()
        assert finding.detail.isprintable()


def test_a_rule_that_is_left_out_where_nothing_was_observed_only_grades_observations() -> None:
    folder = Path(rules_package.__path__[0])
    assert {path.stem for path in folder.glob("*.py")} >= ON_OBSERVATIONS
    for name in ON_OBSERVATIONS:
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        check = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check")
        said = [ast.unparse(node) for node in check.body if not is_docstring(node)]
        assert said in (
            ["yield from findings_of(case, RULE_ID, GRADES)"],
            ["return findings_of(case, RULE_ID, GRADES)"],
        ), name


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
