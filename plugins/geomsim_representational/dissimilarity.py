"""Dissimilarities of all pairs of rows of one cloud, with what rounding may have added to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from geomsim import DegenerateSpace

Dissimilarity = Literal["correlation", "euclidean", "sqeuclidean", "cosine"]

# Dissimilarities that differ by less, as a share of the largest one possible, differ by rounding only.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Dissimilarities:
    """What each pair of rows i < j of a cloud differs by, in the order of ``torch.triu_indices``."""

    rows: int
    ordered_by: Tensor  # (pairs,), float64, rises with the dissimilarity: distances are still squared here
    tolerance: float  # values of `ordered_by` that differ by less are equal
    squared: bool  # whether the dissimilarity is the square root of `ordered_by`

    @property
    def values(self) -> Tensor:
        """The dissimilarities themselves, (pairs,)."""
        return self.ordered_by.sqrt() if self.squared else self.ordered_by

    @property
    def all_equal(self) -> bool:
        """Whether no two pairs differ by more than rounding."""
        return float(self.ordered_by.max() - self.ordered_by.min()) <= self.tolerance

    @property
    def all_zero(self) -> bool:
        """Whether all rows are the same to this dissimilarity."""
        return not bool(self.ordered_by.any())

    def matrix(self, values: Tensor) -> Tensor:
        """A symmetric (rows, rows) matrix with these values of the pairs, and 0 on its diagonal."""
        above = torch.triu_indices(self.rows, self.rows, 1, device=values.device)
        found = values.new_zeros(self.rows, self.rows)
        found[above[0], above[1]] = values
        found[above[1], above[0]] = values
        return found

    def tie_groups(self) -> tuple[Tensor, Tensor]:
        """For each pair the number of its group of equal values, from 0 by rising value, and the sizes of the groups.

        Values within `tolerance` of a neighbour are equal.
        """
        ordered, places = self.ordered_by.sort()
        group = torch.zeros_like(places)
        group[1:] = (ordered.diff() > self.tolerance).cumsum(0)
        found = torch.empty_like(group)
        found[places] = group
        return found, torch.bincount(group)


def dissimilarities(points: Tensor, kind: Dissimilarity) -> Dissimilarities:
    """All pairs of rows of `points` (rows, width), at least two; O(rows^2 x width).

    "correlation" is 1 - Pearson r of two rows, "cosine" 1 - cosine of two rows. Values within 1e-12 of zero, as a share
    of the largest, are zero. Raises DegenerateSpace for constant rows ("correlation") and zero rows ("cosine"), with
    their numbers.
    """
    n_rows = len(points)
    points = points.double()
    # No comparison minds the scale, and no square leaves the range of numbers.
    points = points / (float(points.abs().max()) or 1.0)
    if kind in ("euclidean", "sqeuclidean"):
        square = _squared_distances(points)
        largest = float(square.max())
    else:
        square = 1 - _cosines(points, kind)
        largest = 1.0
    above = torch.triu_indices(n_rows, n_rows, 1, device=points.device)
    values = square[above[0], above[1]]
    tolerance = _ROUNDING * largest
    values[values <= tolerance] = 0.0
    return Dissimilarities(n_rows, values, tolerance, squared=kind == "euclidean")


def _squared_distances(points: Tensor) -> Tensor:
    centred = points - points.mean(0)  # distances stay, and small ones keep their digits
    lengths = centred.square().sum(1)
    return lengths[:, None] + lengths - 2 * (centred @ centred.T)


def _cosines(points: Tensor, kind: Dissimilarity) -> Tensor:
    """Cosines of all pairs of rows, of centred rows for "correlation"."""
    largest = points.abs().amax(1)
    if kind == "correlation":
        points = points - points.mean(1, keepdim=True)
        # The mean of equal numbers is off by rounding, which would pass for a direction.
        floor = 8 * torch.finfo(points.dtype).eps * points.shape[1] ** 0.5 * largest
        what, undefined = "constant", "their correlation with other rows"
    else:
        floor = torch.zeros_like(largest)
        what, undefined = "zero", "their cosine with other rows"
    lengths = torch.linalg.vector_norm(points, dim=1)
    bad = (lengths <= floor).nonzero().flatten().tolist()
    if bad:
        first = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        raise DegenerateSpace(
            f"{len(bad)} of {len(points)} rows are {what} (row numbers {first}), so {undefined} is undefined; "
            "leave those rows out on both sides or use dissimilarity='euclidean'"
        )
    unit: Tensor = points / lengths[:, None]
    return unit @ unit.T
