from __future__ import annotations

from secureload.pickles.assembler import Assembler
from secureload.pickles.trace import Elided, GlobalRef
from secureload.pickles.walked import TOO_SLOW, walked_trace
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Severity
from tests.pickles.tracing import mapped

HOSTILE = Assembler(4).stack_global("os", "system").mark().text("echo hello").tuple_().reduce().stop()


def test_it_says_what_is_called_and_where_and_that_this_is_not_all() -> None:
    found = walked_trace(mapped(HOSTILE), bytes_total=len(HOSTILE))
    assert [item.ref for item in found.imports] == [GlobalRef("os", "system")]
    (operation,) = found.operations
    assert (operation.kind, operation.target, operation.args) == (
        "call",
        GlobalRef("os", "system"),
        (Elided(),),
    )
    assert HOSTILE[operation.offset : operation.offset + 1] == b"R"
    assert [(problem.kind, problem.message) for problem in found.problems] == [("limit", TOO_SLOW)]


def test_what_is_dangerous_by_its_name_is_rejected_and_all_else_undecided() -> None:
    def severities(data: bytes) -> set[Severity]:
        found = examine(walked_trace(mapped(data), bytes_total=len(data)), load_default(), {})
        return {finding.severity for finding in found.findings}

    assert severities(HOSTILE) == {Severity.DANGEROUS, Severity.UNKNOWN}
    dates = Assembler(4).stack_global("datetime", "date").mark().text("x").tuple_().reduce().stop()
    assert severities(dates) == {Severity.UNKNOWN}
    assert severities(Assembler(4).none().stop()) == {Severity.UNKNOWN}
