"""Values of the standard library that evidence is collected from."""

from __future__ import annotations

import array
import builtins
import collections
import contextlib
import datetime
import decimal
import fractions
import functools
import ipaddress
import operator
import pathlib
import random
import re
import statistics
import time
import types
import uuid
import zoneinfo
from collections.abc import Iterator

from secureload.scan.allow.estimators import Case

__all__ = ["standard_values"]

_MAKING = {
    "UnicodeDecodeError": ("utf-8", b"a", 0, 1, "why"),
    "UnicodeEncodeError": ("utf-8", "a", 0, 1, "why"),
    "UnicodeTranslateError": ("a", 0, 1, "why"),
    "BaseExceptionGroup": ("several", [ValueError(1)]),
    "ExceptionGroup": ("several", [ValueError(1)]),
}
# Pure functions of numbers, sequences and text.
_FUNCTIONS = ("abs", "all", "any", "bin", "chr", "divmod", "hash", "hex", "len", "max", "min", "oct", "ord", "pow",
              "repr", "round", "sum")  # fmt: skip


def standard_values() -> Iterator[Case]:
    """Yield (label, value) for what is saved beside models."""
    yield from _times()
    yield from _collections()
    yield from _numbers()
    yield from _functions()
    yield "uuid", uuid.UUID(int=5)
    yield "address", [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    yield "network", [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::/64")]
    yield "interface", [ipaddress.ip_interface("127.0.0.1/8"), ipaddress.ip_interface("::1/64")]
    yield "path", [pathlib.PurePosixPath("a/b"), pathlib.PurePath("a"), pathlib.Path("a")]
    yield "Windows path", pathlib.PureWindowsPath("a/b")
    yield "regular expression", [re.compile("a+", re.IGNORECASE)]
    yield "SimpleNamespace", types.SimpleNamespace(a=1, b="x")
    for name in sorted(vars(builtins)):
        cls = getattr(builtins, name)
        if isinstance(cls, type) and issubclass(cls, BaseException):
            yield f"exception {name}", [cls(*_MAKING.get(name, ("why",))), cls]
    yield "error of a file", [OSError(2, "no such file", "a"), KeyError("a")]


def _times() -> Iterator[Case]:
    day = datetime.datetime(2024, 1, 15, 12, tzinfo=datetime.UTC)
    yield "datetime", [day, day.date(), day.timetz(), datetime.timedelta(1), day.replace(tzinfo=None)]
    yield "timezone", datetime.timezone(datetime.timedelta(hours=1), "CET")
    yield "struct_time", time.gmtime(0)
    with contextlib.suppress(zoneinfo.ZoneInfoNotFoundError):
        berlin = zoneinfo.ZoneInfo("Europe/Berlin")
        yield "ZoneInfo", [berlin, zoneinfo.ZoneInfo("UTC"), datetime.datetime(2024, 1, 15, tzinfo=berlin)]
        yield "ZoneInfo, its own", zoneinfo.ZoneInfo.no_cache("Europe/Berlin")


def _collections() -> Iterator[Case]:
    yield "collections", [collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1], 3)]
    yield "ChainMap", collections.ChainMap({"a": 1}, {})
    yield "User classes", [collections.UserDict(a=1), collections.UserList([1]), collections.UserString("a")]
    for factory in (int, float, list, dict, set, str, tuple, None):
        yield f"defaultdict({factory})", collections.defaultdict(factory, a=factory() if factory else 0)
    yield (
        "defaultdict of defaultdicts",
        collections.defaultdict(functools.partial(collections.defaultdict, int)),
    )
    yield (
        "builtins",
        [{1}, frozenset({2}), bytearray(b"ab"), b"", b"\xff", slice(1, 2, 3), range(4), Ellipsis],
    )
    for code in "bBhHiIlLqQfd":
        yield f"array {code}", array.array(code, [1, 2])


def _numbers() -> Iterator[Case]:
    yield "numbers", [decimal.Decimal("1.5"), fractions.Fraction(1, 3), complex(1, 2), 1 << 70, -(1 << 40)]
    yield "Random", random.Random(0)  # noqa: S311  # its class is what is saved
    yield "NormalDist", statistics.NormalDist(0, 1)


def _functions() -> Iterator[Case]:
    yield "partial", [functools.partial(round, ndigits=2), functools.partial(max, 0)]
    yield (
        "itemgetter",
        [operator.itemgetter("a"), operator.itemgetter(1, "b"), operator.itemgetter(slice(0, 2))],
    )
    yield "attrgetter", [operator.attrgetter("a"), operator.attrgetter("a", "b.c")]
    yield "methodcaller", [operator.methodcaller("lower"), operator.methodcaller("split", ",")]
    yield "types as values", [int, float, str, bool, list, dict, object, type(None), NotImplemented]
    yield "more types as values", [tuple, set, frozenset, bytes, bytearray, complex, range, slice]
    for name in _FUNCTIONS:
        yield f"function {name}", getattr(builtins, name)
