"""Are two groups of rows of one space more alike than two random groups of it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np

from geomsim.contract import PairedMetric
from geomsim.errors import InapplicableNull, InvalidConfig
from geomsim.nulls.contract import Chance, Couple, Null, Trial
from geomsim.nulls.couples import Drawn, Kept, LikeCouples, Rows
from geomsim.nulls.redrawing import scores_where_defined, undefined_notes
from geomsim.nulls.refusals import instead, refuse_groups
from geomsim.nulls.significance import p_value, spread
from geomsim.scoring import unchecked_score


@dataclass(frozen=True)
class RandomGroup(Null):
    """Score random groups of rows of the same space, as large as the two compared ones, in their place.

    Hypothesis: which rows of the pool make up the two groups, and which belong together, has nothing to do with where
    they lie. What is exchangeable is the names of the pool's rows: every renaming of these makes another couple of
    groups of the same sizes, with as many rows in common and as many pairs (:class:`LikeCouples`), and under the
    hypothesis all are equally likely. The observed couple is one of them, so p = (b + 1) / (m + 1) is valid, whatever
    the metric and the sizes.

    With ``kept="left"`` the left group stays and only rows of the right one that are not in it too are drawn, among
    the pool's rows outside of the left group: is the arrangement of the left group found in this right group more than
    in any group? Its hypothesis is weaker, since nothing is said of the left group; likewise for ``kept="right"``.

    What a small p does not say, for paired metrics: that the correspondence is what makes the groups alike. Random
    groups come with a random correspondence, and groups of another spread than random ones (all on a line, say) may
    score higher under any, with one of them kept most of all; or lower, as by "procrustes", whose chance level falls
    with the dimension. Whether this correspondence is special among all of the same two groups is the question of
    null="shuffle". Groups that share rows share them in each draw, so these rows alone make no small p.

    For unpaired metrics `kept` is often the better question. Random groups all have the shape of the pool at large, and
    so are close to each other: two special groups that are alike may well be farther apart than two of these. And where
    one group alone is unusual, the couple may be closer than two random ones whatever the other group is. That each
    group is closer to the other than random groups are takes both ``kept="left"`` and ``kept="right"``; the larger p
    is a valid p of that.

    Which random groups are fair is for the `pool` to say: rows as frequent, or of the same kind, as those of the
    groups. Where the pool has rows that no concept could consist of, p says as much of the pool as of the groups.

    Draws on which the metric is undefined are drawn again, counted and told; where they are more than 5%, the null
    refuses.
    """

    kept: Kept | None = None
    name: ClassVar[str] = "random-group"

    def __post_init__(self) -> None:
        if self.kept not in (None, *get_args(Kept)):
            raise InvalidConfig(f"kept is 'left', 'right' or None for neither group, got {self.kept!r}")

    def judge(self, trial: Trial) -> Chance:
        """Scores of random groups, and the share of them at least as close as the compared ones.

        Raises InapplicableNull where the sides are not two groups of one space, where rows come in groups of their own
        (documents), where no other couple exists, and where the metric is undefined on more than 5% of the draws.
        """
        couple = self._couple(trial)
        like = LikeCouples(couple, isinstance(trial.metric, PairedMetric), self.kept)
        sizes = f"{len(couple.left)} and {len(couple.right)}"
        if like.possible <= 1:
            raise InapplicableNull(
                f"the pool of {len(couple.pool)} rows has no other couple of groups of {sizes} rows"
                + (f" with the {self.kept} group kept" if self.kept else "")
                + f". Give a larger pool, or use {instead(trial.metric, self.name)}"
            )

        def scored(groups: Drawn) -> float:
            states = [
                known if side == self.kept else self._state(trial, couple, rows)
                for side, known, rows in zip(get_args(Kept), (trial.left_state, trial.right_state), groups, strict=True)
            ]
            # Not checked here: an answer that is no number is a fault of the metric, and no draw without a score.
            return unchecked_score(trial.metric, states[0], states[1], trial.left)

        scores, without_score = scores_where_defined(
            trial,
            scored,
            like.draws(trial.seed),
            "groups",
            f"random couples of groups of {sizes} rows",
            f"Compare larger groups, give a pool of other rows, or use {instead(trial.metric, self.name)}",
        )
        notes = undefined_notes(without_score, len(scores), "groups")
        if like.possible <= trial.draws:
            notes.append(
                f"only {like.possible:g} different couples of groups exist, so no p-value is below "
                f"{1 / like.possible:.2g}"
            )
        return Chance(
            kind=self.name if self.kept is None else f"{self.name} ({self.kept} kept)",
            mean=float(scores.mean()),
            sd=spread(scores),
            # Few couples drawn many times can miss the observed one by luck.
            p_value=max(p_value(trial.observed, scores, trial.metric.larger_means), 1 / like.possible),
            draws=scores,
            notes=tuple(notes),
            facts={"rows in the pool": len(couple.pool), "groups without a score": without_score},
            is_chance=False,
        )

    def _couple(self, trial: Trial) -> Couple:
        """The couple, checked; refuses what is no couple of groups of exchangeable rows."""
        others = instead(trial.metric, self.name)
        couple = trial.couple
        if couple is None:
            raise InapplicableNull(
                "a random-group null needs two groups of rows of one space: geomsim.compare_groups(space, left, right, "
                f"...). For two spaces use {others}"
            )
        refuse_groups(trial, self.name)
        for side, rows, points in (("left", couple.left, trial.left), ("right", couple.right, trial.right)):
            if len(rows) != len(points):
                raise InapplicableNull(
                    f"the {side} group has {len(rows)} rows of the space, and {len(points)} rows are compared"
                )
            repeated = len(rows) - len(np.unique(rows))
            if repeated:
                raise InapplicableNull(
                    f"{repeated} of {len(rows)} rows of the {side} group repeat another one, and random groups hold "
                    f"distinct rows. Leave the repetitions out, or use {others}"
                )
            outside = np.setdiff1d(rows, couple.pool)
            if len(outside):
                raise InapplicableNull(
                    f"row {outside[0]} of the {side} group is not in the pool of {len(couple.pool)} rows, so random "
                    "groups could never be the compared ones. Give a pool with all rows of both groups"
                )
        return couple

    def _state(self, trial: Trial, couple: Couple, rows: Rows) -> Any:
        import torch

        return trial.metric.prepare(couple.points[torch.from_numpy(rows).to(couple.points.device)])
