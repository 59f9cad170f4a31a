"""Singular vector canonical correlation analysis (Raghu et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Explanation, GeomsimError, Moments, PairedMetric
from geomsim_representational.canonical import (
    Statistic,
    check_statistic,
    correlations,
    principal_axes,
    statistic_mean,
    statistic_moments,
    statistics,
    warn_of_few_rows,
)


@dataclass(frozen=True)
class Basis:
    """Orthonormal columns that span the kept part of a centred cloud."""

    columns: Tensor  # (rows, kept)
    kept_share: float  # of the summed squared singular values


@dataclass(frozen=True)
class SVCCA(PairedMetric[Basis]):
    r"""Mean canonical correlation of the leading principal components of both sides.

    .. math:: \frac{1}{\min(k, k')} \lVert U^\top V \rVert_*

    U (rows, k) and V (rows, k') are the left singular vectors of the *centred* sides: the fewest whose *squared*
    singular values reach `kept_variance` of their sum, or exactly `components`. :math:`\lVert\cdot\rVert_*` is the sum
    of singular values, which are the canonical correlations; `statistic` "mean-squared" is the mean of their squares,
    :math:`\lVert U^\top V \rVert_F^2 / \min(k, k')`, which takes no singular values. Range [0, 1], larger is closer.
    Unchanged by rotation, scaling and translation; not by stretching, which changes which components are kept.

    Pitfalls: noise scores high when rows are few (n = 70 in width 60: .80; the mean square is max(k, k') / (n - 1) by
    chance), so read it beside its null; where k + k' > n - 1 some correlations are exactly 1 for any data, where one
    side keeps n - 1 components all of them are, which is refused. Many published values come from code that compares
    the *normalised* cumulative variance with threshold times the *total* one; that is never reached, one component is
    kept, and the score is abs(corr(PC1, PC1')).

    `null_moments` of "mean-squared" are exact, with the third; "mean" has none.

    Raises DegenerateSpace for constant points and for too few rows.

    Reference: Raghu, Gilmer, Yosinski, Sohl-Dickstein 2017, "SVCCA", NeurIPS.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(300, 4))
    >>> round(geomsim.compare(points, points * 3 + 1, "svcca", null=None).score, 6)
    1.0
    """

    kept_variance: float = 0.99
    components: int | None = None
    statistic: Statistic = "mean"

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})
    # Where `kept_variance` needs every direction of both sides; else it is the mean over those that are kept.
    estimates = ByParameters[Literal["mean canonical correlation"] | None](
        lambda metric: "mean canonical correlation" if (metric.statistic, metric.components) == ("mean", None) else None
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        if not 0 < self.kept_variance <= 1:
            raise GeomsimError(f"kept_variance is a share in (0, 1], got {self.kept_variance}")
        if self.components is not None and self.components < 1:
            raise GeomsimError(f"components is at least 1, got {self.components}")
        check_statistic(self.statistic)

    def prepare(self, points: Tensor) -> Basis:
        """Left singular vectors of the centred points, cut to the kept components; O(rows x width^2)."""
        axes = principal_axes(points)
        n_rows, rank = axes.columns.shape
        squared = (
            axes.values / axes.values[0]
        ).square()  # divided first, so that no square leaves the range of numbers
        share = (squared.cumsum(0) / squared.sum()).cpu()
        if self.components is not None:
            kept = min(self.components, rank)
        else:
            # Reached within rounding: kept_variance=1 must keep every component and not ask for more.
            kept = min(int((share < self.kept_variance - 1e-12).sum()) + 1, rank)
        if n_rows - 1 <= kept:
            fewer = f" or components < {n_rows - 1}" if n_rows > 2 else ""
            raise DegenerateSpace(
                f"{n_rows} rows are too few for {kept} components: every canonical correlation is 1 by algebra. "
                f"Use more rows{fewer}"
            )
        return Basis(axes.columns[:, :kept].contiguous(), float(share[kept - 1]))

    def score(self, left: Basis, right: Basis, order: Tensor) -> Tensor:
        """Mean or mean square of the canonical correlations."""
        n_rows, k_left = left.columns.shape
        warn_of_few_rows(n_rows, k_left, right.columns.shape[1], "SVCCA")
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Basis, right: Basis, orders: Tensor) -> Tensor:
        """One product per order, then for "mean" singular values of the small matrices."""
        return statistics(left.columns, right.columns, orders, self.statistic)

    def bytes_per_order(self, left: Basis, right: Basis) -> int:
        """The small product and what its singular values take."""
        return 32 * left.columns.shape[1] * right.columns.shape[1]

    def null_moments(self, left: Basis, right: Basis) -> Moments | None:
        """Exact moments of the mean square: mean max(k, k') / (n - 1); None for the mean."""
        return statistic_moments(left.columns, right.columns, self.statistic)

    def null_mean(self, left: Basis, right: Basis) -> float | None:
        """The mean alone; None where the statistic is the mean correlation."""
        return statistic_mean(left.columns, right.columns, self.statistic)

    def explain(self, left: Basis, right: Basis) -> Explanation:
        """How many components were kept on each side, with what share of variance, and the correlations."""
        found = correlations(left.columns.T @ right.columns)
        return Explanation(
            facts={
                "components left": left.columns.shape[1],
                "components right": right.columns.shape[1],
                "variance kept left": left.kept_share,
                "variance kept right": right.kept_share,
            },
            tables={"canonical correlations": {"rank": list(range(1, len(found) + 1)), "r": found.tolist()}},
        )
