"""Bars of small graphs worked out by hand, and of random ones by plain reduction of the boundary matrix."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from geomsim import GeomsimError
from geomsim_topological.homology.extended_persistence import KINDS, extended_bars


def found(edges, values, **given):
    """The bars that there are, by kind, as lists of pairs."""
    bars = extended_bars(edges, values, **given).bars
    return {kind: sorted(map(tuple, bars[kind].tolist())) for kind in KINDS if len(bars[kind])}


def reduced(edges, triangles, values):
    """Extended persistence by its definition: the complex upwards, then its cone downwards, reduced by columns."""
    n_nodes = len(values)
    simplices = [(node,) for node in range(n_nodes)] + [tuple(sorted(each)) for each in [*edges, *triangles]]
    apex = n_nodes
    upward = [(max(values[node] for node in each), len(each), each) for each in simplices]
    downward = [(-min(values[node] for node in each), len(each), (*each, apex)) for each in simplices]
    column_of = [(apex,)] + [each for *_, each in sorted(upward)] + [each for *_, each in sorted(downward)]
    place = {each: number for number, each in enumerate(column_of)}
    is_up = [False] + [True] * len(simplices) + [False] * len(simplices)

    def height(each):
        return max(values[node] for node in each) if apex not in each else min(values[node] for node in each[:-1])

    by_low, bars = {}, {kind: [] for kind in KINDS}
    for number, each in enumerate(column_of):
        column = {place[face] for face in itertools.combinations(each, len(each) - 1) if face}
        while column and max(column) in by_low:
            column ^= by_low[max(column)]
        if not column:
            continue
        low = max(column)
        by_low[low] = column
        born = column_of[low]
        if born == (apex,):
            continue
        dimension = len(born) - 1
        kind = {(True, True, 0): KINDS[0], (False, False, 1): KINDS[1], (True, False, 0): KINDS[2]}.get(
            (is_up[low], is_up[number], dimension),
            KINDS[3] if (is_up[low], is_up[number], dimension) == (1, 0, 1) else 0,
        )
        low_end, high_end = sorted((height(born), height(each)))
        if kind and high_end > low_end:
            bars[kind].append((low_end, high_end))
    return {kind: sorted(each) for kind, each in bars.items() if each}


def test_a_ring_has_one_loop_from_bottom_to_top():
    heights = np.cos(2 * np.pi * np.arange(18) / 18)
    ring = [(node, (node + 1) % 18) for node in range(18)]
    assert found(ring, heights) == {"component": [(heights[9], heights[0])], "loop": [(heights[9], heights[0])]}
    assert found(ring[:-1], heights) == {
        "component": [(heights[9], heights[0])],
        "upward branch": [(heights[9], heights[17])],  # cut beside its top, the ring is two branches
    }


def test_a_tree_with_three_leaves_has_a_branch_up_or_down():
    up = [(0, 1), (1, 2), (1, 3)]
    assert found(up, [0.0, 1.0, 3.0, 2.0]) == {"component": [(0.0, 3.0)], "upward branch": [(1.0, 2.0)]}
    assert found(up, [3.0, 2.0, 0.0, 1.0]) == {"component": [(0.0, 3.0)], "downward branch": [(1.0, 2.0)]}


def test_a_figure_eight_standing_and_lying():
    lower, upper = [(0, 1), (0, 2), (1, 3), (2, 3)], [(3, 4), (3, 5), (4, 6), (5, 6)]
    standing = found(lower + upper, [0.0, 1.0, 1.5, 2.0, 3.0, 3.5, 4.0])
    assert standing == {"component": [(0.0, 4.0)], "loop": [(0.0, 2.0), (2.0, 4.0)]}
    lying = found(lower + upper, [0.0, 1.0, 1.5, 2.0, 0.5, 1.0, 0.25])
    assert lying == {
        "component": [(0.0, 2.0)],
        "loop": [(0.0, 2.0), (0.25, 2.0)],
        "downward branch": [(0.25, 2.0)],
    }


def test_a_filled_triangle_is_no_loop_and_a_square_stays_one():
    triangle = [(0, 1), (1, 2), (0, 2)]
    assert found(triangle, [0.0, 1.0, 2.0])["loop"] == [(0.0, 2.0)]
    assert "loop" not in found(triangle, [0.0, 1.0, 2.0], filled=True)
    square = [*triangle, (2, 3), (3, 4), (4, 0)]
    assert found(square, [0.0, 1.0, 2.0, 3.0, 1.0], filled=True)["loop"] == [(0.0, 3.0)]


@pytest.mark.parametrize("seed", range(30))
def test_random_graphs_with_and_without_ties(seed):
    random = np.random.default_rng(seed)
    n_nodes = int(random.integers(1, 11))
    values = random.integers(4, size=n_nodes).astype(float) if seed % 2 else random.normal(size=n_nodes)
    edges = [pair for pair in itertools.combinations(range(n_nodes), 2) if random.random() < 0.4]
    joined = set(edges)
    triangles = [
        three
        for three in itertools.combinations(range(n_nodes), 3)
        if all(pair in joined for pair in itertools.combinations(three, 2))
    ]
    assert found(edges, values) == reduced(edges, [], values)
    assert found(edges, values, filled=True) == reduced(edges, triangles, values)


@pytest.mark.parametrize("seed", range(5))
def test_upside_down_branches_change_places_and_the_rest_is_reflected(seed):
    random = np.random.default_rng(seed)
    values = random.random(12)
    edges = [pair for pair in itertools.combinations(range(12), 2) if random.random() < 0.3]
    for filled in (False, True):
        upright = extended_bars(edges, values, filled=filled).bars
        turned = extended_bars(edges, -values, filled=filled).bars
        swapped = dict(zip(KINDS, (KINDS[1], KINDS[0], *KINDS[2:]), strict=True))
        for kind in KINDS:
            reflected = sorted(map(tuple, -turned[swapped[kind]][:, ::-1]))
            assert reflected == sorted(map(tuple, upright[kind]))


def test_moving_every_node_a_little_moves_the_bars_no_farther():
    random = np.random.default_rng(1)
    edges = [pair for pair in itertools.combinations(range(15), 2) if random.random() < 0.25]
    values = random.random(15)
    moved = values + random.uniform(-0.05, 0.05, size=15)
    for filled in (False, True):
        one, other = (extended_bars(edges, each, filled=filled) for each in (values, moved))
        assert 0 < one.distance(other) <= np.abs(moved - values).max() + 1e-12
        assert one.distance(other) == max(one.distances(other).values())
        assert one.distance(one) == 0.0


def test_kinds_are_never_matched():
    up, down = (
        extended_bars([(0, 1), (1, 2), (1, 3)], [0, 1, 3, 2]),
        extended_bars([(0, 1), (1, 2), (1, 3)], [3, 2, 0, 1]),
    )
    assert up.distances(down) == dict(zip(KINDS, (0.5, 0.5, 0.0, 0.0), strict=True))


def test_nothing_and_single_nodes():
    assert found([], []) == found([], [3.0]) == found([], [0.0, 1.0]) == {}
    assert extended_bars([], []).distance(extended_bars([], [1.0])) == 0.0
    assert found([(0, 1)], [1e-300, 3e-300]) == {"component": [(1e-300, 3e-300)]}


@pytest.mark.parametrize(
    ("edges", "values", "message"),
    [
        ([(0, 1)], [0.0, np.nan], "1 that are not finite"),
        ([(0, 2)], [0.0, 1.0], "edges name nodes 0 to 2, but nodes are 0 to 1"),
        ([(1, 1)], [0.0, 1.0], "joins a node with itself"),
        ([], [[0.0]], r"got an array of shape \(1, 1\)"),
    ],
)
def test_what_is_no_graph(edges, values, message):
    with pytest.raises(GeomsimError, match=message):
        extended_bars(edges, values)
