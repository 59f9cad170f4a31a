"""Smoothing of cocycles: of all ways of writing a loop's turn on the edges, the most even one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Weights = Literal["density", "uniform"]

_BANDWIDTH = 1.0 / 3.0  # of the scale; noisy circles, ellipses and unequal densities come out best from 1/5 to 1/2


@dataclass(frozen=True, eq=False)
class Harmonic:
    """A cocycle smoothed: angles of the points, and the turn along each edge, all in whole turns."""

    angles: Floats  # (points,); the constant of each component is arbitrary
    steps: Floats  # (points, points), antisymmetric: from i to j, angles[j] - angles[i] up to whole turns
    energy: float  # mean squared step, by weight
    carrying: NDArray[np.bool_]  # (points,): in the part of the complex that the loop is in


def edge_weights(distances: Floats, scale: float, kind: Weights) -> Floats:
    r"""Weights of the edges up to a scale, (points, points), symmetric, zero where there is none.

    "uniform" is 1 on every edge. "density" is

    .. math:: w_{ij} = \frac{k_{ij}}{q_i q_j}, \quad k_{ij} = e^{-d_{ij}^2 / 2 h^2}, \quad q_i = \sum_j k_{ij}, \quad
        h = s / 3

    at scale s, which approximates the energy of a function on the curve whatever the density of the points (Coifman and
    Lafon 2006, "Diffusion maps", alpha = 1): with uniform weights angles spread where points are many.
    """
    joined = distances <= scale
    if kind == "uniform":
        weights = joined.astype(np.float64)
    else:
        kernel = np.exp(-0.5 * (distances / (_BANDWIDTH * scale)) ** 2) * joined
        density = kernel.sum(axis=1)
        weights = kernel / np.outer(density, density)
    np.fill_diagonal(weights, 0.0)
    return weights


def smoothed(cocycle: Whole | Floats, weights: Floats) -> Harmonic:
    r"""The angles that make the turns along edges smallest.

    .. math:: \min_\tau \sum_{ij} w_{ij} (\tau_j - \tau_i - e_{ij})^2

    over real numbers :math:`\tau`, one a point: e is the cocycle. Then :math:`\tau_j - \tau_i - e_{ij}` is the step
    from i to j, small, and around the loop the steps add up to a whole number. The least squares are those of a
    weighted graph Laplacian, solved directly.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    parts, component = connected_components(csr_array(weights), directed=False)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    pull = (weights * cocycle).sum(axis=0)
    angles = np.zeros(len(weights))
    energies = np.zeros(parts)
    for part in range(parts):
        rows = np.flatnonzero(component == part)
        # One point of each part stays at zero; the rest is positive definite.
        free = rows[1:]
        if len(free):
            angles[free] = np.linalg.solve(laplacian[np.ix_(free, free)], pull[free])
    steps = (angles[None, :] - angles[:, None] - cocycle) * (weights > 0)
    shares = (weights * steps**2).sum(axis=1)
    np.add.at(energies, component, shares)
    total = float(weights.sum())
    carrying = np.asarray(component == int(energies.argmax()))
    return Harmonic(angles, steps, float(energies.sum()) / total if total else 0.0, carrying)


def simplest(forms: list[Floats], weights: Floats) -> Whole:
    r"""Whole combinations of smoothed cocycles that turn least, (loops, loops); row i begins as loop i alone.

    Loops that live at the same time are found up to sums of each other: of a torus often one angle and the sum of both.
    As long as it makes one shorter in :math:`\langle a, b \rangle = \sum_{ij} w_{ij} a_{ij} b_{ij}`, a multiple of
    another is taken off (the reduction of Lagrange and Gauss, pair by pair). Together they span what the loops span.
    """
    gram = np.array([[float((weights * one * other).sum()) for other in forms] for one in forms])
    rows = np.eye(len(forms), dtype=np.int64)
    changed = True
    while changed:
        changed = False
        for one in range(len(forms)):
            for other in range(len(forms)):
                if one == other or gram[other, other] <= 0.0:
                    continue
                # A little less than one half, so that ties end.
                times = int(np.sign(ratio := gram[one, other] / gram[other, other]) * np.ceil(abs(ratio) - 0.5 - 1e-6))
                if times:
                    rows[one] -= times * rows[other]
                    gram[one] -= times * gram[other]
                    gram[:, one] -= times * gram[:, other]
                    changed = True
    return rows
