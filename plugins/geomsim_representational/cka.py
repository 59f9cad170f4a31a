"""Centred kernel alignment, biased (Kornblith et al. 2019) and debiased (Song et al. 2012), with exact moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from geomsim import ByParameters, DegenerateSpace, Explanation, GeomsimError, Moments, PairedMetric
from geomsim_representational.alignment import (
    Alignment,
    added_by_row,
    bytes_of_products,
    inner_products,
    u_centred,
    warn_if_high_by_chance,
)
from geomsim_representational.reordering_moments import reordering_mean, reordering_moments

KernelName = Literal["linear", "rbf"]

_MOST_GRAM_ROWS = 8192  # half a gigabyte; beyond, features are kept even where a gram matrix would be faster


@dataclass(frozen=True)
class KernelAlignment(PairedMetric[Alignment]):
    """What both forms have in common: their kernels, and inner products of two matrices of norm 1.

    Raises GeomsimError for another kernel and for a bandwidth that is not positive and finite.
    """

    kernel: KernelName = "linear"
    bandwidth: float = 1.0

    larger_means = "closer"
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})
    estimates = ByParameters[Literal["cka"] | None](lambda metric: "cka" if metric.kernel == "linear" else None)

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.kernel not in get_args(KernelName):
            raise GeomsimError(f"kernel is one of {', '.join(get_args(KernelName))}; got {self.kernel!r}")
        if not 0 < self.bandwidth < float("inf"):
            raise GeomsimError(f"bandwidth is a positive multiple of the median distance, got {self.bandwidth}")

    def score(self, left: Alignment, right: Alignment, order: Tensor) -> Tensor:
        """Inner product of the two matrices, the right one reordered."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Alignment, right: Alignment, orders: Tensor) -> Tensor:
        """Each order gathers one matrix block by block, or multiplies features where both sides keep them."""
        return inner_products(left, right, orders).clamp(*self.score_range)  # rounding leaves it by an eps or two

    def bytes_per_order(self, left: Alignment, right: Alignment) -> int:
        """What is moved for one order. Once per batch come the matrices of sides that keep features."""
        return bytes_of_products(left, right)

    def null_moments(self, left: Alignment, right: Alignment) -> Moments:
        """Exact mean, 0 for the debiased form, variance and skewness over all orders."""
        return reordering_moments(left, right)

    def null_mean(self, left: Alignment, right: Alignment) -> float:
        """The mean alone, O(rows)."""
        return reordering_mean(left, right)


@dataclass(frozen=True)
class CKA(KernelAlignment):
    r"""How alike the similarities of all pairs of rows are on both sides, by linear or RBF kernels.

    .. math:: \frac{\operatorname{tr}(K L)}{\lVert K \rVert_F \lVert L \rVert_F}

    K and L (rows, rows) are the kernel matrices of both sides with centred rows and columns: :math:`K = X_c X_c^\top`
    for "linear", the centred :math:`\exp(-\lVert x_i - x_j \rVert^2 / 2 \sigma^2)` for "rbf", where sigma is
    `bandwidth` times the median distance of two rows of that side ("linear" has no use for it). Widths may differ.
    Range [0, 1], larger is closer. Unchanged by rotation, scaling and translation.

    Pitfall: biased upwards. By chance the score is tr K tr L / ((n - 1) |K| |L|), which nears 1 when rows are few for
    the width (white noise, 50 rows in width 500: .91) or the bandwidth is small; from .1 on a warning says so. Use
    `debiased-cka` then. A few directions of large variance decide a linear score.

    `null_moments` are exact: mean and variance of Kazi-Aoual et al. 1995, and the third moment. Where the columns are
    few, a side keeps features: its moments take O(rows^2 x width), scores by features of both sides O(rows x width x
    width'). Else moments take rows^3 / 3 operations and scores O(rows^2). The mean alone takes O(rows).

    Raises DegenerateSpace for fewer than three rows (two always score 1), for equal rows, and for a median distance
    of 0 ("rbf").

    References: Kornblith, Norouzi, Lee, Hinton 2019, "Similarity of neural network representations revisited", ICML;
    Kazi-Aoual, Hitier, Sabatier, Lebreton 1995, "Refined approximations to permutation tests for multivariate
    inference", Computational Statistics and Data Analysis.

    >>> import numpy as np, geomsim
    >>> from geomsim_representational.cka import CKA
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points[:, ::-1] * 2 + 1, CKA(), null=None).score, 6)
    1.0
    """

    score_range = (0.0, 1.0)

    def prepare(self, points: Tensor) -> Alignment:
        """The centred kernel matrix with norm 1, or features for it; O(rows^2 x width) at most."""
        if len(points) < 3:
            raise DegenerateSpace(
                f"{len(points)} rows are too few for CKA: two rows score 1 with any others; use at least 3"
            )
        features, gram, bandwidth = _kernel(points, self.kernel, self.bandwidth)
        if features is not None:
            features = features / torch.linalg.matrix_norm(features.T @ features).sqrt()
            return Alignment(features, None, features.square().sum(1))
        assert gram is not None
        gram = gram / torch.linalg.matrix_norm(gram)
        return Alignment(None, gram, gram.diagonal(), bandwidth=bandwidth)

    def score(self, left: Alignment, right: Alignment, order: Tensor) -> Tensor:
        """Inner product of the two matrices, the right one reordered."""
        chance = reordering_mean(left, right)
        warn_if_high_by_chance(chance, chance, left.rows, "CKA", "debiased-cka")
        return super().score(left, right, order)

    def explain(self, left: Alignment, right: Alignment) -> Explanation:
        """Effective dimensions (tr K)^2 / |K|^2, the score by chance, and what each row adds to the score."""
        return Explanation(
            {
                "effective dimensions left": left.trace**2,
                "effective dimensions right": right.trace**2,
                "mean by chance": reordering_mean(left, right),
                **_bandwidths(left, right),
            },
            added_by_row(left, right),
        )


@dataclass(frozen=True)
class DebiasedCKA(KernelAlignment):
    r"""Centred kernel alignment that is 0 on average where nothing is shared, however few the rows.

    .. math:: \frac{\mathrm{HSIC}_1(K, L)}{\sqrt{\mathrm{HSIC}_1(K, K)\, \mathrm{HSIC}_1(L, L)}}, \qquad
       \mathrm{HSIC}_1(K, L) = \frac{1}{n(n-3)} \left[\operatorname{tr}(\tilde K \tilde L)
       + \frac{1^\top \tilde K 1\; 1^\top \tilde L 1}{(n-1)(n-2)} - \frac{2}{n-2} 1^\top \tilde K \tilde L 1\right]

    :math:`\tilde K`, :math:`\tilde L` (rows, rows) are the kernel matrices of both sides, not centred, with 0 on the
    diagonal; kernels and `bandwidth` as for `cka`. HSIC_1 is an inner product of U-centred matrices (Székely and Rizzo
    2014), so the range is [-1, 1]; larger is closer. Unchanged by rotation, scaling and translation.

    Pitfalls: negative values mean "no more than chance"; single scores of few rows scatter widely. The right choice
    where rows are fewer than columns. `null_moments` are exact as for `cka`, and the mean is 0.

    Raises DegenerateSpace for fewer than four rows, for equal rows, and where HSIC_1 of a side with itself is 0: no
    two pairs of rows then differ in similarity beyond what single rows add (mutually orthogonal rows of equal length,
    all rows equal but one).

    References: Song, Smola, Gretton, Bedo, Borgwardt 2012, "Feature selection via dependence maximization", JMLR;
    Nguyen, Raghu, Kornblith 2021, "Do wide and deep networks learn the same things?", ICLR.

    >>> import numpy as np, geomsim
    >>> from geomsim_representational.cka import CKA, DebiasedCKA
    >>> noise = np.random.default_rng(0).normal(size=(2, 50, 500))
    >>> [round(geomsim.compare(*noise, metric, null=None).score, 3) for metric in (CKA(), DebiasedCKA())]
    [0.906, -0.014]
    """

    score_range = (-1.0, 1.0)

    def prepare(self, points: Tensor) -> Alignment:
        """The U-centred kernel matrix with norm 1, or features for it; O(rows^2 x width) at most."""
        n_rows = len(points)
        if n_rows < 4:
            raise DegenerateSpace(f"{n_rows} rows are too few for debiased CKA, which needs at least 4; use more rows")
        features, gram, bandwidth = _kernel(points, self.kernel, self.bandwidth)
        if features is not None:
            features = features / torch.linalg.matrix_norm(features.T @ features).sqrt()
            lengths = features.square().sum(1)
            self_term = float(
                1 - n_rows / (n_rows - 2) * lengths @ lengths + lengths.sum() ** 2 / ((n_rows - 1) * (n_rows - 2))
            )
            if self_term > 1e-4:  # below, the difference above has lost digits that the full matrix keeps
                features = features / self_term**0.25
                return Alignment(features, None, features.square().sum(1), debiased=True)
            gram = features @ features.T
        assert gram is not None
        centred = u_centred(gram)
        norm = torch.linalg.matrix_norm(centred)
        # Relative to the kernel itself, as its U-centring is correct to rounding of that.
        if float(norm) <= n_rows * torch.finfo(gram.dtype).eps * float(torch.linalg.matrix_norm(gram)):
            raise DegenerateSpace(
                "the debiased self-similarity of this side is 0: beyond what single rows add, no two rows are more "
                "alike than any other two (as with orthogonal rows of equal length, or all rows equal but one). "
                "Use cka or rsa"
            )
        gram = centred / norm
        return Alignment(None, gram, gram.diagonal(), debiased=True, bandwidth=bandwidth)

    def explain(self, left: Alignment, right: Alignment) -> Explanation:
        """What each row adds to the score, and the bandwidths of RBF kernels."""
        return Explanation(_bandwidths(left, right), added_by_row(left, right))


def _kernel(points: Tensor, kernel: KernelName, bandwidth: float) -> tuple[Tensor | None, Tensor | None, float | None]:
    """Features or double-centred kernel matrix, and the bandwidth in the unit of the points."""
    n_rows, width = points.shape
    points = points.double()
    unit = float(points.abs().max()) or 1.0  # no square leaves the range of numbers
    points = points / unit
    # From the first row first: equal rows are then exactly 0, whatever the mean rounds to.
    points = points - points[0]
    points = points - points.mean(0)
    largest = float(points.abs().max())
    if not largest:
        raise DegenerateSpace(f"all {n_rows} rows are equal, so the centred kernel is 0; look where they come from")
    points = points / largest
    if kernel == "linear":
        # A product of features costs rows x width x width', a gathered matrix rows x rows; the latter is slower by far
        # for each number.
        if width < n_rows and (width**2 <= 4 * n_rows or n_rows > _MOST_GRAM_ROWS):
            return points, None, None
        return None, points @ points.T, None
    lengths = points.square().sum(1)
    squares = (lengths[:, None] + lengths - 2 * (points @ points.T)).clamp(min=0)
    # Distances within rounding of 0 are 0: equal rows must look equal.
    squares[squares <= 1e-12 * squares.max()] = 0.0
    above = torch.triu_indices(n_rows, n_rows, 1, device=points.device)
    distances = squares[above[0], above[1]].sqrt()
    middle = len(distances) // 2
    median = float(distances.kthvalue(middle + 1).values)
    if len(distances) % 2 == 0:
        median = (median + float(distances.kthvalue(middle).values)) / 2
    if not median:
        raise DegenerateSpace("the median distance of two rows is 0, so it sets no bandwidth; use kernel='linear'")
    gram = torch.exp(-squares / (2 * (bandwidth * median) ** 2))
    gram = gram - gram.mean(0)
    gram = gram - gram.mean(1, keepdim=True)
    return None, gram, bandwidth * median * largest * unit


def _bandwidths(left: Alignment, right: Alignment) -> dict[str, float]:
    sides = {"bandwidth left": left.bandwidth, "bandwidth right": right.bandwidth}
    return {name: value for name, value in sides.items() if value is not None}
