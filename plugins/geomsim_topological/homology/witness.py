"""Loops in witness complexes of random landmarks: how many there are, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.rows.plain_distances import distances_of, rough_distances

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_FEW = 2_048  # rows whose distances are held all at once


@dataclass(frozen=True)
class WitnessSettings:
    """How often landmarks are drawn, how many, and how far the complex on them grows."""

    landmarks: int
    gamma: float
    """The complex grows up to this share of the largest distance between a row and a landmark."""
    loops: int
    repeats: int
    seed: int


def relative_living_times(rows: Floats, settings: WitnessSettings) -> Floats:
    """For each draw of landmarks, the share of the filtration with 0, 1, 2, ... loops, (repeats, loops).

    Rows, (rows, width), are all different, at least four, and more than the landmarks; all are witnesses. See
    :func:`geomsim_topological.kernels.witness_kernels.witnessed` for the complex. The last count stands for all beyond
    it.

    Khrulkov and Oseledets (2018), algorithm 1; de Silva and Carlsson (2004), "Topological estimation using witness
    complexes".

    >>> angle = 2 * np.pi * np.arange(200) / 200
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> found = relative_living_times(circle, WitnessSettings(20, 0.25, 10, repeats=5, seed=0))
    >>> bool((found[:, 1] > 0.8).all()), found.sum(axis=1).round(12).tolist()
    (True, [1.0, 1.0, 1.0, 1.0, 1.0])
    """
    from geomsim_topological.kernels.witness_kernels import living_times, loop_bars, witnessed

    random = np.random.Generator(np.random.PCG64(settings.seed))
    every = distances_of(rows) if len(rows) <= _FEW else None
    found = np.empty((settings.repeats, settings.loops))
    for repeat in range(settings.repeats):
        chosen = random.choice(len(rows), settings.landmarks, replace=False)
        distances = every[:, chosen] if every is not None else _rough(rows, chosen)
        most = settings.gamma * float(distances.max())
        edges, triangles = witnessed(np.ascontiguousarray(distances), most)
        found[repeat] = living_times(loop_bars(edges, triangles, most), most, settings.loops)
    return found


def _rough(rows: Floats, chosen: Numbers) -> Floats:
    """Right to 1e-8 of the largest distance, and that is the unit in which the complex grows."""
    found = rough_distances(rows, rows[chosen])
    found[chosen, np.arange(len(chosen))] = 0.0
    return found
