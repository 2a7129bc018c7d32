"""Models that joblib 0.9.4 wrote, with numpy 1.19.5 on Python 3.6: each a pickle and one file an array.

``joblib.dump({"w": arange(12.).reshape(3, 4), "o": array([{"a": 1}, None], object), "f": a Fortran array, ...})``,
plain, compressed into one file, and compressed with ``cache_size=0``, which keeps the arrays beside it.
"""

from __future__ import annotations

import base64
from pathlib import Path

__all__ = ["OLD_FILES", "write_old"]

OLD_FILES: dict[str, str] = {
    "big.pkl": (
        "WkYweDE3NiAgICAgICAgICAgICAgeF5ljzlPw0AQhe04gcRc4b7PyjQWIAoKGgQVK7lIw4om8iabrIlj9jlrgZEiQUGOXw3r"
        "VSqYYkYzo3nzvU9nCMujtmVZb7BbL68sjpifZH2ZN2XU6sXcfQ4e7tI0zJ/SUEqeuiidf0GflT1a1WedKOZJ2Oeo0LpuWdT1"
        "ZS9uXlz6icz9D8zRih4PVKg45j1iE4eUR6i2zA+3rXLJXdRoqZC6gTudjLHQwKJHHEN1i6UgCB5/dJhELIVlNlVYoTW9jpJI"
        "NcO0O0B9ppi0w4LWxSqxvrF2bzOsj7GRMSM3wCYt66r4u8KWGXWwLQpLO0PseuKPi6uZiz1h2EvEGWFfzHCvcVDgHjZwpHHF"
        "f9BjNlE4EXVhWE6FBjnLWOb/AvM/c30="
    ),
    "big.pkl_01.npy.z": (
        "WkYweDYwICAgICAgICAgICAgICAgeF5jYEAGH+yhPAcIzQGlBaC0CJSWgNIyUFoBSitBaRUoreYAANZHBJw="
    ),
    "big.pkl_02.npy.z": ("WkYweDE4ICAgICAgICAgICAgICAgeF5jYGiwZ8CCATRWBHs="),
    "matrix.pkl": (
        "gANjam9ibGliLm51bXB5X3BpY2tsZQpOREFycmF5V3JhcHBlcgpxACmBcQF9cQIoWAgAAABmaWxlbmFtZXEDWBEAAABtYXRy"
        "aXgucGtsXzAxLm5weXEEWAgAAABzdWJjbGFzc3EFY251bXB5Cm1hdHJpeApxBlgKAAAAYWxsb3dfbW1hcHEHiHViLg=="
    ),
    "matrix.pkl_01.npy": (
        "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDIpLCB9ICAg"
        "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAAAAAAAAAIAAAAAAAAA"
    ),
    "packed.pkl": (
        "WkYweDFmNSAgICAgICAgICAgICAgeF5lkE1PwkAURactKtYvVFRUFETEqgkrFyxMIGHnJDXpio1RWkpqIpTbTqNNJGHD17/1"
        "H+i0HRINk8ycTN5kzn1vpAxBtJZECPmAZPWD3iCsWq5nV3vBO3tre147VF8823L7PvMCi6mQk1dqv5NUoVAyRqopmViZYtXA"
        "mkYlqtDUBGnxtMPCga1ivSVzT7cGdT6bYsPApkaV2P2ALV3XH3/4ig9KGLbNefOV1/6s77q4NBKmBTOCWcGcYF6wKFgSLAtW"
        "GthhyJhxBhe7juzEzew5vJN9A9moE3mMAyeJ/lTDYRT9yEBuEf0Lx/+j1xlOzPkzTrUh8vHPbZxRyddthvNE1UVhoSpGqgsD"
        "pVhFlQkuhax7j3IkuzJQ4TJneULX5qyZI2TEp7K8oTHcJDoft60UJ7M/Ge6C6i9AR4Fl"
    ),
    "plain.pkl": (
        "gAN9cQAoWAEAAAB3cQFjam9ibGliLm51bXB5X3BpY2tsZQpOREFycmF5V3JhcHBlcgpxAimBcQN9cQQoWAgAAABmaWxlbmFt"
        "ZXEFWBAAAABwbGFpbi5wa2xfMDEubnB5cQZYCAAAAHN1YmNsYXNzcQdjbnVtcHkKbmRhcnJheQpxCFgKAAAAYWxsb3dfbW1h"
        "cHEJiHViWAEAAABvcQpjbnVtcHkuY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApxC2gISwCFcQxDAWJxDYdxDlJxDyhL"
        "AUsChXEQY251bXB5CmR0eXBlCnERWAIAAABPOHESiYiHcRNScRQoSwNYAQAAAHxxFU5OTkr/////Sv////9LP3RxFmKJXXEX"
        "KH1xGFgBAAAAYXEZSwFzTmV0cRpiWAEAAABmcRtoAimBcRx9cR0oaAVYEAAAAHBsYWluLnBrbF8wMi5ucHlxHmgHaAhoCYh1"
        "YlgBAAAAc3EfWAQAAAB0ZXh0cSB1Lg=="
    ),
    "plain.pkl_01.npy": (
        "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsIDQpLCB9ICAg"
        "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAAAAAAAAPA/"
        "AAAAAAAAAEAAAAAAAAAIQAAAAAAAABBAAAAAAAAAFEAAAAAAAAAYQAAAAAAAABxAAAAAAAAAIEAAAAAAAAAiQAAAAAAAACRA"
        "AAAAAAAAJkA="
    ),
    "plain.pkl_02.npy": (
        "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAg"
        "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAIA/AACAPwAAgD8AAIA/"
        "AACAPwAAgD8="
    ),
}


def write_old(folder: Path, *names: str) -> None:
    """Write some of the files into ``folder``."""
    for name in names:
        (folder / name).write_bytes(base64.b64decode(OLD_FILES[name]))
