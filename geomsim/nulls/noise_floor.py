"""How far apart random halves of one side lie."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from geomsim.contract import UnpairedMetric
from geomsim.errors import DegenerateSpace, GeomsimWarning, InapplicableNull, InvalidConfig
from geomsim.nulls.contract import Chance, Null, Trial
from geomsim.nulls.drawing import drawn, workers_for_redrawn
from geomsim.nulls.refusals import instead
from geomsim.nulls.significance import check_finite, spread
from geomsim.orders import generator
from geomsim.scoring import unchecked_score

if TYPE_CHECKING:
    from torch import Tensor

_FEWEST_GROUPS = 4  # of which two make a half
_LARGE_GROUP = 0.5  # share of the rows beyond which no cut between groups is near the middle

_Halves = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class NoiseFloor(Null):
    """How far random halves of one side lie apart: what the score is where there is no difference at all.

    Both sides are halved in turn, `splits` times each. There is no p-value: halves are smaller than the whole, so
    the floor errs on the side of "no difference". The score is given as a multiple of the floor instead.

    Where rows of a side come in groups (tokens of documents), its halves are made of whole groups, as nearly of one
    size as these allow. Halves that share a document would lie closer together than texts do.
    """

    splits: int = 50
    name: ClassVar[str] = "noise-floor"

    def __post_init__(self) -> None:
        if self.splits < 1:
            raise InvalidConfig(f"a noise floor needs at least one split, got splits={self.splits}")

    def judge(self, trial: Trial) -> Chance:
        """Scores between random halves, their mean and sd, and the observed score as a multiple of the mean.

        Raises InapplicableNull for a paired metric, and for a side of fewer than 4 rows or, where it has any, 4 groups.
        """
        import torch

        metric = trial.metric
        if not isinstance(metric, UnpairedMetric):
            raise InapplicableNull(
                f"{type(metric).__name__} is paired, and the halves of one side are not: "
                f"use {instead(metric, self.name)}"
            )
        labels = trial.side_groups or (None, None)
        sides = [_Side("left", trial.left, labels[0]), _Side("right", trial.right, labels[1])]

        def scored(split: tuple[int, _Halves]) -> float:
            number, halves = split
            side = sides[number]
            try:
                first, second = (
                    metric.prepare(side.points[torch.from_numpy(rows).to(side.points.device)]) for rows in halves
                )
                return unchecked_score(metric, first, second, side.points)
            except DegenerateSpace as error:
                raise error.within(f"a random half of the {side.name} side") from None

        count = 2 * self.splits
        splits = _splits(sides, self.splits, trial.seed)
        workers = partial(workers_for_redrawn, trial.left, trial.right)
        found: list[float] = []
        with warnings.catch_warnings(), closing(drawn(scored, splits, count, trial.left, workers)) as scores:
            warnings.simplefilter("ignore", GeomsimWarning)  # they would speak of halves, not of the spaces
            for score in scores:
                found.append(score)
                done = len(found)
                trial.advance(trial.draws * done // count - trial.draws * (done - 1) // count)
        floor = np.array(found)
        check_finite(floor, metric, "splits")
        mean = float(floor.mean())
        facts: dict[str, float | str] = {"splits": len(floor)}
        for side in sides:
            if side.groups is not None:
                facts[f"{side.name} groups kept whole"] = side.n_groups
        if mean:
            facts["multiple of the floor"] = trial.observed / mean
        notes = tuple(note for side in sides for note in side.notes())
        return Chance(self.name, mean, spread(floor), None, floor, notes, facts, is_chance=False)


def _splits(sides: Sequence[_Side], splits: int, seed: int) -> Iterator[tuple[int, _Halves]]:
    """The number of a side and the rows of two of its halves; all of one side, then all of the other."""
    random = generator(seed)
    for number, side in enumerate(sides):
        for _ in range(splits):
            yield number, side.halves(random)


@dataclass(frozen=True, eq=False)
class _Side:
    """One side to be halved, by whole groups where it has any. Raises InapplicableNull where it is too small."""

    name: str
    points: Tensor
    groups: NDArray[np.int64] | None

    def __post_init__(self) -> None:
        if len(self.points) < 4:
            raise InapplicableNull(
                f"halves of at least 2 rows need 4 rows, and the {self.name} side has {len(self.points)}"
            )
        if self.groups is None:
            return
        if len(self.groups) != len(self.points):
            raise InapplicableNull(
                f"groups need one label for each of the {len(self.points)} rows of the {self.name} side, "
                f"got {len(self.groups)}"
            )
        if self.n_groups < _FEWEST_GROUPS:
            raise InapplicableNull(
                f"a noise floor halves a side by whole groups, of which it needs {_FEWEST_GROUPS}, and the {self.name} "
                f"side has {self.n_groups}. Give more groups, or groups='ignored' if rows are independent"
            )

    @property
    def n_groups(self) -> int:
        return 0 if self.groups is None else len(np.unique(self.groups))

    def halves(self, random: np.random.Generator) -> _Halves:
        """Row numbers of two random halves: equally many rows, or groups whose rows are as nearly half as can be.

        Groups follow each other in random order, and the cut lies between those two where it is nearest to the middle:
        the halves differ by no more rows than the largest group has.
        """
        n_rows = len(self.points)
        if self.groups is None:
            rows, half = random.permutation(n_rows), n_rows // 2
            return rows[:half], rows[half : 2 * half]
        numbers = np.unique(self.groups, return_inverse=True)[1]
        # The place of each row's group in the random order.
        places = random.permutation(self.n_groups)[numbers]
        ends = np.cumsum(np.bincount(places))[:-1]
        cut = int(ends[np.argmin(np.abs(2 * ends - n_rows))])
        rows = np.argsort(places, kind="stable")
        return rows[:cut], rows[cut:]

    def notes(self) -> list[str]:
        """What a reader must know where no halves are of like size."""
        if self.groups is None:
            return []
        largest = float(np.unique(self.groups, return_counts=True)[1].max()) / len(self.points)
        if largest <= _LARGE_GROUP:
            return []
        return [
            f"the largest of {self.n_groups} groups of the {self.name} side holds {largest:.0%} of the rows: the "
            "halves are of unlike size, and the floor is that of a small part against a large one"
        ]
