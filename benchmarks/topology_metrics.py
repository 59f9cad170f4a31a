"""What four topological metrics cost, beside the same numbers computed plainly.

* `rtd`: one score beside Ripser on the matrix of doubled points, as in the paper; equal up to Ripser's float32.
* `rtd-lite`: one score beside three spanning trees of whole matrices (scipy), equal but for rounding, and 999 draws.
* `heat-trace`: one side from all eigenvalues, and estimated; how far apart they are.
* `geometry-score`: one draw of landmarks beside gudhi's witness complex, equal but for rounding.

`python benchmarks/topology_metrics.py 60` takes another number of rows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gudhi import WitnessComplex
from numpy.typing import NDArray
from ripser import ripser
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist, pdist, squareform

import geomsim
from geomsim_topological.kernels.witness_kernels import loop_bars, witnessed
from geomsim_topological.metrics import heat_trace
from geomsim_topological.metrics.geometry_score import GeometryScore
from geomsim_topological.metrics.heat_trace import HeatTrace
from geomsim_topological.metrics.rtd import RTD
from geomsim_topological.metrics.rtd_lite import RTDLite

Floats = NDArray[np.float64]
ROWS, WIDTH, REPEATS = 200, 20, 3


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """The least of a few runs after one that compiles, and what came out."""
    found = work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times), found


def scaled(points: Floats) -> Floats:
    distances = pdist(points)
    place = int(np.ceil(0.9 * len(distances))) - 1
    return np.asarray(squareform(distances / np.sort(distances)[place]))


def doubled_points(left: Floats, right: Floats) -> float:
    total = 0.0
    for own in (left, right):
        matrix = np.block([[np.zeros_like(own), own], [own, np.minimum(left, right)]])
        bars = ripser(matrix, maxdim=1, distance_matrix=True)["dgms"][1]
        total += float((bars[:, 1] - bars[:, 0]).sum())
    return total / 2


def whole_trees(left: Floats, right: Floats) -> float:
    lengths = [float(minimum_spanning_tree(side).sum()) for side in (left, right, np.minimum(left, right))]
    return lengths[0] + lengths[1] - 2 * lengths[2]


def told(what: str, ours: float, plain: float, apart: float) -> None:
    print(
        f"{what:<34} {1e3 * ours:9.2f} ms   plainly {1e3 * plain:9.2f} ms   {plain / ours:7.1f} x   off by {apart:.1e}"
    )


def paired(left: Floats, right: Floats) -> None:
    order = torch.from_numpy(np.random.default_rng(1).permutation(len(left)))
    d, other = scaled(left), scaled(right)
    for name, metric, plainly in (("rtd", RTD(rows=len(left)), doubled_points), ("rtd-lite", RTDLite(), whole_trees)):
        states = [metric.prepare(torch.from_numpy(side)) for side in (left, right)]
        for shown, rows in (("", torch.arange(len(left))), (", reordered", order)):
            ours, value = seconds(lambda: metric.score(*states, rows))  # noqa: B023 - called at once
            moved = other[rows.numpy()][:, rows.numpy()]
            plain, expected = seconds(lambda: plainly(d, moved))  # noqa: B023
            told(name + shown, ours, plain, abs(float(value) - expected))
    start = time.perf_counter()
    geomsim.compare(left, right, RTDLite(), draws=999)
    print(f"{'rtd-lite, compare with 999 draws':<34} {time.perf_counter() - start:9.2f} s")
    start = time.perf_counter()
    geomsim.compare(left, right, RTD(rows=len(left)), draws=99)
    print(f"{'rtd, compare with 99 draws':<34} {time.perf_counter() - start:9.2f} s")


def unpaired(left: Floats) -> None:
    points = torch.from_numpy(left)
    exact, state = seconds(lambda: HeatTrace().prepare(points))
    heat_trace._EXACT_ROWS = 0
    estimate, other = seconds(lambda: HeatTrace().prepare(points))
    weights = np.exp(-2 * (heat_trace._TIMES + 1 / heat_trace._TIMES))
    told("heat-trace, estimated", estimate, exact, float((weights * np.abs(state.values - other.values)).max()))
    chosen = np.random.default_rng(0).choice(len(left), min(32, len(left) // 2), replace=False)
    distances = cdist(left, left[chosen])
    most = distances.max() / 8
    nearest = np.argsort(distances, axis=1)
    table = np.dstack([nearest, np.take_along_axis(distances, nearest, axis=1)])

    def by_gudhi() -> Floats:
        tree = WitnessComplex(table).create_simplex_tree(max_alpha_square=most, limit_dimension=2)
        tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
        return np.minimum(np.asarray(tree.persistence_intervals_in_dimension(1)).reshape(-1, 2), most)

    ours, bars = seconds(lambda: loop_bars(*witnessed(distances, most), most))
    plain, expected = seconds(by_gudhi)
    sums = [float((found[:, 1] - found[:, 0]).sum()) for found in (bars, expected)]
    told("geometry-score, one draw", ours, plain, abs(sums[0] - sums[1]))
    start = time.perf_counter()
    GeometryScore().prepare(points)
    print(f"{'geometry-score, one side':<34} {time.perf_counter() - start:9.2f} s")


if __name__ == "__main__":
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    random = np.random.default_rng(0)
    first = random.normal(size=(rows, WIDTH))
    print(f"{rows} rows, width {WIDTH}")
    paired(first, first + 0.5 * random.normal(size=first.shape))
    unpaired(first)
