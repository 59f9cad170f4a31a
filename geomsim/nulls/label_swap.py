"""Documents in random order over both sides: do the sides differ at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from geomsim.contract import UnpairedMetric
from geomsim.errors import InapplicableNull
from geomsim.nulls.contract import Chance, Null, Trial
from geomsim.nulls.drawing import redrawn_scores
from geomsim.nulls.refusals import instead
from geomsim.nulls.significance import judged
from geomsim.scoring import score_of

_Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class LabelSwap(Null):
    """Swap which side a document belongs to, and see whether the sides were farther apart than by chance.

    The only null whose small p means *different*: p is the share of draws at least as far as the observed score, under
    the hypothesis that left and right are one law. A large p does not say that the sides are alike; texts may have been
    too few to tell. Both sides must lie in one space, so equal width is needed, and two networks trained apart do not
    share a basis: use it for one network's layers, checkpoints, or texts.

    Where both sides have the same documents (groups of the same labels, in any order, of any length), left and right of
    each change places with probability one half, all its rows together. Otherwise the documents of both sides are dealt
    anew, as many to each side as it had. Where rows come in no groups, each is a document of its own, and those of both
    sides are dealt anew.
    """

    name: ClassVar[str] = "label-swap"

    def judge(self, trial: Trial) -> Chance:
        """Scores of sides with swapped documents, and the share of them at least as far as the observed score.

        Raises InapplicableNull for a paired metric, for sides of unequal width, and for fewer than two documents.
        """
        import torch

        metric = trial.metric
        if not isinstance(metric, UnpairedMetric):
            raise InapplicableNull(
                f"{type(metric).__name__} is paired, and a label swap asks whether two clouds are one: "
                f"use {instead(metric, self.name)}"
            )
        if trial.left.shape[1] != trial.right.shape[1]:
            raise InapplicableNull(
                f"a label swap mixes the rows of both sides, which have widths {trial.left.shape[1]} and "
                f"{trial.right.shape[1]}: use {instead(metric, self.name)}"
            )
        deal = _Deal.of(trial)
        both = torch.cat([trial.left, trial.right.to(trial.left)])

        def scored(random: np.random.Generator) -> float:
            left, right = (both[torch.from_numpy(rows).to(both.device)] for rows in deal.sides(random))
            return score_of(metric, metric.prepare(left), metric.prepare(right), left)

        scores = redrawn_scores(trial, scored, "documents dealt anew to both sides")
        return judged(
            self.name,
            trial,
            scores,
            larger_means="farther" if metric.larger_means == "closer" else "closer",
            notes=("a small p of the label swap says that the sides differ, a large one not that they are alike",),
            facts={"swapped": "sides of each document" if deal.same_text else "documents of both sides"},
        )


@dataclass(frozen=True, eq=False)
class _Deal:
    """The rows of both sides, those of left first, by document."""

    n_left: int
    document: _Numbers  # (left rows + right rows,), numbered from 0
    n_documents: int
    left_documents: int
    same_text: bool

    @classmethod
    def of(cls, trial: Trial) -> _Deal:
        n_left, n_right = len(trial.left), len(trial.right)
        labels = trial.side_groups or (None, None)
        left, right = (
            np.arange(count) if given is None else np.asarray(given)
            for given, count in zip(labels, (n_left, n_right), strict=True)
        )
        grouped = labels[0] is not None and labels[1] is not None
        same_text = grouped and np.array_equal(np.unique(left), np.unique(right))
        if same_text:
            # Coded together, so that a document has one number on both sides.
            both = np.unique(np.concatenate([left, right]), return_inverse=True)[1].ravel()
            left, right = both[:n_left], both[n_left:]
        else:
            left, right = (np.unique(side, return_inverse=True)[1].ravel() for side in (left, right))
        first_of_right = 0 if same_text else int(left.max()) + 1
        document = np.concatenate([left, right + first_of_right]).astype(np.int64)
        deal = cls(n_left, document, int(document.max()) + 1, int(left.max()) + 1, same_text)
        if deal.n_documents < 2:
            raise InapplicableNull(
                "a label swap deals documents, of which there is only one: give more groups, or groups='ignored' if "
                "rows are independent"
            )
        return deal

    def sides(self, random: np.random.Generator) -> tuple[_Numbers, _Numbers]:
        """Numbers of the rows that are left and right in one draw."""
        was_left = np.arange(len(self.document)) < self.n_left
        if self.same_text:
            now_left = was_left ^ (random.random(self.n_documents) < 0.5)[self.document]
        else:
            place = random.permutation(self.n_documents)
            now_left = place[self.document] < self.left_documents
        return np.flatnonzero(now_left), np.flatnonzero(~now_left)
