"""One file for every call of ``gadgets.toml``, in protocols 0 to 5 by turns, and the payloads of the other classes."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.corpus.expression import Call, Name, Style, encode
from benchmarks.corpus.sample import Sample

__all__ = ["PAYLOADS", "gadget_samples"]

PAYLOADS: dict[str, Call] = {
    "os-system": Call(Name("os", "system"), ("echo hello",)),
    "eval": Call(Name("builtins", "eval"), ("1 + 1",)),
    "popen": Call(Name("subprocess", "Popen"), (["echo", "hello"],)),
    "open": Call(Name("io", "open"), ("/nonexistent/canary", "w")),
    "import": Call(Name("importlib", "import_module"), ("this",)),
    "dotted": Call(Name("pathlib", "os.system"), ("echo hello",)),
}

_STYLES = (
    Style(4),
    Style(2),
    Style(0, text_globals=True),
    Style(5),
    Style(3),
    Style(1),
    Style(4, text_globals=True),
)


def gadget_samples() -> Iterator[Sample]:
    """Yield a file for each gadget; as a bare call, or where a model would have it: in an attribute, in a list."""
    families = tomllib.loads((Path(__file__).parent / "gadgets.toml").read_text(encoding="utf-8"))
    styles = itertools.cycle(_STYLES)
    places = itertools.cycle(("bare", "in a list", "bare", "in a dictionary", "thrown away"))
    for family, calls in families.items():
        for target, arguments in calls.items():
            module, _, name = target.partition(":")
            call = Call(Name(module, name), tuple(_value(argument) for argument in arguments))
            # A name with a dot in it is looked up step by step from protocol 4 on.
            style = Style(4) if "." in name else next(styles)
            data = encode(_placed(call, next(places)), style)
            yield Sample("malicious", f"gadget: {family}", f"{module}.{name}.pkl", data)


def _value(argument: Any) -> Any:
    return tuple(argument) if isinstance(argument, list) and not argument else argument


def _placed(call: Call, place: str) -> Any:
    match place:
        case "in a list":
            return [1, "weights", call]
        case "in a dictionary":
            return {"name": "model", "version": 3, "callback": call}
        case "thrown away":
            return ("model", [call, 2.5], None)
    return call
