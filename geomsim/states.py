"""Prepared states, kept while there is room: a study prepares a side once for all cells that read it."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import Metric, PairedMetric
from geomsim.errors import GeomsimWarning

if TYPE_CHECKING:
    from torch import Tensor

_LIMIT = 256 << 20  # bytes; a prepared side of 3,000 rows is at most 72 MB (one float64 per pair of rows)


@dataclass(frozen=True)
class _Kept:
    state: Any
    warnings: tuple[warnings.WarningMessage, ...]
    size: int


class States:
    """Prepared states by side and metric; the least recently used go when together they pass `limit` bytes.

    A warning that `prepare` gave is given again with each use, since each comparison must carry it. States go with the
    owner of the points that they were made from; they do not keep it alive.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._size = 0
        self._of_owner: weakref.WeakKeyDictionary[object, set[Hashable]] = weakref.WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return self._size

    def prepare(self, metric: Metric[Any], points: Tensor, side: Hashable, owner: object) -> Any:
        """`metric.prepare(points)`, or what it gave before for the same metric and `side`.

        `side` must tell points apart while `owner` lives. Nothing is kept for a metric whose parameters have no hash.
        """
        if isinstance(metric, PairedMetric) and metric.chance_corrected:
            metric = replace(metric, chance_corrected=False)  # which changes nothing on one side
        key = (side, str(points.dtype), str(points.device), metric)
        try:
            found = self._kept.get(key)
        except TypeError:
            return metric.prepare(points)
        if found is None:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", GeomsimWarning)
                state = metric.prepare(points)
            found = _Kept(state, tuple(caught), byte_size(state))
            self._keep(key, found, owner)
        else:
            self._kept.move_to_end(key)
        for warning in found.warnings:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        return found.state

    def _keep(self, key: Hashable, found: _Kept, owner: object) -> None:
        if found.size > self._limit:
            return
        self._kept[key] = found
        self._size += found.size
        keys = self._of_owner.get(owner)
        if keys is None:
            keys = self._of_owner[owner] = set()
            weakref.finalize(owner, _forget, weakref.ref(self), keys)
        keys.add(key)
        while self._size > self._limit:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self._size -= dropped.size


def _forget(states: weakref.ref[States], keys: set[Hashable]) -> None:
    """Drop what was made from points that are gone: their place in memory may be given to others."""
    alive = states()
    if alive is not None:
        for key in keys:
            alive._drop(key)


def byte_size(state: Any) -> int:
    """Bytes of the arrays in a state: tensors, numpy and scipy sparse arrays, in objects, tuples and mappings."""
    seen: set[int] = set()

    def size(value: Any) -> int:
        if id(value) in seen:
            return 0
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            return size(value.base) if isinstance(value.base, np.ndarray) else value.nbytes
        if hasattr(value, "untyped_storage"):
            return int(value.untyped_storage().nbytes())
        if is_dataclass(value) and not isinstance(value, type):
            return sum(size(getattr(value, spec.name)) for spec in fields(value))
        if isinstance(value, Mapping):
            return sum(size(item) for item in value.values())
        if isinstance(value, list | tuple):
            return sum(size(item) for item in value)
        if hasattr(value, "__dict__") and not callable(value):
            return sum(size(item) for item in vars(value).values())
        return 64

    return size(state)
