"""The search for nearest neighbours, and the Jaccard overlap of the lists that it finds.

1. `placed` moves the points so that Euclidean distance ranks neighbours as the wanted distance does.
2. `half_distances` measures a block of rows at a time; `neighbour_lists` keeps the k nearest of each row.
3. `places` looks the lists of one side up in those of the other, for many orders at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, GeomsimError, GeomsimWarning, Moments, PairedMetric

Distance = Literal["cosine", "euclidean"]

# Distances that differ by less, as a share of the largest one, differ by rounding only.
_ROUNDING = 1e-12
_MANY_TIES = 0.05
_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class Neighbours:
    """The nearest neighbours of every row."""

    rows: Tensor  # (rows, k) row numbers, rising, never the row itself
    tied_share: float  # of rows where a tie at the k-th place was broken by row number


class ByDistance:
    """`unchanged_by` of a metric of neighbours; of the class, that of its defaults."""

    def __get__(self, metric: Any, kind: type[Any]) -> frozenset[str]:
        chosen = kind() if metric is None else metric
        always = frozenset({"rotation", "scaling", "column_permutation"})
        # A metric without the parameter knows cosines only.
        moves = chosen.centre or getattr(chosen, "distance", "cosine") == "euclidean"
        return always | {"translation"} if moves else always


@dataclass(frozen=True)
class KnnJaccard(PairedMetric[Neighbours]):
    r"""Mean overlap of the `k` nearest neighbours of each left row with those of its right partner.

    .. math:: \frac{1}{n} \sum_i \frac{\lvert N_i \cap N'_i \rvert}{\lvert N_i \cup N'_i \rvert}

    :math:`N_i` holds the k rows nearest to left row i by `distance` ("cosine" or "euclidean"), never i itself;
    :math:`N'_i` likewise on the right. `centre` subtracts the mean row first. Range [0, 1], larger is closer.
    Unchanged by rotation and scaling, and by translation where `centre` is set or the distance is Euclidean.

    Ties at the k-th place, within rounding, are broken by row number. How many rows had one stands in the facts of
    the result: where rows are duplicated, row numbers and not the points decide.

    Raises DegenerateSpace when there are fewer than k + 2 rows (with k + 1 the score is 1 for any points) and, for
    cosines, where a row is zero (after centring).

    Reference: Schumacher, Wolf, Ritzert, Lemmerich, Grohe, Strohmaier 2020, "The effects of randomness on the
    stability of node embeddings".

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points * 2 + 1, "knn-jaccard", null=None).score, 6)
    1.0
    """

    k: int = 10
    distance: Distance = "cosine"
    centre: bool = True

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = ByDistance()

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_parameters(self.k, self.distance)

    def prepare(self, points: Tensor) -> Neighbours:
        """Neighbour lists, a block of rows at a time; time O(rows^2 x width), memory O(rows x (width + k))."""
        return neighbour_lists(placed(points, self.distance, self.centre), self.k)

    def score(self, left: Neighbours, right: Neighbours, order: Tensor) -> Tensor:
        """Mean Jaccard overlap."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Neighbours, right: Neighbours, orders: Tensor) -> Tensor:
        """All lists of all orders are looked up together."""
        return _jaccard(shared_counts(left, right, orders), self.k).mean(-1)

    def bytes_per_order(self, left: Neighbours, right: Neighbours) -> int:
        """What `places` needs."""
        return bytes_of_places(left.rows)

    def null_moments(self, left: Neighbours, right: Neighbours) -> Moments:
        """The mean: for a random order the shared neighbours of a row follow the hypergeometric law."""
        others, k = len(left.rows) - 1, self.k
        ways = comb(others, k)
        return Moments(sum(comb(k, m) * comb(others - k, k - m) / ways * m / (2 * k - m) for m in range(k + 1)))

    def explain(self, left: Neighbours, right: Neighbours) -> Explanation:
        """How many neighbours each row shares with its partner, and how often row numbers broke a tie."""
        shared = shared_counts(left, right, torch.arange(len(left.rows), device=left.rows.device)[None])[0]
        return Explanation(
            {"rows with ties left": left.tied_share, "rows with ties right": right.tied_share},
            {
                "rows": {
                    "row": list(range(len(shared))),
                    "shared": shared.tolist(),
                    "jaccard": _jaccard(shared, self.k).tolist(),
                }
            },
        )


def check_parameters(k: int, distance: str = "cosine") -> None:
    """Raise GeomsimError for a k or a distance that does not exist."""
    if k < 1:
        raise GeomsimError(f"k is at least 1, got {k}")
    if distance not in get_args(Distance):
        raise GeomsimError(f"distance is one of {', '.join(get_args(Distance))}; got {distance!r}")


def neighbour_lists(points: Tensor, k: int) -> Neighbours:
    """The k nearest rows of every row of placed points; time O(rows^2 x width), memory O(rows x (width + k)).

    Self is left out by number, never by being nearest. Warns where many ties were broken by row number.
    """
    if len(points) < k + 2:
        raise DegenerateSpace(
            f"{len(points)} rows are too few for k={k} neighbours: at least {k + 2} rows are needed for "
            f"neighbourhoods to differ; use k <= {max(1, len(points) - 2)} or more rows"
        )
    found, tied = [], 0
    for far, tolerance in half_distances(points):
        nearest, tied_here = _nearest(far, k, tolerance)
        found.append(nearest)
        tied += tied_here
    warn_of_ties(tied / len(points))
    return Neighbours(torch.cat(found), tied / len(points))


def half_distances(points: Tensor) -> Iterator[tuple[Tensor, float]]:
    """Half the squared distance of every row to all rows, up to a constant per row; infinite to itself.

    Yields blocks (some rows, rows) of bounded size, and the difference below which two distances are tied. For rows of
    unit length the number rises with the cosine distance.
    """
    lengths = points.square().sum(1)
    tolerance = _ROUNDING * float(lengths.max())
    for block in torch.split(
        torch.arange(len(points), device=points.device), max(1, _BLOCK_BYTES // (8 * len(points)))
    ):
        far = lengths / 2 - points[block] @ points.T
        far[torch.arange(len(block), device=points.device), block] = float("inf")
        yield far, tolerance


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


def shared_counts(left: Neighbours, right: Neighbours, orders: Tensor) -> Tensor:
    """How many neighbours each left row shares with its partner, (draws, rows)."""
    return (places(left.rows, right.rows, orders) < right.rows.shape[1]).sum(-1)


def placed(points: Tensor, distance: Distance, centre: bool) -> Tensor:
    """Points whose Euclidean order of neighbours is the wanted one: centred, and of unit length for cosines.

    float64. Raises DegenerateSpace where all points are zero and, for cosines, where a row is.
    """
    points = points.double()
    largest = points.abs().max()
    if not largest:
        raise DegenerateSpace("all points are zero, so no row is nearer than another")
    points = points / largest
    if centre or distance == "euclidean":
        points = points - points.mean(0)
    if distance == "euclidean":
        return points
    lengths = torch.linalg.vector_norm(points, dim=1)
    floor = 8 * torch.finfo(points.dtype).eps * points.shape[1] ** 0.5 if centre else 0.0
    bad = (lengths <= floor).nonzero().flatten().tolist()
    if bad:
        first = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        raise DegenerateSpace(
            f"{len(bad)} of {len(points)} rows are zero{' after centring' if centre else ''} (row numbers {first}), "
            "so they have no direction; leave those rows out on both sides or use a metric with distance='euclidean'"
        )
    unit: Tensor = points / lengths[:, None]
    return unit


def _nearest(far: Tensor, k: int, tolerance: float) -> tuple[Tensor, int]:
    """The k nearest columns of each row, rising, and how many rows had a tie at the k-th place."""
    values, columns = far.topk(k + 1, dim=1, largest=False)
    nearest = columns[:, :k].sort(dim=1).values
    tied = (values[:, k] - values[:, k - 1] <= tolerance).nonzero().flatten()
    if len(tied):
        away = far[tied] - values[tied, k - 1 : k]
        closer, level = away < -tolerance, away.abs() <= tolerance
        wanted = k - closer.sum(1, keepdim=True)
        chosen = closer | (level & (level.cumsum(1) <= wanted))
        nearest[tied] = chosen.nonzero()[:, 1].view(-1, k)
    return nearest, len(tied)


def _jaccard(shared: Tensor, k: int) -> Tensor:
    return shared.double() / (2 * k - shared)


def warn_of_ties(share: float) -> None:
    """Warn where row numbers and not the points decide many neighbourhoods."""
    if share > _MANY_TIES:
        warnings.warn(
            f"for {share:.0%} of the rows a tie at the k-th neighbour was broken by row number; look for duplicated "
            "rows, and compare with another metric",
            GeomsimWarning,
            stacklevel=4,
        )
