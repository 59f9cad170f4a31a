"""The search for nearest neighbours, and the look-up of neighbours under an order.

1. `placed` moves the points so that Euclidean distance ranks neighbours as the wanted distance does.
2. `half_distances` measures a block of rows at a time; `neighbour_lists` keeps the k nearest of each row.
3. `places` looks the lists of one side up in those of the other, for many orders at once.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim_representational.row_numbers import numbers_of

Distance = Literal["cosine", "euclidean"]

# Squared distances that differ by less, as a share of the squared lengths of their rows, differ by rounding only.
_ROUNDING = 1e-12
_MOST = 0.9  # the share of rows whose lengths are typical: a few enormous ones must not make all others equal
_MANY_TIES = 0.05
_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class Neighbours:
    """The nearest neighbours of every row."""

    rows: Tensor  # (rows, k) row numbers, rising, never the row itself
    tied_share: float  # of rows where a tie was broken by row number


def check_parameters(k: int, distance: str = "cosine") -> None:
    """Raise GeomsimError for a k or a distance that does not exist."""
    if k < 1:
        raise GeomsimError(f"k is at least 1, got {k}")
    if distance not in get_args(Distance):
        raise GeomsimError(f"distance is one of {', '.join(get_args(Distance))}; got {distance!r}")


def refuse_too_few(points: Tensor, k: int) -> None:
    """Raise DegenerateSpace for fewer than k + 2 rows: with k + 1 all neighbourhoods are alike."""
    if len(points) < k + 2:
        raise DegenerateSpace(
            f"{len(points)} rows are too few for k={k} neighbours: at least {k + 2} rows are needed for "
            f"neighbourhoods to differ; use k <= {max(1, len(points) - 2)} or more rows"
        )


def placed(points: Tensor, distance: Distance, centre: bool) -> Tensor:
    """Points whose Euclidean order of neighbours is the wanted one: centred, and of unit length for cosines.

    float64. Raises DegenerateSpace where all points are zero and, for cosines, where a row is.
    """
    points = points.double()
    if not points.any():
        raise DegenerateSpace("all points are zero, so no row is nearer than another; look where they come from")
    if distance == "euclidean":
        points = points / points.abs().max()
        # The mean would follow a single far row, and the others would lose their digits.
        return points - points.median(0).values
    # No square leaves the range of numbers; where directions are those of rows as they stand, row by row.
    largest = points.abs().max() if centre else points.abs().amax(1, keepdim=True)
    points = points / torch.where(largest > 0, largest, 1.0)
    if centre:
        points = points - points.mean(0)
    lengths = torch.linalg.vector_norm(points, dim=1)
    floor = 8 * torch.finfo(points.dtype).eps * points.shape[1] ** 0.5 if centre else 0.0
    bad = lengths <= floor
    if bad.any():
        when = " after centring" if centre else ""
        raise DegenerateSpace(
            f"{int(bad.sum())} of {len(points)} rows are zero{when} ({numbers_of(bad)}), "
            "so they have no direction; leave those rows out on both sides or use a metric with distance='euclidean'"
        )
    unit: Tensor = points / lengths[:, None]
    return unit


def neighbour_lists(points: Tensor, k: int) -> Neighbours:
    """The k nearest rows of every row of placed points; time O(rows^2 x width), memory O(rows x (width + k)).

    Self is left out by number, never by being nearest. Warns where many ties were broken by row number, and raises
    DegenerateSpace where nothing else could decide.
    """
    found, tied = [], 0
    for far, tolerance in half_distances(points):
        nearest, tied_here = _nearest(far, k, tolerance)
        found.append(nearest)
        tied += tied_here
    return Neighbours(torch.cat(found), share_of_ties(points, tied))


def half_distances(points: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Half the squared distance of every row to all rows, up to a constant per row; infinite to itself.

    Yields blocks (some rows, rows) of bounded size, and for each of their rows the difference below which two distances
    are tied, (some rows, 1). For rows of unit length the number rises with the cosine distance.
    """
    lengths = points.square().sum(1)
    typical = lengths.kthvalue(math.ceil(_MOST * len(lengths))).values
    tolerance = _ROUNDING * (lengths + typical)[:, None] / 2
    for block in torch.split(
        torch.arange(len(points), device=points.device), max(1, _BLOCK_BYTES // (8 * len(points)))
    ):
        far = lengths / 2 - points[block] @ points.T
        far[torch.arange(len(block), device=points.device), block] = float("inf")
        yield far, tolerance[block]


def share_of_ties(points: Tensor, tied: int) -> float:
    """The share of the rows of placed points that `tied` rows are, with a warning where it is large.

    Raises DegenerateSpace where every row is equally far from all others: then row numbers alone would rank them.
    """
    if tied == len(points) and all(_level(far, tolerance) for far, tolerance in half_distances(points)):
        raise DegenerateSpace(
            f"each of the {len(points)} rows is equally far from all others, so no row is nearer than another; look "
            "for rows that are all equal or all at right angles"
        )
    share = tied / len(points)
    if share > _MANY_TIES:
        warnings.warn(
            f"for {share:.0%} of the rows a tie at the k-th neighbour was broken by row number; look for duplicated "
            "rows, and compare with another metric",
            GeomsimWarning,
            stacklevel=4,
        )
    return share


def places(wanted: Tensor, rising: Tensor, orders: Tensor) -> Tensor:
    """Where the partner of each wanted row stands in the list of its row's partner, (draws, rows, k).

    `wanted` is (rows, k), left row numbers in any order; `rising` is (rows, k'), right row numbers, rising; `orders` is
    (draws, rows). The answer is k' where the partner is not in the list.
    """
    partners, lists = orders[:, wanted], rising[orders]
    found = torch.searchsorted(lists, partners)
    at = found.clamp(max=rising.shape[1] - 1)
    absent = lists.gather(2, at) != partners
    return at.masked_fill_(absent, rising.shape[1])


def bytes_of_places(wanted: Tensor) -> int:
    """Memory that `places` needs for each order: partners, lists, places and what is made of them."""
    return 6 * 8 * wanted.numel()


def _nearest(far: Tensor, k: int, tolerance: Tensor) -> tuple[Tensor, int]:
    """The k nearest columns of each row, rising, and how many rows had a tie at the k-th place."""
    values, columns = far.topk(k + 1, dim=1, largest=False)
    nearest = columns[:, :k].sort(dim=1).values
    tied = (values[:, k] - values[:, k - 1] <= tolerance[:, 0]).nonzero().flatten()
    if len(tied):
        away = far[tied] - values[tied, k - 1 : k]
        closer, level = away < -tolerance[tied], away.abs() <= tolerance[tied]
        wanted = k - closer.sum(1, keepdim=True)
        chosen = closer | (level & (level.cumsum(1) <= wanted))
        nearest[tied] = chosen.nonzero()[:, 1].view(-1, k)
    return nearest, len(tied)


def _level(far: Tensor, tolerance: Tensor) -> bool:
    """Whether the finite entries of each row are tied."""
    farthest = far.masked_fill(far.isinf(), -float("inf")).amax(1)
    return bool((farthest - far.amin(1) <= tolerance[:, 0]).all())
