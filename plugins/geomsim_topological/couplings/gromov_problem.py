"""The problem that the Gromov-Wasserstein solvers share: two spaces, a linear cost, and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from geomsim import GeomsimError
from geomsim_topological.couplings.measured_space import MeasuredSpace
from geomsim_topological.transport import checked

Floats = NDArray[np.float64]

_ITERATIONS = 10_000_000
_MOST_PAIRS = 1 << 27  # pairs of cells whose distortion is summed one by one
_TILE_PAIRS = 1 << 22


@dataclass(frozen=True, eq=False)
class GromovProblem:
    r""":math:`\alpha E(P) + (1 - \alpha) \langle M, P \rangle` over the plans of two measured spaces.

    .. math:: E(P) = \sum_{ii'jj'} (d(i, i') - d'(j, j'))^2 P_{ij} P_{i'j'}
    """

    left: MeasuredSpace
    right: MeasuredSpace
    linear: Floats | None = None  # M, (left, right), where alpha < 1
    alpha: float = 1.0

    @cached_property
    def scale(self) -> float:
        """The largest that a cell can cost, to tell rounding from differences."""
        largest = max(self.left.diameter, self.right.diameter) ** 2
        return self.alpha * largest + (0.0 if self.linear is None else (1 - self.alpha) * float(self.linear.max()))

    @cached_property
    def one_to_one(self) -> bool:
        """Whether all masses are equal, so that the best vertex is a permutation."""
        mass = np.concatenate([self.left.mass, self.right.mass])
        return len(self.left.mass) == len(self.right.mass) and bool((mass == mass[0]).all())

    def moved(self, plan: Floats) -> Floats:
        r""":math:`d P d'`, of which :math:`-4 \alpha` is the gradient of the structure, up to row and column sums."""
        return np.asarray(self.left.distances @ plan @ self.right.distances)

    def gradient(self, moved: Floats) -> Floats:
        """Of the whole objective, but for what is the same for all plans."""
        slope = -4.0 * self.alpha * moved
        return slope if self.linear is None else slope + (1.0 - self.alpha) * self.linear

    def vertex(self, cost: Floats) -> Floats:
        """The cheapest plan for a linear cost."""
        if self.one_to_one:
            plan = np.zeros(cost.shape)
            plan[linear_sum_assignment(cost)] = self.left.mass
            return plan
        import ot

        low = float(cost.min())
        # The network simplex compares with numbers near 1.
        unit = (cost - low) / (float(cost.max()) - low or 1.0)
        mass = self.left.mass, self.right.mass
        # As exact_transport, without what it does for costs and masses that come from outside.
        plan, log = ot.emd(*mass, unit, numItermax=_ITERATIONS, log=True, center_dual=False, check_marginals=False)
        if log["warning"] is not None:
            raise GeomsimError(
                f"the transport solver gave up on {cost.shape[0]} x {cost.shape[1]} points: {log['warning']}"
            )
        return checked(plan, unit, *mass).plan

    def distortion(self, plan: Floats) -> float:
        """E(P) in float64: from differences, which do not cancel, unless the plan has too many cells."""
        if not np.count_nonzero(plan) ** 2 <= _MOST_PAIRS:  # also where the plan is no number
            local = self.local_distortion(plan)
            return max(checked(plan, local, self.left.mass, self.right.mass).value, 0.0)
        checked(plan, plan, self.left.mass, self.right.mass)
        rows, columns = np.nonzero(plan)
        mass = plan[rows, columns]
        height = max(1, _TILE_PAIRS // len(rows))
        total = 0.0
        for start in range(0, len(rows), height):
            tile = slice(start, start + height)
            apart = self.left.distances[rows[tile, None], rows] - self.right.distances[columns[tile, None], columns]
            total += float(mass[tile] @ np.square(apart) @ mass)
        return total

    def local_distortion(self, plan: Floats) -> Floats:
        r"""(left, right): :math:`\sum_{i'j'} (d(i, i') - d'(j, j'))^2 P_{i'j'}`, what a cell of the plan costs."""
        squares = np.square(self.left.eccentricities)[:, None] + np.square(self.right.eccentricities)[None, :]
        return np.maximum(squares - 2.0 * self.moved(plan), 0.0)

    def linear_cost(self, plan: Floats) -> float:
        """<M, P>, 0 where there is no M."""
        return 0.0 if self.linear is None else float((plan * self.linear).sum())

    def value(self, plan: Floats) -> float:
        """The objective, computed anew from the plan."""
        structure = self.alpha * self.distortion(plan) if self.alpha else 0.0
        return structure + (1.0 - self.alpha) * self.linear_cost(plan)
