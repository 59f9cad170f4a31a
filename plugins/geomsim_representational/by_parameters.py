"""A class variable of a metric that depends on its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class ByParameters(Generic[Value]):
    """What `read` finds on a metric; of the class, what it finds on a metric with the default parameters."""

    def __init__(self, read: Callable[[Any], Value]) -> None:
        self.read = read

    def __get__(self, metric: Any, kind: type[Any]) -> Value:
        return self.read(kind() if metric is None else metric)
