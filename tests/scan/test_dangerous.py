"""The dangerous list grades every gadget of the public advisories, whatever name it goes by."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secureload.pickles.trace import GlobalRef
from secureload.scan.dangerous import DOTTED_NAME, MODULE_MACHINERY, Technique, grade, techniques

# Identifier of the advisory (or where it was seen), then the gadgets that it names.
ADVISORIES = {
    "CVE-2025-1716": ["pip:main", "pip._internal:main", "pip._internal.cli.main:main"],
    "GHSA-655q-fx9r-782v": [
        "pydoc:pipepager",
        "venv:create",
        "venv:main",
        "torch.serialization:load",
        "functools:partial",
        "torch._inductor.codecache:compile_file",
    ],
    "GHSA-v7x6-rv5q-mhwc": ["timeit:timeit", "timeit:main", "timeit:repeat"],
    "ssl": ["ssl:get_server_certificate", "ssl:SSLContext"],
    "numpy.testing": ["numpy.testing._private.utils:runstring", "numpy.testing:measure"],
    "GHSA-4r9r-ch6f-vxmx": [
        "torch.utils._config_module:ConfigModule.load_config",
        "torch.utils._config_module:load_config",
    ],
    "GHSA-86cj-95qr-2p4f": ["torch.utils.bottleneck.__main__:run_cprofile"],
    "GHSA-f4x7-rfwp-v3xw": ["torch.utils.bottleneck.__main__:run_autograd_prof"],
    "GHSA-f745-w6jp-hpxx": ["torch.utils.collect_env:run"],
    "GHSA-jhph-76pp-mggw": ["torch._dynamo.guards:GuardBuilder.get"],
    "GHSA-h3qp-7fh3-f8h4": ["torch.fx.experimental.symbolic_shapes:ShapeEnv.evaluate_guards_expression"],
    "GHSA-vv6j-3g6g-2pvj": ["torch.jit.unsupported_tensor_ops:execWrapper"],
    "GHSA-4whj-rm5r-c2v8": ["torch.utils.bottleneck.__main__:main"],
    "GHSA-5qwp-399c-mjwf": ["trace:Trace.run", "trace:Trace"],
    "GHSA-g344-hcph-8vgg": ["trace:Trace.runctx"],
    "GHSA-x696-vm39-cp64": ["profile:Profile.run", "profile:Profile.runctx", "profile:runctx"],
    "GHSA-7wx9-6375-f5wh": ["profile:run"],
    "GHSA-6vqj-c2q5-j97w": ["idlelib.run:Executive.runcode"],
    "GHSA-f54q-57x4-jg88": ["lib2to3.pgen2.grammar:Grammar.loads"],
    "GHSA-3vg9-h568-4w9m": ["idlelib.debugobj:ObjectTreeItem.SetText"],
    "GHSA-6w4w-5w54-rjvr": ["idlelib.autocomplete:AutoComplete.get_entity"],
    "GHSA-7cq8-mj8x-j263": ["idlelib.pyshell:ModifiedInterpreter.runcode"],
    "GHSA-cj3c-v495-4xqh": ["code:InteractiveInterpreter.runcode", "code:InteractiveInterpreter"],
    "GHSA-8r4j-24qv-fmq9": ["idlelib.calltip:get_entity"],
    "GHSA-9xph-j2h6-g47v": ["idlelib.calltip:Calltip.fetch_tip"],
    "GHSA-xp4f-hrf8-rxw7": ["ensurepip:_run_pip"],
    "GHSA-p9w7-82w4-7q8m": ["lib2to3.pgen2.pgen:ParserGenerator.make_label"],
    "GHSA-m869-42cg-3xwr": ["idlelib.run:Executive"],
    "GHSA-fqq6-7vqf-w3fg": ["doctest:debug_script", "doctest:debug"],
    "GHSA-9w88-8rmg-7g2p": ["cProfile:run"],
    "GHSA-49gj-c84q-6qm9": ["cProfile:runctx"],
    "GHSA-q77w-mwjj-7mqx": [
        "asyncio.unix_events:_UnixSubprocessTransport._start",
        "asyncio:create_subprocess_shell",
    ],
    "GHSA-m273-6v24-x4m4": ["distutils.file_util:write_file"],
    "GHSA-4675-36f9-wf6r": ["ctypes:CDLL", "ctypes.util:find_library", "_ctypes:dlopen"],
    "GHSA-84r2-jw7c-4r5q": ["pydoc:locate", "operator:methodcaller"],
    "GHSA-vqmv-47xg-9wpr": ["pty:spawn"],
    "GHSA-r8g5-cgf2-4m4m": ["numpy.f2py.crackfortran:getlincoef", "numpy.f2py.crackfortran:_eval_length"],
    "GHSA-955r-x9j8-7rhh": ["_operator:methodcaller", "_operator:attrgetter"],
    "GHSA-46h3-79wf-xr6c": ["_operator:call", "operator:attrgetter", "operator:itemgetter"],
    "GHSA-9726-w42j-3qjr": ["_io:FileIO", "urllib.request:urlopen", "io:open"],
    "GHSA-9m3x-qqw2-h32h": [
        "cloudpickle.cloudpickle:_make_function",
        "cloudpickle:loads",
        "types:CodeType",
        "types:FunctionType",
    ],
    "GHSA-m7j5-r2p5-c39r": ["logging:FileHandler", "logging.handlers:RotatingFileHandler"],
    "GHSA-vvpj-8cmc-gx39": ["pkgutil:resolve_name"],
    "CVE-2026-56315": [
        "uuid:_get_command_stdout",
        "_osx_support:_read_output",
        "_aix_support:_read_cmd_output",
        "imaplib:IMAP4_stream",
        "_pyrepl.pager:pipe_pager",
        "test.support.script_helper:assert_python_ok",
    ],
    "open in picklescan 1.0.5": [
        "importlib:import_module",
        "inspect:getattr_static",
        "_posixsubprocess:fork_exec",
        "unittest.mock:_importer",
        "logging.config:_resolve",
        "types:FunctionType",
        "marshal:loads",
        "operator:call",
        "numpy:load",
        "torch.hub:load",
        "joblib:load",
        "collections:_sys.modules.get",
        "collections:_sys.modules.__getitem__",
    ],
    "GHSA-r7v6-mfhq-g3m2": ["pty:fork"],
    "GHSA-565g-hwwr-4pp3": ["marshal:load", "types:LambdaType"],
    "GHSA-wfq2-52f7-7qvj": ["runpy:run_path", "runpy:_run_code"],
    "GHSA-q5qq-mvfm-j35x": [
        "importlib.util:spec_from_file_location",
        "code:interact",
        "multiprocessing.util:spawnv_passfds",
    ],
    "GHSA-h4rm-mm56-xf63": ["builtins:exec", "builtins:__import__", "builtins:open", "builtins:getattr"],
    "GHSA-mhc9-48gj-9gp3": ["socket:create_connection", "signal:signal", "smtplib:SMTP", "ftplib:FTP"],
    "GHSA-wccx-j62j-r448": ["_pickle:loads", "pickle:loads"],
    "GHSA-5cxw-w2xg-2m8h": ["platform:_syscmd_file", "platform:popen"],
    "GHSA-r48f-3986-4f9c": ["linecache:getlines", "difflib:restore", "gc:get_objects"],
    "GHSA-m6fh-58r7-x697": [
        "_posixsubprocess:fork_exec",
        "site:execsitecustomize",
        "site:addpackage",
        "atexit:register",
    ],
    "GHSA-5j3x-jp52-966f": ["pathlib:os.system", "numpy.core.multiarray:os.system", "collections:abc.sys"],
    "GHSA-6ggj-6f2q-f7mx": [
        "_bootsubprocess:Popen",
        "_winapi:CreateProcess",
        "_frozen_importlib:_gcd_import",
        "_imp:create_dynamic",
    ],
    "GHSA-fphw-536r-4p88": ["pickle:_load", "pickle:_loads", "pickle:_Unpickler", "pickle:Unpickler"],
    "fickling 312": ["imp:load_source", "pipes:Template"],
    "CVE-2022-21797": ["joblib:Parallel", "joblib.parallel:Parallel"],
    "families": [
        "os:system",
        "posix:system",
        "nt:system",
        "subprocess:Popen",
        "sys:exit",
        "sys:settrace",
        "builtins:eval",
        "builtins:compile",
        "bdb:Bdb",
        "pdb:run",
        "shelve:open",
        "shutil:rmtree",
        "codeop:compile_command",
        "webbrowser:open",
        "http.client:HTTPConnection",
        "threading:Thread",
        "concurrent.futures:ProcessPoolExecutor",
        "pandas:read_pickle",
        "pandas:read_csv",
        "pandas:eval",
        "dill:loads",
        "functools:reduce",
        "numpy:memmap",
        "numpy:fromfile",
        "sklearn.datasets:fetch_openml",
        "tempfile:mkstemp",
        "sqlite3:connect",
        "zipfile:ZipFile",
        "os.path:exists",
        "numpy.core:_ufunc_reconstruct",
        "requests:get",
        "yaml:load",
        "keras.models:load_model",
        "tensorflow.keras.layers:Lambda",
        "joblib.numpy_pickle_compat:NDArrayWrapper",
        "copyreg:add_extension",
        "collections:namedtuple",
        "re:Scanner",
        "itertools:starmap",
        "builtins:map",
    ],
    "Python 2's names": [
        "__builtin__:eval",
        "__builtin__:execfile",
        "__builtin__:apply",
        "__builtin__:reduce",
        "commands:getoutput",
        "cPickle:loads",
        "urllib2:urlopen",
        "thread:start_new_thread",
        "copy_reg:add_extension",
        "__builtin__:reload",
    ],
}
GADGETS = sorted({(gadget, advisory) for advisory, gadgets in ADVISORIES.items() for gadget in gadgets})


@pytest.mark.parametrize(("gadget", "advisory"), GADGETS, ids=lambda value: value)
def test_gadget_of_a_public_advisory_is_dangerous(gadget: str, advisory: str) -> None:
    module, _, name = gadget.partition(":")
    technique = grade(GlobalRef(module, name))
    assert technique is not None, f"{gadget} ({advisory}) is not graded"
    assert technique.description


@pytest.mark.parametrize(
    ("gadget", "name"),
    [
        ("os:system", "spawns processes"),
        ("builtins:eval", "executes code"),
        ("builtins:open", "opens files"),
        ("importlib:import_module", "imports modules"),
        ("socket:socket", "uses the network"),
        ("pickle:loads", "deserializes"),
        ("pdb:run", "drives a debugger or profiler"),
        ("operator:attrgetter", "walks attributes"),
        ("ctypes:CDLL", "runs native code"),
        ("types:CodeType", "builds code"),
        ("math:os.system", "reaches through a module"),
    ],
)
def test_the_technique_names_what_the_gadget_does(gadget: str, name: str) -> None:
    technique = grade(GlobalRef(*gadget.split(":")))
    assert technique is not None
    assert technique.name == name


@pytest.mark.parametrize(
    "ref",
    [
        "our_models.scale:Scaler",
        "osmosis:system",
        "collections.os:system",
        "xgboost.sklearn:XGBClassifier",
        "lightgbm.sklearn:LGBMClassifier",
        "catboost.core:CatBoostClassifier",
        "gensim.models.word2vec:Word2Vec",
        "torch.nn.modules.linear:Linear",
        "torch._utils:_rebuild_tensor_v2",
        "numpy:ndarray",
        "logging:getLogger",
        "collections:OrderedDict",
        "datetime:datetime",
        "pyarrow.lib:StringArray",
        "joblib.memory:Memory",
        "enum:Enum",
        "numpy._core._internal:_convert_to_stringdtype_kwargs",
        "statsmodels.regression.linear_model:OLS",
        "pathlib:PosixPath",
    ],
)
def test_benign_names_are_unknown_not_dangerous(ref: str) -> None:
    assert grade(GlobalRef(*ref.split(":"))) is None


def test_every_technique_has_its_own_name_and_says_what_it_means() -> None:
    every = techniques()
    assert every[-2:] == (DOTTED_NAME, MODULE_MACHINERY)
    assert len({technique.name for technique in every}) == len(every)
    assert all(technique.description for technique in every)


@settings(deadline=None, max_examples=200)
@given(st.text(), st.text())
def test_arbitrary_names_are_graded_without_an_error(module: str, name: str) -> None:
    assert isinstance(grade(GlobalRef(module, name)), Technique | None)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(["os", "subprocess", "socket", "pickle", "runpy"]), st.text(max_size=20))
def test_every_name_of_a_dangerous_module_is_dangerous(module: str, name: str) -> None:
    assert grade(GlobalRef(module, name)) is not None
    assert grade(GlobalRef(f"{module}.{name}", "x")) is not None


@settings(deadline=None, max_examples=100)
@given(st.text(), st.text(), st.text())
def test_a_dotted_name_is_dangerous_in_any_module(module: str, first: str, second: str) -> None:
    assert grade(GlobalRef(module, f"{first}.{second}")) is not None


# Reviewed: what these modules offer computes; the few names of theirs that do more are listed by name.
INERT = """
__future__ abc array ast base64 binascii builtins calendar cmath codecs collections colorsys
copy copyreg dataclasses datetime decimal email encodings enum errno fnmatch fractions
functools getopt hashlib hmac html io ipaddress itertools json keyword logging math numbers
pathlib pydoc_data quopri random re secrets stat statistics string stringprep struct textwrap
time token types typing unicodedata uuid xml zlib zoneinfo
"""


def test_every_module_of_the_standard_library_is_reviewed() -> None:
    public = {module for module in sys.stdlib_module_names if not module.startswith("_")}
    assert len(public) > 150
    for module in public - set(INERT.split()):
        assert grade(GlobalRef(module, "anything")) is not None, module


@pytest.mark.parametrize("module", ["sklearn.base", "numpy", "__main__", "unheard.of"])
@pytest.mark.parametrize("name", ["__builtins__", "__dict__", "__loader__", "__spec__"])
def test_the_machinery_that_every_module_has_is_dangerous_in_each_of_them(module: str, name: str) -> None:
    assert grade(GlobalRef(module, name)) is not None


def test_a_class_of_the_script_that_saved_it_is_unknown_and_not_accused() -> None:
    assert grade(GlobalRef("__main__", "Mine")) is None
