"""The solver against all pairs of permutations, copies in another order, and POT's own on raw incidence."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from geomsim import GeomsimError
from geomsim_topological.couplings.co_optimal import MeasureNetwork, co_optimal_transport, profile_bound
from geomsim_topological.transport import exact_transport


def network(values, vertex_mass=None, edge_mass=None):
    values = np.asarray(values, dtype=np.float64)
    masses = (
        np.full(size, 1 / size) if mass is None else np.asarray(mass) / np.sum(mass)
        for size, mass in zip(values.shape, (vertex_mass, edge_mass), strict=True)
    )
    return MeasureNetwork(values, *masses)


def brute_force(left, right):
    """With equal masses of equal number, a pair of permutations is best: both problems have extreme solutions."""
    n, k = left.values.shape
    return min(
        np.square(left.values - right.values[list(rows)][:, list(columns)]).mean()
        for rows in itertools.permutations(range(n))
        for columns in itertools.permutations(range(k))
    )


@pytest.mark.parametrize("shape", [(4, 4), (5, 4), (5, 3)])
def test_finds_the_best_pair_of_permutations(shape):
    """Matrices without structure are the hardest: 20 starts may miss the optimum by a little, many do not."""
    hits = 0
    for seed in range(6):
        random = np.random.default_rng(seed)
        left, right = network(random.random(shape)), network(random.random(shape))
        expected = brute_force(left, right)
        found = co_optimal_transport(left, right)
        assert found.costs.min() == found.cost
        assert len(found.costs) == 20
        assert profile_bound(left, right) <= expected + 1e-12
        assert found.cost >= expected - 1e-12
        hits += found.cost == pytest.approx(expected, abs=1e-12)
        assert co_optimal_transport(left, right, starts=120).cost == pytest.approx(expected, abs=1e-12)
    assert hits >= 3


@pytest.mark.parametrize("seed", range(5))
def test_a_copy_in_another_order_costs_nothing_and_the_plans_tell_the_order(seed):
    random = np.random.default_rng(seed)
    values, masses = random.random((12, 6)), (random.random(12), random.random(6))
    rows, columns = random.permutation(12), random.permutation(6)
    left = network(values, *masses)
    right = network(values[rows][:, columns], masses[0][rows], masses[1][columns])
    found = co_optimal_transport(left, right)
    assert found.cost == pytest.approx(0.0, abs=1e-24)
    np.testing.assert_array_equal(found.vertex_plan.argmax(axis=0), rows)
    np.testing.assert_array_equal(found.edge_plan.argmax(axis=0), columns)
    np.testing.assert_allclose(found.vertex_plan.sum(axis=1), left.vertex_mass, atol=1e-9)
    np.testing.assert_allclose(found.edge_plan.sum(axis=0), right.edge_mass, atol=1e-9)
    assert len(found.costs) < 20  # nothing is below 0


def test_the_cost_is_that_of_the_plans():
    random = np.random.default_rng(3)
    left = network(random.random((7, 4)), random.random(7), random.random(4))
    right = network(random.random((5, 6)), random.random(5), random.random(6))
    found = co_optimal_transport(left, right)
    gaps = np.square(left.values[:, None, :, None] - right.values[None, :, None, :])
    expected = np.einsum("vw,ef,vwef->", found.vertex_plan, found.edge_plan, gaps)
    assert found.cost == pytest.approx(expected, rel=1e-12)
    assert profile_bound(left, right) <= found.cost
    assert found.cost <= co_optimal_transport(left, right, starts=3).cost
    again = co_optimal_transport(left, right)
    np.testing.assert_array_equal(found.costs, again.costs)
    assert not np.array_equal(found.costs, co_optimal_transport(left, right, seed=1).costs)


def test_all_plans_called_best_are_best():
    random = np.random.default_rng(6)
    left, right = network(random.random((6, 5))), network(random.random((6, 5)))
    found = co_optimal_transport(left, right)
    assert found.distinct_costs > 2
    gaps = np.square(left.values[:, None, :, None] - right.values[None, :, None, :])
    for plan in found.edge_plans:
        costs = np.einsum("ef,vwef->vw", plan, gaps)
        assert exact_transport(costs, left.vertex_mass, right.vertex_mass).value == pytest.approx(found.cost, abs=1e-12)


def test_one_number_against_a_matrix_has_a_closed_form():
    random = np.random.default_rng(4)
    left = network(random.random((4, 3)), random.random(4), random.random(3))
    found = co_optimal_transport(network([[0.5]]), left)
    assert found.cost == pytest.approx(left.vertex_mass @ np.square(left.values - 0.5) @ left.edge_mass)
    # For a single column only the vertices can move: plain transport of distributions.
    one, other = network(random.random((6, 1))), network(random.random((6, 1)))
    expected = np.square(np.sort(one.values[:, 0]) - np.sort(other.values[:, 0])).mean()
    assert co_optimal_transport(one, other).cost == pytest.approx(expected)
    assert profile_bound(one, other) == pytest.approx(expected)


def test_scaling_and_swapping():
    random = np.random.default_rng(5)
    left, right = network(random.random((4, 4))), network(random.random((4, 4)))
    cost = co_optimal_transport(left, right).cost
    assert co_optimal_transport(right, left).cost == pytest.approx(cost, abs=1e-12)
    scaled = network(1e6 * left.values), network(1e6 * right.values)
    assert co_optimal_transport(*scaled).cost == pytest.approx(1e12 * cost, rel=1e-9)


def test_a_symmetry_shows_as_several_best_plans():
    ring = np.abs(np.arange(5)[:, None] - np.arange(5))
    ring = network(np.minimum(ring, 5 - ring))
    found = co_optimal_transport(ring, ring, starts=60, stop_at_zero=False)
    assert found.cost == 0.0
    assert len(found.costs) == 60
    assert 2 < len(found.edge_plans) <= 10  # five turns, five reflections
    for plan in found.edge_plans:
        assert ((plan > 0).sum(axis=0) == 1).all()
    assert found.distinct_costs == len(np.unique(found.costs.round(9)))


def test_raw_incidence_misleads_a_single_start_which_is_why_distances_are_used():
    from ot.coot import co_optimal_transport2

    random = np.random.default_rng(0)
    ring = (np.arange(30)[:, None] // 3 - np.arange(10)) % 10
    incidence = np.isin(ring, (0, 1)).astype(np.float64)
    rows, columns = random.permutation(30), random.permutation(10)
    raw = co_optimal_transport2(incidence, incidence[rows][:, columns])
    assert raw > 0.01
    # Steps round the ring to the nearest of the row's two nodes.
    steps = np.minimum.reduce([ring, (ring - 1) % 10, -ring % 10, (1 - ring) % 10]).astype(np.float64)
    assert ((steps == 0) == (incidence == 1)).all()
    assert co_optimal_transport(network(steps), network(steps[rows][:, columns])).cost == pytest.approx(0, abs=1e-24)


@pytest.mark.parametrize(
    ("values", "starts", "message"),
    [
        ([[0.0, np.inf], [1.0, 0.0]], 20, r"^1 of the right values are not finite: replace infinite"),
        ([[0.0, np.nan], [1.0, 0.0]], 20, r"^1 of the right values are not finite"),
        ([[0.0, 1.0], [1.0, 0.0]], 0, "starts is a whole number, at least 1; got 0"),
    ],
)
def test_what_cannot_be_compared(values, starts, message):
    with pytest.raises(GeomsimError, match=message):
        co_optimal_transport(network(np.eye(2)), network(values), starts=starts)


def test_masses_that_do_not_fit():
    half = np.full(2, 0.5)
    with pytest.raises(GeomsimError, match=r"the left values must be \(vertices, hyperedges\), \(2, 2\), got \(2, 3\)"):
        co_optimal_transport(MeasureNetwork(np.ones((2, 3)), half, half), network(np.eye(2)))
    with pytest.raises(GeomsimError, match="mass sums to 2"):
        co_optimal_transport(MeasureNetwork(np.eye(2), 2 * half, half), network(np.eye(2)))
