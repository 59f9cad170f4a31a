"""Confidence over landmark sets: the mean persistence landscape with a band, and how often each bar comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import InvalidConfig, Space
from geomsim.progress import tracked
from geomsim_topological.homology.diagram import Diagram, as_bars
from geomsim_topological.persistence import diagram
from geomsim_topological.whole_numbers import check_whole

Floats = NDArray[np.float64]

_MULTIPLIERS = 1000


@dataclass(frozen=True, eq=False)
class LandscapeBand:
    """The mean landscape over landmark sets, a band for it, and the confidence of each bar; lengths as the points."""

    grid: Floats
    """(scales,): scales at which the landscapes are known, rising."""
    mean: Floats
    """(functions, scales): mean of the landscape's functions, the highest first."""
    low: Floats
    """(functions, scales): lower edge of the band, never below zero."""
    high: Floats
    """(functions, scales)"""
    level: float
    """Probability that the band holds the expected landscape at all scales at once."""
    repeats: int
    """Number of landmark sets."""
    diagram: Diagram
    """Of as many farthest-point landmarks; its bars are those that are looked for."""
    confidence: Floats
    """(finite bars of `diagram`,): share of landmark sets with a bar nearby."""
    seed: int
    """Of the landmark sets."""

    def above_zero(self) -> NDArray[np.bool_]:
        """(functions, scales): where the band leaves zero out, so that there is something at this scale."""
        return self.low > 0.0

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("grid", "mean", "low", "high", "confidence")}
        return {**vars(self), **arrays, "diagram": self.diagram.to_dict()}

    def __repr__(self) -> str:
        best = f", longest bar in {self.confidence[0]:.0%}" if len(self.confidence) else ", no bars"
        return (
            f"LandscapeBand({self.repeats} sets of {self.diagram.n_landmarks} landmarks of {self.diagram.n_points} "
            f"points, dimension {self.diagram.dimension}{best})"
        )


def diagram_band(
    points: Any,
    dimension: int = 1,
    landmarks: int = 100,
    repeats: int = 30,
    seed: int = 0,
    level: float = 0.95,
    functions: int = 1,
    scales: int = 200,
) -> LandscapeBand:
    r"""What changes with the choice of landmarks: the mean persistence landscape over random ones, with a band.

    .. math:: \bar\lambda(t) \pm \frac{q}{\sqrt n}, \qquad q \text{ such that }
        \Pr \Bigl( \sup_t \Bigl| \frac{1}{\sqrt n} \sum_i \xi_i \, (\lambda_i(t) - \bar\lambda(t)) \Bigr| \le q \Bigr)
        = \text{level}

    :math:`\lambda_i` is the landscape (Bubenik 2015) of the i-th of n sets of `landmarks` rows, drawn without
    replacement, and :math:`\xi` are normal multipliers. With the probability `level`, as n grows, the band holds the
    expected landscape of such sets at all scales and in all `functions` at once. It speaks of these points and this
    many landmarks; fewer landmarks are born later, which is no error of the band. Bars that never die are left out.

    Parameters
    ----------
    points, dimension
        as in :func:`geomsim_topological.persistence.diagram`.
    landmarks
        rows in a set; all different rows where there are no more, and then all sets are the same.
    repeats
        number of sets, at least 2. Below 20 or so bands are too narrow.
    functions
        so many functions of the landscape, the highest first.
    scales
        size of the grid, from 0.0 to the largest death. Between two of its scales no landscape moves by more than half
        their distance.

    The confidence of a bar is the share of sets with a bar nearer than half its own length, which is nearer than the
    diagonal; each bar of a set stands for one only, the longest bar chooses first. Where many bars crowd together, as
    those of noise, one or another is nearly always nearby: it counts for bars that stand alone.

    Raises InvalidSpace for points that cannot be read and InvalidConfig for parameters that do not exist.

    Chazal, Fasy, Lecci, Rinaldo and Wasserman (2014), "Stochastic convergence of persistence landscapes and
    silhouettes"; Chazal et al. (2015), "Subsampling methods for persistent homology".

    >>> turn = 2 * np.pi * np.arange(400) / 400
    >>> found = diagram_band(np.column_stack([np.cos(turn), np.sin(turn)]), landmarks=60, repeats=10)
    >>> found
    LandscapeBand(10 sets of 60 landmarks of 400 points, dimension 1, longest bar in 100%)
    """
    _check(landmarks, repeats, level, functions, scales)
    cloud = (points if isinstance(points, Space) else Space(points)).numpy()
    reference = diagram(cloud, dimension, landmarks)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(3,))))
    size = min(landmarks, len(cloud))
    bars = [
        diagram(cloud[np.sort(random.choice(len(cloud), size, replace=False))], dimension, size).finite
        for _ in tracked(range(repeats), repeats, "sets of landmarks")
    ]
    grid = np.linspace(0.0, max(float(side[:, 1].max(initial=0.0)) for side in (*bars, reference.finite)), scales)
    each = np.stack([landscape_values(side, grid, functions) for side in bars])
    mean = each.mean(axis=0)
    apart = (each - mean).reshape(repeats, -1)
    multipliers = random.normal(size=(_MULTIPLIERS, repeats))
    largest = np.abs(multipliers @ apart).max(axis=1) / np.sqrt(repeats)
    half = float(np.quantile(largest, level, method="higher")) / np.sqrt(repeats)
    return LandscapeBand(
        grid,
        mean,
        np.maximum(mean - half, 0.0),
        mean + half,
        level,
        repeats,
        reference,
        np.mean([_returned(reference.finite, side) for side in bars], axis=0),
        seed,
    )


def landscape_values(bars: ArrayLike, grid: Floats, functions: int = 1) -> Floats:
    r"""The first functions of the persistence landscape at some scales, (functions, scales).

    The k-th is the k-th largest of the tents :math:`\max(0, \min(t - b, d - t))` at t, over finite bars (b, d).

    >>> landscape_values([(0.0, 4.0), (1.0, 3.0)], np.array([1.0, 2.0, 3.5]), functions=2).tolist()
    [[1.0, 2.0, 0.5], [0.0, 1.0, 0.0]]
    """
    every = as_bars(bars)
    tents = np.minimum(grid - every[:, :1], every[:, 1:] - grid).clip(min=0.0)
    missing = max(0, functions - len(tents))
    highest = np.sort(np.concatenate([tents, np.zeros((missing, len(grid)))]), axis=0)[::-1]
    return np.ascontiguousarray(highest[:functions])


def _returned(wanted: Floats, found: Floats) -> NDArray[np.bool_]:
    """Whether each bar, longest first, has one of its own among those found, nearer than half its length."""
    free = np.ones(len(found), dtype=bool)
    back = np.zeros(len(wanted), dtype=bool)
    for number, bar in enumerate(wanted):
        apart = np.where(free, np.abs(found - bar).max(axis=1, initial=0.0), np.inf)
        if len(apart) and apart.min() < (bar[1] - bar[0]) / 2.0:
            back[number] = True
            free[apart.argmin()] = False
    return back


def _check(landmarks: int, repeats: int, level: float, functions: int, scales: int) -> None:
    for name, value, least in (
        ("landmarks", landmarks, 1),
        ("repeats", repeats, 2),
        ("functions", functions, 1),
        ("scales", scales, 2),
    ):
        check_whole(name, value, least)
    if not 0.0 < level < 1.0:
        raise InvalidConfig(f"level is a probability between 0 and 1, got {level!r}")
