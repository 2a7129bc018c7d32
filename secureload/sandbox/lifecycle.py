"""What a proxy can do besides what its model does: be closed, be limited, be awaited, and refuse to be copied."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, NoReturn, Self

from secureload.errors import UsageError
from secureload.sandbox.call_limits import CallLimits
from secureload.sandbox.model import Model
from secureload.sandbox.proof import Confinement
from secureload.sandbox.reference import Reference

__all__ = ["ASYNC_METHODS", "AsyncMethod", "Lifecycle", "Uncopied"]

# Found without asking the worker, which may be busy: an event loop must not wait for it.
ASYNC_METHODS = frozenset({
    "aapply", "adecision_function", "ainverse_transform", "apredict", "apredict_log_proba", "apredict_proba",
    "ascore", "ascore_samples", "atransform",
})  # fmt: skip


class Uncopied:
    """Refuses to be pickled and copied, by whatever library: nothing that came out would be verified."""

    __slots__ = ()

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise UsageError(
            "a sandboxed model cannot be pickled or copied",
            hint="keep the signed file, and call safe_load() where the model is needed, in each process;"
            " a forked process may use the model as it is",
        )

    def __copy__(self) -> NoReturn:
        self.__reduce_ex__(2)

    def __deepcopy__(self, _memo: object) -> NoReturn:
        self.__reduce_ex__(2)


class Lifecycle(Uncopied):
    """The part of a proxy that is about its workers."""

    __slots__ = ()

    @property
    def confinement(self) -> Confinement:
        """What is enforced around the worker: its layers and its level."""
        return _model(self).confinement

    @property
    def restarts(self) -> int:
        """How often a worker of this model was started again, after a crash or a call that was given up."""
        return _model(self).restarts

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that live now: one, or one a replica."""
        return _model(self).pids

    def limits(
        self, *, timeout_seconds: float | None = None, memory_bytes: int | None = None
    ) -> AbstractContextManager[None]:
        """Limit the calls of this model in a ``with`` block, in this thread or task.

        ``timeout_seconds``: a call that takes longer is a :class:`~secureload.errors.SandboxTimeoutError`, and its
        worker is started again by the next one. ``memory_bytes``: what a call may take beyond what the model has;
        more is a :class:`~secureload.errors.SandboxMemoryError`. What is left out stays as it is.
        """
        return _model(self).limited(CallLimits(timeout_seconds, memory_bytes))

    def close(self) -> None:
        """End the workers; afterwards every use is a :class:`~secureload.errors.SandboxError`."""
        _model(self).close()

    async def aclose(self) -> None:
        """End the workers; nothing is waited for."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self.close()

    def __sklearn_clone__(self) -> NoReturn:
        raise UsageError(
            "a verified model cannot be cloned: a clone is not fitted, and nobody has signed it",
            hint="wrap it in sklearn.frozen.FrozenEstimator(model), which clone() leaves as it is",
        )


class AsyncMethod(Uncopied):
    """A method of the sandboxed object that is awaited: ``await model.apredict(X)``."""

    __slots__ = ("__name__", "_method", "_reference")

    def __init__(self, reference: Reference, method: str | None) -> None:
        self._reference = reference
        self._method = method
        self.__name__ = f"a{method or 'call'}"

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it in a thread, and return what it returns."""
        return await self._reference.session.acall(self._reference, self._method, args, kwargs)

    def __repr__(self) -> str:
        return f"<awaited sandboxed method {self._reference.qualname}.{self._method or '__call__'}>"


def _model(proxy: Lifecycle) -> Model:
    reference: Reference = object.__getattribute__(proxy, "_secureload_reference")
    return reference.session
