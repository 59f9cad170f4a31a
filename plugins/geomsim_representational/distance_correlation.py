"""Distance correlation (Székely, Rizzo and Bakirov 2007), and its bias-corrected form with exact moments."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Explanation, Moments, PairedMetric
from geomsim_representational.alignment import (
    Alignment,
    added_by_row,
    bytes_of_products,
    inner_products,
    u_centred,
    warn_if_high_by_chance,
)
from geomsim_representational.reordering_moments import reordering_mean, reordering_moments


def _range(metric: DistanceCorrelation) -> tuple[float, float]:
    return (-1.0, 1.0) if metric.debiased else (0.0, 1.0)


@dataclass(frozen=True)
class DistanceCorrelation(PairedMetric[Alignment]):
    r"""How alike the Euclidean distances of all pairs of rows are on both sides, once row means are taken out.

    .. math:: \mathrm{dCor} = \sqrt{\frac{\langle A, B \rangle}{\lVert A \rVert_F \lVert B \rVert_F}}, \qquad
       R^* = \frac{\langle \tilde A, \tilde B \rangle}{\lVert \tilde A \rVert_F \lVert \tilde B \rVert_F}

    A and B (rows, rows) are the distance matrices of both sides with centred rows and columns, so the ratio is
    dCov^2 / sqrt(dVar^2 dVar'^2). The default, dCor, is its root: range [0, 1]. With `debiased` the matrices are
    U-centred (0 on the diagonal, rows sum to 0) and the score is the bias-corrected R*: an estimate of the *square* of
    dCor, whose root is not taken because it is negative about as often as not where nothing is shared; range [-1, 1].
    Larger is closer in both. Widths may differ. Unchanged by rotation, scaling and translation.

    Pitfalls: dCor is biased upwards, and nears 1 where rows are few for the width (white noise, 50 rows in width 500:
    .99); from a mean square of .1 by chance on, a warning says so. Use `debiased=True` then, and compare it with other
    R* only: without noise or chance, dCor .5 is R* .25.

    `null_moments` are exact for `debiased`, with mean 0. For dCor they are None, as the root of a known mean is not
    the mean of the root. Memory O(rows^2), time O(rows^2 x width) once per side and O(rows^2) per score.

    Raises DegenerateSpace for fewer than three rows (two always score 1; four for `debiased`), for equal rows, and
    with `debiased` where the U-centred matrix is 0 (rows equally far from each other, all rows equal but one).

    References: Székely, Rizzo, Bakirov 2007, "Measuring and testing dependence by correlation of distances", Annals of
    Statistics; Székely, Rizzo 2013, "The distance correlation t-test of independence in high dimension", Journal of
    Multivariate Analysis; Székely, Rizzo 2014, "Partial distance correlation with methods for dissimilarities", Annals
    of Statistics.

    >>> import numpy as np, geomsim
    >>> noise = np.random.default_rng(0).normal(size=(2, 50, 500))
    >>> metrics = DistanceCorrelation(), DistanceCorrelation(debiased=True)
    >>> [round(geomsim.compare(*noise, metric, null=None).score, 3) for metric in metrics]
    [0.987, -0.015]
    """

    debiased: bool = False

    larger_means = "closer"
    score_range = ByParameters(_range)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def prepare(self, points: Tensor) -> Alignment:
        """The centred distance matrix with norm 1."""
        fewest = 4 if self.debiased else 3
        if len(points) < fewest:
            raise DegenerateSpace(
                f"{len(points)} rows are too few for {'debiased ' if self.debiased else ''}distance correlation, "
                f"which needs at least {fewest}; use more rows"
            )
        distances = _distances(points)
        if self.debiased:
            centred = u_centred(distances)
            norm = torch.linalg.matrix_norm(centred)
            # Relative to the distances themselves, as their U-centring is correct to rounding of those.
            floor = len(points) * torch.finfo(distances.dtype).eps * float(torch.linalg.matrix_norm(distances))
            if float(norm) <= floor:
                raise DegenerateSpace(
                    "the debiased distance variance of this side is 0: beyond what single rows add, no two rows are "
                    "farther apart than any other two (as with rows equally far from each other, or all rows equal "
                    "but one). Use debiased=False or rsa"
                )
        else:
            centred = distances - distances.mean(0)
            centred -= centred.mean(1, keepdim=True)
            norm = torch.linalg.matrix_norm(centred)
        gram = centred / norm
        return Alignment(None, gram, gram.diagonal(), debiased=self.debiased)

    def score(self, left: Alignment, right: Alignment, order: Tensor) -> Tensor:
        """Inner product of the two matrices, the right one reordered; its root for dCor."""
        chance = reordering_mean(left, right)
        warn_if_high_by_chance(chance, sqrt(chance), left.rows, "distance correlation", "debiased=True")
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Alignment, right: Alignment, orders: Tensor) -> Tensor:
        """Each order gathers one matrix."""
        products = inner_products(left, right, orders)  # rounding leaves the range by an eps or two
        return products.clamp(-1.0, 1.0) if self.debiased else products.clamp(0.0, 1.0).sqrt()

    def bytes_per_order(self, left: Alignment, right: Alignment) -> int:
        """What is moved for one order."""
        return bytes_of_products(left, right)

    def null_moments(self, left: Alignment, right: Alignment) -> Moments | None:
        """Exact mean, 0, variance and skewness over all orders of R*; None for dCor."""
        return reordering_moments(left, right) if self.debiased else None

    def null_mean(self, left: Alignment, right: Alignment) -> float | None:
        """The mean alone, 0 for R*; None for dCor."""
        return reordering_mean(left, right) if self.debiased else None

    def explain(self, left: Alignment, right: Alignment) -> Explanation:
        """What each row adds to R* or to the square of dCor, and that square by chance."""
        facts: dict[str, float | int | str] = {}
        if not self.debiased:
            facts["mean square by chance"] = reordering_mean(left, right)
        return Explanation(facts, added_by_row(left, right))


def _distances(points: Tensor) -> Tensor:
    """Euclidean distances of all pairs of rows, in a unit of their own; DegenerateSpace where all are 0."""
    points = points.double()
    points = points / (float(points.abs().max()) or 1.0)  # no square leaves the range of numbers
    points = points - points[0]
    largest = float(points.abs().max())
    if not largest:
        raise DegenerateSpace(
            f"all {len(points)} rows are equal, so there are no distances to correlate; look where they come from"
        )
    # From differences and not from inner products, which leave small distances half of their digits.
    found = torch.nn.functional.pdist(points / largest)
    above = torch.triu_indices(len(points), len(points), 1, device=points.device)
    distances = points.new_zeros(len(points), len(points))
    distances[above[0], above[1]] = found
    distances[above[1], above[0]] = found
    return distances
