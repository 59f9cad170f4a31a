"""Procrustes similarity and the two distances made of it (Schönemann 1966; Williams et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from geomsim_representational.shape import Shape, ShapeMetric, residuals, similarities

_NEARLY_ONE = 1e-4  # nearer to a perfect fit, 1 - c has lost more than four digits and the residuals are measured


@dataclass(frozen=True)
class Procrustes(ShapeMetric):
    r"""How well the best rotation and scaling lays one centred cloud on the other.

    .. math:: c = \frac{\lVert X_c^\top Y_c \rVert_*}{\lVert X_c \rVert_F \lVert Y_c \rVert_F}

    X (rows, width) and Y (rows, width'), c for centred columns; :math:`\lVert\cdot\rVert_*` is the sum of singular
    values. Widths may differ: the narrower side is padded with zeros. Range [0, 1], larger is closer; 1 - c^2 is the
    disparity of scipy.spatial.procrustes. Unchanged by rotation, scaling and translation. :class:`ProcrustesDistance`
    and :class:`AngularProcrustes` turn c into distances.

    Pitfall: noise scores high when rows are few for the width, so read it beside its null. For the same reason rows
    drawn with replacement, of which a third are repeats, score too high: intervals come from the jackknife.

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
    estimates = "procrustes"

    def score_many(self, left: Shape, right: Shape, orders: Tensor) -> Tensor:
        """A product for each order, then the singular values of all products together."""
        return similarities(left, right, orders)


@dataclass(frozen=True)
class ProcrustesDistance(ShapeMetric):
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
    triangle = True  # the distance of two orbits under rotations, which leave every distance on the sphere as it is

    def score_many(self, left: Shape, right: Shape, orders: Tensor) -> Tensor:
        """As many similarities, turned into distances."""
        return _distances(left, right, orders)


@dataclass(frozen=True)
class AngularProcrustes(ShapeMetric):
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
    triangle = True  # as for the distance through the sphere: rotations leave angles as they are

    def score_many(self, left: Shape, right: Shape, orders: Tensor) -> Tensor:
        """As many similarities, turned into angles; arcsin keeps the digits that arccos loses near a perfect fit."""
        return 2 * (_distances(left, right, orders) / 2).arcsin()


def _distances(left: Shape, right: Shape, orders: Tensor) -> Tensor:
    alike = similarities(left, right, orders)
    distances = (2 - 2 * alike).sqrt()
    for draw in (alike > 1 - _NEARLY_ONE).nonzero().flatten().tolist():
        distances[draw] = torch.linalg.vector_norm(residuals(left, right, orders[draw]))
    return distances
