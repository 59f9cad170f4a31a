"""The modified RV coefficient, a metric for geomsim."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from geomsim import DegenerateSpace, PairedMetric


@dataclass(frozen=True)
class RV2(PairedMetric[Tensor]):
    r"""Modified RV coefficient: do both sides see the same rows on the same side of their mean?

    .. math:: \frac{\sum_{i \ne j} K_{ij} L_{ij}}{\sqrt{\sum_{i \ne j} K_{ij}^2 \sum_{i \ne j} L_{ij}^2}}

    K and L (rows, rows) are the products :math:`X_c X_c^\top` of the *centred* sides. It is linear CKA without the
    diagonals, which make CKA high for any data wider than long (noise, 50 rows in width 500: CKA .91, RV2 .17).
    Range [-1, 1], larger is closer. Unchanged by rotation, scaling and translation.

    Raises DegenerateSpace when all rows are equal, and for two rows, which always score 1.

    Reference: Smilde, Kiers, Bijlsma, Rubingh, van Erk 2009, "Matrix correlations for high-dimensional data: the
    modified RV-coefficient", Bioinformatics 25(3).

    >>> import geomsim, numpy as np
    >>> points = np.random.default_rng(0).normal(size=(300, 4))
    >>> round(geomsim.compare(points, points * 3 + 1, "rv2", null=None).score, 6)
    1.0
    """

    larger_means = "closer"
    score_range = (-1.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation"})

    def prepare(self, points: Tensor) -> Tensor:
        """The products of different centred rows, at unit norm; (rows, rows)."""
        points = points.double()
        centred = points - points.mean(0)
        if len(points) < 3:
            raise DegenerateSpace(f"{len(points)} rows are too few: two rows always score 1")
        # Rounding in the mean leaves specks where all rows are equal: measure against the points themselves.
        if centred.abs().max() <= torch.finfo(points.dtype).eps * len(points) * points.abs().max():
            raise DegenerateSpace("all rows are equal")
        products = (centred @ centred.T).fill_diagonal_(0)
        return products.div(products.norm())

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        """Cosine of the two sets of products."""
        return (left * right[order][:, order]).sum().clamp(-1, 1)
