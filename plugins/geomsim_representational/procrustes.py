"""Procrustes similarity (Schönemann 1966; Williams et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, PairedMetric


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
    disparity of scipy.spatial.procrustes and arccos c is a metric. Unchanged by rotation, scaling and translation.

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
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def prepare(self, points: Tensor) -> Shape:
        """Principal coordinates, cut at the rank; O(rows x width x min(rows, width))."""
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

    def score(self, left: Shape, right: Shape, order: Tensor) -> Tensor:
        """Sum of the singular values of a (rank, rank') matrix."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Shape, right: Shape, orders: Tensor) -> Tensor:
        """A product for each order, then the singular values of all products together."""
        transposed = left.coordinates.T.contiguous()
        products = torch.stack([transposed @ right.coordinates.index_select(0, order) for order in orders])
        singular: Tensor = torch.linalg.svdvals(products)
        return singular.sum(-1).clamp(max=1.0)  # rounding lifts a perfect fit above 1 by an eps or two

    def bytes_per_order(self, left: Shape, right: Shape) -> int:
        """The product, its copy in the stack and the work space of its singular values."""
        return 8 * 4 * left.coordinates.shape[1] * right.coordinates.shape[1] + 8 * right.coordinates.shape[0]

    def explain(self, left: Shape, right: Shape) -> Explanation:
        """The rank of each side, and how far each row stays from its partner after the best fit, both of unit size."""
        product = left.coordinates.T @ right.coordinates
        U, _, Vh = torch.linalg.svd(product, full_matrices=False)
        apart = left.coordinates @ U - right.coordinates @ Vh.T
        # What either side holds outside the common axes cannot be fitted.
        outside = sum(
            shape.coordinates.square().sum(1) - (shape.coordinates @ axes).square().sum(1)
            for shape, axes in ((left, U), (right, Vh.T))
        )
        distance = (apart.square().sum(1) + torch.as_tensor(outside).clamp(min=0)).sqrt()
        return Explanation(
            {"rank left": left.coordinates.shape[1], "rank right": right.coordinates.shape[1]},
            {"rows": {"row": list(range(len(distance))), "distance": distance.tolist()}},
        )
