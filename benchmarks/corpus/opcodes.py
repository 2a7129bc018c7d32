"""The same few calls in every form that the pickle machine has, and around what the parsers of others trip over."""

from __future__ import annotations

import pickle
import pickletools
import random
import struct
from collections.abc import Iterator
from typing import Any

from benchmarks.corpus.expression import Built, Call, Name, Style, bare, encode
from benchmarks.corpus.gadgets import PAYLOADS
from benchmarks.corpus.sample import Sample

__all__ = ["opcode_samples"]

_BENIGN = pickle.dumps({"weights": [0.25, 0.5], "name": "model"}, protocol=4)
_THREE = {key: PAYLOADS[key] for key in ("os-system", "eval", "popen")}


def opcode_samples() -> Iterator[Sample]:
    """Yield every form of every payload."""
    for part in (_protocols, _forms, _around, _frames, _memo, _names, _numbers, _states, _stacked):
        for group, name, data in part():
            yield Sample("malicious", group, f"{name}.pkl", data)


def _protocols() -> Iterator[tuple[str, str, bytes]]:
    for key, call in PAYLOADS.items():
        for protocol in range(6) if key != "dotted" else (4, 5):
            data = encode(call, Style(protocol))
            yield "protocols", f"{key}-{protocol}", data
            if protocol >= 4:
                body = data[2:]
                framed = data[:2] + pickle.FRAME + struct.pack("<Q", len(body)) + body
                yield "protocols", f"{key}-{protocol}-framed", framed
        yield "protocols", f"{key}-without-proto", encode(call, Style(None, text_globals=True))
    for key, call in _THREE.items():
        yield "protocols", f"{key}-future-proto-in-front", b"\x80\x05\x80\x03" + encode(call)[2:]
        middle = bare(call.target) + b"\x80\x02" + bare(call.arguments) + b"R."
        yield "protocols", f"{key}-proto-in-mid-stream", b"\x80\x04" + middle
        yield "protocols", f"{key}-protocol-255-behind", encode(call)[:-1] + b"\x80\xff."


def _forms() -> Iterator[tuple[str, str, bytes]]:
    for key, call in PAYLOADS.items():
        for protocol in (0, 2, 4):
            if key == "dotted" and protocol < 4:
                continue
            for form in ("inst", "obj", "newobj", "newobj_ex"):
                if form == "inst" and key == "dotted":
                    continue
                data = encode(call, Style(protocol, form=form))  # type: ignore[arg-type]  # one of Form
                yield f"opcode: {form.upper()}", f"{key}-{protocol}", data
    popen = Name("subprocess", "Popen")
    keywords = bare(popen) + b")" + bare({"args": ["echo", "hello"]}) + pickle.NEWOBJ_EX
    yield "opcode: NEWOBJ_EX", "keyword-arguments", b"\x80\x04" + keywords + b"."
    for width, code in ((1, pickle.EXT1), (2, pickle.EXT2), (4, pickle.EXT4)):
        for number in (1, 77):
            ext = b"\x80\x04" + code + number.to_bytes(width, "little") + bare(("echo hello",)) + b"R."
            yield "opcode: EXT", f"ext{width}-{number}", ext


def _around() -> Iterator[tuple[str, str, bytes]]:
    noise = random.Random(0).randbytes(64)
    for key, call in _THREE.items():
        data = encode(call)
        yield "parse errors", f"{key}-then-unknown-opcode", data[:-1] + b"\xff\xff."
        yield "parse errors", f"{key}-then-nothing", data[:-1]
        yield "parse errors", f"{key}-then-truncated-text", data[:-1] + b"X\xff\x00\x00\x00ab"
        yield "parse errors", f"{key}-then-empty-stack", data[:-1] + b"0000R."
        yield "parse errors", f"{key}-then-missing-memo", data[:-1] + b"h\x99."
        yield "parse errors", f"{key}-then-wrong-type", data[:-1] + b"K\x01K\x02R."
        yield "parse errors", f"{key}-then-bad-int", data[:-1] + b"Ihello\n."
        yield "parse errors", f"{key}-then-missing-module", data[:-1] + b"cno_such_module_here\nname\n."
        yield "garbage behind", f"{key}-noise", data + noise
        yield "garbage behind", f"{key}-zeros", data + bytes(4096)
        yield "garbage behind", f"{key}-text", data + b"\n# the end of the model\n"
        yield "garbage in front", f"{key}-noise", b"\x00\x01\x02\x03" + noise + data
        yield "garbage in front", f"{key}-header", b"MODELv1\x00" + bytes(8) + data
        yield "junk opcodes in front", f"{key}-none-pop", b"N0" * 50 + bare(call) + b"."
        yield (
            "junk opcodes in front",
            f"{key}-mark-pop-mark",
            b"\x80\x04" + b"(K\x011" * 30 + bare(call) + b".",
        )
        yield "junk opcodes in front", f"{key}-text-ints", b"I7\n0" * 20 + bare(call) + b"."
        yield (
            "junk opcodes in front",
            f"{key}-megabyte",
            b"\x80\x04B" + struct.pack("<I", 1 << 20) + bytes(1 << 20) + b"0" + bare(call) + b".",
        )
        yield "result hidden", f"{key}-popped", b"\x80\x04" + bare(call) + b"0" + bare({"a": 1}) + b"."
        yield "result hidden", f"{key}-pop-mark", b"\x80\x04(" + bare(call) + b"1" + bare({"a": 1}) + b"."
        yield "result hidden", f"{key}-memo-only", b"\x80\x04" + bare(call) + b"\x940" + bare([1, 2]) + b"."
        yield "result hidden", f"{key}-below-the-result", b"\x80\x04" + bare(call) + bare([1, 2]) + b"."
        deep: Any = call
        for _ in range(60):
            deep = [deep]
        yield "result hidden", f"{key}-sixty-lists-deep", encode(deep)
        many = {f"layer{number}": float(number) for number in range(20_000)}
        yield "result hidden", f"{key}-among-twenty-thousand", encode({**many, "last": call})
        yield "result hidden", f"{key}-in-a-frozen-set", encode(())[:-1] + b"0(" + bare(call) + b"\x91."


def _frames() -> Iterator[tuple[str, str, bytes]]:
    def frame(size: int) -> bytes:
        return pickle.FRAME + struct.pack("<Q", size)

    for key, call in _THREE.items():
        body = bare(call) + b"."
        yield "frames that lie", f"{key}-none-at-all", b"\x80\x04" + frame(0) + body
        yield "frames that lie", f"{key}-too-short", b"\x80\x04" + frame(4) + b"N0N0" + body
        # The bytes are longer than their frame: the C unpickler before 3.13.15 goes on behind the frame.
        hidden = b"B" + struct.pack("<I", len(body)) + body
        yield "frames that lie", f"{key}-argument-beyond", b"\x80\x04" + frame(5) + hidden + b"0" + body
        yield (
            "frames that lie",
            f"{key}-behind-the-frame",
            b"\x80\x04" + frame(4) + b"N0N0" + bare(call) + b".",
        )
        yield "frames that lie", f"{key}-two-frames", b"\x80\x04" + frame(2) + b"N0" + frame(len(body)) + body
        yield "frames that lie", f"{key}-in-protocol-2", b"\x80\x02" + frame(len(body)) + body


def _memo() -> Iterator[tuple[str, str, bytes]]:
    for module, name, argument in (("os", "system", "echo hello"), ("builtins", "eval", "1 + 1")):
        text = {word: bare(word) for word in (module, name, argument)}
        call = bare((argument,)) + b"R."
        yield (
            "memo tricks",
            f"{name}-get",
            b"\x80\x04" + text[module] + b"q\x000" + text[name] + b"q\x010h\x00h\x01\x93" + call,
        )
        overwritten = (
            bare("math") + b"q\x000" + text[module] + b"q\x000" + text[name] + b"q\x010h\x00h\x01\x93"
        )
        yield "memo tricks", f"{name}-overwritten", b"\x80\x04" + overwritten + call
        back = text[module] + b"r\x00\x01\x00\x000" + text[name] + b"r\x01\x01\x00\x000"
        yield (
            "memo tricks",
            f"{name}-long-get",
            b"\x80\x04" + back + b"j\x00\x01\x00\x00j\x01\x01\x00\x00\x93" + call,
        )
        memoized = bare("x") + b"\x940" + text[module] + b"\x940" + text[name] + b"\x940h\x01h\x02\x93"
        yield "memo tricks", f"{name}-memoize", b"\x80\x04" + memoized + call
        yield (
            "memo tricks",
            f"{name}-global-kept",
            b"\x80\x04" + bare(Name(module, name)) + b"q\x05\x30h\x05" + call,
        )
        dup = text[module] + b"2" + b"0" + text[name] + b"\x93"
        yield "memo tricks", f"{name}-dup", b"\x80\x04" + dup + call
        swap = text[module] + bare("junk") + b"0" + b"(" + bare("junk") + b"1" + text[name] + b"\x93"
        yield "memo tricks", f"{name}-pops-between", b"\x80\x04" + swap + call
        later = text[module] + b"q\x07" + text[name] + b"(" + bare(("q", "r")) + b"1\x93" + call
        yield "memo tricks", f"{name}-tuple-between", b"\x80\x04" + later
        put_text = b"p777\n0" + text[name] + b"p778\n0g777\ng778\n\x93"
        yield "memo tricks", f"{name}-text-memo", b"\x80\x04" + text[module] + put_text + call
        arguments = bare((argument,)) + b"q\x090" + bare(Name(module, name)) + b"h\x09R."
        yield "memo tricks", f"{name}-arguments-first", b"\x80\x04" + arguments


def _names() -> Iterator[tuple[str, str, bytes]]:
    call = bare(("echo hello",)) + b"R."
    yield "names written oddly", "unicode-escapes", b"V\\u006fs\nVsyst\\u0065m\n\x93" + call
    yield "names written oddly", "string-escapes", b"S'\\x6fs'\nS'\\x73ystem'\n\x93" + call
    yield "names written oddly", "octal-escapes", b"S'\\157s'\nS\"\\163ystem\"\n\x93" + call
    yield "names written oddly", "binstring", b"\x80\x02U\x02osU\x06system\x93" + call
    yield (
        "names written oddly",
        "binstring4",
        b"\x80\x02T\x02\x00\x00\x00osT\x06\x00\x00\x00system\x93" + call,
    )
    yield "names written oddly", "short-unicode", b"\x80\x04\x8c\x02os\x8c\x06system\x93" + call
    wide = b"\x8d\x02" + bytes(7) + b"os\x8d\x06" + bytes(7) + b"system\x93"
    yield "names written oddly", "unicode8", b"\x80\x04" + wide + call
    for old in (
        "__builtin__ eval",
        "posix system",
        "commands getoutput",
        "os system",
        "cPickle loads",
        "urllib2 urlopen",
    ):
        module, name = old.split()
        yield (
            "names written oddly",
            f"python-2-{module}",
            encode(Call(Name(module, name), ("1 + 1",)), Style(2)),
        )
    for made, target in (
        ("str-of-bytes", Call(Name("_codecs", "decode"), (b"os",))),
        ("str-join", Call(Name("builtins", "str.join"), ("", ["o", "s"]))),
        ("str-of-str", Call(Name("builtins", "str"), ("os",))),
        ("str-replace", Call(Name("builtins", "str.replace"), ("0s", "0", "o"))),
        ("concat", Call(Name("operator", "concat"), ("o", "s"))),
        ("chr", Call(Name("builtins", "str.format"), ("{}s", "o"))),
    ):
        computed = bare(target) + bare("system") + b"\x93"
        yield "computed names", made, b"\x80\x04" + computed + call
        reverse = bare("os") + bare(Call(target.target, target.arguments)) + b"\x93"
        yield "computed names", f"{made}-as-name", b"\x80\x04" + reverse + call
    yield (
        "computed names",
        "from-a-list-by-build",
        b"\x80\x04"
        + bare(Built(Name("types", "SimpleNamespace"), {"a": "os"}))
        + b"0"
        + bare(Call(Name("builtins", "str.lower"), ("OS",)))
        + bare("system")
        + b"\x93"
        + call,
    )


def _numbers() -> Iterator[tuple[str, str, bytes]]:
    for key, call in _THREE.items():
        for number in (
            b"I0x10\n",
            b"I1_0\n",
            b"L0x10L\n",
            b"L1_0\n",
            b"I 10\n",
            b"I+10\n",
            b"I-0\n",
            b"F1_0.5\n",
            b"Finf\n",
        ):
            slug = number.strip().decode().replace("_", "u").replace("+", "plus").replace(" ", "space")
            yield "numbers that parsers refuse", f"{key}-{slug}", number + b"0" + bare(call) + b"."
        yield (
            "numbers that parsers refuse",
            f"{key}-long4",
            b"\x80\x02\x8b\x02\x00\x00\x00\xff\x7f0" + bare(call) + b".",
        )
        yield (
            "numbers that parsers refuse",
            f"{key}-bytearray8",
            b"\x80\x05" + bare(bytearray(5)) + b"0" + bare(call) + b".",
        )
        yield (
            "numbers that parsers refuse",
            f"{key}-bytes8",
            b"\x80\x04\x8e\x02" + bytes(7) + b"ab0" + bare(call) + b".",
        )


def _states() -> Iterator[tuple[str, str, bytes]]:
    """BUILD and the item opcodes on what they were not made for."""
    system = Name("os", "system")
    shell = Name("subprocess", "Popen")
    made = Call(Name("sklearn.linear_model._ridge", "Ridge"), (), "newobj")
    yield (
        "opcode: BUILD",
        "setstate-of-an-instance",
        b"\x80\x04" + bare(Built(made, {"__setstate__": system})) + bare("echo hello") + b"b.",
    )
    yield (
        "opcode: BUILD",
        "setstate-of-a-class",
        b"\x80\x04"
        + bare(Built(Name("sklearn.base", "BaseEstimator"), {"__setstate__": system}))
        + bare("echo hello")
        + b"b.",
    )
    for module, name, state in (
        ("sklearn.base", "BaseEstimator", {"__reduce__": system}),
        ("sklearn.base", "BaseEstimator", (None, {"__getattr__": Name("builtins", "eval")})),
        ("numpy", "ndarray", (None, {"__array_finalize__": system})),
        ("numpy", "size", {"__builtins__": {"eval": 1}}),
        ("numpy", "size", {"__code__": "x"}),
        ("collections", "OrderedDict", (None, {"__init__": system})),
        ("sklearn.preprocessing", "StandardScaler", {"transform": system}),
        ("sklearn", "utils", {"check_array": system}),
        ("collections", "_sys", {"stdout": None}),
        ("joblib", "load", {"__defaults__": ("x",)}),
        ("builtins", "object", {"a": 1}),
        ("copyreg", "dispatch_table", {"a": system}),
    ):
        yield "opcode: BUILD", f"on-{module}.{name}", encode(Built(Name(module, name), state))
    for module, name in (
        ("collections", "_sys.modules"),
        ("os", "environ"),
        ("copyreg", "dispatch_table"),
        ("copyreg", "_extension_registry"),
        ("sys", "modules"),
        ("sklearn.base", "__dict__"),
        ("builtins", "__dict__"),
        ("numpy", "__dict__"),
        ("warnings", "filters"),
        ("sys", "path_hooks"),
    ):
        target = bare(Name(module, name))
        yield (
            "items of globals",
            f"setitem-{module}.{name}",
            b"\x80\x04" + target + bare("canary") + bare(system) + b"s.",
        )
        yield (
            "items of globals",
            f"setitems-{module}.{name}",
            b"\x80\x04" + target + b"(" + bare("canary") + bare(1) + b"u.",
        )
        yield (
            "items of globals",
            f"appends-{module}.{name}",
            b"\x80\x04" + target + b"(" + bare("/nonexistent") + b"e.",
        )
    yield (
        "items of globals",
        "append-sys.path",
        b"\x80\x04" + bare(Name("sys", "path")) + bare("/nonexistent") + b"a.",
    )
    yield (
        "items of globals",
        "additems-set",
        b"\x80\x04" + bare(Name("sys", "modules")) + b"(" + bare("x") + b"\x90.",
    )
    factory = Call(Name("collections", "defaultdict"), (system,))
    yield "handed on", "defaultdict-factory", encode(factory)
    yield (
        "handed on",
        "function-transformer",
        encode(
            Built(
                Call(
                    Name("sklearn.preprocessing._function_transformer", "FunctionTransformer"), (), "newobj"
                ),
                {"func": system, "validate": False},
            )
        ),
    )
    yield (
        "handed on",
        "metric-of-neighbors",
        encode(
            Built(
                Call(Name("sklearn.neighbors._classification", "KNeighborsClassifier"), (), "newobj"),
                {"metric": system, "n_neighbors": 5},
            )
        ),
    )
    yield "handed on", "ridge-attribute", encode(Built(made, {"alpha": system}))
    yield (
        "handed on",
        "popen-as-class",
        encode(Call(Name("copyreg", "_reconstructor"), (shell, Name("builtins", "object"), None))),
    )
    yield (
        "handed on",
        "newobj-function",
        encode(Call(Name("copyreg", "__newobj__"), (shell, ["echo", "hello"]))),
    )
    yield (
        "handed on",
        "newobj-ex-function",
        encode(Call(Name("copyreg", "__newobj_ex__"), (shell, (["echo"],), {}))),
    )
    yield (
        "handed on",
        "array-subclass",
        encode(Call(Name("numpy.core.multiarray", "_reconstruct"), (shell, (0,), b"b"))),
    )
    yield (
        "handed on",
        "pandas-unpickle",
        encode(Call(Name("pandas._libs.internals", "_unpickle_block"), (system, system, 2))),
    )
    yield (
        "handed on",
        "random-bit-generator",
        encode(Call(Name("numpy.random._pickle", "__generator_ctor"), (shell, shell))),
    )
    yield (
        "handed on",
        "masked-array",
        encode(Call(Name("numpy.ma.core", "_mareconstruct"), (shell, shell, (0,), "b"))),
    )
    yield (
        "handed on",
        "sklearn-loss",
        encode(Call(Name("sklearn._loss._loss", "CyHalfSquaredError"), (system,))),
    )


def _stacked() -> Iterator[tuple[str, str, bytes]]:
    for key, call in _THREE.items():
        data = encode(call)
        yield "stacked pickles", f"{key}-second", _BENIGN + data
        yield "stacked pickles", f"{key}-tenth", _BENIGN * 9 + data
        yield "stacked pickles", f"{key}-first", data + _BENIGN
        yield "stacked pickles", f"{key}-behind-padding", _BENIGN + bytes(16) + data
        yield "stacked pickles", f"{key}-optimized", pickletools.optimize(encode(call, Style(2))) + _BENIGN
