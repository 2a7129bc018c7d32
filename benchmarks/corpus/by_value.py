"""Functions and classes that cloudpickle and dill write by value: honest ones, and ones that are not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.corpus.sample import Sample

__all__ = ["by_value_samples", "hostile_by_value_samples"]


def by_value_samples() -> Iterator[Sample]:
    """Yield honest code by value: what it would do nobody can vouch for without reading it."""
    for label, value in _honest().items():
        for writer, data in _written(value):
            yield Sample("by-value", writer, f"{label}.pkl", data)


def hostile_by_value_samples() -> Iterator[Sample]:
    """Yield code by value that names what no model needs."""
    for label, value in _hostile().items():
        for writer, data in _written(value):
            yield Sample("malicious", f"code by value: {writer}", f"{label}.pkl", data)


def _written(value: Any) -> Iterator[tuple[str, bytes]]:
    import cloudpickle
    import dill

    yield "cloudpickle", cloudpickle.dumps(value)
    yield "dill", dill.dumps(value, recurse=True)


def _defined(source: str, name: str, **names: Any) -> Any:
    """Return what ``source`` defines, as a notebook would define it."""
    space: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__, **names}
    exec(compile(source, "<notebook>", "exec"), space)
    return space[name]


def _honest() -> dict[str, Any]:
    import numpy as np

    offset = 3
    add: Callable[[int], int] = _defined("add = lambda x: x + offset", "add", offset=offset)
    return {
        "lambda": _defined("double = lambda x: x * 2", "double"),
        "closure": add,
        "function": _defined("def clean(row):\n    return [max(0.0, value) for value in row]\n", "clean"),
        "with-numpy": _defined("def logs(x):\n    return np.log1p(x)\n", "logs", np=np),
        "class": _defined("class Scale:\n    def transform(self, x):\n        return x / 2\n", "Scale"),
        "instance": _defined("class Scale:\n    by = 2\n    def transform(self, x):\n        return x / self.by\n", "Scale")(),
        "dataclass": _defined("import dataclasses\n@dataclasses.dataclass\nclass Options:\n    depth: int = 3\n", "Options")(),
        "generator": _defined("def rows(n):\n    for number in range(n):\n        yield number\n", "rows"),
        "in-transformer": _transformer(),
        "partial": _partial(add),
    }  # fmt: skip


def _transformer() -> Any:
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(_defined("half = lambda x: x / 2", "half"))


def _partial(function: Callable[..., Any]) -> Any:
    import functools

    return functools.partial(function, 1)


def _hostile() -> dict[str, Any]:
    return {
        "import-inside": _defined("def predict(x):\n    import os\n    os.system('echo hello')\n    return x\n", "predict"),
        "module-global": _defined("def predict(x):\n    os.system('echo hello')\n    return x\n", "predict", os=os),
        "popen": _defined("def predict(x):\n    subprocess.Popen(['echo', 'hello'])\n", "predict", subprocess=subprocess),
        "eval": _defined("def predict(x):\n    return eval('1 + 1')\n", "predict"),
        "exec": _defined("def predict(x):\n    exec('pass')\n", "predict"),
        "dunder-import": _defined("def predict(x):\n    return __import__('os').popen('echo hello')\n", "predict"),
        "socket": _defined("def predict(x):\n    import socket\n    socket.create_connection(('example.invalid', 80))\n", "predict"),
        "urlopen": _defined("def predict(x):\n    from urllib.request import urlopen\n    urlopen('http://example.invalid/')\n", "predict"),
        "open": _defined("def predict(x):\n    open('/nonexistent/canary', 'w')\n", "predict"),
        "ctypes": _defined("def predict(x):\n    import ctypes\n    ctypes.CDLL('/nonexistent/canary.so')\n", "predict"),
        "in-a-class": _defined("class Model:\n    def predict(self, x):\n        import os\n        os.system('echo hello')\n", "Model")(),
        "setstate": _defined("class Model:\n    def __setstate__(self, state):\n        import os\n        os.system('echo hello')\n    def __getstate__(self):\n        return {'a': 1}\n", "Model")(),
        "nested": _defined("def predict(x):\n    def inner():\n        import os\n        os.system('echo hello')\n    return inner()\n", "predict"),
        "getattr": _defined("def predict(x):\n    return getattr(__import__('o' + 's'), 'sys' + 'tem')('echo hello')\n", "predict"),
        "pickle-loads": _defined("def predict(x):\n    import pickle\n    return pickle.loads(x)\n", "predict"),
    }  # fmt: skip
