"""Representational similarity analysis (Kriegeskorte et al. 2008)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, GeomsimError, GeomsimWarning, PairedMetric

Dissimilarity = Literal["correlation", "euclidean", "sqeuclidean", "cosine"]
Comparing = Literal["spearman", "pearson", "cosine"]

_UNCHANGED_BY = {
    "correlation": frozenset({"scaling", "column_permutation"}),
    "cosine": frozenset({"scaling", "rotation", "column_permutation"}),
    "euclidean": frozenset({"scaling", "rotation", "translation", "column_permutation"}),
    "sqeuclidean": frozenset({"scaling", "rotation", "translation", "column_permutation"}),
}
# Dissimilarities that differ by less, as a share of the largest one possible, differ by rounding only.
_ROUNDING = 1e-12
_MANY_TIES = 0.1
_BLOCK = 128  # rows moved at a time: a block and the rows it reads stay in the processor's cache


@dataclass(frozen=True)
class Profile:
    """Dissimilarities of all pairs of rows, made ready so that a score is one inner product."""

    matrix: Tensor  # (rows, rows), symmetric, diagonal 0; the part above the diagonal has norm 1
    tied_share: float  # of pairs whose dissimilarity another pair has too


class _ByDissimilarity:
    """`unchanged_by` of a metric; of the class, that of its default dissimilarity."""

    def __get__(self, metric: RSA | None, kind: type[RSA]) -> frozenset[str]:
        return _UNCHANGED_BY[kind.dissimilarity if metric is None else metric.dissimilarity]


@dataclass(frozen=True)
class RSA(PairedMetric[Profile]):
    r"""Correlation of the dissimilarities of all pairs of left rows with those of the paired right rows.

    .. math:: \operatorname{corr}_{i<j}\left(\delta(x_i, x_j),\, \delta(y_i, y_j)\right)

    `dissimilarity` :math:`\delta` is "correlation" (1 - Pearson r of two rows), "euclidean", "sqeuclidean" or "cosine"
    (1 - cosine of two rows); `compare` is "spearman" (average ranks for ties), "pearson" or "cosine" (no centring).
    Range [-1, 1], larger is closer. Unchanged by scaling; by rotation unless "correlation"; by translation for the two
    Euclidean ones.

    Dissimilarities within 1e-12 of each other, as a share of the largest, are ties, and those within 1e-12 of zero are
    zero: rounding decides no rank. Time and memory grow with the square of the rows (n = 10,000 takes 4 GB).

    Raises DegenerateSpace for fewer than three rows, for rows on which the dissimilarity is undefined (constant rows
    for "correlation", zero rows for "cosine"), and where all dissimilarities are equal.

    Reference: Kriegeskorte, Mur, Bandettini 2008, "Representational similarity analysis", Front. Syst. Neurosci.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(geomsim.compare(points, 2 * points, "rsa", null=None).score, 6)
    1.0
    """

    dissimilarity: Dissimilarity = "correlation"
    compare: Comparing = "spearman"

    larger_means = "closer"
    score_range = (-1.0, 1.0)
    unchanged_by = _ByDissimilarity()

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name, choices in (("dissimilarity", get_args(Dissimilarity)), ("compare", get_args(Comparing))):
            if getattr(self, name) not in choices:
                raise GeomsimError(f"{name} is one of {', '.join(choices)}; got {getattr(self, name)!r}")

    def prepare(self, points: Tensor) -> Profile:
        """Dissimilarities, ranked for "spearman", centred unless "cosine", normalised; O(rows^2 x width)."""
        n_rows = len(points)
        if n_rows < 3:
            raise DegenerateSpace(f"{n_rows} rows have fewer than two dissimilarities to correlate; use more rows")
        points = points.double()
        # No dissimilarity minds the scale, and no square leaves the range of numbers.
        points = points / (float(points.abs().max()) or 1.0)
        if self.dissimilarity in ("euclidean", "sqeuclidean"):
            square = _squared_distances(points)
            largest = float(square.max())
        else:
            square = 1 - _cosines(points, self.dissimilarity)
            largest = 1.0
        above = torch.triu_indices(n_rows, n_rows, 1, device=points.device)
        values = square[above[0], above[1]]
        del square
        tolerance = _ROUNDING * largest
        values[values <= tolerance] = 0.0
        if float(values.max() - values.min()) <= tolerance and (self.compare != "cosine" or not values.any()):
            raise DegenerateSpace(f"all {len(values)} dissimilarities are equal, so there is nothing to correlate")
        tied_share = 0.0
        if self.compare == "spearman":
            values, tied_share = _average_ranks(values, tolerance)
            _warn_of_ties(tied_share)
        elif self.dissimilarity == "euclidean":
            values = values.sqrt()
        if self.compare != "cosine":
            values = values - values.mean()
        values = values / torch.linalg.vector_norm(values)
        matrix = values.new_zeros(n_rows, n_rows)
        matrix[above[0], above[1]] = values
        matrix[above[1], above[0]] = values
        return Profile(matrix, tied_share)

    def score(self, left: Profile, right: Profile, order: Tensor) -> Tensor:
        """Inner product of the two profiles, the right one reordered."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Profile, right: Profile, orders: Tensor) -> Tensor:
        """Each order gathers the right profile block by block, above the diagonal only."""
        starts = range(0, len(left.matrix), _BLOCK)
        blocks = [_above_diagonal(left.matrix, start) for start in starts]
        scores = left.matrix.new_zeros(len(orders))
        for draw, order in enumerate(orders):
            for start, block in zip(starts, blocks, strict=True):
                rows = right.matrix.index_select(0, order[start : start + _BLOCK])
                moved = rows.gather(1, order[start:].expand(len(rows), -1))
                scores[draw] += torch.dot(block, moved.view(-1))
        return scores.clamp(-1.0, 1.0)  # rounding lifts a perfect correlation above 1 by an eps or two

    def bytes_per_order(self, left: Profile, right: Profile) -> int:
        """One block of rows before and after it is moved."""
        return 2 * 8 * _BLOCK * len(right.matrix)

    def explain(self, left: Profile, right: Profile) -> Explanation:
        """Share of tied pairs, and what each row adds to the score: a row with little is arranged differently."""
        shares = (left.matrix * right.matrix).sum(1) / 2
        facts: dict[str, float | int | str] = {"pairs of rows": len(shares) * (len(shares) - 1) // 2}
        if self.compare == "spearman":
            facts |= {"tied pairs left": left.tied_share, "tied pairs right": right.tied_share}
        return Explanation(facts, {"rows": {"row": list(range(len(shares))), "adds": shares.tolist()}})


def _squared_distances(points: Tensor) -> Tensor:
    centred = points - points.mean(0)  # distances stay, and small ones keep their digits
    lengths = centred.square().sum(1)
    return lengths[:, None] + lengths - 2 * (centred @ centred.T)


def _cosines(points: Tensor, dissimilarity: Dissimilarity) -> Tensor:
    """Cosines of all pairs of rows, of centred rows for "correlation"."""
    largest = points.abs().amax(1)
    if dissimilarity == "correlation":
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


def _average_ranks(values: Tensor, tolerance: float) -> tuple[Tensor, float]:
    """Ranks from 1 on, the average rank for values within `tolerance` of a neighbour, and the share of such values."""
    ordered, places = values.sort()
    group = torch.zeros_like(places)
    group[1:] = (ordered.diff() > tolerance).cumsum(0)
    sizes = torch.bincount(group)
    average = sizes.cumsum(0) - (sizes - 1) / 2.0
    ranks = torch.empty_like(values)
    ranks[places] = average.to(values.dtype)[group]
    return ranks, float(sizes[sizes > 1].sum()) / len(values)


def _above_diagonal(matrix: Tensor, start: int) -> Tensor:
    """The rows from `start` on, from the diagonal to the right, flat; each pair of rows counts once."""
    block = matrix[start : start + _BLOCK, start:].clone()
    block[:, : len(block)] /= 2  # this square holds each of its pairs twice
    return block.view(-1)


def _warn_of_ties(share: float) -> None:
    if share > _MANY_TIES:
        warnings.warn(
            f"{share:.0%} of the dissimilarities are tied with another one, so their ranks say little; "
            "look for duplicated rows, or use compare='pearson'",
            GeomsimWarning,
            stacklevel=3,
        )
