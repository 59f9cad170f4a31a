"""What the metrics of neighbours have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from geomsim import Explanation, PairedMetric
from geomsim_representational.neighbours import (
    Distance,
    Neighbours,
    bytes_of_places,
    check_parameters,
    neighbour_lists,
    placed,
    places,
    refuse_too_few,
)

Lists = TypeVar("Lists", bound=Neighbours)


def unchanged_by_distance(metric: Any) -> frozenset[str]:
    """`unchanged_by` of a metric of neighbours."""
    always = frozenset({"rotation", "scaling", "column_permutation"})
    # A metric without the parameter knows cosines only.
    moves = metric.centre or getattr(metric, "distance", "cosine") == "euclidean"
    return always | {"translation"} if moves else always


@dataclass(frozen=True)
class NeighbourMetric(PairedMetric[Lists]):
    """A score that adds up what each left row and its right partner have in common, by their neighbours."""

    larger_means = "closer"
    each_row: ClassVar[str]
    """What :meth:`by_row` holds, in a word."""

    @abstractmethod
    def by_row(self, left: Lists, right: Lists, orders: Tensor) -> Tensor:
        """What each left row and its partner have in common, (draws, rows)."""

    def score(self, left: Lists, right: Lists, order: Tensor) -> Tensor:
        """That of a single order."""
        return self.score_many(left, right, order[None])[0]

    def explain(self, left: Lists, right: Lists) -> Explanation:
        """What each row has in common with its partner, and for which share of the rows row numbers broke a tie."""
        order = torch.arange(len(left.rows), device=left.rows.device)
        found = self.by_row(left, right, order[None])[0]
        return Explanation(
            {"rows with ties left": left.tied_share, "rows with ties right": right.tied_share},
            {"rows": {"row": order.tolist(), self.each_row: found.tolist()}},
        )


@dataclass(frozen=True)
class SharedNeighbours(NeighbourMetric[Neighbours]):
    """A score that counts the neighbours which each left row shares with its right partner."""

    k: int = 10
    distance: Distance = "cosine"
    centre: bool = True

    score_range = (0.0, 1.0)
    each_row = "shared"

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_parameters(self.k, self.distance)

    def prepare(self, points: Tensor) -> Neighbours:
        """Neighbour lists, a block of rows at a time; time O(rows^2 x width), memory O(rows x (width + k))."""
        refuse_too_few(points, self.k)
        return neighbour_lists(placed(points, self.distance, self.centre), self.k)

    def by_row(self, left: Neighbours, right: Neighbours, orders: Tensor) -> Tensor:
        """How many neighbours each left row shares with its partner, (draws, rows)."""
        return (places(left.rows, right.rows, orders) < self.k).sum(-1)

    def bytes_per_order(self, left: Neighbours, right: Neighbours) -> int:
        """What looking the lists up needs."""
        return bytes_of_places(left.rows)


@dataclass(frozen=True)
class CosineNeighbours(NeighbourMetric[Lists]):
    """A score of the cosines between neighbours."""

    k: int = 10
    centre: bool = True

    score_range = (-1.0, 1.0)

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_parameters(self.k)

    def prepare(self, points: Tensor) -> Lists:
        """Neighbour lists and what :meth:`with_cosines` adds; time O(rows^2 x width)."""
        refuse_too_few(points, self.k)
        unit = placed(points, "cosine", self.centre)
        return self.with_cosines(unit, neighbour_lists(unit, self.k))

    @abstractmethod
    def with_cosines(self, unit: Tensor, neighbours: Neighbours) -> Lists:
        """The neighbours of rows of unit length, (rows, width), and what the score needs of their cosines."""
