"""A plugin file: a metric that writes down each call and, after some of them, waits for a word from outside.

It lets a test end a worker in the middle of a task, without a guess how long anything takes.
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

import geomsim


@dataclass(frozen=True)
class Patient(geomsim.PairedMetric[Tensor]):
    """Inner product of the first columns; from call `waits_from` on it waits for the file `go` in its folder."""

    folder: str = ""
    waits_from: int = 0
    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        """The first column."""
        return points[:, 0].double()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        """One order."""
        return left @ right[order]

    def score_many(self, left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
        """One order after the other."""
        folder = Path(self.folder)
        calls = len(list(folder.glob("call-*")))
        (folder / f"call-{uuid.uuid4().hex}").touch()
        go = folder / "go"
        if calls >= self.waits_from and not go.exists():
            (folder / f"waiting-{os.getpid()}").touch()
            deadline = time.monotonic() + 60
            while not go.exists() and time.monotonic() < deadline:
                time.sleep(0.005)
        return super().score_many(left, right, orders)


geomsim.register("patient", Patient)
