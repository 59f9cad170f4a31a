"""Dissimilarities of all pairs of rows of one cloud, with what rounding may have added to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import DegenerateSpace

Dissimilarity = Literal["correlation", "euclidean", "sqeuclidean", "cosine"]

# Dissimilarities that differ by less, as a share of the largest one possible for their rows, differ by rounding only.
_ROUNDING = 1e-12
# The rows themselves are known to a few eps of their own length, whatever the distances between them.
_READ_TO = 8 * torch.finfo(torch.float64).eps

_BLOCK = 1024  # rows of a matrix that are mirrored at once


@dataclass(frozen=True)
class Dissimilarities:
    """What each pair of rows i < j of a cloud differs by, in the order of ``torch.triu_indices``."""

    rows: int
    ordered_by: Tensor  # (pairs,), float64, rises with the dissimilarity: distances are still squared here
    reach: Tensor  # (rows,), or () for all: what two rows have in sum bounds what rounding adds to their pair
    squared: bool  # whether the dissimilarity is the square root of `ordered_by`

    @property
    def values(self) -> Tensor:
        """The dissimilarities themselves, (pairs,)."""
        return self.ordered_by.sqrt() if self.squared else self.ordered_by

    @property
    def tolerance(self) -> Tensor:
        """(pairs,), or () for all: values of `ordered_by` that differ by less than either's tolerance are equal.

        By pair, so that one enormous row does not make all others equal.
        """
        if not self.reach.ndim:
            return 2 * _ROUNDING * self.reach
        above = torch.triu_indices(self.rows, self.rows, 1, device=self.reach.device)
        return _ROUNDING * (self.reach[above[0]] + self.reach[above[1]])

    @property
    def all_equal(self) -> bool:
        """Whether no two pairs differ by more than rounding."""
        return float(self.ordered_by.max() - self.ordered_by.min()) <= float(self.tolerance.max())

    @property
    def all_zero(self) -> bool:
        """Whether all rows are the same to this dissimilarity."""
        return not bool(self.ordered_by.any())

    def matrix(self, values: Tensor) -> Tensor:
        """A symmetric (rows, rows) matrix with these values of the pairs, and 0 on its diagonal."""
        found = values.new_zeros(self.rows, self.rows)
        found.view(-1).index_copy_(0, _above(self.rows, values.device), values)
        # Block by block, as a sum of two such matrices takes a third one's memory.
        for first in range(0, self.rows, _BLOCK):
            block = slice(first, first + _BLOCK)
            found[block, block] += found[block, block].T.clone()
            found[block, :first] = found[:first, block].T
        return found

    def tie_groups(self) -> tuple[Tensor, Tensor]:
        """For each pair the number of its group of equal values, from 0 by rising value, and the sizes of the groups.

        Values within `tolerance` of a neighbour are equal.
        """
        places = _rising(self.ordered_by)
        group = torch.zeros_like(places)
        tolerance = self.tolerance
        if tolerance.ndim:
            tolerance = tolerance[places]
            tolerance = torch.maximum(tolerance[1:], tolerance[:-1])
        group[1:] = (self.ordered_by.index_select(0, places).diff() > tolerance).cumsum(0)
        return torch.empty_like(group).index_copy_(0, places, group), torch.bincount(group)


def dissimilarities(points: Tensor, kind: Dissimilarity) -> Dissimilarities:
    """All pairs of rows of `points` (rows, width), at least two; O(rows^2 x width).

    "correlation" is 1 - Pearson r of two rows, "cosine" 1 - cosine of two rows. What is within rounding of zero is
    zero: 1e-12 for these two, for squared distances 1e-12 of the summed squared lengths of both rows about the median
    row, or a few eps of the rows as given.

    Raises DegenerateSpace for constant rows ("correlation") and zero rows ("cosine"), with their numbers.
    """
    n_rows = len(points)
    points = points.double()
    if kind in ("euclidean", "sqeuclidean"):
        square, reach = _squared_distances(points)
    else:
        square = 1 - _cosines(points, kind)
        reach = square.new_tensor(0.5)
    pairs = square.reshape(-1).index_select(0, _above(n_rows, points.device))
    found = Dissimilarities(n_rows, pairs, reach, squared=kind == "euclidean")
    found.ordered_by[found.ordered_by <= found.tolerance] = 0.0
    return found


def _above(n_rows: int, device: torch.device) -> Tensor:
    """Where the pairs i < j stand in a flattened (rows, rows) matrix; one index is faster than two."""
    above = torch.ones(n_rows, n_rows, dtype=torch.bool, device=device).triu_(1)
    return above.view(-1).nonzero().view(-1)


def _rising(values: Tensor) -> Tensor:
    """The places of the values from the smallest to the largest."""
    if values.device.type != "cpu":
        return values.argsort()
    places: NDArray[np.int64] = np.argsort(values.numpy())  # in a third of the time that torch takes
    return torch.from_numpy(places)


def _squared_distances(points: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances of all pairs of rows, and what bounds the rounding in them, by row."""
    # No comparison minds the scale, and no square leaves the range of numbers.
    points = points / (float(points.abs().max()) or 1.0)
    read_to = _READ_TO * torch.linalg.vector_norm(points, dim=1)
    # Distances stay, and small ones keep their digits: the mean would follow a single far row.
    centred = points - points.median(0).values
    lengths = centred.square().sum(1)
    square = lengths[:, None] + lengths - 2 * (centred @ centred.T)
    return square, lengths + 2 * read_to.square() / _ROUNDING


def _cosines(points: Tensor, kind: Dissimilarity) -> Tensor:
    """Cosines of all pairs of rows, of centred rows for "correlation"."""
    n_rows, width = points.shape
    largest = points.abs().amax(1, keepdim=True)
    points = points / torch.where(largest > 0, largest, 1.0)  # row by row: no square leaves the range of numbers
    if kind == "correlation":
        if width == 1:
            raise DegenerateSpace(
                f"the {n_rows} rows have a single column, so their correlation with other rows is undefined; "
                "use dissimilarity='euclidean'"
            )
        points = points - points.mean(1, keepdim=True)
        # The mean of equal numbers is off by rounding, which would pass for a direction.
        floor = 8 * torch.finfo(points.dtype).eps * width**0.5
        what, undefined = "constant", "their correlation with other rows"
    else:
        floor = 0.0
        what, undefined = "zero", "their cosine with other rows"
    lengths = torch.linalg.vector_norm(points, dim=1)
    bad = (lengths <= floor).nonzero().flatten().tolist()
    if bad:
        first = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        raise DegenerateSpace(
            f"{len(bad)} of {n_rows} rows are {what} (row numbers {first}), so {undefined} is undefined; "
            "leave those rows out on both sides or use dissimilarity='euclidean'"
        )
    unit: Tensor = points / lengths[:, None]
    return unit @ unit.T
