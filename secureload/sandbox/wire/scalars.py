"""The standard library's own values of one piece: dates, times, exact numbers, identifiers, paths.

What a time zone is called crosses with what its file says, where it has one: the confined worker opens none.
"""

from __future__ import annotations

import array
import datetime
import decimal
import fractions
import functools
import io
import pathlib
import re
import uuid
import zoneinfo
from collections.abc import Callable
from importlib import resources
from typing import Any

from secureload.sandbox.wire.errors import Unencodable, WireValueError

__all__ = ["DECODERS", "ENCODERS", "decode_zone", "encode_zone", "long_integer", "zone_file"]

# Hexadecimal digits: 262,000 bits. Whatever is done to such an integer ends.
_MAX_INT_DIGITS = 1 << 16
_MAX_TEXT_CHARS = 1 << 16
_MAX_TIME_CHARS = 64
_ZONE_FILE_BYTES = 1 << 17
_KEPT_ZONES = 1_024
# Names of the zoneinfo database: no file but those below its folder.
ZONE_NAME = re.compile(r"(?!.*\.\.)[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,3}")
_PATHS: dict[str, type[pathlib.PurePath]] = {
    "PurePosixPath": pathlib.PurePosixPath,
    "PureWindowsPath": pathlib.PureWindowsPath,
    "PosixPath": pathlib.PosixPath,
}


def encode_integer(value: int) -> list[Any]:
    """Encode an integer that msgpack has no room for."""
    if value.bit_length() > _MAX_INT_DIGITS * 4 - 8:
        raise Unencodable(f"an integer of {value.bit_length():,} bits")
    return ["I", hex(value)]


def long_integer(text: object) -> int:
    """Return the integer of its hexadecimal digits."""
    if not isinstance(text, str) or len(text) > _MAX_INT_DIGITS:
        raise WireValueError("an integer of too many digits")
    return int(text, 16)


def _exactly(value: Any, *kinds: type) -> None:
    if type(value) not in kinds:
        raise Unencodable(f"an object of type {type(value).__qualname__}")


# -- zones ---------------------------------------------------------------------------------------------------


def encode_zone(zone: datetime.tzinfo | None) -> Any:
    """Encode a time zone: None, a fixed offset, or one of the zoneinfo database with the bytes of its file."""
    if zone is None:
        return None
    if type(zone) is datetime.timezone:
        micros = zone.utcoffset(None) // datetime.timedelta(microseconds=1)
        return ["zo", micros, zone.tzname(None) if _is_named(zone) else None]
    if isinstance(zone, zoneinfo.ZoneInfo) and ZONE_NAME.fullmatch(zone.key or ""):
        return ["zi", zone.key, zone_file(zone.key)]
    raise Unencodable(f"a time zone of type {type(zone).__qualname__}")


def _is_named(zone: datetime.timezone) -> bool:
    what_pickle_asks: Any = zone
    return len(what_pickle_asks.__getinitargs__()) > 1


@functools.lru_cache(_KEPT_ZONES)
def zone_file(key: str) -> bytes | None:
    """Return what the database says of the zone; None where no file can be opened, as in the worker."""
    for folder in zoneinfo.TZPATH:
        try:
            return (pathlib.Path(folder) / key).read_bytes()
        except OSError:
            continue
    try:
        return resources.files("tzdata").joinpath("zoneinfo", *key.split("/")).read_bytes()
    except (ImportError, OSError):
        return None


def _fixed(micros: object, name: object) -> datetime.timezone:
    if type(micros) is not int or not (name is None or isinstance(name, str)):
        raise WireValueError("a time zone that is none")
    offset = datetime.timedelta(microseconds=micros)
    return datetime.timezone(offset) if name is None else datetime.timezone(offset, name)


# This process's own under their names alone, what another side said of one under its name and bytes: what one model
# says of a zone is not believed of another model's.
_zones: dict[tuple[str, bytes | None], zoneinfo.ZoneInfo] = {}


def decode_zone(key: object, data: object) -> zoneinfo.ZoneInfo:
    """Return the zone of that name: this process's own, or where it has none the one that ``data`` says."""
    if not isinstance(key, str) or not ZONE_NAME.fullmatch(key):
        raise WireValueError("a time zone that is none")
    told = data if isinstance(data, bytes) else None
    return _zones.get((key, None)) or _zones.get((key, told)) or _own_zone(key) or _told_zone(key, told)


def _own_zone(key: str) -> zoneinfo.ZoneInfo | None:
    try:
        found = zoneinfo.ZoneInfo(key)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
        return None
    return _kept_zone((key, None), found)


def _told_zone(key: str, data: bytes | None) -> zoneinfo.ZoneInfo:
    if data is None or len(data) > _ZONE_FILE_BYTES:
        raise WireValueError("a time zone that is not known here")
    return _kept_zone((key, data), zoneinfo.ZoneInfo.from_file(io.BytesIO(data), key=key))


def _kept_zone(name: tuple[str, bytes | None], zone: zoneinfo.ZoneInfo) -> zoneinfo.ZoneInfo:
    if len(_zones) < _KEPT_ZONES:
        _zones[name] = zone
    return zone


# -- dates and times -----------------------------------------------------------------------------------------


def _encode_datetime(value: datetime.datetime) -> list[Any]:
    _exactly(value, datetime.datetime)
    return ["ts", value.replace(tzinfo=None).isoformat(), value.fold, encode_zone(value.tzinfo)]


def _encode_time(value: datetime.time) -> list[Any]:
    _exactly(value, datetime.time)
    return ["tm", value.replace(tzinfo=None).isoformat(), value.fold, encode_zone(value.tzinfo)]


def _timed(kind: Any) -> Callable[[object, object, object], Any]:
    def decode(text: object, fold: object, zone: object) -> Any:
        # Python reads a time of ten million digits, and forgets those at its end.
        if not isinstance(text, str) or len(text) > _MAX_TIME_CHARS or fold not in {0, 1}:
            raise WireValueError("a time that is none")
        if not (zone is None or isinstance(zone, datetime.timezone | zoneinfo.ZoneInfo)):
            raise WireValueError("a time in a zone that is none")
        return kind.fromisoformat(text).replace(tzinfo=zone, fold=fold)

    return decode


def _encode_timedelta(value: datetime.timedelta) -> list[Any]:
    _exactly(value, datetime.timedelta)
    return ["td", value.days, value.seconds, value.microseconds]


# -- numbers, identifiers, paths -----------------------------------------------------------------------------


def _encode_complex(value: complex) -> list[Any]:
    _exactly(value, complex)
    return ["c", value.real, value.imag]


def _encode_decimal(value: decimal.Decimal) -> list[Any]:
    _exactly(value, decimal.Decimal)
    return ["dec", str(value)]


def _decode_decimal(text: object) -> decimal.Decimal:
    if not isinstance(text, str) or len(text) > _MAX_TEXT_CHARS:
        raise WireValueError("a decimal number that is none")
    return decimal.Decimal(text)


def _encode_fraction(value: fractions.Fraction) -> list[Any]:
    _exactly(value, fractions.Fraction)
    return ["fr", *(part if -(1 << 63) <= part < 1 << 63 else encode_integer(part)
                    for part in (value.numerator, value.denominator))]  # fmt: skip


def _decode_fraction(numerator: object, denominator: object) -> fractions.Fraction:
    if type(numerator) is not int or type(denominator) is not int:
        raise WireValueError("a fraction that is none")
    return fractions.Fraction(numerator, denominator)


def _encode_path(value: pathlib.PurePath) -> list[Any]:
    _exactly(value, *_PATHS.values())
    return ["path", type(value).__name__, str(value)]


def _decode_path(name: object, text: object) -> pathlib.PurePath:
    kind = _PATHS.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(text, str) or len(text) > _MAX_TEXT_CHARS:
        raise WireValueError("a path that is none")
    return kind(text)


def _encode_array(value: array.array[Any]) -> list[Any]:
    _exactly(value, array.array)
    if value.typecode in {"u", "w"}:
        raise Unencodable("an array of characters")
    return ["arr", value.typecode, value.tobytes()]


def _decode_array(code: object, data: object) -> array.array[Any]:
    if not isinstance(code, str) or code not in set("bBhHiIlLqQfd") or not isinstance(data, bytes):
        raise WireValueError("an array that is none")
    return array.array(code, data)


def _decode_bytearray(data: object) -> bytearray:
    if not isinstance(data, bytes):  # of a number it would make as many zeros
        raise WireValueError("bytes that are none")
    return bytearray(data)


def _plainly(tag: str, kind: type, text: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def encode(value: Any) -> list[Any]:
        _exactly(value, kind)
        return [tag, text(value)]

    return encode


# In order: a subclass stands before its base (a datetime is a date).
ENCODERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (complex, _encode_complex),
    (bytearray, _plainly("ba", bytearray, bytes)),
    (datetime.datetime, _encode_datetime),
    (datetime.date, _plainly("da", datetime.date, datetime.date.isoformat)),
    (datetime.time, _encode_time),
    (datetime.timedelta, _encode_timedelta),
    (datetime.tzinfo, encode_zone),
    (decimal.Decimal, _encode_decimal),
    (fractions.Fraction, _encode_fraction),
    (uuid.UUID, _plainly("uuid", uuid.UUID, lambda value: value.bytes)),
    (pathlib.PurePath, _encode_path),
    (array.array, _encode_array),
    (type(Ellipsis), lambda _: ["…"]),
)
DECODERS: dict[str, Callable[..., Any]] = {
    "I": long_integer,
    "c": complex,
    "ba": _decode_bytearray,
    "ts": _timed(datetime.datetime),
    "da": datetime.date.fromisoformat,
    "tm": _timed(datetime.time),
    "td": lambda days, seconds, micros: datetime.timedelta(days, seconds, micros),
    "zo": _fixed,
    "zi": decode_zone,
    "dec": _decode_decimal,
    "fr": _decode_fraction,
    "uuid": lambda data: uuid.UUID(bytes=data),
    "path": _decode_path,
    "arr": _decode_array,
    "…": lambda: Ellipsis,
}
