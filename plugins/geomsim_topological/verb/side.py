"""One side of `geomsim mapper`: points, and words for each row where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geomsim import Space
from geomsim.report.page.contents import Context


@dataclass(frozen=True, eq=False)
class Side:
    """One cloud: its points, and the words of each row where there are any."""

    space: Space
    labels: Sequence[Sequence[str]] | None = None
    contexts: Sequence[Context] | None = None
    """For tokens, the text around each."""

    def head(self, count: int | None) -> Self:
        """The first so many rows; all of them where it is None."""
        if count is None or count >= self.space.n_rows:
            return self
        return self.take(np.arange(count))

    def take(self, rows: NDArray[np.int64]) -> Self:
        """The named rows, in the named order."""
        numbers = rows.tolist()
        return type(self)(
            self.space.take(rows),
            None if self.labels is None else [self.labels[row] for row in numbers],
            None if self.contexts is None else [self.contexts[row] for row in numbers],
        )
