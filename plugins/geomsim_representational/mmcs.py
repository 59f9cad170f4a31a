"""Mean maximum cosine similarity of two dictionaries (Sharkey et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Explanation, GeomsimError, UnpairedMetric
from geomsim_representational.row_numbers import numbers_of

Direction = Literal["left-to-right", "right-to-left"]

_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class Directions:
    """The rows of one side, each of unit length."""

    rows: Tensor  # (rows, width)


def _range(metric: MMCS) -> tuple[float, float]:
    return (0.0 if metric.absolute else -1.0), 1.0


@dataclass(frozen=True)
class MMCS(UnpairedMetric[Directions]):
    r"""Mean over the rows of one side of the cosine to the most similar row of the other; rows need no correspondence.

    .. math:: \frac{1}{n} \sum_{i=1}^{n} \max_{j=1 \ldots m} \cos(x_i, y_j)

    X (n, width) is the left side and Y (m, width) the right for `direction` "left-to-right": is each left row found on
    the right? "right-to-left" swaps them. A dictionary that holds the other one and more scores 1 in one direction and
    less in the other. `absolute` takes the absolute cosine, for rows whose sign means nothing.

    Range [-1, 1], [0, 1] if `absolute`; larger is closer. Unchanged by scaling, also of single rows; not by a rotation
    of one side: it is for dictionaries that live in one space (seeds, sizes, a synthetic truth).

    Pitfalls: it rises with the number of rows searched and falls with the width, so compare it with that of other
    seeds; many rows may share one best row (how many rows are best for some other stands in the facts).

    Raises DegenerateSpace where a row is zero and where the widths differ.

    Reference: Sharkey, Braun, Millidge 2022, "Taking features out of superposition with sparse autoencoders".

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 8))
    >>> round(geomsim.compare(points[:20], 3 * points[::-1], MMCS(), null=None).score, 6)
    1.0
    """

    direction: Direction = "left-to-right"
    absolute: bool = False

    larger_means = "closer"
    score_range = ByParameters(_range)
    unchanged_by = frozenset({"scaling"})
    symmetric = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.direction not in get_args(Direction):
            raise GeomsimError(f"direction is one of {', '.join(get_args(Direction))}; got {self.direction!r}")

    def prepare(self, points: Tensor) -> Directions:
        """Rows of unit length; O(rows x width)."""
        points = points.double()
        largest = points.abs().amax(1, keepdim=True)
        bad = largest.flatten() == 0
        if bad.any():
            raise DegenerateSpace(
                f"{int(bad.sum())} of {len(points)} rows are zero ({numbers_of(bad)}), so they have no direction; "
                "leave those rows out"
            )
        points = points / largest  # neither large nor small numbers may leave the range of squares
        return Directions(points / torch.linalg.vector_norm(points, dim=1, keepdim=True))

    def score(self, left: Directions, right: Directions) -> Tensor:
        """Mean of the best cosines; a block of rows at a time, O(left rows x right rows x width)."""
        return self._best(left, right)[0].mean()

    def explain(self, left: Directions, right: Directions) -> Explanation:
        """The best row for each row and its cosine, and how many different rows are best."""
        cosines, partners = self._best(left, right)
        searched, found = ("left", "right") if self.direction == "left-to-right" else ("right", "left")
        return Explanation(
            {f"rows of the {found} that are best for a row of the {searched}": len(set(partners.tolist()))},
            {"rows": {"row": list(range(len(cosines))), "best": partners.tolist(), "cosine": cosines.tolist()}},
        )

    def _best(self, left: Directions, right: Directions) -> tuple[Tensor, Tensor]:
        widths = left.rows.shape[1], right.rows.shape[1]
        if widths[0] != widths[1]:
            raise DegenerateSpace(
                f"the left rows have width {widths[0]} and the right rows {widths[1]}: cosines need one width; compare "
                "dictionaries of the same layer, or use a metric that needs no common space, such as 'procrustes'"
            )
        rows, others = (left.rows, right.rows) if self.direction == "left-to-right" else (right.rows, left.rows)
        cosines, partners = [], []
        for block in torch.split(rows, max(1, _BLOCK_BYTES // (8 * len(others)))):
            found = block @ others.T
            best = (found.abs() if self.absolute else found).max(1)
            cosines.append(best.values.clamp(-1.0, 1.0))  # rounding lifts a cosine of 1 by an eps or two
            partners.append(best.indices)
        return torch.cat(cosines), torch.cat(partners)
