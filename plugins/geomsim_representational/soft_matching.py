"""Soft-matching distance: optimal transport between the columns of both sides (Khosla and Williams 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, GeomsimError, PairedMetric

_CONSTANT = 2.0  # a standard deviation of this many eps of the largest number is rounding
_NEARLY_ONE = 1e-4  # nearer to a perfect match, 1 - s has lost more than four digits and the residuals are measured
_ITERATIONS = 10_000_000


@dataclass(frozen=True)
class Columns:
    """The centred columns of one side, each of norm 1."""

    units: Tensor  # (rows, width)


@dataclass(frozen=True)
class Matching:
    """Which left column goes to which right one, and with which share of the whole; shares sum to 1."""

    left: NDArray[np.int64]  # (matches,)
    right: NDArray[np.int64]
    share: NDArray[np.float64]


@dataclass(frozen=True)
class SoftMatching(PairedMetric[Columns]):
    r"""How far the columns of one side must move to become those of the other, each column matched as a whole.

    .. math:: d = \sqrt{\min_{P \ge 0} \sum_{kl} P_{kl} \lVert x_k - y_l \rVert^2} = \sqrt{2 - 2 s}, \qquad
       s = \max_P \sum_{kl} P_{kl} \operatorname{corr}(x_k, y_l), \qquad
       P 1 = \tfrac{1}{w}, \; P^\top 1 = \tfrac{1}{w'}

    :math:`x_k` and :math:`y_l` (rows,) are the w columns of the left and the w' columns of the right, centred and
    scaled to norm 1; P (w, w') says how much of each goes where. It is the 2-Wasserstein distance of two uniform
    clouds of columns, and a metric on them. Range [0, 2], larger is farther: 0 where the columns are the same in any
    order, sqrt 2 where none correlate, 2 where every column is the opposite of every column of the other side. Where
    w = w' the best P is one-to-one; widths may differ. Unlike `procrustes` and `cka` it minds rotations: it asks for
    the same *single* columns. Unchanged by translation, by a positive scale of each column, and by reordering columns.

    Pitfalls: signs matter, so a column and its negative are as far as can be. A column that occurs twice on one side
    only is no copy for free: each has its own mass. Where rows are few, columns match well by chance: read it beside
    its null.

    The optimum is exact: scipy's assignment where w = w', else the network simplex of POT on whole-numbered masses.
    Time per score: O(rows x w x w') for the correlations, and about O(w^3) for the optimum.

    Raises DegenerateSpace for columns that are constant, exactly or within rounding of the given precision, and
    GeomsimError where the solver gives up or returns no transport plan.

    Reference: Khosla, Williams 2024, "Soft matching distance: a metric on neural representations that captures
    single-neuron tuning", Proceedings of UniReps, PMLR 243.

    >>> import numpy as np, geomsim
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> doubled = np.concatenate([points, points], axis=1)
    >>> round(geomsim.compare(points, doubled[:, ::-1] * 3 + 1, SoftMatching(), null=None).score, 6)
    0.0
    """

    larger_means = "farther"
    score_range = (0.0, 2.0)
    triangle = True  # 2-Wasserstein distance of two distributions of columns in one space, that of the rows
    unchanged_by = frozenset({"scaling", "translation", "column_permutation"})

    def prepare(self, points: Tensor) -> Columns:
        """Columns, centred and of norm 1."""
        n_rows, width = points.shape
        # Constant means constant in the precision that was given: float32 noise stays noise in float64.
        eps = torch.finfo(points.dtype).eps
        points = points.double()
        largest = points.abs().amax(0)
        points = points / torch.where(largest > 0, largest, 1.0)  # no square leaves the range of numbers
        points = points - points[0]
        points = points - points.mean(0)
        norms = torch.linalg.vector_norm(points, dim=0)
        constant = (norms <= _CONSTANT * eps * n_rows**0.5).nonzero().flatten().tolist()
        if constant:
            first = ", ".join(map(str, constant[:5])) + (", ..." if len(constant) > 5 else "")
            raise DegenerateSpace(
                f"{len(constant)} of {width} columns are constant over the {n_rows} rows (column numbers {first}), so "
                "they have no unit norm; leave those columns out"
            )
        return Columns(points / norms)

    def score(self, left: Columns, right: Columns, order: Tensor) -> Tensor:
        """The distance after the best matching."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Columns, right: Columns, orders: Tensor) -> Tensor:
        """A product and an optimum for each order, one by one."""
        distances = left.units.new_empty(len(orders))
        transposed = left.units.T.contiguous()
        for draw, order in enumerate(orders):
            partners = right.units.index_select(0, order)
            correlations = (transposed @ partners).cpu().numpy()
            matching = _best_matching(correlations)
            mean = float(matching.share @ correlations[matching.left, matching.right])
            if mean > 1 - _NEARLY_ONE:
                distances[draw] = _residual(left.units, partners, matching)
            else:
                distances[draw] = (2 - 2 * mean) ** 0.5
        return distances.clamp(max=2.0)  # rounding lifts exact opposites above 2 by an eps or two

    def bytes_per_order(self, left: Columns, right: Columns) -> int:
        """The reordered columns, then the correlations with the solver's cost, plan and arcs."""
        products = left.units.shape[1] * right.units.shape[1]
        return 8 * (right.units.numel() + 8 * products)

    def explain(self, left: Columns, right: Columns) -> Explanation:
        """The mean correlation s, and for each column its main partner, the share that goes there and its mean r."""
        correlations = (left.units.T @ right.units).cpu().numpy()
        matching = _best_matching(correlations)
        plan = np.zeros(correlations.shape)
        plan[matching.left, matching.right] = matching.share
        return Explanation(
            {
                "columns left": correlations.shape[0],
                "columns right": correlations.shape[1],
                "mean correlation of matched columns": float((plan * correlations).sum()),
            },
            {
                "left columns": _partners(plan, correlations),
                "right columns": _partners(plan.T, correlations.T),
            },
        )


def _best_matching(correlations: NDArray[np.float64]) -> Matching:
    """The matching with the largest mean correlation."""
    width, other = correlations.shape
    if width == other:
        # Corners of the doubly stochastic matrices are permutations (Birkhoff), so one of those is best.
        from scipy.optimize import linear_sum_assignment

        left, right = linear_sum_assignment(correlations, maximize=True)
        return Matching(left, right, np.full(width, 1 / width))
    import ot

    # Whole numbers, at most the least common multiple in all: the simplex adds and subtracts them without rounding.
    common = gcd(width, other)
    mass, other_mass = np.full(width, float(other // common)), np.full(other, float(width // common))
    plan, log = ot.emd(mass, other_mass, 1 - correlations, numItermax=_ITERATIONS, log=True)
    if log["warning"] is not None:
        raise GeomsimError(
            f"the transport solver gave up on {width} x {other} columns: {log['warning']}; use fewer columns"
        )
    if plan.min() < 0 or not ((plan.sum(1) == mass).all() and (plan.sum(0) == other_mass).all()):
        raise GeomsimError(
            f"the transport solver returned no plan for {width} x {other} columns: it moves {plan.sum():.6g} of "
            f"{mass.sum():.6g}, the smallest entry {plan.min():.3g}; please report this with your version of POT"
        )
    left, right = plan.nonzero()
    return Matching(left, right, plan[left, right] / mass.sum())


def _residual(left: Tensor, partners: Tensor, matching: Matching) -> float:
    """The distance from the differences of matched columns, which keep the digits that 1 - s loses."""
    total = 0.0
    for left_column, right_column, share in zip(matching.left, matching.right, matching.share, strict=True):
        total += float(share) * float((left[:, left_column] - partners[:, right_column]).square().sum())
    return float(total**0.5)


def _partners(plan: NDArray[np.float64], correlations: NDArray[np.float64]) -> dict[str, list[int] | list[float]]:
    """For each column (a row of `plan`) its main partner, the share of it that goes there, and its mean correlation."""
    shares = plan / plan.sum(1, keepdims=True)
    best = shares.argmax(1)
    return {
        "column": list(range(len(plan))),
        "partner": best.tolist(),
        "share": shares.max(1).tolist(),
        "correlation": (shares * correlations).sum(1).tolist(),
    }
