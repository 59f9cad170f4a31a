"""Effects while they are added up, in memory and in a file from which an interrupted run goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import GeomsimError
from geomsim.tables import write_arrays

if TYPE_CHECKING:
    from torch import Tensor

_Integers = NDArray[np.int64]
_EVERY = 20.0  # seconds between two writings


class EffectSums:
    """What has been added up, on the CPU in double precision, and how many windows are in it."""

    def __init__(self, n_sets: int) -> None:
        self.done = 0
        self.change: Any = None
        self.kl = np.zeros(n_sets)
        self.positions = np.zeros(n_sets, dtype=np.int64)
        self.probability: Any = 0.0
        self.looked_at = 0
        self._written = time.monotonic()

    @classmethod
    def begin(cls, path: Path | None, key: str, n_sets: int) -> Self:
        """From a file of the same inputs, or from nothing. GeomsimError for a damaged one."""
        sums = cls(n_sets)
        if path is None or not path.exists():
            return sums
        try:
            with np.load(path, allow_pickle=False) as stored:
                if str(stored["key"]) != key:
                    return sums
                sums.done, sums.looked_at = int(stored["done"]), int(stored["looked_at"])
                for name in ("change", "kl", "positions", "probability"):
                    setattr(sums, name, stored[name])
        except Exception as error:
            raise GeomsimError(f"{path}: damaged ({error}); delete it to measure anew") from error
        return sums

    def save(self, path: Path | None, key: str, *, last: bool) -> None:
        """Write all to the file, which appears whole or not at all; now and then, and at the end."""
        if path is None or not (last or time.monotonic() - self._written > _EVERY):
            return
        self._written = time.monotonic()
        arrays = {name: getattr(self, name) for name in ("change", "kl", "positions", "probability")}
        write_arrays({**arrays, "done": self.done, "looked_at": self.looked_at, "key": np.array(key)}, path)

    def look(self, clean: Tensor) -> None:
        """Clean log-probabilities, (rows, tokens)."""
        self.probability = self.probability + clean.exp().double().sum(0).cpu().numpy()
        self.looked_at += len(clean)

    def add(self, of_set: _Integers, counted: NDArray[np.bool_], before: Tensor, after: Tensor, sign: float) -> None:
        """Log-probabilities without and with the intervention, (rows, tokens)."""
        import torch

        numbers, inverse = np.unique(of_set, return_inverse=True)
        weight = torch.from_numpy(counted).to(before)
        # In double precision, so that the sum does not depend on how rows fall into batches.
        difference = (after - before).double().mul_(weight.unsqueeze(1))
        index = torch.from_numpy(inverse).to(before.device)
        summed = difference.new_zeros(len(numbers), before.shape[1]).index_add_(0, index, difference)
        kl = -(before.exp() * difference).sum(1)
        if self.change is None:
            self.change = np.zeros((len(self.kl), before.shape[1]))
        self.change[numbers] += sign * summed.cpu().numpy()
        self.kl += np.bincount(of_set, kl.cpu().numpy(), len(self.kl))
        self.positions += np.bincount(of_set[counted], minlength=len(self.kl))
