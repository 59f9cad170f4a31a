"""Permutation test: the rows of one side in random order."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import BrokenPromise
from geomsim.memory import batch_budget
from geomsim.nulls.contract import Chance, Null, Trial
from geomsim.nulls.drawing import drawn, workers_for
from geomsim.nulls.refusals import paired_metric
from geomsim.nulls.significance import check_finite, p_value, spread
from geomsim.orders import Restriction, distinct_orders, row_orders, staying_rows, subset_orders

if TYPE_CHECKING:
    from torch import Tensor

_FEWEST_BATCHES = 20  # progress is told after each batch
_MOST_ORDERS = 256  # in a batch; more gain no speed, and a cluster shares out batches
_BATCH_BYTES = 8 << 20  # on a CPU, where 64 threads then stay within the largest budget
_RESTRICTIONS: dict[Restriction, str] = {"blocks": "whole blocks", "within": "within strata"}


@dataclass(frozen=True)
class Shuffle(Null):
    """Put the rows of the right side in a random order: both sides are kept, who belongs to whom is forgotten.

    Hypothesis: the rows of the right side are exchangeable, that is, given the rows of both sides every correspondence
    between them was equally likely. The observed one is one of them, so p = (b + 1) / (m + 1), with b of m draws at
    least as close, is valid for any metric and any number of rows. What one side has by itself (spectrum, clusters, few
    rows) is in each draw, so it makes no small p; nor does a small p say that the sides are *much* alike.

    It fails, and p is too small, where rows hang together on both sides:

    - Rows of one document (tokens) resemble their neighbours in either model. Give each row the label of its document,
      and whole documents of one length change places (``groups="blocks"``, the default where a space has groups), or
      rows within each alone (``groups="within"``).
    - Latents that come more than once. Two left latents that are nearly copies have partners that are nearly copies, or
      one and the same, and what they say twice counts twice. Pair one-to-one, or give copies one label as `groups`.
    - A correspondence that was sought by the same geometry that is then scored. One found by activations is fair for
      directions.

    For paired metrics alone; others have no correspondence to forget.
    """

    name: ClassVar[str] = "shuffle"

    def judge(self, trial: Trial) -> Chance:
        """Scores of random orders and the permutation p-value; one small product per draw, never a refit."""
        import torch

        metric = paired_metric(trial, self.name)
        n_rows = int(trial.left.shape[0])
        per_order = metric.bytes_per_order(trial.left_state, trial.right_state) + 16 * n_rows
        batch = _orders_per_batch(per_order, trial)
        if trial.pool is None or trial.chosen is None or trial.groups is not None:
            orders = row_orders(n_rows, trial.draws, trial.seed, trial.groups, trial.restriction)
        else:
            orders = subset_orders(trial.chosen, len(trial.pool[0]), trial.draws, trial.seed)

        left_state, right_state, device = trial.left_state, trial.right_state, trial.left.device

        def scored(chunk: list[NDArray[np.int64]]) -> NDArray[np.float64]:
            found = metric.score_many(left_state, right_state, torch.from_numpy(np.stack(chunk)).to(device))
            if tuple(found.shape) != (len(chunk),):
                raise BrokenPromise(
                    f"{type(metric).__name__}.score_many of {len(chunk)} orders has shape {tuple(found.shape)}, "
                    f"expected ({len(chunk)},)"
                )
            return np.asarray(found.detach().double().cpu().numpy())

        batches = iter(lambda: list(islice(orders, batch)), [])
        count = math.ceil(trial.draws / batch)
        # The threads share the budget.
        workers = partial(_workers, trial.left.new_empty(0), batch * per_order)
        parts = []
        with closing(drawn(scored, batches, count, trial.left, workers)) as found:
            for part in found:
                parts.append(part)
                trial.advance(len(part))
        scores = np.concatenate(parts)
        check_finite(scores, metric, "orders")
        notes = []
        staying = 0 if trial.groups is None or trial.restriction == "within" else staying_rows(trial.groups)
        if staying:
            notes.append(
                f"{staying} of {n_rows} rows are in groups of a size that no other group has and stayed in place, "
                "which lifts chance towards the score; geomsim.equal_blocks gives rows that can all move"
            )
        possible = distinct_orders(n_rows, trial.groups, trial.restriction)
        if possible <= trial.draws:
            notes.append(
                f"only {possible:g} different orders exist, so no p-value is below {1 / possible:.2g}; "
                "more rows or groups are needed for more"
            )
        return Chance(
            kind=self.name if trial.groups is None else f"{self.name} ({_RESTRICTIONS[trial.restriction]})",
            mean=float(scores.mean()),
            sd=spread(scores),
            # Few orders drawn many times can miss the observed one by luck; no test on them can be surer than this.
            p_value=max(p_value(trial.observed, scores, metric.larger_means), 1 / possible),
            draws=scores,
            notes=tuple(notes),
        )


def _orders_per_batch(per_order: int, trial: Trial) -> int:
    """How many orders a batch holds: as many on every machine, since products of other sizes round otherwise.

    Only where memory is very short they are fewer.
    """
    budget = batch_budget()
    if trial.left.device.type == "cpu":
        budget = min(budget, _BATCH_BYTES)
    return max(1, min(budget // per_order, math.ceil(trial.draws / _FEWEST_BATCHES), _MOST_ORDERS))


def _workers(points: Tensor, batch_bytes: int) -> int:
    """How many batches to work on at once, within the budget together."""
    return max(1, min(workers_for(points), batch_budget() // batch_bytes))
