"""Python objects as bytes for other processes, which may lack the module that a class was written in."""

from __future__ import annotations

import functools
import importlib.machinery
import io
import pickle
import sys
from types import FunctionType, ModuleType
from typing import Any, Generic, TypeVar

from geomsim.errors import GeomsimError

Value = TypeVar("Value")


class Parcel(Generic[Value]):
    """A value as bytes, opened once by each process that reads it; its arrays then share memory with the bytes.

    What this process could not import anew goes along as code: functions and classes of a notebook, of a script, or of
    a file given with ``--plugin``. All else is imported where the parcel is opened.

    Raises GeomsimError for what cannot be sent: open files, locks, sockets.

    >>> Parcel({"k": [1, 2]}).value
    {'k': [1, 2]}
    """

    def __init__(self, value: Value) -> None:
        buffers: list[pickle.PickleBuffer] = []
        stream = io.BytesIO()
        by_value: set[ModuleType] = set()
        import cloudpickle

        try:
            _pickler(stream, buffers, by_value).dump(value)
        except Exception as error:
            raise GeomsimError(
                f"{type(value).__name__} cannot be sent to other processes: {type(error).__name__}: {error}. Leave "
                "open files and locks out of metrics and nulls, or do without a scheduler"
            ) from error
        finally:
            for module in by_value:
                cloudpickle.unregister_pickle_by_value(module)
        self._head = stream.getvalue()
        # bytearray and not bytes: arrays on read-only memory would be copied by every reader.
        self._buffers = [bytearray(buffer.raw()) for buffer in buffers]

    @property
    def value(self) -> Value:
        """The value; the same object each time. Raises GeomsimError where a module that it needs is missing."""
        if not hasattr(self, "_opened"):
            try:
                self._opened: Value = pickle.loads(self._head, buffers=self._buffers)
            except (ImportError, AttributeError) as error:
                raise GeomsimError(
                    f"what was sent cannot be read here: {type(error).__name__}: {error}. Install the same packages "
                    "for the scheduler and on every worker, or write the metric into a file for --plugin"
                ) from error
        return self._opened

    @property
    def nbytes(self) -> int:
        """The length of the bytes."""
        return len(self._head) + sum(map(len, self._buffers))

    def __getstate__(self) -> dict[str, Any]:
        return {"_head": self._head, "_buffers": self._buffers}


def _pickler(stream: io.BytesIO, buffers: list[pickle.PickleBuffer], by_value: set[ModuleType]) -> pickle.Pickler:
    """A cloudpickle that also takes the code of modules along which no other process could import."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, found: Any) -> Any:
            if isinstance(found, type | FunctionType):
                module = sys.modules.get(found.__module__)
                if module is not None and module not in by_value and not _importable(module.__name__):
                    cloudpickle.register_pickle_by_value(module)
                    by_value.add(module)
            return super().reducer_override(found)

    pickler: pickle.Pickler = Pickler(stream, protocol=5, buffer_callback=buffers.append)
    return pickler


@functools.cache
def _importable(name: str) -> bool:
    """Whether an import of this module anew would find it in a package, or Python itself holds it."""
    top = name.partition(".")[0]
    if top in sys.builtin_module_names:
        return True
    spec = importlib.machinery.PathFinder.find_spec(top)
    if spec is not None and spec.origin is None:
        # Any folder below the working directory looks like a package in several places; installed ones lie in few.
        return any(
            "site-packages" in place or "dist-packages" in place for place in spec.submodule_search_locations or ()
        )
    return spec is not None
