"""The same call through multiprocessing, which pickles what crosses: a pipe to a process, and a manager's proxy."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.managers import BaseManager
from typing import Any

__all__ = ["manager_call", "pipe_call"]


def _answer(connection: Connection, model: Any) -> None:
    while True:
        rows = connection.recv()
        if rows is None:
            return
        connection.send(model.predict(rows))


@contextmanager
def pipe_call(model: Any) -> Iterator[Callable[[Any], Any]]:
    """Give a function that asks a forked process over ``multiprocessing.Pipe``."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer, args=(theirs, model), daemon=True)
    process.start()

    def ask(rows: Any) -> Any:
        ours.send(rows)
        return ours.recv()

    yield ask
    ours.send(None)
    process.join()


class _Manager(BaseManager):
    pass


@contextmanager
def manager_call(model: Any) -> Iterator[Callable[[Any], Any]]:
    """Give the method of the proxy of a ``multiprocessing`` manager."""
    _Manager.register("model", callable=lambda: model, exposed=["predict"])
    with _Manager(ctx=multiprocessing.get_context("fork")) as manager:
        proxy = manager.model()  # type: ignore[attr-defined]  # made by register()
        yield proxy.predict
