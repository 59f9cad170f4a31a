"""The founding studies' baseline: a normal matrix in the place of one side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from geomsim.nulls.clouds import root_mean_square, white
from geomsim.nulls.contract import Chance, Null, Trial
from geomsim.nulls.drawing import redrawn_scores
from geomsim.nulls.refusals import refuse_groups
from geomsim.nulls.significance import judged
from geomsim.scoring import score_of


@dataclass(frozen=True)
class RandomBaseline(Null):
    """Replace the right side by normal noise of the same size and the same mean square entry.

    A weak baseline, for comparison with studies that used it. White noise has neither the spectrum nor the mean of a
    trained space, and almost any two trained spaces differ from it: a small p says that the right side is not noise,
    and little about whether it resembles the left. Where wide noise scores high of itself (CKA of few rows), p is
    large for sides that do resemble each other. "spectrum-matched" and "shuffle" keep what belongs to one side alone.
    The mean of the draws is the score of noise, not that of reordered rows, and corrects no score for chance.
    """

    name: ClassVar[str] = "random-baseline"

    def judge(self, trial: Trial) -> Chance:
        """Scores of the left side against noise, and the share of them at least as close as the observed score.

        Raises InapplicableNull for rows in groups, DegenerateSpace where the metric is undefined on noise.
        """
        refuse_groups(trial, self.name)
        metric = trial.metric
        sd = root_mean_square(trial.right)

        def scored(random: np.random.Generator) -> float:
            noise = white(random, trial.right, sd)
            return score_of(metric, trial.left_state, metric.prepare(noise), trial.left)

        scores = redrawn_scores(trial, scored, "normal noise in the place of the right side")
        return judged(self.name, trial, scores)
