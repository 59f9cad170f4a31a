"""Linear predictivity: how much of one side a cross-validated ridge regression predicts from the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import torch
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, GeomsimError, PairedMetric
from geomsim_representational.canonical import principal_axes

Direction = Literal["left-to-right", "right-to-left"]

STRENGTHS = tuple(10.0**power for power in range(-6, 7))
"""Ridge penalties to choose from, in multiples of the mean squared singular value of the training rows."""

_EQUAL = 1e-12  # errors that differ by less, as a share of all there is to predict, differ by rounding only


@dataclass(frozen=True)
class Fit:
    """Ridge regressions of all strengths on the rows outside one or two blocks; nothing of the targets is in it.

    With predictors that differ from order to order, each tensor has a first axis of draws.
    """

    left_out: tuple[int, ...]  # blocks
    count: int  # training rows
    mean: Tensor  # (rank,), of the training rows
    axes: Tensor  # (rank, rank), principal axes of the training rows as columns
    gains: Tensor  # (strengths, rank), 1 / (squared singular value + penalty)
    spreads: tuple[Tensor, ...]  # (rank, rank) for each block left out: its rows about `mean`, in these axes, squared


@dataclass(frozen=True)
class Regressors:
    """Rows in their principal axes, to predict or to be predicted."""

    features: Tensor  # (rows, rank), columns centred, the first with norm 1
    fits: tuple[Fit, ...]  # none where the rows to train on follow from the order

    @property
    def rank(self) -> int:
        """How many columns."""
        return self.features.shape[1]


@dataclass(frozen=True)
class _Errors:
    """Squared errors for each draw and outer block, with the strength chosen on the other blocks."""

    baseline: Tensor  # (draws, folds), of predicting the mean of the training rows
    ridge: Tensor  # (draws, folds)
    choice: Tensor  # (draws, folds), places in STRENGTHS


@dataclass(frozen=True)
class LinearPredictivity(PairedMetric[Regressors]):
    r"""Cross-validated R^2 of ridge regression from one side to the other.

    .. math:: 1 - \frac{\sum_f \lVert Y_f - \hat Y_f \rVert_F^2}{\sum_f \lVert Y_f - \bar y_{-f} \rVert_F^2}

    For `direction="left-to-right"` Y (rows, width) is the right side, for "right-to-left" the left one.
    :math:`Y_f` are the rows of block f, one of `folds` contiguous blocks of *left* rows in their order (sizes differ
    by one at most, larger blocks first), :math:`\hat Y_f` their prediction by a ridge regression with intercept on the
    rows of all other blocks, and :math:`\bar y_{-f}` the mean of those. Errors are summed over columns and blocks, so a
    column counts by its variance. The penalty is one for all columns, chosen for each f on the other blocks alone: each
    of these is predicted from the rest of them, and the least sum of squared errors wins (of equal ones the largest
    penalty). It is sought from 1e-6 to 1e6, by factors of ten, times the mean squared singular value of the centred
    training rows (over min(rank, training rows - 1)), so that no unit matters.

    Range (-inf, 1], larger is closer; 0 is what the mean predicts, and unrelated rows score 0 or a little less.
    Asymmetric. Unchanged by rotation, scaling and translation of either side; not by stretching, because ridge
    regression trusts directions of large variance.

    Pitfalls: rows of one document are alike; they must be adjacent on the left, so that a document is whole on one side
    of the cut (but for the two at its borders). Blocks follow the left rows for "right-to-left" too. A side that
    predicts is at an advantage when it is wide: compare directions with care. No moments are known.

    Cost, with ranks r and r' (at most min(rows - 1, width)) and five blocks: for "left-to-right", `prepare` takes 15
    eigenvalue problems of size r and keeps 40 r^2 numbers, on both sides, as either may turn out to predict; an order
    then takes O(rows r r' + 55 r^2 r'). For "right-to-left" the predicting rows that train follow from the order, and
    each order takes its own eigenvalue problems: about ten times as long.

    Raises DegenerateSpace for equal rows, and for fewer than two rows in each block.

    References: Yamins, Hong, Cadieu, Solomon, Seibert, DiCarlo 2014, "Performance-optimized hierarchical models predict
    neural responses in higher visual cortex", PNAS; Hoerl, Kennard 1970, "Ridge regression", Technometrics.

    >>> import numpy as np, geomsim
    >>> from geomsim_representational.linear_predictivity import LinearPredictivity
    >>> random = np.random.default_rng(0)
    >>> points = random.normal(size=(300, 6))
    >>> image = points @ random.normal(size=(6, 2))  # keeps two of six directions
    >>> directions = "left-to-right", "right-to-left"
    >>> [round(geomsim.compare(points, image, LinearPredictivity(way), null=None).score, 2) for way in directions]
    [1.0, 0.31]
    """

    direction: Direction = "left-to-right"
    folds: int = 5

    larger_means = "closer"
    score_range = (float("-inf"), 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})
    symmetric = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.direction not in get_args(Direction):
            raise GeomsimError(f"direction is one of {', '.join(get_args(Direction))}; got {self.direction!r}")
        if self.folds < 3:
            raise GeomsimError(
                f"folds is at least 3, got {self.folds}: one block is predicted, and of the others "
                "each in turn chooses the penalty"
            )

    def prepare(self, points: Tensor) -> Regressors:
        """Principal axes, and for "left-to-right" those of the training rows of every fit."""
        if len(points) < 2 * self.folds:
            raise DegenerateSpace(
                f"{len(points)} rows are too few for {self.folds} blocks of two rows or more; "
                f"use at least {2 * self.folds} rows or fewer folds"
            )
        axes = principal_axes(points)
        features = axes.columns * (axes.values / axes.values[0])
        return Regressors(features, tuple(self._fits(features)) if self.direction == "left-to-right" else ())

    def score(self, left: Regressors, right: Regressors, order: Tensor) -> Tensor:
        """R^2 over all blocks."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Regressors, right: Regressors, orders: Tensor) -> Tensor:
        """All orders at once: rows enter by their products within blocks, errors by quadratic forms of these."""
        errors = self._errors(left, right, orders)
        scores: Tensor = 1 - errors.ridge.sum(1) / errors.baseline.sum(1)
        return scores.clamp(max=1.0)  # a perfect prediction may miss 1 by an eps or two

    def bytes_per_order(self, left: Regressors, right: Regressors) -> int:
        """The reordered rows, their products within blocks, and what one fit adds to them."""
        n_rows = len(left.features)
        moved, other = (right.rank, left.rank) if self.direction == "left-to-right" else (left.rank, right.rank)
        numbers = n_rows * right.rank + (self.folds + 6) * moved * other + 4 * other**2
        if self.direction == "right-to-left":
            numbers += (self.folds + 8) * other**2
        return 8 * numbers

    def explain(self, left: Regressors, right: Regressors) -> Explanation:
        """Ranks, and by block the strength chosen and shares of the whole baseline error, from which the score follows.

        The score is 1 less the sum of "error".
        """
        errors = self._errors(left, right, torch.arange(len(left.features), device=left.features.device)[None])
        whole = errors.baseline.sum()
        counts = _block_counts(len(left.features), self.folds)
        return Explanation(
            {"rank left": left.rank, "rank right": right.rank},
            {
                "blocks": {
                    "block": list(range(self.folds)),
                    "first row": [sum(counts[:block]) for block in range(self.folds)],
                    "rows": counts,
                    "strength": [STRENGTHS[place] for place in errors.choice[0].tolist()],
                    "error": (errors.ridge[0] / whole).tolist(),
                    "error of the mean": (errors.baseline[0] / whole).tolist(),
                }
            },
        )

    def _fits(self, features: Tensor) -> Iterator[Fit]:
        """One fit for each block and for each two blocks that can be left out; `features` (..., rows, rank)."""
        blocks = torch.split(features, _block_counts(features.shape[-2], self.folds), dim=-2)
        squares = [block.mT @ block for block in blocks]
        sums = [block.sum(-2) for block in blocks]
        whole, whole_sum = sum(squares[1:], squares[0]), sum(sums[1:], sums[0])
        # What is left of a sum of rounded numbers is rounding, not variance to train on.
        floor = features.shape[-2] * torch.finfo(features.dtype).eps * whole.diagonal(dim1=-2, dim2=-1).sum(-1)
        strengths = features.new_tensor(STRENGTHS)
        for left_out in _left_out(self.folds):
            count = features.shape[-2] - sum(blocks[block].shape[-2] for block in left_out)
            mean = (whole_sum - sum(sums[block] for block in left_out)) / count
            scatter = whole - sum(squares[block] for block in left_out) - count * _outer(mean, mean)
            values, axes = torch.linalg.eigh(scatter)
            values = values.clamp(min=0)
            total = values.sum(-1)
            unit = torch.where(total > floor, total / min(features.shape[-1], count - 1), 0)
            penalty = unit[..., None, None] * strengths[:, None]
            # Where the training rows are all equal, ridge regression of any strength predicts the mean.
            gains = torch.where(penalty > 0, 1 / (values[..., None, :] + penalty), 0)
            spreads = []
            for block in left_out:
                crossed = _outer(sums[block], mean)
                about = squares[block] - crossed - crossed.mT + blocks[block].shape[-2] * _outer(mean, mean)
                spreads.append(axes.mT @ about @ axes)
            yield Fit(left_out, count, mean, axes, gains, tuple(spreads))

    def _errors(self, left: Regressors, right: Regressors, orders: Tensor) -> _Errors:
        moved = right.features[orders]
        fits: Iterable[Fit]
        if self.direction == "left-to-right":
            predictors, targets, fits = left.features, moved, left.fits
        else:
            predictors, targets, fits = moved, left.features, self._fits(moved)
        counts = _block_counts(len(left.features), self.folds)
        sums = [block.sum(-2) for block in torch.split(predictors, counts, dim=-2)]
        target_blocks = torch.split(targets, counts, dim=-2)
        target_sums = [block.sum(-2) for block in target_blocks]
        target_squares = [block.square().sum((-2, -1)) for block in target_blocks]
        crosses = [
            block.mT @ target
            for block, target in zip(torch.split(predictors, counts, dim=-2), target_blocks, strict=True)
        ]
        whole, target_sum = sum(crosses[1:], crosses[0]), sum(target_sums[1:], target_sums[0])
        draws = len(orders)
        inner = predictors.new_zeros(draws, self.folds, len(STRENGTHS))
        outer = torch.zeros_like(inner)
        baseline = predictors.new_zeros(draws, self.folds)
        for fit in fits:
            target_mean = (target_sum - sum(target_sums[block] for block in fit.left_out)) / fit.count
            cross = whole - sum(crosses[block] for block in fit.left_out) - fit.count * _outer(fit.mean, target_mean)
            cross = fit.axes.mT @ cross
            products = cross @ cross.mT
            for block, spread in zip(fit.left_out, fit.spreads, strict=True):
                # With E = Y - mean, Z the block's rows in the axes and D the gains, the error is
                # |E - Z D cross|^2 = |E|^2 - 2 <Z'E, D cross> + <Z'Z, D cross cross' D>.
                away = target_sums[block] - counts[block] * target_mean
                alone = target_squares[block] - ((target_sums[block] + away) * target_mean).sum(-1)
                seen = crosses[block] - _outer(sums[block], target_mean) - _outer(fit.mean, away)
                linear = ((fit.axes.mT @ seen) * cross).sum(-1)
                square = ((fit.gains @ (spread * products)) * fit.gains).sum(-1)
                error = alone[..., None] - 2 * (fit.gains * linear[..., None, :]).sum(-1) + square
                if len(fit.left_out) == 1:
                    outer[:, block], baseline[:, block] = error, alone
                else:
                    (predicted,) = set(fit.left_out) - {block}
                    inner[:, predicted] += error
        slack = _EQUAL * sum(target_squares[1:], target_squares[0])
        enough = inner <= inner.amin(-1, keepdim=True) + slack[..., None, None]
        # The last place that is good enough.
        choice = len(STRENGTHS) - 1 - enough.flip(-1).to(torch.uint8).argmax(-1)
        return _Errors(baseline, outer.gather(-1, choice[..., None])[..., 0], choice)


def _block_counts(n_rows: int, folds: int) -> list[int]:
    return [n_rows // folds + (block < n_rows % folds) for block in range(folds)]


def _left_out(folds: int) -> list[tuple[int, ...]]:
    """Every block, and every two blocks: of these one is predicted last, the other while choosing the strength."""
    return [(block,) for block in range(folds)] + list(combinations(range(folds), 2))


def _outer(first: Tensor, second: Tensor) -> Tensor:
    return first[..., :, None] * second[..., None, :]
