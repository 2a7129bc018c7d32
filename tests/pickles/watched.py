"""A process that traces what it is sent under an audit hook, and answers with what the hook saw.

Started as a program; each line of its input is a payload in hexadecimal, each line of its output JSON:
``{"events": [[name, arguments], …], "imports": […], "kinds": […]}``.
"""

from __future__ import annotations

import gc
import json
import sys

from secureload.formats.region import Region
from secureload.pickles.agreement import second_opinion
from secureload.pickles.vm import trace_stream
from secureload.values import FIELDS

# What tracing itself causes: the C unpickler says which global it asks for, and reads an attribute; the walk
# keeps its offsets in an array; what holds what is told by identity.
_ITS_OWN = {"pickle.find_class", "object.__getattr__", "array.__new__", "builtins.id"}
# What the C unpickler writes, and goes on, when it frees a bytearray that it could not fill.
_ITS_COMPLAINT = "deallocated bytearray object has exported buffers"


def main() -> None:
    """Answer line by line, until the input ends."""
    events: list[list[str]] = []
    watching = False

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        if name == "sys.excepthook" and _ITS_COMPLAINT in repr(arguments):
            return
        if watching and name not in _ITS_OWN:
            events.append([name, repr(arguments)])

    sys.addaudithook(hook)
    for kind in object.__subclasses__():
        if hasattr(kind, FIELDS):
            assert kind.__init__  # made when it is first looked at, from code of our own
    gc.disable()  # what it would find is not of the payload's making
    for line in sys.stdin:
        events.clear()
        data = bytes.fromhex(line)
        region = Region(data)
        watching = data != b""
        found = second_opinion(trace_stream(region.cursor(), bytes_total=len(data)), region.cursor)
        watching = False
        answer = {
            "events": list(events),
            "imports": [str(item.ref) for item in found.imports],
            "kinds": [operation.kind for operation in found.operations],
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
