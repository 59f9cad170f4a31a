"""How far two angles turn together: circular correlation up to rotation and reflection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from geomsim import DegenerateSpace, GeomsimError, InvalidConfig, PairedMetric
from geomsim_topological.circles.circle_map import wrapped

Floats = NDArray[np.float64]
Direction = Literal["same", "reversed"]
Windings = tuple[int, int]


class CircularCorrelation(NamedTuple):
    """What :func:`circular_correlation` found."""

    value: float
    """0 (no relation of this kind) to 1 (one angle follows from the other)."""
    direction: Direction
    """"same" where both turn the same way round, "reversed" where one turns against the other."""
    offset: float
    """Radians in [0, 2 pi): what left angles, times their winding, are ahead by."""
    residuals: Floats
    """(rows,): radians in [-pi, pi], what is left of each row; NaN where an angle is."""
    rows: int
    """Rows with both angles."""


def circular_correlation(left: ArrayLike, right: ArrayLike, windings: Windings = (1, 1)) -> CircularCorrelation:
    r"""How far two angles of the same rows turn together.

    .. math:: \rho = \max \Bigl( \Bigl| \frac{1}{n} \sum_i e^{i (k a_i - l b_i)} \Bigr|,
        \Bigl| \frac{1}{n} \sum_i e^{i (k a_i + l b_i)} \Bigr| \Bigr)

    `left` and `right` are the angles :math:`a_i` and :math:`b_i` in radians, (rows,), NaN where there is none: such
    rows do not count. `windings` are k and l, whole numbers from 1: (1, 1) asks whether both go round together, (2, 1)
    whether the right goes round twice while the left goes once. The first term is high where they turn the same way,
    the second where one is reversed; a rotation of either changes nothing. Range 0 to 1. Angles gathered at one place
    on both sides have a high value without any relation, so judge it by reordered rows.

    Raises GeomsimError for other shapes and for no row with both angles, InvalidConfig for other windings.

    Fisher and Lee (1983), "A correlation coefficient for circular data", discuss such coefficients.

    >>> angles = np.linspace(0, 6, 50)
    >>> found = circular_correlation(angles, 1.0 - angles)
    >>> round(found.value, 6), found.direction, round(found.offset, 6)
    (1.0, 'reversed', 1.0)
    """
    k, l = checked_windings([windings])[0]
    angles = [np.asarray(side, dtype=np.float64) for side in (left, right)]
    if angles[0].ndim != 1 or angles[0].shape != angles[1].shape:
        raise GeomsimError(f"angles are (rows,) on both sides alike, got {angles[0].shape} and {angles[1].shape}")
    there = np.isfinite(angles[0]) & np.isfinite(angles[1])
    if not there.any():
        raise GeomsimError(f"none of {len(there)} rows has an angle on both sides: look at `defined` of each")
    terms = {
        "same": np.exp(1j * (k * angles[0] - l * angles[1])),
        "reversed": np.exp(1j * (k * angles[0] + l * angles[1])),
    }
    means = {direction: complex(term[there].mean()) for direction, term in terms.items()}
    direction: Direction = "same" if abs(means["same"]) >= abs(means["reversed"]) else "reversed"
    mean = means[direction]
    residuals = np.angle(terms[direction] * np.conj(mean))
    offset = float(wrapped(np.angle(mean)))
    return CircularCorrelation(min(abs(mean), 1.0), direction, offset, residuals, int(there.sum()))


def phasors(angles: Floats) -> Floats:
    """Angles as points, (rows, 2): on the unit circle, or zero where there is no angle."""
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    points[~np.isfinite(angles)] = 0.0
    return points


def checked_windings(windings: Sequence[Windings]) -> tuple[Windings, ...]:
    """Pairs of whole numbers from 1. Raises InvalidConfig for anything else."""
    found = tuple(tuple(pair) for pair in windings)
    if not found or any(len(pair) != 2 or any(not _is_count(number) for number in pair) for pair in found):
        raise InvalidConfig(
            f"windings are pairs of whole numbers from 1, turns of the left and of the right: (1, 1); got {windings!r}"
        )
    return tuple((int(k), int(l)) for k, l in dict.fromkeys(found))


def _is_count(number: object) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool) and int(number) >= 1


@dataclass(frozen=True)
class PhasorCorrelation(PairedMetric[Tensor]):
    r""":func:`circular_correlation` of sides made by :func:`phasors`, for which shuffles of rows are drawn.

    Rows without an angle stay among the rows that are shuffled, so that documents stay whole, and the score is
    :math:`\rho \sqrt{n / N}` where n of all N rows have both angles: unrelated angles have a :math:`\rho` of about
    :math:`1 / \sqrt n`, so that orders in which few rows have both are no more likely to score high than others.
    Raises DegenerateSpace for a side without any angle.
    """

    left_turns: int = 1
    right_turns: int = 1

    larger_means = "closer"
    score_range = (0.0, 1.0)
    symmetric = False

    def prepare(self, points: Tensor) -> Tensor:
        """The phasors as complex numbers, (rows,), of length 1 or 0."""
        found = torch.complex(points[:, 0].double(), points[:, 1].double())
        lengths = found.abs()
        if not bool(lengths.any()):
            raise DegenerateSpace("no row has an angle; look at `defined` of the circular coordinates")
        return torch.where(lengths > 0, found / lengths.clamp(min=1e-300), 0.0)

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        """The correlation of left row i and right row ``order[i]``."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Tensor, right: Tensor, orders: Tensor) -> Tensor:
        """The correlation for each order."""
        first, second = left**self.left_turns, (right**self.right_turns)[orders]
        there = ((first != 0) & (second != 0)).sum(dim=1).clamp(min=1)
        same, reversed_ = (second @ first.conj()).abs(), (second @ first).abs()
        scale = (there * len(left)).double().sqrt()
        return torch.minimum(torch.maximum(same, reversed_) / scale, torch.ones((), dtype=torch.float64))

    def bytes_per_order(self, left: Tensor, right: Tensor) -> int:
        """Phasors in one order, and which of them are there."""
        return 40 * len(left)
