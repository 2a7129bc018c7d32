"""Traces for the rules: one operation, one allow-list, one installed version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secureload.pickles.trace import Import, Operation, Trace, TraceProblem
from secureload.scan.allowlist import AllowList, load_allow_file, load_default
from secureload.scan.case import Case
from secureload.scan.part import Part, part_of_trace

ALLOW = """
[library]
name = "ours"
releases = ["1"]

[import-only]
globals = '''
ours:referred  a test
'''

[new-only]
globals = '''
ours:Built  a test
'''

[callable]
globals = '''
ours:called  data  a test
'''
"""


def ours() -> AllowList:
    return load_allow_file(ALLOW).joined_with(load_default())


def case(
    *operations: Operation,
    imports: tuple[Import, ...] = (),
    problems: tuple[TraceProblem, ...] = (),
    installed: Mapping[str, str] | None = None,
    pickles: int = 1,
    **fields: Any,
) -> Case:
    trace = Trace(
        reading="pickle", operations=operations, imports=imports, problems=problems, pickles=pickles, **fields
    )
    return Case(part_of_trace(trace), ours(), installed or {})


def part_case(**fields: Any) -> Case:
    """A case of one part that is no pickle, examined as a whole unless ``fields`` say otherwise."""
    values = {
        "path": "",
        "format": "zip",
        "description": "a zip archive",
        "bytes_total": 9,
        "bytes_examined": 9,
    }
    return Case(Part(**{**values, **fields}), ours(), {})
