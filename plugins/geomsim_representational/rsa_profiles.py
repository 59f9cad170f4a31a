"""One side's dissimilarities, made ready so that comparing them with the other side's costs little for each order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from geomsim import Moments
from geomsim_representational.alignment import Alignment, bytes_of_products, inner_products
from geomsim_representational.dissimilarity import Dissimilarities
from geomsim_representational.gathered import bytes_of_gathered, gathered_products
from geomsim_representational.reordering_moments import reordering_mean, reordering_moments
from geomsim_representational.rsa_moments import pair_mean, pair_moments

Side = TypeVar("Side", bound="Profile")


class Profile(ABC):
    """What RSA keeps of one side; both sides of a comparison are of one kind."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many rows there are."""

    @abstractmethod
    def scores(self: Side, right: Side, orders: Tensor) -> Tensor:
        """The score for each of `orders` (draws, rows), (draws,); rounding may leave the range by an eps or two."""

    @abstractmethod
    def bytes_per_order(self: Side, right: Side) -> int:
        """Memory that :meth:`scores` needs for each order."""

    def moments(self: Side, right: Side) -> Moments | None:
        """Exact moments of the score over all orders, or None where none are known."""
        return None

    def mean(self: Side, right: Side) -> float | None:
        """The mean alone of :meth:`moments`."""
        return None

    def added_by_row(self: Side, right: Side) -> Tensor | None:
        """What each row adds to the score, (rows,), or None where a score is no sum over rows."""
        return None

    @property
    def tied_share(self) -> float | None:
        """Of pairs whose dissimilarity another pair has too; None where no ranks are taken."""
        return None


@dataclass(frozen=True)
class PairProfile(Profile):
    """For "spearman", "pearson" and "cosine": a score is one inner product over the pairs of rows."""

    matrix: Tensor  # (rows, rows), symmetric, diagonal 0; the part above the diagonal has norm 1
    tied_share: float | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.matrix)

    def scores(self, right: PairProfile, orders: Tensor) -> Tensor:
        """Inner product of the two matrices, which hold each pair twice, the right one reordered."""
        return gathered_products(self.matrix, right.matrix, orders) / 2

    def bytes_per_order(self, right: PairProfile) -> int:
        """What is moved for one order."""
        return bytes_of_gathered(self.rows, self.matrix.device)

    def moments(self, right: PairProfile) -> Moments:
        """Mean, variance and skewness of the Mantel statistic."""
        return pair_moments(self.matrix, right.matrix)

    def mean(self, right: PairProfile) -> float:
        """Mean of the Mantel statistic."""
        return pair_mean(self.matrix, right.matrix)

    def added_by_row(self, right: PairProfile) -> Tensor:
        """Half of what the pairs that a row is in add."""
        return (self.matrix * right.matrix).sum(1) / 2


@dataclass(frozen=True)
class WhitenedProfile(Profile):
    """For "whitened-cosine": whitening takes dissimilarities D to the double-centred matrix -D/2, here with norm 1."""

    centred: Alignment

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.centred.rows

    def scores(self, right: WhitenedProfile, orders: Tensor) -> Tensor:
        """Inner product of the two matrices, the right one reordered."""
        return inner_products(self.centred, right.centred, orders)

    def bytes_per_order(self, right: WhitenedProfile) -> int:
        """What is moved for one order."""
        return bytes_of_products(self.centred, right.centred)

    def moments(self, right: WhitenedProfile) -> Moments:
        """Mean, variance and skewness, as for CKA."""
        return reordering_moments(self.centred, right.centred)

    def mean(self, right: WhitenedProfile) -> float:
        """Mean, as for CKA."""
        return reordering_mean(self.centred, right.centred)

    def added_by_row(self, right: WhitenedProfile) -> Tensor:
        """The row's part of the inner product."""
        return (self.centred.matrix() * right.centred.matrix()).sum(1)


def spearman_profile(found: Dissimilarities) -> PairProfile:
    """Average ranks of the dissimilarities, centred."""
    group, sizes = found.tie_groups()
    average = sizes.cumsum(0) - (sizes - 1) / 2.0
    tied = float(sizes[sizes > 1].sum()) / len(group)
    return _normalised(found, average.to(found.ordered_by.dtype).index_select(0, group), centre=True, tied_share=tied)


def pearson_profile(found: Dissimilarities) -> PairProfile:
    """The dissimilarities, centred."""
    return _normalised(found, found.values, centre=True)


def cosine_profile(found: Dissimilarities) -> PairProfile:
    """The dissimilarities, not centred."""
    return _normalised(found, found.values, centre=False)


def whitened_profile(found: Dissimilarities) -> WhitenedProfile:
    r"""The dissimilarities times the inverse root of the covariance that noise gives them.

    Squared distances of n rows with equal independent noise have covariance proportional to V, which is 4 for a pair
    with itself, 1 for two pairs that share a row and else 0 (Diedrichsen et al. 2021). Its eigenspaces are constants
    (2n), row effects (n) and the rest (2), on which :math:`d \mapsto \lVert H D H \rVert_F^2 / 4`, H = I - 1/n, has
    the values 1/2n, 1/n and 1/2: d' V^-1 d' is the inner product of the double-centred matrices -D/2.
    """
    gram = found.matrix(found.values / -2)
    gram -= gram.mean(0)
    gram -= gram.mean(1, keepdim=True)
    gram /= torch.linalg.matrix_norm(gram)
    return WhitenedProfile(Alignment(None, gram, gram.diagonal()))


def _normalised(found: Dissimilarities, values: Tensor, centre: bool, tied_share: float | None = None) -> PairProfile:
    if centre:
        values = values - values.mean()
    return PairProfile(found.matrix(values / torch.linalg.vector_norm(values)), tied_share)
