"""Checks over clouds, and the search for the smallest clouds that break one.

From clouds that break a check, rows are dropped, then columns, then digits, as long as the check still breaks in the
same way (Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input": half of what is left, then
a quarter, down to single rows). What is found is small, not the smallest there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from geomsim.contract import Metric
from geomsim.errors import GeomsimError
from geomsim.promises.clouds import Example, pairs, size_of
from geomsim.promises.outcomes import Broken
from geomsim.promises.scores import has_a_kind

if TYPE_CHECKING:
    from torch import Tensor

Clouds = tuple["Tensor", ...]
CloudCheck = Callable[..., str | None]
"""Takes two clouds or three; returns evidence or None, or raises Broken."""

_TRIES = {"rows": 35, "columns": 55, "digits": 60}  # all tries made when this part of the search must end
_SECONDS = 2.0  # only metrics slower than some 30 ms are cut off by the clock, the others by the tries
_LEAST_ROWS = 2  # one row has no geometry to speak of
_MOST_PRINTED = 40
_NAMES = {2: ("left", "right"), 3: ("left", "middle", "right")}


def tried(metric: Metric[Any], check: CloudCheck, examples: Iterable[Example] | None = None) -> str:
    """Run a check on each example, related pairs of all sizes by default; small sizes may be refused.

    Raises Broken with the smallest example found, its clouds by name and as text where they are small.
    """
    has_a_kind(metric)
    done: list[str] = []
    last: str | None = None
    for example in pairs() if examples is None else examples:
        try:
            last = check(*copies(example.clouds)) or last
        except Broken as broken:
            raise _Search(check, example.clouds, broken).smallest() from None
        except GeomsimError:
            if example.ordinary:
                raise
        else:
            done.append(size_of(example.clouds))
    return last or f"kept with {'; '.join(dict.fromkeys(done))}"


class _Search:
    """The smallest clouds so far that break a check, and how often smaller ones were tried."""

    def __init__(self, check: CloudCheck, clouds: Clouds, broken: Broken) -> None:
        self.check, self.clouds, self.broken = check, clouds, broken
        self.tries, self.deadline = 0, time.monotonic() + _SECONDS

    def smallest(self) -> Broken:
        """The same break on the smallest clouds found."""
        self._drop("rows", lambda clouds: max(map(len, clouds)), _without_rows, _LEAST_ROWS)
        self._drop("columns", lambda clouds: max(cloud.shape[1] for cloud in clouds), _without_columns, 1)
        for decimals in (0, 1, 2):
            # Zero is added to turn -0.0 into 0.0.
            if self._breaks("digits", tuple(cloud.round(decimals=decimals) + 0.0 for cloud in self.clouds)):
                break
        named = dict(zip(_NAMES[len(self.clouds)], (cloud.tolist() for cloud in self.clouds), strict=True))
        example = {**named, **(self.broken.example or {})}
        evidence = f"{size_of(self.clouds)}: {self.broken}{told(self.clouds, example)}"
        return Broken(evidence, fault=self.broken.fault, example=example)

    def _drop(
        self,
        part: str,
        count: Callable[[Clouds], int],
        without: Callable[[Clouds, int, int], Clouds],
        least: int,
    ) -> None:
        chunk = count(self.clouds) // 2
        while chunk:
            dropped = False
            stop = count(self.clouds)
            while stop > 0:
                start = max(stop - chunk, 0)
                fewer = without(self.clouds, start, stop)
                if count(fewer) >= least and self._breaks(part, fewer):
                    dropped = True
                stop = start
            if chunk > 1 or not dropped:
                chunk //= 2

    def _breaks(self, part: str, clouds: Clouds) -> bool:
        """Whether these clouds break the check in the same way; they are then the smallest so far."""
        if self.tries >= _TRIES[part] or time.monotonic() > self.deadline:
            return False
        self.tries += 1
        try:
            self.check(*copies(clouds))
        except Broken as broken:
            if broken.fault != self.broken.fault:
                return False
            self.clouds, self.broken = clouds, broken
            return True
        except Exception:  # refused, or a crash: another fault than the one that is shown
            return False
        return False


def told(clouds: Clouds, example: Mapping[str, Any]) -> str:
    """An example in words, to be put behind the evidence; nothing where its clouds are too large to print."""
    if sum(cloud.numel() for cloud in clouds) > _MOST_PRINTED:
        return ""
    return "; " + ", ".join(f"{name} = {value}" for name, value in example.items())


def copies(clouds: Clouds) -> Clouds:
    """A metric that writes into its input must not change the example."""
    return tuple(cloud.clone() for cloud in clouds)


def _without_rows(clouds: Clouds, start: int, stop: int) -> Clouds:
    """Each cloud keeps two rows at least, whatever the longest one loses."""
    import torch

    fewer = (torch.cat([cloud[:start], cloud[stop:]]) for cloud in clouds)
    return tuple(
        left if len(left) >= _LEAST_ROWS else cloud[:_LEAST_ROWS] for left, cloud in zip(fewer, clouds, strict=True)
    )


def _without_columns(clouds: Clouds, start: int, stop: int) -> Clouds:
    """Each cloud keeps one column at least, whatever the widest one loses."""
    import torch

    fewer = (torch.cat([cloud[:, :start], cloud[:, stop:]], dim=1) for cloud in clouds)
    return tuple(left if left.shape[1] else cloud[:, :1] for left, cloud in zip(fewer, clouds, strict=True))
