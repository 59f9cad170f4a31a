"""Persistent homology beside ripser and gudhi."""

from __future__ import annotations

from typing import Any

import numpy as np
import persistence as benchmark
from scipy.spatial.distance import cdist

from peers.task import Floats, Task

GAMMA = 0.25  # of the largest distance: how far the witness complex grows
SHORT = 1e-6  # bars of no length: engines disagree on whether there are any


def all_points(n_points: int, width: int) -> tuple[Floats, int]:
    """A noisy circle, all of whose points are landmarks."""
    return benchmark.points_of(n_points, width).astype(np.float64), n_points


def some_points(n_points: int, width: int, landmarks: int) -> tuple[Any, int]:
    """A noisy circle, and the number of landmarks."""
    return benchmark.points_of(n_points, width), landmarks


def in_order(bars: Any) -> Floats:
    """Bars of some length, by birth and death."""
    found = np.asarray(bars, dtype=np.float64).reshape(-1, 2)
    found = found[found[:, 1] - found[:, 0] > SHORT]
    return found[np.lexsort(found.T)]


def our_bars(given: tuple[Any, int]) -> Floats:
    """Of dimension 1."""
    from geomsim_topological import persistence

    points, landmarks = given
    return in_order(persistence.diagram(points, 1, landmarks).bars)


def bars_of_ripser(given: tuple[Any, int]) -> Floats:
    """Of dimension 1, from all points or from ripser's own landmarks."""
    from ripser import ripser

    points, landmarks = given
    chosen = {"n_perm": landmarks} if landmarks < len(points) else {}
    return in_order(ripser(points, maxdim=1, **chosen)["dgms"][1])


def longest(bars: Floats) -> Floats:
    """The length of the longest bar."""
    return np.array([(bars[:, 1] - bars[:, 0]).max(initial=0.0)])


def bars_of_gudhi(given: tuple[Any, int]) -> Floats:
    """Of dimension 1, by what gudhi recommends for speed: its own fork of ripser."""
    from gudhi.sklearn.rips_persistence import RipsPersistence

    (bars,) = RipsPersistence(homology_dimensions=1, homology_coeff_field=2).fit_transform([given[0]])
    return in_order(bars)


def bars_of_tree(given: tuple[Any, int]) -> Floats:
    """Of dimension 1, by gudhi's simplex tree; edges are collapsed before triangles are made."""
    import gudhi

    tree = gudhi.RipsComplex(points=given[0]).create_simplex_tree(max_dimension=1)
    tree.collapse_edges()
    tree.expansion(2)
    tree.compute_persistence(homology_coeff_field=2)
    return in_order(tree.persistence_intervals_in_dimension(1))


def to_landmarks(n_points: int, landmarks: int) -> Floats:
    """Distances from all points of a noisy circle to random landmarks."""
    points = benchmark.points_of(n_points, 16).astype(np.float64)
    chosen = np.random.default_rng(0).choice(n_points, landmarks, replace=False)
    return cdist(points, points[chosen])


def our_witnessed(distances: Floats) -> Floats:
    """Bars of dimension 1 of the witness complex."""
    from geomsim_topological.kernels.witness_kernels import loop_bars, witnessed

    most = GAMMA * float(distances.max())
    return in_order(loop_bars(*witnessed(distances, most), most))


def witnessed_by_gudhi(distances: Floats) -> Floats:
    """Bars of dimension 1 of the witness complex."""
    import gudhi

    most = GAMMA * float(distances.max())
    nearest = np.argsort(distances, axis=1, kind="stable")
    table = np.dstack([nearest, np.take_along_axis(distances, nearest, axis=1)])
    tree = gudhi.WitnessComplex(table).create_simplex_tree(max_alpha_square=most, limit_dimension=2)
    # Without the last, loops are left out where there is no triangle.
    tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
    return in_order(np.minimum(np.asarray(tree.persistence_intervals_in_dimension(1)).reshape(-1, 2), most))


TASKS = (
    Task(
        "loops-ripser", "loops (H1) of all points, Rips", "ripser", (400, 64), (60, 8), "{:,} points, {} dimensions",
        all_points, our_bars, bars_of_ripser, 1e-6, ("ripser",),
        note="geomsim gives ripser the ranks of exact distances, so that float32 loses nothing, and certifies bars",
    ),
    Task(
        "loops-landmarks", "longest loop from landmarks", "ripser", (20_000, 64, 200), (300, 8, 40),
        "{:,} points, {} dimensions, {} landmarks", some_points, lambda given: longest(our_bars(given)),
        lambda given: longest(bars_of_ripser(given)), None, ("ripser",),
        note="another number: both take the farthest point next, but ripser begins at the first row and geomsim at the "
        "one farthest from the mean; geomsim also certifies what the landmarks left out",
    ),
    Task(
        "loops-gudhi", "loops (H1) of all points, Rips", "gudhi", (400, 64), (60, 8), "{:,} points, {} dimensions",
        all_points, our_bars, bars_of_gudhi, 1e-9, ("gudhi",),
        note="gudhi's own fork of ripser; geomsim calls ripser on the ranks of the distances",
    ),
    Task(
        "loops-gudhi-tree", "loops (H1) of all points, Rips", "gudhi", (400, 64), (60, 8), "{:,} points, {} dimensions",
        all_points, our_bars, bars_of_tree, 1e-9, ("gudhi",),
        note="gudhi's simplex tree with collapsed edges; geomsim calls ripser on the ranks of the distances",
    ),
    Task(
        "witness", "loops (H1) of a witness complex", "gudhi", (2_000, 40), (100, 12), "{:,} witnesses, {} landmarks",
        to_landmarks, our_witnessed, witnessed_by_gudhi, 1e-9, ("gudhi",),
    ),
)  # fmt: skip
