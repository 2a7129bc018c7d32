"""HDF5: what Keras kept models in before version 3, and pandas (PyTables) keeps tables in.

The file itself is data. What is looked for is what a program does with it: the configuration of a Keras
model, which names classes and may hold code; values that PyTables unpickles; and data that lie in other
files, which the library opens by the names that stand here. Datasets are not read: they are numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from secureload.errors import LimitError, MalformedError, SecureloadError
from secureload.formats.hdf5 import headers
from secureload.formats.hdf5.attributes import Attribute, dense_attributes, read_attribute, values_of
from secureload.formats.hdf5.chunks import Chunk, chunks_of_tree, stored_bytes
from secureload.formats.hdf5.datatypes import VARIABLE, Datatype, read_dataspace, read_datatype
from secureload.formats.hdf5.file import Hdf5File, open_file
from secureload.formats.hdf5.headers import Message, messages
from secureload.formats.hdf5.heaps import global_heap_objects
from secureload.formats.hdf5.links import Link, links
from secureload.formats.hdf5.pickles import would_be_unpickled
from secureload.formats.hdf5.signature import find_superblock
from secureload.formats.hdf5.storage import Storage, external_files, filters, read_storage
from secureload.formats.keras_config import walk_config
from secureload.formats.outside import why_outside
from secureload.formats.reading import Child, Event, Identified, Observation, Problem, ReadContext, Versions
from secureload.formats.region import Region
from secureload.formats.repeated import first_of_each_code
from secureload.formats.zeros import first_nonzero
from secureload.values import dataclass, field

__all__ = ["read"]

# Filters of the library itself, and lzf, which h5py brings along (https://github.com/HDFGroup/hdf5_plugins).
_OWN_FILTERS = frozenset((1, 2, 3, 4, 5, 6, 32000))
# Filters that are registered with the HDF Group and in wide use: lzo, bzip2, blosc, lz4, bitshuffle, zfp, zstd, sz,
# fcidecomp, jpeg-ls, blosc2 …
_REGISTERED_FILTERS = frozenset((305, 307, *range(32001, 32040)))
_CONFIGURATIONS = frozenset(("model_config", "training_config"))
_KERAS_MARKS = frozenset(("model_config", "keras_version", "layer_names"))
_MOST_VALUES = 10_000
_SHOWN_BYTES = 200
# Of a dataset in chunks that could be a pickle, put together in memory.
_CHUNKED_BYTES = 64 << 20


@dataclass(slots=True)
class _Walk:
    """What was met so far: objects by their addresses, and what the file turned out to be."""

    seen: set[int] = field(default_factory=set)
    waiting: list[tuple[str, int]] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    variable: bool = False


@dataclass(slots=True)
class _Dataset:
    """What the messages of one object say of it, where it is a dataset."""

    type: Datatype | None = None
    storage: Storage | None = None
    elements: int = 0
    filters: list[int] = field(default_factory=list)


def read(data: Region, context: ReadContext) -> Iterator[Event]:
    """Yield what the attributes hold, and what lies in other files."""
    return first_of_each_code(_read(data, context))


def _read(data: Region, context: ReadContext) -> Iterator[Event]:
    start = find_superblock(data)
    if start < 0:
        raise MalformedError("this is no HDF5 file: its signature is nowhere", format="HDF5", offset=0)
    file = open_file(data, start, context.limits)
    if start and first_nonzero(data.part(0, start)) >= 0:
        yield _observed("user-block", f"{start:,} bytes stand before the file", 0, repr(data.head(80)))
        yield Child(name="user-block", data=data.part(0, start))
    yield from _end(file, start)
    yield from _several_files(file)
    walk = _Walk(waiting=[("", file.root)])
    while walk.waiting:
        path, address = walk.waiting.pop()
        if address in walk.seen:
            continue
        walk.seen.add(address)
        file.count.add()
        try:
            yield from _object(file, path, address, walk, context)
        except LimitError:
            raise
        except SecureloadError as error:
            where = f" ({path})" if path else ""
            yield Problem(kind="malformed", message=f"{error.message}{where}", offset=start + address)
    if walk.variable:
        yield from _heaps(file)


def _observed(code: str, message: str, offset: int = -1, detail: str = "") -> Observation:
    return Observation(code=f"hdf5.{code}", message=message, detail=detail, offset=offset)


def _end(file: Hdf5File, start: int) -> Iterator[Event]:
    """Yield whether the file ends where it says."""
    tail = file.data.part(file.end, file.data.size)
    if file.end > file.data.size:
        message = f"the file is cut off: it has {file.data.size:,} of {file.end:,} bytes"
        yield Problem(kind="malformed", message=message, offset=start + file.data.size)
    elif first_nonzero(tail) >= 0:
        yield _observed("tail", f"{tail.size:,} bytes follow the end of the file", start + file.end)
        yield Child(name=f"tail@{start + file.end}", data=tail)


def _several_files(file: Hdf5File) -> Iterator[Event]:
    driver = file.driver
    if file.extension is not None:
        driver = any(message.type == headers.DRIVER for message in messages(file, file.extension))
    if driver:
        yield _observed("driver", "it asks for a driver that keeps it in several files")


# -- one object ----------------------------------------------------------------------------------------


def _object(file: Hdf5File, path: str, address: int, walk: _Walk, context: ReadContext) -> Iterator[Event]:
    """Yield what one group or dataset says, and note what is in it."""
    dataset = _Dataset()
    for message in messages(file, address):
        if message.type not in headers.KNOWN:
            yield _observed(
                "unknown-message", f"an object has a message of type {message.type}", message.offset
            )
        elif message.shared:
            walk.variable |= message.type == headers.DATATYPE
            if message.type == headers.ATTRIBUTE:
                yield Problem(
                    kind="unsupported", message=f"an attribute of {path or '/'} is shared between objects"
                )
        elif message.type == headers.ATTRIBUTE:
            yield from _attribute(
                file, path, read_attribute(file, message.data, message.offset), context, walk
            )
        elif message.type == headers.ATTRIBUTE_INFO:
            for attribute in dense_attributes(file, message):
                yield from _attribute(file, path, attribute, context, walk)
        elif message.type in (headers.LINK, headers.LINK_INFO, headers.SYMBOL_TABLE):
            for link in links(file, message):
                yield from _link(path, link, walk)
        else:
            yield from _dataset_message(file, path, message, dataset, walk)
    yield from _content(file, path, dataset)


def _link(path: str, link: Link, walk: _Walk) -> Iterator[Event]:
    name = f"{path}/{link.name}"
    if link.kind == "hard":
        walk.waiting.append((name, link.address))
    elif link.kind == "external":
        why = why_outside(link.file)
        code = "external-outside" if why else "external"
        where = f", outside its folder: {why}" if why else ""
        yield _observed(code, f"{name} lies in another file{where}", -1, f"{link.file}:{link.path}")
    elif link.kind == "user":
        yield _observed(
            "user-link", f"what {name} is only a program knows that defines such links", -1, link.path
        )


def _dataset_message(
    file: Hdf5File, path: str, message: Message, dataset: _Dataset, walk: _Walk
) -> Iterator[Event]:
    if message.type == headers.DATASPACE:
        dataset.elements = read_dataspace(file, message.cursor())
    elif message.type == headers.DATATYPE:
        dataset.type = read_datatype(message.cursor())
        walk.variable |= dataset.type.kind == VARIABLE
    elif message.type == headers.LAYOUT:
        dataset.storage = read_storage(file, message)
        for name in dataset.storage.virtual_files:
            if name != ".":
                yield from _other_file(path, name, message.offset)
    elif message.type == headers.EXTERNAL_FILES:
        for name in external_files(file, message):
            yield from _other_file(path, name, message.offset)
    elif message.type == headers.FILTERS:
        for number, name in filters(message):
            dataset.filters.append(number)
            yield from _filter(number, name, message.offset, walk)


def _other_file(path: str, name: str, offset: int) -> Iterator[Event]:
    if why := why_outside(name):
        text = f"the data of {path} are read from outside the folder: {why}"
        yield _observed("external-outside", text, offset, name)
    else:
        yield _observed("external", f"the data of {path} lie in another file", offset, name)


def _filter(number: int, name: str, offset: int, walk: _Walk) -> Iterator[Event]:
    if number in _OWN_FILTERS or f"filter {number}" in walk.told:
        return
    walk.told.add(f"filter {number}")
    code = "plugin-filter" if number in _REGISTERED_FILTERS else "unknown-filter"
    yield _observed(code, f"its data are read by the filter {number} ({name}), a plug-in", offset)


def _content(file: Hdf5File, path: str, dataset: _Dataset) -> Iterator[Event]:
    """Hand on a dataset of bytes that is a pickle: somebody may keep one in it."""
    kind, storage = dataset.type, dataset.storage
    if kind is None or storage is None or not kind.is_bytes or kind.kind == VARIABLE:
        return  # what has a variable length lies in a heap, and all heaps are looked through
    data = storage.data if not dataset.filters else None
    chunks: list[Chunk] = []
    if storage.tree is not None and kind.size == 1:
        chunks = list(chunks_of_tree(file, storage.tree))
    elif storage.chunk is not None:
        chunks = [(0, storage.chunk, 0)]
    if chunks:
        size = dataset.elements * kind.size
        data = Region(stored_bytes(chunks, dataset.filters, size, min(size, _CHUNKED_BYTES), file.count))
    if data is not None and would_be_unpickled(data):
        yield Child(name=path.lstrip("/"), data=data, expect="pickle")


# -- attributes ----------------------------------------------------------------------------------------


def _attribute(
    file: Hdf5File, path: str, attribute: Attribute, context: ReadContext, walk: _Walk
) -> Iterator[Event]:
    name = attribute.name
    if not path and name in _KERAS_MARKS and "keras" not in walk.told:
        walk.told.add("keras")
        yield Identified(format="keras-hdf5", loader="keras.models.load_model")
    elif not path and name == "PYTABLES_FORMAT_VERSION":
        yield Identified(format="pytables", loader="pandas.read_hdf")
    values = list(values_of(file, attribute, 1)) if name in _CONFIGURATIONS | {"keras_version"} else []
    if name in _CONFIGURATIONS:
        yield from _configuration(path, name, values, attribute.offset, context)
    elif name == "keras_version" and values:
        version = values[0].head(_SHOWN_BYTES).rstrip(b"\0").decode("utf-8", "replace")
        yield Versions(library="keras", version=version)
    if attribute.type is not None and not attribute.type.is_bytes:
        return
    for number, value in enumerate(values_of(file, attribute, _MOST_VALUES)):
        if would_be_unpickled(value):
            yield Child(name=f"{path.lstrip('/')}@{name}[{number}]", data=value, expect="pickle")


def _configuration(
    path: str, name: str, values: list[Region], offset: int, context: ReadContext
) -> Iterator[Event]:
    """Yield what the configuration of a Keras model says."""
    if not values:
        yield Problem(kind="unsupported", message=f"{name} of {path or '/'} cannot be read", offset=offset)
        return
    for value in values:
        limit = context.limits.json_text_bytes
        if value.size > limit:
            yield Problem(
                kind="limit", message=f"json_text_bytes: {name} has {value.size:,} bytes", offset=offset
            )
            continue
        # A text of fixed length is filled up with zero bytes.
        yield from walk_config(value.read_at(0, limit).rstrip(b"\0"), context)


def _heaps(file: Hdf5File) -> Iterator[Event]:
    """Hand on the pickles among the values of variable length: where PyTables keeps objects."""
    for offset, value in global_heap_objects(file):
        if would_be_unpickled(value):
            yield Child(name=f"heap@{offset}", data=value, expect="pickle")
