"""Small 7z archives that py7zr 1.1.4 wrote, by method, and 7z headers written by hand for what it does not write.

Each of the first holds ``model/a.pkl``, ``model/code.bin`` and ``empty``.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence

CODE = b"\x55\x8b\xec\xe8\x10\x00\x00\x00\x90\xe8\x20\x01\x00\x00\xc3" * 9
CONTENT = {"model/a.pkl": b"\x80\x04N.", "model/code.bin": CODE, "empty": b""}
_WRITTEN = {
    "lzma2": (
        "N3q8ryccAARs1Zo0oQAAAAAAAAAWAAAAAAAAAERIaM/gAIoAGV0AQAEFdMupo8nkjNWpdy7U3UhHnU783MgYAADgAKYAeF0A"
        "AIEzB64P0B3SfJ8/R0ErhlGf7AlqaobtlMnGwuYSMpzoLWg5LpJJYpKgb81sr4KagvetELay2P3uZFf5fTO74bi/1pkPUHct"
        "IEgkIt6+m1YsORHGpLqHMYtWZIJ3ygqbciQm1fqfLwaHX3TARbvEM7S06N0MAAAAABcGIQEJgIAABwsBAAEhIQEYDICnAAA="
    ),
    "lzma": (
        "N3q8ryccAAQNi9jQpwAAAAAAAAAWAAAAAAAAAHeL9lcAQAEFdMupo8nkjNWpdy7U3UhHnU783ZSWP///n9wAAOAApgB/XQAA"
        "gTMHrg/QDrA8nz9HQWc31nbmXu7qBOn5gtF02TFW5AN6uBPC14FLh1E3A1H8Ja15od6HtJy/RLnAbRtW6BHRiIbA8dLKWnyh"
        "OhH1gGizHZkTfO//EPe3LJmR/dt8Njs3tU+qjJFytfBuR/DkPnTEy1CgpfmTbSIachY7AAAAABcGIAEJgIcABwsBAAEhIQEY"
        "DICnAAA="
    ),
    "bzip2": (
        "N3q8ryccAARWWh5czgAAAAAAAAAWAAAAAAAAAHjI85xCWmg5MUFZJlNZC724kwAAKnZlZABAAEABAAECAEAIQAAIAABEIABQ"
        "gAABUpGh6mm1OYYhxDCGYVtCvK3DUKQuFwuH4u5IpwoSAXe3EmDgAKYAeF0AAIEzB64P0qehfUDAkM7ly3b2U37Y4DrDpfGb"
        "GsTyBI1cqV1Jghrurxgx/QLwgecjb4Yxw9cHVsVGxjmKZTZXTN3fndPTSTm89kK4lNdc8RczRuUxAPsBDHzQrAd4PFoako5j"
        "UNGljpE3g65rzsrh16xll8IAAAAAABcGTgEJgIAABwsBAAEhIQEYDICnAAA="
    ),
    "deflate": (
        "N3q8ryccAAQp+jFIlwAAAAAAAAAVAAAAAAAAAP1R9slrYPHTC+1+80KAgYFhwgsFRgaGwwPFBQDgAKYAd10AAIEzB64Pz4Cu"
        "DA/r6ol/5MttX+q09O+grt6ZZrYJPsPwmrmjxEYjcZFRZ0T5DmO9aWNfySISNnISL9ngoxz+0ULvKiQVN5rg9MWrCW+9CFyi"
        "RffDpTdbhD9+PsLLld2pigmCjO+2kwUAlW/7y4cAl8p/r6YAAAAAFwYYAQl/AAcLAQABISEBGAyApwAA"
    ),
    "copy": (
        "N3q8ryccAASNSnkkDgEAAAAAAAAXAAAAAAAAANHZohCABE4uVYvs6BAAAACQ6CABAADDVYvs6BAAAACQ6CABAADDVYvs6BAA"
        "AACQ6CABAADDVYvs6BAAAACQ6CABAADDVYvs6BAAAACQ6CABAADDVYvs6BAAAACQ6CABAADDVYvs6BAAAACQ6CABAADDVYvs"
        "6BAAAACQ6CABAADDVYvs6BAAAACQ6CABAADD4ACiAHtdAACBMweuD9Uv5dfWbCkfTj/TZhArPgMT8YaLnYqbtx2qlANoszLA"
        "bIOlE9BlicJlC8h3Lgu3bcV/e3wxZqcNWjD28r5EKdXeMY1/vFycIlWRMtHFFlcp1A90tZV/bASAmB8/nehf1dIJbIpVA2kv"
        "oTeQDQUgKG5kdAAAAAAXBoCLAQmAgwAHCwEAASEhARgMgKMAAA=="
    ),
    "zstd": (
        "N3q8ryccAAROmOxkrAAAAAAAAAAWAAAAAAAAAHLJx9EotS/9AFjVAACYgAROLlWL7OgQAAAAkOggAQAAwwEAq6QzDOAAqgCB"
        "XQAAgTMHrg/QPBb8nz9HQZXxNwqztlsieQAtaaIYUi/Rgho8n99ARUskq2p/BokQAWyoQcUPC6/m566e+i91oualiJrSgOBJ"
        "MR8mVXdRS9A3hIcezArNj1iCDzD0lBiJ86RwwDuY/E5chu9fibssQ0aG+ACm/xQMSLVvpUCUdGOEAAAAFwYjAQmAiQAHCwEA"
        "ASEhARgMgKsAAA=="
    ),
    "delta, lzma2": (
        "N3q8ryccAARmL+GsrwAAAAAAAAAWAAAAAAAAAH0MPsTgAIoAIF0AQAEFdM+og6sZugDmGwPU4oUgg+4JyjJKQlgHZK94AAAA"
        "4ACuAH9dAACBMweuD9CHwjyfORCcbOpVPC0n3QEDOkcX2HyeKQGj7vhyK+mZMub/egIOJlunYtE9TH6hOxRZSoatb0nB1138"
        "mtwQMsTeklHh35aPyC0NPweUnwgso/PhLxhrrDlpmpUa+4WelaNIgtVkawODSc/4MXXTAl4bnZhnnrAAAAAAFwYoAQmAhwAH"
        "CwEAASEhARgMgK8AAA=="
    ),
    "x86, lzma2": (
        "N3q8ryccAAQM8lh0zAAAAAAAAAAWAAAAAAAAAFzCpLTgAIoAOV0AQAEFdMupo8nkky29eNMqI3M/vVeFG6x77ZNm64HsrLyh"
        "TLS9ZLm9Iy2boHI+d1cg8udwFrEBev4AAOAArgCDXQAAgTMHrg/R/+M9QLuUZBx+6ssQA+2USV7h0wFE9QHcKRI1rfi/thYa"
        "WXmVUd3dSxqUi39+l6PtBOZLTUx5KmsuC2323W45gMQrI3zxr2PTYGkQux/TQ+KHI9ZGJOJJC2p2P9KHScucnS39yDHXQQ6I"
        "j/fJAoyUJJWry8i2z6T3FQAAAAAXBkEBCYCLAAcLAQABISEBGAyArwAA"
    ),
    "x86, lzma": (
        "N3q8ryccAAR/jFSV0AAAAAAAAAAWAAAAAAAAAKUMNmUAQAEFdMupo8nkky29eNMqI3M/vVeFG6x77ZNm64HsrLyhTLS9ZLm9"
        "Iy2boHI+d1cg8udwFrFmCD+x/9X1AADgALIAiV0AAIEzB64P0ePZhKCKabDQ78fI9DJy7XtFKwULSaDO4CX+O9NDLQx3jtqf"
        "cZPDcA4yikjNTrQV0bUqc0s0LlAGsJZZ4+mxZTZJl2an9L2XpwpTRFi+zb31tjrZby2UGMCeL3TWL2aZvLyq3L02XIuD07o9"
        "iTMdo+cnrpFDMSUVSLFq/u2v2OwAAAAAFwY/AQmAkQAHCwEAASEhARgMgLMAAA=="
    ),
    "arm, lzma2": (
        "N3q8ryccAASH7bvNrgAAAAAAAAAWAAAAAAAAAKVbMcjgAIoAGV0AQAEFdMupo8nkjNWpdy7U3UhHnU783MgYAADgAK4AhV0A"
        "AIEzB64P0B3SfJ85EJxxRPKY8JXx1vl05Gcfm4TW1CSOuYBE5KgNBO35K3ZJ2IKN24oGpznGLMYstCTOXQ9yZcg0fAPcoj0j"
        "jHTdCeFrIY7dMYG097GVCwH9qxxLnFz3ZFgI/i6iLdNFf6INtGEdclCHQQvud91LSYr/kqy9NRDJuAAAAAAXBiEBCYCNAAcL"
        "AQABISEBGAyArwAA"
    ),
    "ppmd": (
        "N3q8ryccAATifer5ngAAAAAAAAAWAAAAAAAAAHbpw9wAf4S1jAFJdnPLiyDNlkvdWkGu5NQ8AAAA4ACuAH1dAACBMweuD8+S"
        "bmAP6+qeAQ7oyIINkCbH9GofCsNEVehX2X5RP4jN6HzfrlwXF38iX6nFp2do15JoNZ1diwFJ4izq3+a/zRjbe21yIjc6jw9R"
        "hZHmPcMlkHIZ/N75W0Fhh0AyAEp8+4D54vKg5WHDi0IdMKTNlKrU2uoMAAAAABcGGQEJgIUABwsBAAEhIQEYDICvAAA="
    ),
    "brotli": (
        "N3q8ryccAATTGp2rswAAAAAAAAAWAAAAAAAAAIYkeykLRQD4nwd2A73YXXyjgEkNAAg5rAECnKo2hMsiu0QHIYgIQ4BIm29A"
        "jg3gAKoAgV0AAIEzB64P0KYGvJ8/R0GEyWxkOJSUk8EtSxv0jjIAjQIyYT54WC6B2cI/7mLP08eRq4/OZYgpULyRVVk4Y8HE"
        "EyEeaLXfUvcT0dkvIA7W9MjwTbXGvWhKX1hplAuJS9L/mZFE+aCm+LJUs5pqH8rlbH4/6I4ce+DquuUftQuEAAAAABcGKgEJ"
        "gIkABwsBAAEhIQEYDICrAAA="
    ),
    "password": (
        "N3q8ryccAARHuHjOcQAAAAAAAAAUAAAAAAAAAC6uTC+p9yT9OhdnjYkfBBsv+bM+AQBcAQQGAAEJEAoBqU7e4AAHCwEAAiQG"
        "8QcBElMPfqbNeZKQOj2qqmMlVev6OSEhARgBAAwKBgAICgHl6KJcAAAFAREFAGEAAAAUCgEAUCVDKRR83QEVBgEAIICAgQAA"
        "ABcGEAEJYQAHCwEAASEhARgMXQAA"
    ),
    "password, header too": (
        "N3q8ryccAATUhQiRcAAAAAAAAAAoAAAAAAAAALDEC3E22wwBt122+MNAAZGx9zZJyoSfVdsV82dqwHnxH2T6MUppUajStat3"
        "lAfWI3OhJwDlzvSFKS0HEjRL5V2fzjsi1pv9v6Wbs4YyqncBrDoAcNCfUyE8NJ2nlBlF/IL/h4RbUfoxNhm6IiKtQnaiCd9A"
        "FwYQAQlgAAcLAQABJAbxBwESUw/IXMbi0Brl1yiyJYxXu48EDF0AAA=="
    ),
    "link": (
        "N3q8ryccAASYsbnOiAAAAAAAAAAWAAAAAAAAALNFzPEBAAJ4aGkA4ACuAHldAACBMweuD84lflFCnQTzU1AZJCaPQzBYiRAa"
        "CLhZGIENfLEsnTfFuKJ8pNbIQWKIWr3ToKEnQGmlz/UFt0q53o6ugco8pEicyhMgLnuDupHvyPq9LojkPffmHJbXdUPeUfpt"
        "ZkUwsfK/YXUVIfpAvOh7zZ6FHyMAAAAAFwYHAQmAgQAHCwEAASEhARgMgK8AAA=="
    ),
}
WRITTEN = {name: base64.b64decode(text) for name, text in _WRITTEN.items()}


def number(value: int) -> bytes:
    """A number of the format; the short forms and the longest are enough here."""
    if value < 0x80:
        return bytes([value])
    if value < 0x4000:
        return bytes([0x80 | value >> 8, value & 0xFF])
    return b"\xff" + value.to_bytes(8, "little")


def folder(size: int, coders: bytes = b"\x01\x01\x00") -> tuple[bytes, bytes]:
    """The definition of a folder (by default one copy) and its unpack size."""
    return coders, number(size)


def archive(
    contents: Sequence[tuple[str, bytes]],
    *,
    coders: bytes = b"\x01\x01\x00",
    size: int | None = None,
    packed: bytes | None = None,
    substreams: bytes | None = None,
    attributes: Sequence[int] = (),
    extra: bytes = b"",
    header: bytes | None = None,
    checksums: bool = True,
) -> bytes:
    """One folder over the joined contents; every part of the header can be another than the true one."""
    whole = b"".join(content for _, content in contents)
    body = whole if packed is None else packed
    unpacked = number(len(whole) if size is None else size)
    if substreams is None:
        sizes = b"".join(number(len(content)) for _, content in contents[:-1])
        digests = b"".join(zlib.crc32(content).to_bytes(4, "little") for _, content in contents)
        substreams = b"\x0d" + number(len(contents)) + (b"\x09" + sizes if len(contents) > 1 else b"")
        substreams += (b"\x0a\x01" + digests if checksums else b"") + b"\x00"
    streams = b"\x06" + number(0) + number(1) + b"\x09" + number(len(body)) + b"\x00"
    streams += b"\x07\x0b\x01\x00" + coders + b"\x0c" + unpacked + b"\x00\x08" + substreams + b"\x00"
    names = b"\x00" + b"".join(name.encode("utf-16-le") + b"\0\0" for name, _ in contents)
    files = number(len(contents)) + b"\x11" + number(len(names)) + names
    if attributes:
        modes = b"\x01\x00" + b"".join(mode.to_bytes(4, "little") for mode in attributes)
        files += b"\x15" + number(len(modes)) + modes
    plain = b"\x01\x04" + streams + b"\x05" + files + extra + b"\x00\x00"
    return wrapped(body, plain if header is None else header)


def wrapped(body: bytes, header: bytes) -> bytes:
    """The signature header, the packed bytes, the header."""
    start = len(body).to_bytes(8, "little") + len(header).to_bytes(8, "little")
    start += zlib.crc32(header).to_bytes(4, "little")
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + zlib.crc32(start).to_bytes(4, "little") + start + body + header
