"""Prepared states, kept while there is room: a study prepares a side once for all cells that read it."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import Metric
from geomsim.errors import GeomsimWarning

if TYPE_CHECKING:
    from torch import Tensor

_LIMIT = 256 << 20  # bytes; a prepared side of 3,000 rows is at most 72 MB (one float64 per pair of rows)


@dataclass(frozen=True)
class _Kept:
    state: Any
    warnings: tuple[warnings.WarningMessage, ...]
    owner: object  # alive as long as the entry, so that nothing else takes its id
    size: int


class States:
    """Prepared states by side and metric; the least recently used go when together they pass `limit` bytes.

    A warning that `prepare` gave is given again with each use, since each comparison must carry it.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def prepare(self, metric: Metric[Any], points: Tensor, side: Hashable, owner: object) -> Any:
        """`metric.prepare(points)`, or what it gave before for the same metric and `side`.

        `side` must tell points apart while `owner` lives. Nothing is kept for a metric whose parameters have no hash.
        """
        key = (side, str(points.dtype), str(points.device), metric)
        try:
            found = self._kept.get(key)
        except TypeError:
            return metric.prepare(points)
        if found is None:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", GeomsimWarning)
                state = metric.prepare(points)
            found = _Kept(state, tuple(caught), owner, byte_size(state))
            if found.size <= self._limit:
                self._kept[key] = found
                while sum(entry.size for entry in self._kept.values()) > self._limit:
                    self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        for warning in found.warnings:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        return found.state


def byte_size(state: Any) -> int:
    """Bytes of the arrays in a state: tensors, numpy and scipy sparse arrays, in dataclasses, tuples and mappings."""
    seen: set[int] = set()

    def size(value: Any) -> int:
        if id(value) in seen:
            return 0
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            return value.nbytes
        if hasattr(value, "untyped_storage"):
            return int(value.untyped_storage().nbytes())
        if is_dataclass(value) and not isinstance(value, type):
            return sum(size(getattr(value, spec.name)) for spec in fields(value))
        if isinstance(value, Mapping):
            return sum(size(item) for item in value.values())
        if isinstance(value, list | tuple):
            return sum(size(item) for item in value)
        if hasattr(value, "indptr"):
            return size(value.data) + size(value.indices) + size(value.indptr)
        return 64

    return size(state)
