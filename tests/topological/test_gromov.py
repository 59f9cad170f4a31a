"""Gromov-Wasserstein on spaces worked out by hand, against all permutations, and beside the traps of the library."""

from __future__ import annotations

import warnings
from itertools import permutations, product

import networkx
import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim import GeomsimError, InvalidConfig
from geomsim_topological.couplings.gromov import gromov_plan
from geomsim_topological.couplings.measured_space import measured_space
from geomsim_topological.transport import exact_transport

PATH = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))


def hops(graph):
    return np.asarray(networkx.floyd_warshall_numpy(graph), dtype=float)


def cloud(n_points, seed, width=3):
    points = np.random.default_rng(seed).normal(size=(n_points, width))
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def masses(n_points, seed):
    return np.random.default_rng(seed).dirichlet(np.full(n_points, 2.0))


def cost(left, right, plan):
    """E(P) by the definition, cell by cell."""
    cells = list(product(range(plan.shape[0]), range(plan.shape[1])))
    return sum((left[i, k] - right[j, m]) ** 2 * plan[i, j] * plan[k, m] for i, j in cells for k, m in cells)


@given(st.floats(0, 10), st.floats(0, 10))
@settings(max_examples=30)
def test_two_points_against_two(a, b):
    found = gromov_plan(measured_space([[0, a], [a, 0]]), measured_space([[0, b], [b, 0]]))
    assert found.value == pytest.approx((a - b) ** 2 / 2, abs=1e-12)
    assert found.distance == pytest.approx(abs(a - b) / 2**0.5, abs=1e-6)


def test_one_point_against_a_path_of_five():
    found = gromov_plan(measured_space([[0]]), measured_space(PATH))
    assert found.value == pytest.approx(4.0)
    assert found.distance == pytest.approx(2.0)
    assert found.bound == pytest.approx(4.0)
    assert gromov_plan(measured_space(PATH), measured_space([[0]])).value == pytest.approx(4.0)
    assert gromov_plan(measured_space([[0]]), measured_space([[0]])).value == 0.0


@pytest.mark.parametrize(
    "graph",
    [
        networkx.petersen_graph(),
        networkx.cycle_graph(17),
        networkx.balanced_tree(2, 3),
        networkx.grid_2d_graph(4, 5),
        networkx.hypercube_graph(4),
        networkx.dodecahedral_graph(),
        networkx.tutte_graph(),
        networkx.random_regular_graph(3, 40, seed=1),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_permuted_copy_is_found_and_the_plan_is_an_isometry(graph, seed):
    distances = hops(graph)
    moved = np.random.default_rng(seed).permutation(len(distances))
    right = distances[np.ix_(moved, moved)]
    found = gromov_plan(measured_space(distances), measured_space(right))
    assert found.value == 0.0
    assert found.plan.max(axis=1) == pytest.approx(np.full(len(distances), 1 / len(distances)))
    partner = found.plan.argmax(axis=1)
    assert np.array_equal(right[np.ix_(partner, partner)], distances)


def test_a_graph_that_hides_its_isometry_needs_more_starts():
    """All twelve nodes see the same distances; one start in twenty finds one of the eight isometries."""
    distances = hops(networkx.chvatal_graph())
    for seed in range(3):
        moved = np.random.default_rng(seed).permutation(12)
        found = gromov_plan(measured_space(distances), measured_space(distances[np.ix_(moved, moved)]), starts=200)
        assert found.value == 0.0


def test_a_permuted_cloud_has_the_permutation_as_its_plan():
    distances, mass = cloud(30, 0), masses(30, 1)
    moved = np.random.default_rng(2).permutation(30)
    left, right = measured_space(distances, mass), measured_space(distances[np.ix_(moved, moved)], mass[moved])
    found = gromov_plan(left, right)
    assert found.value == 0.0
    assert np.array_equal(moved[found.plan.argmax(axis=1)], np.arange(30))
    assert len(found.values) == 1  # the first start reaches the bound
    every = gromov_plan(left, right, every_start=True)
    assert len(every.values) == 20
    assert every.optima == 1
    assert every.near_best.sum() >= 1
    assert every.spread > 0


def test_a_ring_can_turn():
    distances = hops(networkx.cycle_graph(5))
    found = gromov_plan(measured_space(distances), measured_space(distances), starts=80, every_start=True)
    assert found.optima == 10  # five turns, and five after a reflection
    assert gromov_plan(measured_space(PATH), measured_space(PATH), starts=80, every_start=True).optima == 2


def test_the_product_start_of_the_library_misses_the_petersen_graph():
    """Trap 3: the library stops far off where many starts find the isometry."""
    distances = hops(networkx.petersen_graph())
    moved = np.random.default_rng(0).permutation(10)
    right = distances[np.ix_(moved, moved)]
    equal = np.full(10, 0.1)
    assert ot.gromov.gromov_wasserstein2(distances, right, equal, equal) > 0.1
    assert gromov_plan(measured_space(distances), measured_space(right)).value == 0.0


def test_infinite_geodesics_break_the_library_and_are_capped_here():
    """Trap 1."""
    distances = hops(networkx.disjoint_union(networkx.cycle_graph(4), networkx.path_graph(3)))
    assert np.isinf(distances).any()
    equal = np.full(7, 1 / 7)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            plain = ot.gromov.gromov_wasserstein2(distances, distances[::-1, ::-1], equal, equal)
        except (AssertionError, ValueError, IndexError):
            plain = np.nan
    assert not np.isfinite(plain)
    space = measured_space(distances)
    assert space.capped == 12
    assert space.distances.max() == 4.0
    found = gromov_plan(space, measured_space(distances[::-1, ::-1]))
    assert found.value == 0.0
    assert found.capped == (12, 12)
    apart = gromov_plan(space, measured_space(PATH))
    assert np.isfinite(apart.value)
    assert apart.value == pytest.approx(cost(space.distances, PATH, apart.plan))
    assert apart.capped == (12, 0)


def test_whole_numbers_are_taken_as_float64():
    """Trap 2."""
    whole = PATH.astype(np.int64)
    found = gromov_plan(measured_space(whole), measured_space(2 * whole))
    assert found.plan.sum() == pytest.approx(1.0)
    assert found.value == pytest.approx(gromov_plan(measured_space(PATH), measured_space(2 * PATH)).value)
    assert found.value == pytest.approx(4.0)  # mean squared distance, since all distances double


def test_an_entropic_value_is_no_cost():
    """Trap 5: the library's value with entropy is not the cost of its plan; here the cost is computed from the plan."""
    left, right, equal = cloud(8, 0), cloud(8, 1), np.full(8, 1 / 8)
    result = ot.solve_gromov(left, right, a=equal, b=equal, reg=0.5)
    assert float(result.value) != pytest.approx(cost(left, right, result.plan), abs=1e-3)
    found = gromov_plan(measured_space(left), measured_space(right))
    assert found.value == pytest.approx(cost(left, right, found.plan), rel=1e-10)


def test_values_are_squared_and_not_halved():
    """Trap 6, with the value of the library at the same plan."""
    left, right = cloud(9, 3), cloud(7, 4)
    p, q = masses(9, 5), masses(7, 6)
    found = gromov_plan(measured_space(left, p), measured_space(right, q))
    constant, first, second = ot.gromov.init_matrix(left, right, p, q)
    assert found.value == pytest.approx(float(ot.gromov.gwloss(constant, first, second, found.plan)), rel=1e-9)
    assert found.distance**2 == pytest.approx(found.value)
    with pytest.raises(TypeError):  # as documented, and the reason why nothing here goes through that door
        ot.solve_gromov(left, right, a=p, b=q, unbalanced="semirelaxed")


@pytest.mark.parametrize("seed", range(8))
def test_fused_value_is_that_of_the_library_at_the_same_plan(seed):
    left, right, p, q = cloud(9, seed), cloud(12, seed + 50), masses(9, seed), masses(12, seed + 9)
    linear = np.random.default_rng(seed).random((9, 12))
    for alpha in (0.2, 0.7):
        found = gromov_plan(measured_space(left, p), measured_space(right, q), linear, alpha)
        assert found.plan.sum(axis=1) == pytest.approx(p, abs=1e-9)
        assert found.plan.sum(axis=0) == pytest.approx(q, abs=1e-9)
        expected = (1 - alpha) * (linear * found.plan).sum() + alpha * cost(left, right, found.plan)
        assert found.value == pytest.approx(expected, rel=1e-9)
        assert found.bound <= found.value
        theirs = ot.gromov.fused_gromov_wasserstein2(linear, left, right, p, q, alpha=alpha)
        assert found.value <= float(theirs) + 1e-9


def test_fused_at_its_ends():
    left, right = measured_space(cloud(8, 0)), measured_space(cloud(10, 1))
    linear = np.random.default_rng(2).random((8, 10))
    only_linear = gromov_plan(left, right, linear, 0.0)
    assert only_linear.value == exact_transport(linear, left.mass, right.mass).value
    assert only_linear.bound == only_linear.value
    assert gromov_plan(left, right, linear, 1.0).value == gromov_plan(left, right).value
    assert gromov_plan(left, right, linear).value == gromov_plan(left, right, linear, 0.5).value


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("n_points", [4, 6, 7])
def test_never_worse_than_the_best_permutation(n_points, seed):
    left, right = cloud(n_points, seed), cloud(n_points, seed + 1000)
    best = min(
        np.square(left - right[np.ix_(order, order)]).mean() for order in map(list, permutations(range(n_points)))
    )
    found = gromov_plan(measured_space(left), measured_space(right), starts=40)
    assert found.bound <= found.value <= best + 1e-9
    # Distances of points in space make the objective bend down, so that a permutation is best.
    assert found.value == pytest.approx(best, abs=1e-9)


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 1000), st.floats(0.1, 10))
@settings(max_examples=40)
def test_symmetric_scaled_and_bounded(n_left, n_right, seed, scale):
    left, right = (cloud(n_left, seed), masses(n_left, seed)), (cloud(n_right, seed + 1), masses(n_right, seed + 1))
    there = gromov_plan(measured_space(*left), measured_space(*right))
    back = gromov_plan(measured_space(*right), measured_space(*left))
    assert there.value == back.value
    assert np.array_equal(there.plan, back.plan.T)
    assert there.bound <= there.value + 1e-15
    larger = gromov_plan(measured_space(scale * left[0], left[1]), measured_space(scale * right[0], right[1]))
    assert larger.value == pytest.approx(scale**2 * there.value, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_triangle_inequality_of_the_root(seed):
    spaces = [measured_space(cloud(n, seed + n), masses(n, seed - n + 99)) for n in (4, 5, 6)]
    d = [[gromov_plan(one, other, starts=60).distance for other in spaces] for one in spaces]
    for a, b, c in permutations(range(3)):
        assert d[a][c] <= d[a][b] + d[b][c] + 1e-9


def test_equal_points_are_as_one_with_their_masses():
    left = measured_space(cloud(6, 0)[:5, :5], [0.2, 0.1, 0.3, 0.2, 0.2])
    twice = [0, 1, 1, 2, 3, 4]
    apart = measured_space(left.distances[np.ix_(twice, twice)], [0.2, 0.06, 0.04, 0.3, 0.2, 0.2])
    assert gromov_plan(left, apart).value == pytest.approx(0.0, abs=1e-12)
    right = measured_space(cloud(5, 7))
    assert gromov_plan(apart, right, starts=60).value == pytest.approx(
        gromov_plan(left, right, starts=60).value, abs=1e-9
    )
    nothing = measured_space(np.zeros((4, 4)))
    assert gromov_plan(nothing, measured_space(np.zeros((3, 3)))).value == pytest.approx(0.0, abs=1e-30)


def test_more_starts_are_never_worse_and_the_seed_decides():
    left, right = measured_space(cloud(25, 0)), measured_space(cloud(25, 1))
    few, many = gromov_plan(left, right, starts=5), gromov_plan(left, right, starts=20)
    assert np.array_equal(many.values[:5], few.values)
    assert many.value <= few.value
    assert np.array_equal(gromov_plan(left, right, starts=20).plan, many.plan)
    assert not np.array_equal(gromov_plan(left, right, starts=20, seed=1).values, many.values)


@pytest.mark.parametrize(
    ("distances", "mass", "message"),
    [
        (np.zeros((2, 3)), None, r"distances are \(points, points\)"),
        (np.zeros((0, 0)), None, "of at least one point"),
        ([[0, np.nan], [np.nan, 0]], None, "negative or no number"),
        ([[0, -1], [-1, 0]], None, "negative or no number"),
        ([[0, 1], [2, 0]], None, "not symmetric with 0 on the diagonal"),
        ([[1, 2], [2, 1]], None, "not symmetric with 0 on the diagonal"),
        ([[0, 1], [1, 0]], [1.0], "one number for each of 2 points"),
        ([[0, 1], [1, 0]], [1.0, 0.0], "masses are positive and finite: leave out"),
        ([[0, 1], [1, 0]], [0.5, 0.6], "sums to 1.1, expected 1: divide"),
    ],
)
def test_what_is_no_space(distances, mass, message):
    with pytest.raises(GeomsimError, match=message):
        measured_space(distances, mass)


def test_parameters_are_checked():
    space = measured_space(PATH)
    with pytest.raises(InvalidConfig, match="starts is a whole number, at least 1"):
        gromov_plan(space, space, starts=0)
    with pytest.raises(InvalidConfig, match="method is one of auto, exact, proximal, quantised"):
        gromov_plan(space, space, method="fast")
    with pytest.raises(InvalidConfig, match="alpha is the share of the structure"):
        gromov_plan(space, space, np.zeros((5, 5)), 1.5)
    with pytest.raises(InvalidConfig, match=r"alpha = 0.5 mixes .* none is given"):
        gromov_plan(space, space, alpha=0.5)
    with pytest.raises(GeomsimError, match=r"must be \(left, right\), \(5, 5\), got \(5, 4\)"):
        gromov_plan(space, space, np.zeros((5, 4)))
    with pytest.raises(GeomsimError, match="negative or not finite"):
        gromov_plan(space, space, np.full((5, 5), np.inf))
    with pytest.raises(GeomsimError, match=r"10001 points have .* use 10000 or fewer"):
        measured_space(np.lib.stride_tricks.as_strided(np.zeros(1), (10_001, 10_001), (0, 0)))
