"""Canonical correlation analysis (Hotelling 1936) and its projection-weighted form (Morcos et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Explanation, GeomsimError, Moments, PairedMetric
from geomsim_representational.canonical import (
    Statistic,
    check_statistic,
    correlations,
    principal_axes,
    products,
    statistic_mean,
    statistic_moments,
    statistics,
    warn_of_few_rows,
)

Side = Literal["left", "right", "mean"]


@dataclass(frozen=True)
class Columns:
    """Orthonormal columns that span a centred cloud, and the cloud in their terms."""

    basis: Tensor  # (rows, rank)
    loadings: Tensor  # (rank, width or fewer), basis' centred points; not kept where a metric has no use for it

    @property
    def rank(self) -> int:
        """How many columns."""
        return self.basis.shape[1]


@dataclass(frozen=True)
class CCA(PairedMetric[Columns]):
    r"""Mean correlation of the best-matching directions of both sides.

    .. math:: \frac{1}{\min(k, k')} \sum_i \rho_i, \qquad \rho = \text{singular values of } U^\top V

    U (rows, k) and V (rows, k') are orthonormal bases of the *centred* sides, k and k' their ranks. `statistic` is
    "mean" or "mean-squared", the mean of the :math:`\rho_i^2`. Range [0, 1], larger is closer. Unchanged by any
    invertible map and translation of either side: a direction of little variance counts like a large one.

    Pitfalls: noise scores high when rows are few: the mean square is max(k, k') / (n - 1) by chance, the mean at
    n = 70 in width 60 is .89. A warning says so below 10 (k + k') rows; where k + k' > n - 1 some correlations are 1
    for any data, where one side has rank n - 1 all of them are, which is refused. Rank is cut at rounding, so it counts
    every direction of noise: `svcca` leaves small ones out.

    `null_moments` of "mean-squared" are exact, with the third: the sum of squares is tr(UU' P VV' P'). "mean" has none.

    Raises DegenerateSpace for equal rows and for n - 1 <= rank.

    References: Hotelling 1936, "Relations between two sets of variates", Biometrika; for networks Raghu, Gilmer,
    Yosinski, Sohl-Dickstein 2017, "SVCCA", NeurIPS.

    >>> import numpy as np, geomsim
    >>> from geomsim_representational.cca import CCA
    >>> random = np.random.default_rng(0)
    >>> points = random.normal(size=(300, 4))
    >>> round(geomsim.compare(points, points @ random.normal(size=(4, 4)) + 1, CCA(), null=None).score, 6)
    1.0
    """

    statistic: Statistic = "mean"

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = frozenset({"affine", "rotation", "scaling", "translation", "column_permutation"})
    estimates = ByParameters[Literal["mean canonical correlation"] | None](
        lambda metric: "mean canonical correlation" if metric.statistic == "mean" else None
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_statistic(self.statistic)

    def prepare(self, points: Tensor) -> Columns:
        """An orthonormal basis of the centred points; O(rows x width^2)."""
        return _columns(points, keep_loadings=False)

    def score(self, left: Columns, right: Columns, order: Tensor) -> Tensor:
        """Mean or mean square of the canonical correlations."""
        warn_of_few_rows(len(left.basis), left.rank, right.rank, "CCA")
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Columns, right: Columns, orders: Tensor) -> Tensor:
        """One product per order; singular values only for "mean", as squares sum to that of all entries."""
        return statistics(left.basis, right.basis, orders, self.statistic)

    def bytes_per_order(self, left: Columns, right: Columns) -> int:
        """The small product and what its singular values take, and the reordered basis."""
        return 32 * left.rank * right.rank + 8 * right.basis.numel()

    def null_moments(self, left: Columns, right: Columns) -> Moments | None:
        """Exact moments of the mean square: mean max(k, k') / (n - 1); None for the mean."""
        return statistic_moments(left.basis, right.basis, self.statistic)

    def null_mean(self, left: Columns, right: Columns) -> float | None:
        """The mean alone; None where the statistic is the mean correlation."""
        return statistic_mean(left.basis, right.basis, self.statistic)

    def explain(self, left: Columns, right: Columns) -> Explanation:
        """The ranks, and all canonical correlations."""
        found = correlations(left.basis.T @ right.basis)
        return Explanation(
            {"rank left": left.rank, "rank right": right.rank},
            {"canonical correlations": {"rank": list(range(1, len(found) + 1)), "r": found.tolist()}},
        )


@dataclass(frozen=True)
class PWCCA(PairedMetric[Columns]):
    r"""Canonical correlations, each weighted with how much of one side its direction carries.

    .. math:: \frac{\sum_i w_i \rho_i}{\sum_i w_i}, \qquad w_i = \sum_j \lvert \langle h_i, x_j \rangle \rvert

    :math:`\rho_i` are the min(k, k') canonical correlations, :math:`h_i` (rows,) the orthonormal canonical variates of
    the centred left side and :math:`x_j` (rows,) its centred columns for `side="left"`; of the right side for "right";
    "mean" is the mean of both scores. "left" and "right" are asymmetric. Range [0, 1], larger is closer. Unchanged by
    scaling and translation, not by rotation: the weights are sums of absolute values over columns.

    Pitfalls: those of `cca`, less so, as directions of noise weigh little. Where several correlations are exactly
    equal, as those that are 1 by algebra where k + k' > n - 1, their variates are not unique and neither are their
    weights: the score is then defined up to how the weight spreads among them. Published code takes the variates from
    directions that it has not whitened; its weights are those of other vectors.

    Raises DegenerateSpace for equal rows and for n - 1 <= rank. No exact moments are known.

    Reference: Morcos, Raghu, Bengio 2018, "Insights on representational similarity in neural networks with canonical
    correlation", NeurIPS.

    >>> import numpy as np, geomsim
    >>> from geomsim_representational.cca import PWCCA
    >>> random = np.random.default_rng(0)
    >>> points = random.normal(size=(300, 4))
    >>> round(geomsim.compare(points, points @ random.normal(size=(4, 4)) + 1, PWCCA(), null=None).score, 6)
    1.0
    """

    side: Side = "mean"

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = frozenset({"scaling", "translation", "column_permutation"})
    symmetric = ByParameters[bool](lambda metric: metric.side == "mean")

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.side not in get_args(Side):
            raise GeomsimError(f"side is one of {', '.join(get_args(Side))}; got {self.side!r}")

    def prepare(self, points: Tensor) -> Columns:
        """An orthonormal basis of the centred points, and the points in its terms; O(rows x width^2)."""
        return _columns(points, keep_loadings=True)

    def score(self, left: Columns, right: Columns, order: Tensor) -> Tensor:
        """Weighted mean of the canonical correlations."""
        warn_of_few_rows(len(left.basis), left.rank, right.rank, "PWCCA")
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Columns, right: Columns, orders: Tensor) -> Tensor:
        """One product per order, their singular vectors, and the weights they give; never the variates themselves."""
        return self._parts(left, right, products(left.basis, right.basis, orders))[0]

    def bytes_per_order(self, left: Columns, right: Columns) -> int:
        """The small product, its singular vectors, and the reordered basis."""
        widest = max(left.loadings.shape[1], right.loadings.shape[1])
        ranks = left.rank + right.rank
        return 8 * (4 * left.rank * right.rank + ranks * (ranks + widest) + right.basis.numel())

    def explain(self, left: Columns, right: Columns) -> Explanation:
        """The ranks, and all canonical correlations with their weights on each side, which sum to 1."""
        _, found, weights = self._parts(left, right, left.basis.T @ right.basis)
        table = {"rank": list(range(1, len(found) + 1)), "r": found.tolist()}
        return Explanation(
            {"rank left": left.rank, "rank right": right.rank},
            {"canonical correlations": table | {f"weight {side}": weights[side].tolist() for side in weights}},
        )

    def _parts(self, left: Columns, right: Columns, product: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Scores, correlations and the weights of each side in use, for one product or many."""
        U, found, Vh = torch.linalg.svd(product, full_matrices=False)
        found = found.clamp(max=1.0)
        # The variates are basis @ U, so their products with the centred columns are U' loadings.
        turns = {"left": (U.mT, left), "right": (Vh, right)}
        weights = {}
        for side in ("left", "right") if self.side == "mean" else (self.side,):
            turn, columns = turns[side]
            weight = (turn @ columns.loadings).abs().sum(-1)
            weights[side] = weight / weight.sum(-1, keepdim=True)
        scores = [(weight * found).sum(-1) for weight in weights.values()]
        # Weights sum to 1 within rounding, so perfect correlations may sum to an eps more.
        return torch.stack(scores).mean(0).clamp(max=1.0), found, weights


def _columns(points: Tensor, keep_loadings: bool) -> Columns:
    axes = principal_axes(points)
    n_rows, rank = axes.columns.shape
    if n_rows - 1 <= rank:
        raise DegenerateSpace(
            f"{n_rows} rows are too few for rank {rank}: every canonical correlation is 1 by algebra. "
            "Use more rows, or svcca with fewer components"
        )
    basis = axes.columns.contiguous()
    if not keep_loadings:
        return Columns(basis, basis.new_empty(rank, 0))
    points = points.double()
    points = points / points.abs().max()  # weights do not mind the scale, and no sum leaves the range of numbers
    return Columns(basis, basis.T @ (points - points.mean(0)))
