"""Optimal transport between Mapper graphs, and Gromov-Wasserstein, beside POT alone."""

from __future__ import annotations

from typing import Any

import graph_transport as transport_benchmark
import gromov as gromov_benchmark
import networkx
import numpy as np

from peers.similarity import orders
from peers.task import Floats, Task

DRAWS, REDRAWN = 999, 20


def graphs(rows: int, cubes: int) -> tuple[Any, Any]:
    """Memberships of two graphs, whose cubes are one cluster each; equal nodes are not merged."""
    from geomsim_topological import mapper
    from geomsim_topological.graphs.membership import membership

    one_cluster = mapper.Dbscan(eps=1.0, min_samples=1)
    left, right = (
        membership(mapper.mapper_graph(points, points, mapper.Cubes(cubes, 0.3), one_cluster), merged=False)
        for points in transport_benchmark.clouds(rows)
    )
    return left, right


def our_draws(sides: tuple[Any, Any]) -> Floats:
    """The score and the first draws of its shuffle null."""
    from geomsim_topological.comparison.graph_null import shuffled_rows
    from geomsim_topological.plans.unmatched import Matching

    null = shuffled_rows(*sides, Matching(), draws=DRAWS, seed=0, groups=None)
    return np.array([null.score, *np.asarray(null.null)[:REDRAWN]])


def with_dense(sides: tuple[Any, Any]) -> tuple[Any, ...]:
    """The memberships, and as dense matrices."""
    return (*sides, *(side.incidence.toarray().astype(np.float64) for side in sides))


def draws_of_pot(given: tuple[Any, ...]) -> Floats:
    """Shared rows by a dense product of memberships, then `ot.emd`, for each order."""
    left, right, first, second = given
    rows = len(first)
    return np.array(
        [
            transport_benchmark.value(first.T @ second[order], left, right)
            for order in [np.arange(rows), *orders(rows, REDRAWN)]
        ]
    )


def spaces(n_points: int) -> tuple[Any, Any]:
    """Two clouds in five dimensions with unequal masses."""
    return gromov_benchmark.cloud(n_points, 0), gromov_benchmark.cloud(n_points + n_points // 5, 1)


def rings(n_points: int) -> tuple[Any, Any]:
    """A ring and a renumbered copy."""
    from geomsim_topological.couplings.measured_space import measured_space

    distances = np.asarray(networkx.floyd_warshall_numpy(networkx.cycle_graph(n_points)), dtype=np.float64)
    moved = np.random.default_rng(0).permutation(n_points)
    return measured_space(distances), measured_space(distances[np.ix_(moved, moved)])


def plan_by(way: str) -> Any:
    """A function from two spaces to a plan."""
    return lambda sides: gromov_benchmark.WAYS[way](*sides)


def value(sides: tuple[Any, Any], plan: Floats) -> Floats:
    """The squared cost of a plan, in float64."""
    from geomsim_topological.couplings.gromov_problem import GromovProblem

    return np.array([GromovProblem(*sides).value(plan)])


MANY = f"POT, {gromov_benchmark.STARTS} starts"
TASKS = (
    Task(
        "graph-transport", "transport between two graphs: 999 draws of a shuffle null", "POT", (5_000, 10), (200, 3),
        "{:,} rows, {}² cubes", graphs, our_draws, draws_of_pot, 1e-9, ("POT",), ("ot",),
        note="POT with products of the memberships, which are dense already",
        draws=(DRAWS + 1, REDRAWN + 1), peer_given=with_dense,
    ),
    Task(
        "gromov-wasserstein", "Gromov-Wasserstein, 20 starts each", "POT", (60,), (8,), "{:,} and a fifth more points",
        spaces, plan_by("geomsim"), plan_by(MANY), None, ("POT",), ("ot",),
        note="another number: both are local minima, the smaller one is the better", answer=value,
    ),
    Task(
        "gromov-wasserstein-ring", "Gromov-Wasserstein of a ring and its copy (0 is right)", "POT", (24,), (6,),
        "{:,} points", rings, plan_by("geomsim"), plan_by(MANY), None, ("POT",), ("ot",),
        note="another number: both are local minima, the smaller one is the better", answer=value,
    ),
)  # fmt: skip
