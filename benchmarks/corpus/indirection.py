"""Ways from an innocent name to a dangerous call: dotted names, attributes of results, calls of what a call gave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.expression import Built, Call, Name, Style, encode
from benchmarks.corpus.sample import Sample

__all__ = ["indirection_samples"]

_SHELL = ("echo hello",)
_CODE = ("1 + 1",)

# From protocol 4 on a name is looked up attribute by attribute, so every module hands out what it has imported.
_DOTTED: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("pathlib", "os.system", _SHELL),
    ("tempfile", "_os.system", _SHELL),
    ("random", "_os.system", _SHELL),
    ("glob", "os.system", _SHELL),
    ("shutil", "os.system", _SHELL),
    ("logging", "os.system", _SHELL),
    ("inspect", "os.system", _SHELL),
    ("genericpath", "os.system", _SHELL),
    ("posixpath", "os.system", _SHELL),
    ("zipfile", "os.system", _SHELL),
    ("gettext", "os.system", _SHELL),
    ("mimetypes", "os.system", _SHELL),
    ("fileinput", "os.system", _SHELL),
    ("linecache", "os.system", _SHELL),
    ("configparser", "os.system", _SHELL),
    ("urllib.request", "os.system", _SHELL),
    ("pathlib", "ntpath.os.system", _SHELL),
    ("threading", "_os.system", _SHELL),
    ("concurrent.futures.thread", "os.system", _SHELL),
    ("numpy.core.multiarray", "os.system", _SHELL),
    ("numpy", "os.system", _SHELL),
    ("numpy.lib.npyio", "os.system", _SHELL),
    ("numpy.lib._npyio_impl", "os.system", _SHELL),
    ("numpy.lib.format", "os.system", _SHELL),
    ("numpy.ctypeslib", "os.system", _SHELL),
    ("numpy._core.multiarray", "overrides.collections._sys.modules.get", ("os",)),
    ("numpy._core.numeric", "sys.modules.get", ("os",)),
    ("numpy.lib.function_base", "re.sys.modules.get", ("os",)),
    ("numpy._core.records", "sys.modules.get", ("os",)),
    ("numpy.random.mtrand", "warnings.sys.modules.get", ("os",)),
    ("numpy.ma.core", "inspect.os.system", _SHELL),
    ("scipy.sparse._csr", "np.lib.os.system", _SHELL),
    ("scipy._lib._util", "inspect.os.system", _SHELL),
    ("scipy.stats._distn_infrastructure", "sys.modules.get", ("os",)),
    ("sklearn.base", "warnings.sys.modules.get", ("os",)),
    ("sklearn.base", "platform.os.system", _SHELL),
    ("sklearn.utils", "os.system", _SHELL),
    ("sklearn.utils._joblib", "joblib.os.system", _SHELL),
    ("sklearn.tree._classes", "np.lib.os.system", _SHELL),
    ("sklearn.pipeline", "joblib.memory.os.system", _SHELL),
    ("sklearn.pipeline", "Pipeline.__init__.__globals__.get", ("joblib",)),
    ("sklearn.linear_model._logistic", "LogisticRegression.fit.__globals__.__getitem__", ("os",)),
    ("sklearn.ensemble._forest", "threading._os.system", _SHELL),
    ("sklearn.preprocessing._data", "warnings.sys.modules.get", ("os",)),
    ("joblib.numpy_pickle", "os.system", _SHELL),
    ("joblib.numpy_pickle", "pickle.loads", (b".",)),
    ("joblib.numpy_pickle", "warnings.sys.modules.get", ("os",)),
    ("joblib.numpy_pickle", "NumpyArrayWrapper.read.__globals__.get", ("os",)),
    ("pandas", "io.common.os.system", _SHELL),
    ("pandas", "io.pickle.read_pickle", ("/nonexistent/canary",)),
    ("pandas.core.frame", "sys.modules.get", ("os",)),
    ("pandas.core.internals.managers", "warnings.sys.modules.get", ("os",)),
    ("torch", "os.system", _SHELL),
    ("torch._utils", "sys.modules.get", ("os",)),
    ("torch.serialization", "os.system", _SHELL),
    ("torch.serialization", "pickle.loads", (b".",)),
    ("torch.nn.modules.linear", "torch.os.system", _SHELL),
    ("xgboost.core", "os.system", _SHELL),
    ("lightgbm.basic", "ctypes.CDLL", ("/nonexistent/canary.so",)),
    ("catboost.core", "os.system", _SHELL),
    ("collections", "_sys.modules.get", ("os",)),
    ("collections", "_sys.modules.__getitem__", ("os",)),
    ("collections", "_sys.exit", ()),
    ("collections", "namedtuple.__globals__.get", ("eval",)),
    ("collections", "OrderedDict.__class__.__subclasses__", (Name("builtins", "object"),)),
    ("collections", "abc.sys.modules.get", ("os",)),
    ("copyreg", "pickle.__globals__.get", ("x",)),
    ("copyreg", "_reconstructor.__globals__.__getitem__", ("__builtins__",)),
    ("datetime", "sys.modules.get", ("os",)),
    ("decimal", "_sys.modules.get", ("os",)),
    ("enum", "sys.modules.get", ("os",)),
    ("functools", "reduce.__self__.__loader__.load_module", ("os",)),
    ("functools", "GenericAlias.__class__.__base__.__subclasses__", ()),
    ("re", "enum.sys.modules.get", ("os",)),
    ("types", "SimpleNamespace.__class__.__subclasses__", (Name("builtins", "object"),)),
    ("typing", "sys.modules.get", ("os",)),
    ("uuid", "os.system", _SHELL),
    ("weakref", "_sys.modules.get", ("os",)),
    ("builtins", "object.__subclasses__", ()),
    ("builtins", "int.__class__.__base__.__subclasses__", ()),
    ("builtins", "str.__class__.__subclasses__", (Name("builtins", "object"),)),
    ("builtins", "len.__self__.eval", _CODE),
    ("builtins", "list.__class__.__call__", (Name("builtins", "eval"), "1 + 1")),
    ("builtins", "__loader__.load_module", ("os",)),
    ("builtins", "__spec__.loader.load_module", ("os",)),
    ("json", "codecs.open", ("/nonexistent/canary", "w")),
    ("json.decoder", "scanner.re.enum.sys.modules.get", ("os",)),
    ("statistics", "random._os.system", _SHELL),
    ("fractions", "sys.modules.get", ("os",)),
    ("dataclasses", "sys.modules.get", ("os",)),
    ("argparse", "_os.system", _SHELL),
    ("os.path", "os.system", _SHELL),
    ("skops.io._utils", "importlib.import_module", ("this",)),
    ("statsmodels.iolib.smpickle", "load_pickle", ("/nonexistent/canary",)),
    ("imblearn.pipeline", "pipeline.joblib.load", ("/nonexistent/canary",)),
)  # fmt: skip


def indirection_samples() -> Iterator[Sample]:
    """Yield a file for each way."""
    for module, name, arguments in _DOTTED:
        data = encode(Call(Name(module, name), arguments))
        yield Sample("malicious", "dotted names", f"{module}-{name}.pkl", data)
        if name.endswith("system"):
            data = encode({"model": Call(Name(module, name), arguments)}, Style(5, form="obj"))
            yield Sample("malicious", "dotted names", f"{module}-{name}-obj.pkl", data)
    for label, tree in _trees():
        for protocol in (2, 4):
            style = Style(protocol)
            yield Sample("malicious", "indirect calls", f"{label}-{protocol}.pkl", encode(tree, style))


def _trees() -> Iterator[tuple[str, Any]]:
    getattr_ = Name("builtins", "getattr")
    os = Call(Name("builtins", "__import__"), ("os",))
    os_ = Call(Name("importlib", "import_module"), ("os",))
    system = Name("os", "system")
    evaluate = Name("builtins", "eval")
    yield "getattr-of-import", Call(Call(getattr_, (os, "system")), _SHELL)
    yield "getattr-of-import-module", Call(Call(getattr_, (os_, "popen")), _SHELL)
    yield "getattr-of-dict", Call(getattr_, (Name("builtins", "dict"), "get"))
    yield (
        "getattr-of-class",
        Call(Call(getattr_, (Name("sklearn.base", "BaseEstimator"), "__subclasses__")), ()),
    )
    yield "getattr-of-builtins", Call(Call(getattr_, (Name("builtins", "len"), "__self__")), ())
    yield (
        "getattr-in-two-steps",
        Call(
            Call(getattr_, (Call(getattr_, (Name("collections", "OrderedDict"), "__init__")), "__globals__")),
            (),
        ),
    )
    yield "attrgetter", Call(Call(Name("operator", "attrgetter"), ("system",)), (os,))
    yield "attrgetter-deep", Call(Call(Name("operator", "attrgetter"), ("path.os.system",)), (os,))
    yield "methodcaller", Call(Call(Name("operator", "methodcaller"), ("system", "echo hello")), (os,))
    yield (
        "methodcaller-of-locate",
        Call(
            Call(Name("operator", "methodcaller"), ("system", "echo hello")),
            (Call(Name("pydoc", "locate"), ("os",)),),
        ),
    )
    yield (
        "itemgetter-of-vars",
        Call(Call(Name("operator", "itemgetter"), ("system",)), (Call(Name("builtins", "vars"), (os,)),)),
    )
    yield "partial", Call(Call(Name("functools", "partial"), (system, "echo hello")), ())
    yield (
        "partial-by-state",
        Built(Call(Name("functools", "partial"), (evaluate,), "newobj"), (evaluate, _CODE, {}, None)),
    )
    yield (
        "partial-of-partial",
        Call(
            Call(Name("functools", "partial"), (Call(Name("functools", "partial"), (system,)), "echo hello")),
            (),
        ),
    )
    yield (
        "map-in-list",
        Call(Name("builtins", "list"), (Call(Name("builtins", "map"), (system, ["echo hello"])),)),
    )
    yield (
        "map-in-tuple",
        Call(Name("builtins", "tuple"), (Call(Name("builtins", "map"), (evaluate, ["1 + 1"])),)),
    )
    yield (
        "filter-in-set",
        Call(Name("builtins", "set"), (Call(Name("builtins", "filter"), (evaluate, ["1 + 1"])),)),
    )
    yield (
        "map-in-bytes",
        Call(Name("builtins", "bytes"), (Call(Name("builtins", "map"), (evaluate, ["1 + 1"])),)),
    )
    yield (
        "map-in-deque",
        Call(Name("collections", "deque"), (Call(Name("builtins", "map"), (evaluate, ["1 + 1"])),)),
    )
    yield (
        "map-in-counter",
        Call(Name("collections", "Counter"), (Call(Name("builtins", "map"), (evaluate, ["1 + 1"])),)),
    )
    yield (
        "map-in-ordered-dict",
        Call(Name("collections", "OrderedDict"), (Call(Name("builtins", "map"), (evaluate, ["{}"])),)),
    )
    yield (
        "map-in-frozenset",
        Call(Name("builtins", "frozenset"), (Call(Name("builtins", "map"), (evaluate, ["1"])),)),
    )
    yield "max-with-key", Call(Name("builtins", "max"), (["1"], evaluate))
    yield "sorted-with-key", Call(Name("builtins", "sorted"), (["1"], evaluate))
    yield "reduce", Call(Name("functools", "reduce"), (evaluate, ["1", None]))
    yield "starmap", Call(Name("builtins", "list"), (Call(Name("itertools", "starmap"), (system, [_SHELL])),))
    yield (
        "zip-of-map",
        Call(
            Name("builtins", "dict"),
            (Call(Name("builtins", "zip"), (Call(Name("builtins", "map"), (evaluate, ["1"])), [1])),),
        ),
    )
    yield (
        "function-of-code",
        Call(Call(Name("types", "FunctionType"), (Call(Name("marshal", "loads"), (b"N",)), {})), ()),
    )
    yield (
        "function-of-compile",
        Call(
            Call(
                Name("types", "FunctionType"), (Call(Name("builtins", "compile"), ("pass", "c", "exec")), {})
            ),
            (),
        ),
    )
    yield (
        "type-with-a-method",
        Call(
            Call(Name("builtins", "type"), ("Canary", (Name("builtins", "object"),), {"__init__": system})),
            (),
        ),
    )
    yield "type-with-reduce", Call(Name("builtins", "type"), ("Canary", (), {"__del__": system}))
    yield "new-class-by-types", Call(Name("types", "new_class"), ("Canary", (), {}))
    yield (
        "weakref-finalize",
        Call(Name("weakref", "finalize"), (Name("collections", "OrderedDict"), system, "echo hello")),
    )
    yield "ufunc-reconstruct", Call(Call(Name("numpy.core", "_ufunc_reconstruct"), ("os", "system")), _SHELL)
    yield (
        "ufunc-reconstruct-new",
        Call(Call(Name("numpy._core", "_ufunc_reconstruct"), ("os", "system")), _SHELL),
    )
    yield "frompyfunc", Call(Call(Name("numpy", "frompyfunc"), (system, 1, 1)), _SHELL)
    yield "vectorize", Call(Call(Name("numpy", "vectorize"), (system,)), _SHELL)
    yield "delayed", Call(Call(Name("joblib.parallel", "delayed"), (system,)), _SHELL)
    yield (
        "batched-calls",
        Call(Call(Name("joblib.parallel", "BatchedCalls"), ([(system, _SHELL, {})], None)), ()),
    )
    yield "parallel", Call(Call(Name("joblib.parallel", "Parallel"), (1,)), ([(system, _SHELL, {})],))
    yield "thread", Call(Name("threading", "Thread"), (None, system, "canary", _SHELL))
    yield "timer", Call(Name("threading", "Timer"), (1, system, _SHELL))
    yield "atexit", Call(Name("atexit", "register"), (system, "echo hello"))
    yield "signal", Call(Name("signal", "signal"), (15, system))
    yield "executor-submit", Call(Name("concurrent.futures", "ThreadPoolExecutor"), (1, "", system, _SHELL))
    yield (
        "exit-stack",
        Call(
            Name("contextlib", "ExitStack.callback"),
            (Call(Name("contextlib", "ExitStack")), system, "echo hello"),
        ),
    )
    yield "pool-initializer", Call(Name("multiprocessing.pool", "ThreadPool"), (1, system, _SHELL))
    yield "timeit-callable", Call(Name("timeit", "timeit"), (system,))
    yield "function-transformer-called", Call(Name("sklearn.preprocessing", "FunctionTransformer"), (system,))
    yield "make-scorer", Call(Name("sklearn.metrics", "make_scorer"), (system,))
    yield "check-estimator", Call(Name("sklearn.utils.estimator_checks", "check_estimator"), (system,))
    yield (
        "pandas-apply",
        Call(
            Name("pandas.core.series", "Series.apply"),
            (Call(Name("pandas.core.series", "Series"), (["echo hello"],)), system),
        ),
    )
    yield "pandas-pipe", Call(Name("pandas.core.generic", "NDFrame.pipe"), ("echo hello", system))
    yield (
        "torch-rebuild-wrapper",
        Call(Name("torch._tensor", "_rebuild_from_type_v2"), (system, Name("builtins", "str"), _SHELL, None)),
    )
    yield (
        "torch-rebuild-old",
        Call(Name("torch._tensor", "_rebuild_from_type"), (system, Name("builtins", "str"), _SHELL, {})),
    )
    yield "result-called", Call(Call(Call(Name("builtins", "getattr"), (os, "system")), ()), ())
    yield "result-of-dict-get", Call(Call(Name("builtins", "dict.get"), ({"a": system}, "a")), _SHELL)
    yield "object-reduce", Call(Name("builtins", "object.__reduce_ex__"), (system, 4))
    yield (
        "object-getattribute",
        Call(Call(Name("builtins", "object.__getattribute__"), (os, "system")), _SHELL),
    )
    yield "property", Call(Name("builtins", "property"), (system,))
    yield (
        "iter-sentinel",
        Call(
            Name("builtins", "list"),
            (
                Call(
                    Name("builtins", "iter"), (Call(Name("functools", "partial"), (system, "echo hello")), 0)
                ),
            ),
        ),
    )
    yield "lambda-type", Call(Name("types", "LambdaType"), (Call(Name("types", "CodeType"), (0,) * 6), {}))
    yield "method-type", Call(Call(Name("types", "MethodType"), (system, "echo hello")), ())
    yield "cell-type", Call(Name("types", "CellType"), (system,))
    yield "module-type-state", Built(Call(Name("types", "ModuleType"), ("os",)), {"system": system})
