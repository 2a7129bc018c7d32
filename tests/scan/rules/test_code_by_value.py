from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import pytest

from secureload.pickles.assembler import Assembler
from secureload.pickles.trace import Const, GlobalRef, Import, Operation
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Finding, Severity
from secureload.scan.rules.code_by_value import RULE_ID, check

from ...pickles.tracing import text, trace, tuple_of
from .cases import case

CLOUDPICKLE = "cloudpickle.cloudpickle"
TWICE = 3


def by_value(value: Any) -> bytes:
    """``value`` as cloudpickle saves what a script defines."""
    if hasattr(value, "__module__"):
        value.__module__ = "__main__"
    return cloudpickle.dumps(value)


def findings(data: bytes) -> list[Finding]:
    found = examine(trace(data), load_default(), {}).findings
    return [item for item in found if item.severity in {Severity.DANGEROUS, Severity.UNKNOWN}]


def of_this_rule(data: bytes) -> list[Finding]:
    return [item for item in findings(data) if item.rule_id == RULE_ID]


def code_call(names: tuple[str, ...], code: bytes = b"\x97\x00d\x00S\x00") -> Operation:
    counts = tuple(Const(0) for _ in range(6))
    empty = tuple_of()
    tail = (text("<x>"), text("f"), text("f"), Const(1), Const(b"", 0), Const(b"", 0), empty, empty)
    args = (*counts, Const(code, len(code)), tuple_of(Const(None)), tuple_of(*map(text, names)), empty, *tail)
    return Operation("call", GlobalRef("types", "CodeType"), args, offset=7)


def test_a_lambda_is_undecided_and_its_instructions_are_shown() -> None:
    (finding,) = findings(by_value(lambda x: x + TWICE))
    assert (finding.rule_id, finding.severity) == (RULE_ID, Severity.UNKNOWN)
    assert "<lambda>" in finding.title
    assert "TWICE" in finding.detail
    assert "RETURN_VALUE" in finding.detail


def test_a_class_its_instance_and_an_enumeration_are_undecided_and_nobody_accuses_them() -> None:
    class Model:
        def __init__(self) -> None:
            self.weight = 1

        @property
        def doubled(self) -> int:
            return self.weight * 2

        def save(self, path: str) -> None:
            with open(path, "wb") as file:
                pickle.dump(self, file)

    Model.__module__ = "__main__"
    Model.__qualname__ = "Model"
    for value in (Model, Model()):
        found = findings(cloudpickle.dumps(value))
        assert {item.severity for item in found} == {Severity.UNKNOWN}
        assert {item.rule_id for item in found} == {RULE_ID, "SL102"}
        titles = [item.title for item in found if item.rule_id == RULE_ID]
        assert [title for title in titles if "doubled" in title]


@pytest.mark.parametrize(
    ("name", "technique"),
    [("system", "spawns processes"), ("__import__", "imports modules"), ("socket", "uses the network")],
)
def test_code_that_looks_up_what_runs_programs_is_dangerous(name: str, technique: str) -> None:
    (finding,) = check(case(code_call(("os", name))))
    assert finding.severity is Severity.DANGEROUS
    assert name in finding.title
    assert technique in finding.title
    assert finding.location.offset == 7


def test_eval_is_dangerous_as_the_builtin_and_not_as_a_method_of_a_model() -> None:
    def builtin(x: str) -> Any:
        return eval(x)

    def method(model: Any) -> Any:
        return model.eval()

    assert [item.severity for item in of_this_rule(by_value(builtin))] == [Severity.DANGEROUS]
    assert [item.severity for item in of_this_rule(by_value(method))] == [Severity.UNKNOWN]


def test_a_function_that_was_restored_is_not_called_while_the_file_is_loaded() -> None:
    data = by_value(lambda: 1)
    called = data[:-1] + pickle.EMPTY_TUPLE + pickle.REDUCE + pickle.STOP
    assert "SL106" not in {item.rule_id for item in findings(data)}
    assert "SL106" in {item.rule_id for item in findings(called)}


@pytest.mark.parametrize("name", ["sys", "_f", "new_class", "sys.modules", ""])
def test_what_is_no_type_is_not_looked_up_in_the_module_types(name: str) -> None:
    call = Operation("call", GlobalRef(CLOUDPICKLE, "_builtin_type"), (text(name),))
    (finding,) = check(case(call))
    assert finding.severity is Severity.DANGEROUS


@pytest.mark.parametrize(
    ("maker", "module", "severity"),
    [
        (f"{CLOUDPICKLE}:subimport", "numpy", Severity.UNKNOWN),
        (f"{CLOUDPICKLE}:subimport", "subprocess", Severity.DANGEROUS),
        ("dill._dill:_import_module", "os.system", Severity.DANGEROUS),
        ("dill._dill:_import_module", "pandas", Severity.UNKNOWN),
    ],
)
def test_an_import_by_a_text_is_judged_by_the_text(maker: str, module: str, severity: Severity) -> None:
    (finding,) = check(case(Operation("call", GlobalRef(*maker.split(":")), (text(module),))))
    assert finding.severity is severity


def test_a_state_that_is_given_to_a_global_changes_it() -> None:
    setter = GlobalRef(CLOUDPICKLE, "_function_setstate")
    (finding,) = check(case(Operation("call", setter, (GlobalRef("numpy", "size"), tuple_of()))))
    assert finding.severity is Severity.DANGEROUS


def test_machinery_without_code_is_undecided() -> None:
    (finding,) = check(case(imports=(Import(GlobalRef("dill._dill", "_create_cell"), 1, 3),)))
    assert (finding.severity, finding.location.offset) == (Severity.UNKNOWN, 3)


def test_arguments_that_are_no_code_are_said_to_be_none() -> None:
    (finding,) = check(case(Operation("call", GlobalRef("types", "CodeType"), (Const(1),))))
    assert "not those of a code object" in finding.title


def test_files_without_code_are_silent() -> None:
    assert findings(pickle.dumps({"a": [1, 2]})) == []
    assert list(check(case(Operation("call", GlobalRef("ours", "called"))))) == []


def dill_closure(filled: str = "cell") -> bytes:
    """What dill writes for a function with a closure: the cell is filled by setattr, looked up in dill."""
    code = Assembler(4).stack_global("dill._dill", "_create_cell").mark().none().tuple_().reduce().put(1)
    code = code.stack_global("builtins", "getattr").mark().stack_global("dill", "_dill")
    code = code.text("_setattr").stack_global("builtins", "setattr").tuple_().reduce()
    code = code.mark()
    code = code.get(1) if filled == "cell" else code.global_("ours", filled)
    return code.text("cell_contents").integer(3).tuple_().reduce().pop().stop()


def test_a_closure_of_dill_is_undecided_and_not_accused() -> None:
    found = findings(dill_closure())
    assert [(item.rule_id, item.severity) for item in found] == [(RULE_ID, Severity.UNKNOWN)]


def test_setattr_of_dill_on_a_global_is_dangerous() -> None:
    assert Severity.DANGEROUS in {item.severity for item in findings(dill_closure("Model"))}


def test_more_code_than_is_shown_is_still_named() -> None:
    calls = [code_call((f"name{number}",)) for number in range(60)]
    found = list(check(case(*calls)))
    assert len(found) == 60
    assert "RESUME" in found[0].detail
    assert "RESUME" not in found[-1].detail
    assert "name59" in found[-1].detail
