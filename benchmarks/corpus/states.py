"""Payloads of admitted names alone: states and arguments that the library's own code runs, evaluates or opens.

A list of names lets each of these names through, because honest files need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.expression import Built, Call, Name, Style, encode
from benchmarks.corpus.sample import Sample

__all__ = ["state_samples"]

_CODE = "__import__('os').system('echo hello')"


def state_samples() -> Iterator[Sample]:
    """Yield a file for each."""
    for label, tree in (*_states(), *_handed()):
        for protocol in (2, 4):
            yield Sample(
                "malicious", "admitted names", f"{label}-{protocol}.pkl", encode(tree, Style(protocol))
            )


def _new(module: str, name: str, *arguments: Any) -> Call:
    return Call(Name(module, name), arguments, "newobj")


def _states() -> Iterator[tuple[str, Any]]:
    # scipy's distributions run the text of their argument parser when they are restored.
    for module, name in (
        ("scipy.stats._continuous_distns", "norm_gen"),
        ("scipy.stats._continuous_distns", "gamma_gen"),
        ("scipy.stats._continuous_distns", "uniform_gen"),
        ("scipy.stats._discrete_distns", "poisson_gen"),
        ("scipy.stats._distn_infrastructure", "rv_continuous"),
    ):
        state = {"name": "norm", "shapes": None, "a": 0.0, "b": 1.0, "_parse_arg_template": _CODE}
        yield f"template-of-{name}", Built(_new(module, name), state)
    parser = "def _parse_args(self, loc=0, scale=1):\n    return (), loc, scale\n" + _CODE + "\n"
    yield (
        "template-continued",
        Built(_new("scipy.stats._continuous_distns", "norm_gen"), {"_parse_arg_template": parser}),
    )
    default = "def _parse_args(self, loc=0, scale=" + _CODE + "):\n    return (), loc, scale\n"
    yield (
        "template-default",
        Built(_new("scipy.stats._continuous_distns", "norm_gen"), {"_parse_arg_template": default}),
    )
    # statsmodels evaluates the formula of a model that it restores.
    formula = f"y ~ {_CODE}"
    for word in ("restore_design_info", "restore_model_spec"):
        for name in ("PandasData", "ModelData", "PatsyData"):
            state = {word: True, "formula": formula, "frame": {"y": [1.0]}}
            yield f"{word}-of-{name}", Built(_new("statsmodels.base.data", name), state)
    # dateutil opens the file of a time zone; pandas hands text on to it.
    yield "tzfile", Call(Name("dateutil.tz.tz", "tzfile"), ("/etc/passwd",))
    index = {"data": [0], "tz": "dateutil//etc/passwd"}
    yield (
        "tz-of-an-index",
        Call(
            Name("pandas.core.indexes.base", "_new_Index"),
            (Name("pandas.core.indexes.datetimes", "DatetimeIndex"), index),
        ),
    )
    yield "memmap", Call(Name("numpy.core.multiarray", "_reconstruct"), (Name("numpy", "memmap"), (0,), b"b"))
    yield "memory-of-a-pipeline", Built(
        _new("sklearn.pipeline", "Pipeline"),
        {"steps": [], "memory": Call(Name("joblib.memory", "Memory"), ("/nonexistent/canary",)), "verbose": False},
    )  # fmt: skip
    nested = encode(Call(Name("os", "system"), ("echo hello",)), Style(2))
    yield "bytes-of-a-storage", Call(Name("torch.storage", "_load_from_bytes"), (nested,))
    yield (
        "rebuilt-from-a-function",
        Call(
            Name("torch._tensor", "_rebuild_from_type_v2"),
            (Name("torch.storage", "_load_from_bytes"), Name("torch._tensor", "Tensor"), (nested,), {}),
        ),
    )
    yield "class-of-a-parameter", Built(_new("torch.nn.modules.linear", "Linear"), {"forward": Name("torch.storage", "_load_from_bytes")})  # fmt: skip
    graph = {"_code": f"import os\n{_CODE}\ndef forward(self): pass", "_graphmodule_cls_name": "Canary"}
    yield "graph-module", Call(Name("torch.fx.graph_module", "reduce_graph_module"), (graph, "import os\n"))
    yield "graph-module-state", Built(_new("torch.fx.graph_module", "GraphModule"), graph)


def _handed() -> Iterator[tuple[str, Any]]:
    """Names that honest files import and never call, handed to what calls what it is given."""
    reader = Name("sklearn.datasets._base", "load_files")
    for label, function in (("load-files", reader), ("array-file", Name("numpy", "fromfile"))):
        yield (
            f"{label}-as-generator",
            Call(Name("numpy.random._pickle", "__generator_ctor"), ("/etc", function)),
        )
        yield (
            f"{label}-as-bit-generator",
            Call(Name("numpy.random._pickle", "__bit_generator_ctor"), (function,)),
        )
        yield (
            f"{label}-as-random-state",
            Call(Name("numpy.random._pickle", "__randomstate_ctor"), ("/etc", function)),
        )
        yield f"{label}-as-factory", Call(Name("collections", "defaultdict"), (function,))
        yield f"{label}-in-partial", Call(Call(Name("functools", "partial"), (function, "/etc")), ())
        yield (
            f"{label}-as-index",
            Call(Name("pandas.core.indexes.base", "_new_Index"), (function, {"path": "/etc"})),
        )
        yield (
            f"{label}-as-class",
            Call(Name("copyreg", "_reconstructor"), (function, Name("builtins", "object"), None)),
        )
        yield f"{label}-as-tree", Call(Name("sklearn.neighbors._kd_tree", "newObj"), (function,))
        yield f"{label}-as-metric", Call(Name("sklearn.metrics._dist_metrics", "newObj"), (function,))
        yield (
            f"{label}-as-wrapper",
            Built(
                _new("joblib.numpy_pickle", "NumpyArrayWrapper"),
                {"subclass": function, "shape": (0,), "order": "C", "dtype": function, "allow_mmap": False},
            ),
        )
