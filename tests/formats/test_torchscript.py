from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secureload.formats.torchscript import CodeUse, read_bytecode, read_source


def used(text: str) -> CodeUse:
    found = CodeUse()
    read_source(text, found)
    return found


@pytest.mark.parametrize(
    "line",
    ['torch.save(x, "f")', 'y = ops.aten.save(x, "f")', 'torch.ops.aten.save(x, "f")', 'torch.from_file("/etc/passwd")',
     'f = rpc_async("worker", g, (x,))', 'f = rpc.rpc_sync("worker", g)', 'ops.prim.rpc_remote("w", g)',
     'y = torch.add(torch.from_file("a"), x)', 'x = (torch.save)(x, "f")'],
)  # fmt: skip
def test_operators_that_reach_outside(line: str) -> None:
    found = used(f"  def forward(self, x: Tensor):\n    {line}\n")
    assert list(found.outside.values()) == [line]
    assert not found.unknown


@pytest.mark.parametrize(
    "line",
    ["return torch.relu(torch.add(x, y))", "z = ops.quantized.linear_dynamic(x, p)", "ops.prim.RaiseException(_0)",
     "dtype = ops.prim.dtype(x)", "fut = fork(__forked_function)", "w = self.saved.save.weight", "a = self.torch.save",
     "  p : __torch__.torch.classes.quantized.LinearPackedParamsBase", "b = CONSTANTS.c0", "return (q).forward(x, )"],
)  # fmt: skip
def test_plain_operators_and_attributes_say_nothing(line: str) -> None:
    found = used(line)
    assert not found.outside
    assert not found.unknown


@pytest.mark.parametrize(
    ("line", "name"),
    [("r = ops.torchvision.nms(b, s, 0.5)", "torchvision::nms"),
     ("r = torch.ops.mine.run(x)", "mine::run"),
     ("c : __torch__.torch.classes.mine.Engine", "__torch__.torch.classes.mine.Engine")],
)  # fmt: skip
def test_operators_and_classes_of_others_are_unknown(line: str, name: str) -> None:
    assert list(used(line).unknown) == [name]


def test_what_runs_while_it_is_loaded_is_shown() -> None:
    assert used("  def __setstate__(self,\n    state: int) -> NoneType:").runs_on_load == [
        "def __setstate__(self,"
    ]


def test_bytecode_names_its_operators() -> None:
    found = CodeUse()
    read_bytecode(b"X\x09\0\0\0aten::addqX\x0a\0\0\0aten::saveqX\x09\0\0\0mine::runq", found)
    assert list(found.outside) == ["aten::save (writes a file)"]
    assert list(found.unknown) == ["mine::…"]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    used(text)
