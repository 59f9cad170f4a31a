r"""Unbalanced entropic optimal transport over the candidates alone: who sends how much of itself to whom.

Every latent of either side holds mass 1. The plan :math:`\gamma`, with an entry for each candidate pair and 0
elsewhere, minimises

.. math::
    \sum_{ij} (1 - r_{ij})\,\gamma_{ij} + \varepsilon \sum_{ij} \mathrm{kl}(\gamma_{ij} | 1)
    + m \sum_i \mathrm{kl}(\gamma_{i\cdot} | 1) + m \sum_j \mathrm{kl}(\gamma_{\cdot j} | 1),
    \qquad \mathrm{kl}(x | 1) = x \log x - x + 1,

with :math:`\varepsilon` the `epsilon` and m the `marginal`. Mass need not be conserved: sending none costs m on either
side, so a lone pair with r below 1 - 2m would rather not be, and one pair alone carries
:math:`\exp(-(1 - r) / (\varepsilon + 2m))`. A latent whose meaning is split among several sends a part to each.

Solved by alternating scaling of both sides (Chizat, Peyré, Schmitzer, Vialard 2018, "Scaling algorithms for unbalanced
optimal transport problems", Mathematics of Computation 87), in logarithms, on the sparse list of pairs. One step
shrinks the error of the logarithms by :math:`(m / (m + \varepsilon))^2`, which bounds what is left of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.candidate_pairs import CandidatePairs
from geomsim.errors import InvalidPairing

_Integers = NDArray[np.int64]
_Floats = NDArray[np.float64]
_MOST_STEPS = 100_000


class Plan(NamedTuple):
    """Mass of each candidate pair, (pairs,), and how many steps it took."""

    mass: _Floats
    steps: int


class _Side(NamedTuple):
    """The pairs in the order of the latents of one side, so that those of one latent stand together."""

    starts: _Integers  # where each latent begins
    latent: _Integers  # of each pair, among those of this side that have any
    partner: _Integers  # likewise on the other side
    log_kernel: _Floats

    def log_sums(self, potential: _Floats) -> _Floats:
        """For each latent the logarithm of the sum of kernel times scaling over its partners."""
        terms = self.log_kernel + potential[self.partner]
        largest = np.maximum.reduceat(terms, self.starts)
        return np.asarray(largest + np.log(np.add.reduceat(np.exp(terms - largest[self.latent]), self.starts)))


def transport_plan(pairs: CandidatePairs, epsilon: float, marginal: float, tolerance: float = 1e-6) -> Plan:
    """Mass of each pair; each is within a share of `tolerance` of the optimum.

    ``marginal=inf`` asks for mass 1 at every latent that has a candidate, which may be impossible; what is left to
    come is then taken for as much as the last step changed.

    Raises InvalidPairing where it has not converged after 100,000 steps.
    """
    log_kernel = (pairs.r - 1) / epsilon
    numbers = [np.unique(latents, return_inverse=True)[1] for latents in (pairs.left, pairs.right)]
    sides = [_side(numbers[own], numbers[1 - own], log_kernel) for own in (0, 1)]
    potentials = [np.zeros(len(side.starts)) for side in sides]
    # Exponent of the scaling, and what the changes still to come sum up to at most, in changes of the last step.
    power = 1.0 if math.isinf(marginal) else marginal / (marginal + epsilon)
    to_come = 1.0 if power == 1 else 1 / (1 - power**2)
    changed = math.inf
    for step in range(1, _MOST_STEPS + 1):
        changed = 0.0
        for own in (0, 1):
            new = -power * sides[own].log_sums(potentials[1 - own])
            changed = max(changed, float(np.abs(new - potentials[own]).max()))
            potentials[own] = new
        if changed * to_come <= tolerance / 2:
            return Plan(np.exp(potentials[0][numbers[0]] + log_kernel + potentials[1][numbers[1]]), step)
    raise InvalidPairing(
        f"transport has not converged after {_MOST_STEPS:,} steps (epsilon={epsilon}, marginal={marginal}, the "
        f"logarithms still change by {changed:.1e} a step); raise epsilon or lower marginal"
    )


def _side(own: _Integers, other: _Integers, log_kernel: _Floats) -> _Side:
    order = np.argsort(own, kind="stable")
    latent = own[order]
    return _Side(np.flatnonzero(np.diff(latent, prepend=-1)), latent, other[order], log_kernel[order])
