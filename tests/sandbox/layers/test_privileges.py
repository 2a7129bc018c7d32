from __future__ import annotations

import json

from ..conftest import run_child


def status_after(*steps: str) -> tuple[dict[str, str], list[list[str]]]:
    code = f"""
import json
from secureload.sandbox.layers import privileges
reports = [getattr(privileges, step)() for step in {list(steps)!r}]
print(json.dumps([open("/proc/self/status").read(), [[r.name, r.state, r.detail] for r in reports if r]]))
"""
    done = run_child(code)
    assert done.returncode == 0, done.stderr
    text, reports = json.loads(done.stdout)
    return {
        line.split(":", 1)[0]: line.split(":", 1)[1].strip() for line in text.splitlines() if ":" in line
    }, reports


def test_no_new_privileges_is_set_and_the_kernel_says_so() -> None:
    before, _ = status_after()
    after, reports = status_after("forbid_new_privileges")
    assert (before["NoNewPrivs"], after["NoNewPrivs"]) == ("0", "1")
    assert reports[0][:2] == ["no-new-privileges", "enforced"]


def test_every_capability_set_is_empty_afterwards() -> None:
    after, reports = status_after("drop_capabilities")
    assert reports[0][:2] == ["capabilities", "enforced"]
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(after[name], 16) == 0


def test_the_process_dies_with_its_parent_and_hides_its_memory() -> None:
    done = run_child(
        """
        import ctypes
        from secureload.sandbox.kernel import prctl
        from secureload.sandbox.layers.privileges import die_with_parent, hide_memory
        die_with_parent(); hide_memory()
        signal = ctypes.c_int()
        ctypes.CDLL(None).prctl(2, ctypes.byref(signal))
        print(signal.value, prctl(3))
        """
    )
    assert done.stdout.split() == ["9", "0"], done.stderr
