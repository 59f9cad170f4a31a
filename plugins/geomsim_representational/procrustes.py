"""Procrustes similarity and the two distances made of it (Schönemann 1966; Williams et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, PairedMetric

_INVARIANCES = frozenset({"rotation", "scaling", "translation", "column_permutation"})
_NEARLY_ONE = 1e-4  # nearer to a perfect fit, 1 - c has lost more than four digits and the residuals are measured


@dataclass(frozen=True)
class Shape:
    """A centred cloud of unit size in the axes of its principal components; rotations of it have the same shape."""

    coordinates: Tensor  # (rows, rank), U S of the centred cloud over its Frobenius norm


@dataclass(frozen=True)
class Procrustes(PairedMetric[Shape]):
    r"""How well the best rotation and scaling lays one centred cloud on the other.

    .. math:: c = \frac{\lVert X_c^\top Y_c \rVert_*}{\lVert X_c \rVert_F \lVert Y_c \rVert_F}

    X (rows, width) and Y (rows, width'), c for centred columns; :math:`\lVert\cdot\rVert_*` is the sum of singular
    values. Widths may differ: the narrower side is padded with zeros. Range [0, 1], larger is closer; 1 - c^2 is the
    disparity of scipy.spatial.procrustes. Unchanged by rotation, scaling and translation. :class:`ProcrustesDistance`
    and :class:`AngularProcrustes` turn c into distances.

    Pitfall: noise scores high when rows are few for the width, so read it beside its null.

    Raises DegenerateSpace where all rows are equal.

    References: Schönemann 1966, "A generalized solution of the orthogonal Procrustes problem", Psychometrika;
    Williams, Kunz, Kornblith, Linderman 2021, "Generalized shape metrics on neural representations", NeurIPS.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points[:, ::-1] + 1, "procrustes", null=None).score, 6)
    1.0
    """

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = _INVARIANCES

    def prepare(self, points: Tensor) -> Shape:
        """Principal coordinates, cut at the rank; O(rows x width x min(rows, width))."""
        return _shape(points)

    def score(self, left: Shape, right: Shape, order: Tensor) -> Tensor:
        """Sum of the singular values of a (rank, rank') matrix."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Shape, right: Shape, orders: Tensor) -> Tensor:
        """A product for each order, then the singular values of all products together."""
        return _similarities(left, right, orders)

    def bytes_per_order(self, left: Shape, right: Shape) -> int:
        """The product, its copy in the stack and the work space of its singular values."""
        return _bytes_per_order(left, right)

    def explain(self, left: Shape, right: Shape) -> Explanation:
        """The rank of each side, and how far each row stays from its partner after the best fit, both of unit size."""
        return _explanation(left, right)


@dataclass(frozen=True)
class ProcrustesDistance(PairedMetric[Shape]):
    r"""What is left between two centred clouds of unit size after the best rotation.

    .. math:: d = \min_{Q^\top Q = I} \left\lVert \frac{X_c}{\lVert X_c \rVert_F} Q -
              \frac{Y_c}{\lVert Y_c \rVert_F} \right\rVert_F = \sqrt{2 - 2 c}

    X (rows, width) and Y (rows, width'), c for centred columns; c is :class:`Procrustes`. Widths may differ: the
    narrower side is padded with zeros. Range [0, sqrt 2], larger is farther. A metric: 0 for clouds of the same shape
    only, and no way round is shorter. Unchanged by rotation, scaling and translation.

    Pitfall: noise lies close when rows are few for the width, so read it beside its null.

    Raises DegenerateSpace where all rows are equal.

    Reference: Williams, Kunz, Kornblith, Linderman 2021, "Generalized shape metrics on neural representations",
    NeurIPS.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points[:, ::-1] + 1, ProcrustesDistance(), null=None).score, 6)
    0.0
    """

    larger_means = "farther"
    score_range = (0.0, sqrt(2))
    unchanged_by = _INVARIANCES

    def prepare(self, points: Tensor) -> Shape:
        """Principal coordinates, cut at the rank; O(rows x width x min(rows, width))."""
        return _shape(points)

    def score(self, left: Shape, right: Shape, order: Tensor) -> Tensor:
        """From the singular values of a (rank, rank') matrix."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Shape, right: Shape, orders: Tensor) -> Tensor:
        """As many similarities, turned into distances."""
        return _distances(left, right, orders)

    def bytes_per_order(self, left: Shape, right: Shape) -> int:
        """That of the similarities."""
        return _bytes_per_order(left, right)

    def explain(self, left: Shape, right: Shape) -> Explanation:
        """The rank of each side, and how far each row stays from its partner after the best fit, both of unit size."""
        return _explanation(left, right)


@dataclass(frozen=True)
class AngularProcrustes(PairedMetric[Shape]):
    r"""The angle between two centred clouds after the best rotation.

    .. math:: \theta = \arccos c = 2 \arcsin \frac{d}{2}

    c is :class:`Procrustes` and d :class:`ProcrustesDistance`, of X (rows, width) and Y (rows, width'). Range
    [0, pi / 2] in radians, larger is farther. A metric, the one along the sphere of centred clouds of unit size.
    Unchanged by rotation, scaling and translation.

    Pitfall: noise lies close when rows are few for the width, so read it beside its null.

    Raises DegenerateSpace where all rows are equal.

    Reference: Williams, Kunz, Kornblith, Linderman 2021, "Generalized shape metrics on neural representations",
    NeurIPS.

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points[:, ::-1] + 1, AngularProcrustes(), null=None).score, 6)
    0.0
    """

    larger_means = "farther"
    score_range = (0.0, pi / 2)
    unchanged_by = _INVARIANCES

    def prepare(self, points: Tensor) -> Shape:
        """Principal coordinates, cut at the rank; O(rows x width x min(rows, width))."""
        return _shape(points)

    def score(self, left: Shape, right: Shape, order: Tensor) -> Tensor:
        """From the singular values of a (rank, rank') matrix."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Shape, right: Shape, orders: Tensor) -> Tensor:
        """As many similarities, turned into angles; arcsin keeps the digits that arccos loses near a perfect fit."""
        return 2 * (_distances(left, right, orders) / 2).arcsin()

    def bytes_per_order(self, left: Shape, right: Shape) -> int:
        """That of the similarities."""
        return _bytes_per_order(left, right)

    def explain(self, left: Shape, right: Shape) -> Explanation:
        """The rank of each side, and how far each row stays from its partner after the best fit, both of unit size."""
        return _explanation(left, right)


def _shape(points: Tensor) -> Shape:
    points = points.double()
    # Neither large nor small numbers may leave the range of squares.
    largest = float(points.abs().max())
    points = points / (largest or 1.0)
    U, s, _ = torch.linalg.svd(points - points.mean(0), full_matrices=False)
    floor = torch.finfo(points.dtype).eps * max(points.shape)
    rank = int((s > floor * max(1.0, float(s[0]))).sum())
    if not rank:
        raise DegenerateSpace(f"all {len(points)} rows are equal, so the cloud has no shape")
    s = s[:rank]
    return Shape(U[:, :rank] * (s / torch.linalg.vector_norm(s)))


def _similarities(left: Shape, right: Shape, orders: Tensor) -> Tensor:
    transposed = left.coordinates.T.contiguous()
    products = torch.stack([transposed @ right.coordinates.index_select(0, order) for order in orders])
    singular: Tensor = torch.linalg.svdvals(products)
    return singular.sum(-1).clamp(max=1.0)  # rounding lifts a perfect fit above 1 by an eps or two


def _distances(left: Shape, right: Shape, orders: Tensor) -> Tensor:
    similarities = _similarities(left, right, orders)
    distances = (2 - 2 * similarities).sqrt()
    for draw in (similarities > 1 - _NEARLY_ONE).nonzero().flatten().tolist():
        distances[draw] = torch.linalg.vector_norm(_residuals(left, right, orders[draw]))
    return distances


def _residuals(left: Shape, right: Shape, order: Tensor) -> Tensor:
    """What is left of each row after the best fit, in common axes and then in those of the wider side only."""
    partners = right.coordinates[order]
    U, _, Vh = torch.linalg.svd(left.coordinates.T @ partners)
    first, second = left.coordinates @ U, partners @ Vh.T
    common = min(first.shape[1], second.shape[1])
    return torch.cat([first[:, :common] - second[:, :common], first[:, common:], second[:, common:]], dim=1)


def _bytes_per_order(left: Shape, right: Shape) -> int:
    return 8 * 4 * left.coordinates.shape[1] * right.coordinates.shape[1] + 8 * right.coordinates.shape[0]


def _explanation(left: Shape, right: Shape) -> Explanation:
    order = torch.arange(len(left.coordinates), device=left.coordinates.device)
    distance = torch.linalg.vector_norm(_residuals(left, right, order), dim=1)
    return Explanation(
        {"rank left": left.coordinates.shape[1], "rank right": right.coordinates.shape[1]},
        {"rows": {"row": list(range(len(distance))), "distance": distance.tolist()}},
    )
