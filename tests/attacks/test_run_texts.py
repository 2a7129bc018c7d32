"""States whose texts the library itself runs: a distribution's argument parser, a model's formula."""

from __future__ import annotations

import pickle

import pytest

from secureload.pickles.assembler import Assembler
from secureload.scan.allowlist import load_default
from secureload.scan.examine import examine
from secureload.scan.finding import Finding, Severity

from ..pickles.tracing import trace

NORM = ("scipy.stats._continuous_distns", "norm_gen")
DATA = ("statsmodels.base.data", "PandasData")


def state(module: str, name: str, **items: str | bool) -> bytes:
    out = Assembler().stack_global(module, name).mark().tuple_().newobj().mark()
    for key, value in items.items():
        out.text(key)
        out.boolean(value) if isinstance(value, bool) else out.text(value)
    return out.dict_().build().stop()


def findings(data: bytes) -> list[Finding]:
    found = examine(trace(data), load_default(), {}).findings
    return [item for item in found if item.severity in {Severity.DANGEROUS, Severity.UNKNOWN}]


@pytest.mark.parametrize("code", ["__import__('os').system('echo hello')", "exec('pass')", "f(x=eval('1'))"])
def test_a_program_in_a_distribution_that_gives_itself_away_is_dangerous(code: str) -> None:
    (finding,) = findings(state(*NORM, _parse_arg_template=code))
    assert (finding.rule_id, finding.severity) == ("SL104", Severity.DANGEROUS)
    assert "holds a program of its own: " in finding.title


@pytest.mark.parametrize("restore", ["restore_design_info", "restore_model_spec"])
def test_a_formula_that_gives_itself_away_is_dangerous(restore: str) -> None:
    data = state(*DATA, formula="y ~ __import__('os').system('echo hello')", **{restore: True})
    (finding,) = findings(data)
    assert (finding.rule_id, finding.severity) == ("SL104", Severity.DANGEROUS)
    assert finding.title.endswith(": __import__ imports modules")


def test_a_program_of_another_release_is_undecided_and_not_accused() -> None:
    text = "def _parse_args(self, a, loc=0, scale=1, extra=None):\n    return (a,), loc, scale\n"
    (finding,) = findings(state(*NORM, _parse_arg_template=text))
    assert finding.severity is Severity.UNKNOWN


def test_the_distributions_and_formulas_that_are_written_are_silent() -> None:
    stats = pytest.importorskip("scipy.stats")
    assert findings(pickle.dumps(stats.norm(1, 2))) == []
    assert findings(pickle.dumps(stats.gamma(3))) == []
