"""A centred kernel matrix, whole or by its features, and its inner products with another under many orders."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from torch import Tensor

from geomsim import GeomsimWarning
from geomsim_representational.gathered import bytes_of_gathered, gathered_products

_HIGH_BY_CHANCE = 0.1  # of the product, so that a score which is its root warns where CKA would


@dataclass(frozen=True)
class Alignment:
    r"""A symmetric matrix A (rows, rows) whose rows sum to 0, as itself or by its features.

    By features F (rows, k), with d the squared lengths of its rows, A = F F' + u (d 1' + 1 d') - t 1 1' - diag(e).
    u = t = e = 0 for a double-centred A; for a U-centred one u, t and e take its diagonal to 0.
    """

    features: Tensor | None  # (rows, k), columns centred
    gram: Tensor | None  # (rows, rows); one of the two is there
    lengths: Tensor  # (rows,), d, or the diagonal of a gram matrix
    debiased: bool = False
    bandwidth: float | None = None  # of an RBF kernel, in the unit of the points

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.lengths)

    @property
    def additive(self) -> tuple[float, float]:
        """u and t."""
        if not self.debiased or self.features is None:
            return 0.0, 0.0
        return 1 / (self.rows - 2), float(self.lengths.sum()) / ((self.rows - 1) * (self.rows - 2))

    @property
    def trace(self) -> float:
        """Trace of A."""
        return 0.0 if self.debiased else float(self.lengths.sum())

    def matrix(self) -> Tensor:
        """A itself."""
        if self.gram is not None:
            return self.gram
        assert self.features is not None
        gram = self.features @ self.features.T
        return u_centred(gram) if self.debiased else gram


def u_centred(gram: Tensor) -> Tensor:
    """Off the diagonal what is left of the entries beyond row and column effects, on it 0; rows sum to 0."""
    n_rows = len(gram)
    gram = gram.clone()
    gram.fill_diagonal_(0.0)
    sums = gram.sum(1)
    gram -= (sums[:, None] + sums) / (n_rows - 2)
    gram += sums.sum() / ((n_rows - 1) * (n_rows - 2))
    gram.fill_diagonal_(0.0)
    return gram


def inner_products(left: Alignment, right: Alignment, orders: Tensor) -> Tensor:
    """tr(A P B P') for each order."""
    scores = left.lengths.new_zeros(len(orders))
    if left.features is not None and right.features is not None:
        transposed = left.features.T.contiguous()
        for draw, order in enumerate(orders):
            scores[draw] = (transposed @ right.features.index_select(0, order)).square().sum()
            if left.debiased:
                u, t = left.additive
                lengths = right.lengths.index_select(0, order)
                scores[draw] += t * right.lengths.sum() - (1 + 2 * u) * (left.lengths @ lengths)
        return scores
    return gathered_products(left.matrix(), right.matrix(), orders)


def bytes_of_products(left: Alignment, right: Alignment) -> int:
    """What :func:`inner_products` needs for each order."""
    if left.features is not None and right.features is not None:
        return 8 * (right.features.numel() + 2 * left.features.shape[1] * right.features.shape[1])
    return bytes_of_gathered(right.rows, right.lengths.device)


def added_by_row(left: Alignment, right: Alignment) -> dict[str, dict[str, list[float] | list[int]]]:
    """What each row adds to tr(A B), as the table "rows" of an explanation."""
    if left.features is not None and right.features is not None:
        added = (left.features @ (left.features.T @ right.features) * right.features).sum(1)
        u, t = left.additive
        if left.debiased:
            added += t * right.lengths.sum() / left.rows - (1 + 2 * u) * left.lengths * right.lengths
    else:
        added = (left.matrix() * right.matrix()).sum(1)
    return {"rows": {"row": list(range(left.rows)), "adds": added.tolist()}}


def warn_if_high_by_chance(product: float, score: float, rows: int, name: str, instead: str) -> None:
    """Warn whoever asked for a biased score where unrelated sides have a large product on average, and so a score."""
    if product >= _HIGH_BY_CHANCE:
        warnings.warn(
            f"with {rows} rows this biased {name} is {score:.2f} by chance alone: rows are few for the number of "
            f"directions. Read it against its null, or use {instead}",
            GeomsimWarning,
            stacklevel=3,
        )
