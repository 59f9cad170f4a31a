"""Centred clouds of unit size up to rotation, and what the metrics of them have in common."""

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
class ShapeMetric(PairedMetric[Shape]):
    """A metric made of the best rotation of one shape onto another."""

    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})
    # Fewer distinct rows fit each other better: of 1,000 rows in width 50 the bootstrap's interval misses the score.
    bootstrap = False

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
            raise DegenerateSpace(
                f"all {len(points)} rows are equal, so the cloud has no shape; look where they come from"
            )
        s = s[:rank]
        return Shape(U[:, :rank] * (s / torch.linalg.vector_norm(s)))

    def score(self, left: Shape, right: Shape, order: Tensor) -> Tensor:
        """From the singular values of a (rank, rank') matrix."""
        return self.score_many(left, right, order[None])[0]

    def bytes_per_order(self, left: Shape, right: Shape) -> int:
        """The product, its copy in the stack and the work space of its singular values."""
        return 8 * 4 * left.coordinates.shape[1] * right.coordinates.shape[1] + 8 * right.coordinates.shape[0]

    def explain(self, left: Shape, right: Shape) -> Explanation:
        """The rank of each side, and how far each row stays from its partner after the best fit, both of unit size."""
        order = torch.arange(len(left.coordinates), device=left.coordinates.device)
        distance = torch.linalg.vector_norm(residuals(left, right, order), dim=1)
        return Explanation(
            {"rank left": left.coordinates.shape[1], "rank right": right.coordinates.shape[1]},
            {"rows": {"row": list(range(len(distance))), "distance": distance.tolist()}},
        )


def similarities(left: Shape, right: Shape, orders: Tensor) -> Tensor:
    """The sum of the singular values of the product of the two shapes, for each order."""
    transposed = left.coordinates.T.contiguous()
    products = torch.stack([transposed @ right.coordinates.index_select(0, order) for order in orders])
    singular: Tensor = torch.linalg.svdvals(products)
    return singular.sum(-1).clamp(max=1.0)  # rounding lifts a perfect fit above 1 by an eps or two


def residuals(left: Shape, right: Shape, order: Tensor) -> Tensor:
    """What is left of each row after the best fit, in common axes and then in those of the wider side only."""
    partners = right.coordinates[order]
    U, _, Vh = torch.linalg.svd(left.coordinates.T @ partners)
    first, second = left.coordinates @ U, partners @ Vh.T
    common = min(first.shape[1], second.shape[1])
    return torch.cat([first[:, :common] - second[:, :common], first[:, common:], second[:, common:]], dim=1)
