"""How far apart random halves of one side lie."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from geomsim.contract import UnpairedMetric
from geomsim.errors import DegenerateSpace, GeomsimWarning, InapplicableNull, InvalidConfig
from geomsim.nulls.contract import Chance, Null, Trial
from geomsim.nulls.refusals import instead
from geomsim.nulls.significance import check_finite, spread
from geomsim.orders import generator


@dataclass(frozen=True)
class NoiseFloor(Null):
    """How far random halves of one side lie apart: what the score is where there is no difference at all.

    Both sides are halved in turn, `splits` times each. There is no p-value: halves are smaller than the whole, so
    the floor errs on the side of "no difference". The score is given as a multiple of the floor instead.
    """

    splits: int = 50
    name: ClassVar[str] = "noise-floor"

    def __post_init__(self) -> None:
        if self.splits < 1:
            raise InvalidConfig(f"a noise floor needs at least one split, got splits={self.splits}")

    def judge(self, trial: Trial) -> Chance:
        """Scores between random halves, their mean and sd, and the observed score as a multiple of the mean."""
        import torch

        metric = trial.metric
        if not isinstance(metric, UnpairedMetric):
            raise InapplicableNull(
                f"{type(metric).__name__} is paired, and the halves of one side are not: "
                f"use {instead(metric, self.name)}"
            )
        random = generator(trial.seed)
        floor = np.empty(2 * self.splits)
        for done in range(len(floor)):
            side, points = ("left", trial.left) if done < self.splits else ("right", trial.right)
            if len(points) < 4:
                raise InapplicableNull(f"halves of at least 2 rows need 4 rows, and the {side} side has {len(points)}")
            rows = torch.from_numpy(random.permutation(len(points))).to(points.device)
            half = len(points) // 2
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GeomsimWarning)  # they would speak of halves, not of the spaces
                try:
                    first, second = metric.prepare(points[rows[:half]]), metric.prepare(points[rows[half : 2 * half]])
                except DegenerateSpace as error:
                    raise error.within(f"a random half of the {side} side") from None
                floor[done] = float(metric.score(first, second))
            trial.advance(trial.draws * (done + 1) // len(floor) - trial.draws * done // len(floor))
        check_finite(floor, metric, "splits")
        mean = float(floor.mean())
        facts: dict[str, float | str] = {"splits": len(floor)}
        if mean:
            facts["multiple of the floor"] = trial.observed / mean
        return Chance(self.name, mean, spread(floor), None, floor, facts=facts, is_chance=False)
