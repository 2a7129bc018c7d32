"""Write one part of the corpus into a folder; what is there already is kept."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.corpus.sample import Sample, write_index, write_samples


def _malicious() -> Iterator[Sample]:
    from benchmarks.corpus.by_value import hostile_by_value_samples
    from benchmarks.corpus.gadgets import gadget_samples
    from benchmarks.corpus.graph_formats import graph_samples
    from benchmarks.corpus.indirection import indirection_samples
    from benchmarks.corpus.infected import infected_samples
    from benchmarks.corpus.joblib_files import joblib_samples
    from benchmarks.corpus.named_formats import keras_samples, skops_samples
    from benchmarks.corpus.numpy_files import numpy_samples
    from benchmarks.corpus.opcodes import opcode_samples
    from benchmarks.corpus.states import state_samples
    from benchmarks.corpus.torch_files import torch_samples
    from benchmarks.corpus.wrappers import wrapper_samples

    for part in (
        gadget_samples,
        opcode_samples,
        indirection_samples,
        wrapper_samples,
        joblib_samples,
        numpy_samples,
        torch_samples,
        skops_samples,
        keras_samples,
        graph_samples,
        hostile_by_value_samples,
        infected_samples,
        state_samples,
    ):
        yield from part()


def _bombs() -> Iterator[Sample]:
    from benchmarks.corpus.bombs import bomb_samples

    yield from bomb_samples()


def _benign() -> Iterator[Sample]:
    from benchmarks.corpus.benign import benign_samples
    from benchmarks.corpus.by_value import by_value_samples

    yield from benign_samples()
    yield from by_value_samples()


def _older() -> Iterator[Sample]:
    from benchmarks.corpus.benign import benign_samples

    yield from benign_samples(", releases of 2023")


_PARTS: dict[str, Callable[[], Iterator[Sample]]] = {
    "malicious": _malicious,
    "bombs": _bombs,
    "benign": _benign,
    "older": _older,
}
# Whether the small form of the files is wanted.
_SPEED = {"speed": False, "speed-quick": True}


def main() -> None:
    """Write the part that is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.corpus", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("part", choices=[*_PARTS, *_SPEED])
    arguments = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets are written in the order of their hashes.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    index = arguments.folder / f"{arguments.part}.json"
    if index.exists():
        print(f"{index} is there: nothing to do")
        return
    if arguments.part in _SPEED:
        from benchmarks.corpus.speed import write_speed_files

        write_speed_files(arguments.folder / arguments.part, quick=_SPEED[arguments.part])
        write_index(index, [])
        return
    written = write_samples(arguments.folder, _PARTS[arguments.part]())
    write_index(index, written)
    print(f"{len(written):,} files in {arguments.folder} ({arguments.part})")


if __name__ == "__main__":
    main()
