"""Singular vector canonical correlation analysis (Raghu et al. 2017)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, GeomsimError, GeomsimWarning, PairedMetric


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
    of singular values, which are the canonical correlations. Range [0, 1], larger is closer. Unchanged by rotation,
    scaling and translation; not by stretching, which changes which components are kept.

    Pitfalls: noise scores high when rows are few (n = 70 in width 60: .80), so read it beside its null; where
    k + k' > n - 1 some correlations are exactly 1 for any data, where one side keeps n - 1 components all of them are,
    which is refused. Many published values come from code that compares the *normalised* cumulative variance with
    threshold times the *total* one; that is never reached, one component is kept, and the score is
    abs(corr(PC1, PC1')).

    Raises DegenerateSpace for constant points and for too few rows.

    Reference: Raghu, Gilmer, Yosinski, Sohl-Dickstein 2017, "SVCCA", NeurIPS.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(300, 4))
    >>> round(geomsim.compare(points, points * 3 + 1, "svcca", null=None).score, 6)
    1.0
    """

    kept_variance: float = 0.99
    components: int | None = None

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def __post_init__(self) -> None:
        """Check the parameters."""
        if not 0 < self.kept_variance <= 1:
            raise GeomsimError(f"kept_variance is a share in (0, 1], got {self.kept_variance}")
        if self.components is not None and self.components < 1:
            raise GeomsimError(f"components is at least 1, got {self.components}")

    def prepare(self, points: Tensor) -> Basis:
        """Left singular vectors of the centred points, cut to the kept components; O(rows x width^2)."""
        read_to = torch.finfo(points.dtype).eps
        points = points.double()
        n_rows, width = points.shape
        centred = points - points.mean(0)
        U, s, _ = torch.linalg.svd(centred, full_matrices=False)
        # Rounding in the mean leaves specks where a column is constant: measure rank against the points themselves.
        # float32 points carry rounding of their own, which would pass for many small components.
        rounding = max(torch.finfo(points.dtype).eps * max(n_rows, width), 8 * read_to)
        floor = rounding * max(float(s[0]), float(points.abs().max()))
        rank = int((s > floor).sum())
        if rank == 0:
            raise DegenerateSpace("all rows are equal, so there is no component to keep")
        squared = (s[:rank] / s[0]).square()  # divided first, so that no square leaves the range of numbers
        share = (squared.cumsum(0) / squared.sum()).cpu()
        if self.components is not None:
            kept = min(self.components, rank)
        else:
            # Reached within rounding: kept_variance=1 must keep every component and not ask for more.
            kept = min(int((share < self.kept_variance - 1e-12).sum()) + 1, rank)
        if n_rows - 1 <= kept:
            fewer = f", components < {n_rows - 1}" if n_rows > 2 else ""
            raise DegenerateSpace(
                f"{n_rows} rows are too few for {kept} components: every canonical correlation is 1 by algebra. "
                f"Use more rows{fewer} or debiased-cka"
            )
        return Basis(U[:, :kept].contiguous(), float(share[kept - 1]))

    def score(self, left: Basis, right: Basis, order: Tensor) -> Tensor:
        """Mean canonical correlation."""
        self._warn_if_saturated(left, right)
        return self._mean_correlation(left.columns.T @ right.columns[order], left, right)

    def score_many(self, left: Basis, right: Basis, orders: Tensor) -> Tensor:
        """One product per order, small enough to stay in the cache, then singular values of the small matrices."""
        k_left, k_right = left.columns.shape[1], right.columns.shape[1]
        transposed = left.columns.T.contiguous()
        products = left.columns.new_empty(len(orders), k_left, k_right)
        for order, product in zip(orders, products, strict=True):
            torch.mm(transposed, right.columns.index_select(0, order), out=product)
        return self._mean_correlation(products, left, right)

    def bytes_per_order(self, left: Basis, right: Basis) -> int:
        """The small product and what its singular values take."""
        return 32 * left.columns.shape[1] * right.columns.shape[1]

    def explain(self, left: Basis, right: Basis) -> Explanation:
        """How many components were kept on each side, with what share of variance, and the correlations."""
        correlations = torch.linalg.svdvals(left.columns.T @ right.columns).clamp(max=1.0)
        return Explanation(
            facts={
                "components left": left.columns.shape[1],
                "components right": right.columns.shape[1],
                "variance kept left": left.kept_share,
                "variance kept right": right.kept_share,
            },
            tables={
                "canonical correlations": {"rank": list(range(1, len(correlations) + 1)), "r": correlations.tolist()}
            },
        )

    def _mean_correlation(self, products: Tensor, left: Basis, right: Basis) -> Tensor:
        correlations: Tensor = torch.linalg.svdvals(products)
        return correlations.clamp(max=1.0).mean(-1)  # rounding lifts a perfect one above 1 by an eps or two

    def _warn_if_saturated(self, left: Basis, right: Basis) -> None:
        n_rows, k_left, k_right = len(left.columns), left.columns.shape[1], right.columns.shape[1]
        if n_rows < 10 * (k_left + k_right):
            forced = max(0, k_left + k_right - (n_rows - 1))
            also = f"; {forced} correlations are 1 by algebra" if forced else ""
            warnings.warn(
                f"{n_rows} rows for {k_left} + {k_right} components: SVCCA is high by chance when rows are fewer than "
                f"ten times the components{also}. Read it against its null, or use debiased-cka",
                GeomsimWarning,
                stacklevel=2,
            )
