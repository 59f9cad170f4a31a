"""Is this subset of pairs more alike than a random subset of the same size?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InapplicableNull
from geomsim.nulls.contract import Chance, Null, Trial
from geomsim.nulls.redrawing import scores_where_defined, undefined_notes
from geomsim.nulls.refusals import instead, refuse_groups
from geomsim.nulls.significance import p_value, spread
from geomsim.orders import generator
from geomsim.scoring import unchecked_score

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class RandomSubset(Null):
    """Score random subsets of all pairs, as large as the one compared; both rows of a pair stay together.

    For paired and unpaired metrics. A small p says that these pairs (a semantic subspace, say) are more alike than
    pairs of the same pairing usually are. It does not say that they are more alike than by chance: the pairing is kept
    inside each draw, so the mean of the draws is the likeness of the whole pool, and no chance level.

    Nor does p compare like with like where the metric's chance level depends on the shape of a subset. Rows of a theme
    lie in fewer dimensions than as many random ones, and noise in fewer dimensions fits noise less well: by chance
    alone "procrustes" or "svcca" of a theme may be lower than of random subsets, and p large. Scores corrected for
    chance lean the other way. Metrics whose chance level is 0 ("rsa", "debiased-cka") lean to neither side, though
    fewer dimensions make them scatter more.

    The metric may be undefined on some subsets (all rows equal, say). Such a subset is drawn again and counted: p is
    conditional on subsets that have a score, which is a test as valid, because the compared subset is one of them.
    Where they are more than 5%, the null refuses.
    """

    name: ClassVar[str] = "random-subset"

    def judge(self, trial: Trial) -> Chance:
        """Scores of random subsets, and the share of them at least as close as the compared subset.

        Raises InapplicableNull without a pool, for the whole pool, for rows in groups, and where the metric is
        undefined on more than 5% of the subsets.
        """
        metric = trial.metric
        left, right, chosen = self._subset(trial)

        def scored(rows: NDArray[np.int64]) -> float:
            return self._score(trial, left, right, rows)

        scores, without_score = scores_where_defined(
            trial,
            scored,
            _subsets(len(left), chosen, trial.seed),
            "subsets",
            f"random subsets of {len(chosen)} rows",
            f"Compare a larger subset, or use {instead(metric, self.name)}",
        )
        notes = undefined_notes(without_score, len(scores), "subsets")
        possible = math.comb(len(left), len(chosen))
        if possible <= trial.draws:
            notes.append(f"only {possible} different subsets exist, so no p-value is below {1 / possible:.2g}")
        return Chance(
            kind=self.name,
            mean=float(scores.mean()),
            sd=spread(scores),
            # Few subsets drawn many times can miss the observed one by luck.
            p_value=max(p_value(trial.observed, scores, metric.larger_means), 1 / possible),
            draws=scores,
            notes=tuple(notes),
            facts={"rows in the pool": len(left), "subsets without a score": without_score},
            is_chance=False,
        )

    def _subset(self, trial: Trial) -> tuple[Tensor, Tensor, NDArray[np.int64]]:
        """The pool's sides and the chosen rows; refuses what is no subset of exchangeable pairs."""
        others = instead(trial.metric, self.name)
        if trial.pool is None or trial.chosen is None:
            raise InapplicableNull(
                "a random-subset null needs pairs of which a subset is compared: geomsim.compare(..., subset=...). "
                f"For all pairs use {others}"
            )
        left, right = trial.pool
        chosen = trial.chosen
        sizes = {len(trial.left), len(trial.right), len(chosen)}
        if len(left) != len(right) or len(sizes) > 1:
            raise InapplicableNull(
                f"the rows of a subset belong together: the pool has {len(left)} left and {len(right)} right rows, and "
                f"{len(chosen)} rows are chosen where {len(trial.left)} left and {len(trial.right)} right ones are "
                f"compared. Give the pool as pairs, or use {others}"
            )
        refuse_groups(trial, self.name)
        repeated = len(chosen) - len(np.unique(chosen))
        if repeated:
            raise InapplicableNull(
                f"{repeated} of {len(chosen)} rows of the subset repeat another one, and random subsets hold distinct "
                f"rows. Leave the repetitions out, or use {others}"
            )
        if len(chosen) == len(left):
            raise InapplicableNull(
                f"the subset is the whole pool of {len(left)} pairs, and there is no other of that size. Compare a "
                f"smaller subset, or use {others}"
            )
        return left, right, chosen

    def _score(self, trial: Trial, left: Tensor, right: Tensor, rows: NDArray[np.int64]) -> float:
        import torch

        at = torch.from_numpy(rows).to(left.device)
        first, second = left[at], right[at.to(right.device)]
        # Not checked here: an answer that is no number is a fault of the metric, and no subset without a score.
        return unchecked_score(trial.metric, trial.metric.prepare(first), trial.metric.prepare(second), first)


def _subsets(pool: int, chosen: NDArray[np.int64], seed: int) -> Iterator[NDArray[np.int64]]:
    """Uniform subsets of the pool's rows without end, in the same pattern of order as the chosen rows.

    The pattern matters to metrics that read neighbouring rows as belonging together, such as cross-validated ones.
    """
    random = generator(seed)
    pattern = np.argsort(np.argsort(chosen))
    while True:
        yield np.sort(random.choice(pool, len(chosen), replace=False)).astype(np.int64)[pattern]
