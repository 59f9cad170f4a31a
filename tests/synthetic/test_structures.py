from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal, norm

from geomsim.errors import InvalidConfig
from geomsim_synthetic import CorrelatedGroup, Hierarchy, Planted
from geomsim_synthetic.structure import Structure

TREE = (None, 0, 0, 1, 1, None, 5)
STRUCTURES: list[Structure] = [
    CorrelatedGroup(4, 0.6, probability=(0.02, 0.1, 0.3, 0.5)),
    CorrelatedGroup(3, ((1.0, -0.4, 0.2), (-0.4, 1.0, 0.0), (0.2, 0.0, 1.0)), probability=0.2),
    Hierarchy(TREE, exclusive=True, given=0.45, probability=0.4),
    Hierarchy(TREE, exclusive=False, given=0.6, probability=0.3),
    Hierarchy((None, 0, 0), probability=(0.5, 0.3, 0.1)),
    Planted("circle", 12, probability=0.5),
    Planted("circle", 5, probability=0.3, reach=1),
    Planted("torus", (6, 5), probability=0.9),
    Planted("grid", (4, 5), probability=0.6),
    Planted("grid", (2, 3), probability=0.6, reach=3),
    Planted("simplex", 5, probability=0.5),
    Planted("tree", (2, 3), probability=0.5),
]


def tuned(structure: Structure, n_tokens: int, seed: int = 0) -> NDArray[np.float64]:
    """What is drawn, dense: (tokens, members)."""
    probabilities = structure.probabilities(np.full(structure.size, 0.1))
    events = structure.draw(np.random.default_rng(seed), probabilities, n_tokens)
    dense = np.zeros((n_tokens, structure.size))
    np.add.at(dense, (events.token, events.member), events.tuning)
    return dense


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_draws_have_the_stated_probabilities_and_moments(structure: Structure) -> None:
    n = 100_000
    drawn = tuned(structure, n)
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    probabilities = structure.probabilities(np.full(structure.size, 0.1))
    rates = (drawn > 0).mean(axis=0)
    assert (np.abs(rates - probabilities) < 5 * np.sqrt(probabilities * (1 - probabilities) / n)).all()
    first, second = structure.moments(probabilities)
    # Every entry within five standard errors of what was drawn; a product of tunings is at most 1.
    assert (np.abs(drawn.mean(axis=0) - first) < 5 * np.sqrt(first / n)).all()
    assert (np.abs(drawn.T @ drawn / n - second) <= 5 * np.sqrt(np.maximum(second, 1.0 / n) / n)).all()
    assert np.linalg.eigvalsh(second - np.outer(first, first))[0] > -1e-12


@pytest.mark.parametrize("correlation", [-0.9, -0.3, 0.0, 0.5, 0.95, 0.999, 1.0])
@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.01, 0.2), (0.001, 0.003)])
def test_firing_together_agrees_with_scipy(correlation: float, p: float, q: float) -> None:
    group = CorrelatedGroup(2, correlation, probability=(p, q))
    together = group.moments(group.probabilities(np.empty(0))).second[0, 1]
    if correlation == 1.0:
        expected = min(p, q)
    else:
        expected = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]]).cdf([norm.ppf(p), norm.ppf(q)])
    assert together == pytest.approx(expected, rel=1e-4, abs=1e-9)
    phi = (expected - p * q) / np.sqrt(p * (1 - p) * q * (1 - q))
    assert group.firing_correlation()[0, 1] == pytest.approx(phi, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("correlation", [0.9999, 0.3, -0.1, 1.0])
def test_the_root_of_equal_correlations_is_the_symmetric_one(correlation):
    """Their eigenvectors are not determined, and a root made of these alone is another one on another processor."""
    n = 8
    group = CorrelatedGroup(n, correlation, probability=0.1)
    small, large = np.sqrt(1 - correlation), np.sqrt(1 + (n - 1) * correlation)
    np.testing.assert_allclose(group._root, small * np.eye(n) + (large - small) / n, atol=1e-7)


def test_medians_cut_a_copula_into_the_known_quarter() -> None:
    # Sheppard: P(both positive) = 1/4 + arcsin(rho) / (2 pi).
    group = CorrelatedGroup(2, 0.7, probability=0.5)
    assert group.moments(np.full(2, 0.5)).second[0, 1] == pytest.approx(0.25 + np.arcsin(0.7) / (2 * np.pi), abs=1e-12)


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_child_fires_only_with_its_parent(exclusive: bool) -> None:
    drawn = tuned(Hierarchy(TREE, exclusive=exclusive, given=0.45, probability=0.5), 5000) > 0
    for child, parent in enumerate(TREE):
        if parent is not None:
            assert not (drawn[:, child] & ~drawn[:, parent]).any()
    assert (drawn[:, 1] & drawn[:, 2]).any() != exclusive
    assert (drawn[:, 3] & drawn[:, 4]).any() != exclusive


def test_cells_near_a_place_fire_and_no_others() -> None:
    drawn = tuned(Planted("circle", 10, probability=0.999), 500)
    for row in drawn[drawn.any(axis=1)]:
        fires = np.flatnonzero(row)
        # At most 2 reach neighbours: turned to begin with the gap, they stand side by side.
        gap = np.flatnonzero(row == 0)
        assert len(fires) <= 4
        assert len(np.flatnonzero(np.diff(np.concatenate([gap, [gap[0] + 10]])) > 1)) == 1


def test_the_noiseless_cloud_of_a_circle_is_a_circle() -> None:
    # Raised cosines of whole half-width add up to a constant: what is written has one length, up to tuning's shape.
    planted = Planted("circle", 24, probability=0.999, reach=4)
    drawn = tuned(planted, 2000)
    points = drawn[drawn.any(axis=1)] @ planted.shape.coordinates
    length = np.linalg.norm(points, axis=1)
    assert length.std() / length.mean() < 1e-3
    np.testing.assert_allclose(drawn[drawn.any(axis=1)].sum(axis=1), 4.0, rtol=1e-5)


def test_one_cell_of_a_simplex_and_one_line_of_a_tree() -> None:
    assert set(tuned(Planted("simplex", 6), 2000).sum(axis=1)) == {0.0, 1.0}
    lengths = set(tuned(Planted("tree", (2, 3)), 4000).sum(axis=1))
    assert lengths == {0.0, 1.0, 2.0, 3.0, 4.0}


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (Hierarchy, {"parents": (1, 2, 0)}, r"a cycle, 0 -> 1 -> 2 -> 0 \(each arrow leads to the parent\)"),
        (Hierarchy, {"parents": (None, 1)}, r"a cycle, 1 -> 1"),
        (Hierarchy, {"parents": (None, 0, 3, 2)}, r"a cycle, 2 -> 3 -> 2 .*; make one of these features a root"),
        (Hierarchy, {"parents": None}, r"parents=None must list the parent of each feature"),
        (Hierarchy, {"parents": (None, 7)}, r"the parent of feature 1 is 7, which is missing; .* from 0 to 1"),
        (Hierarchy, {"parents": (None, -1)}, r"the parent of feature 1 is -1, which is missing"),
        (Hierarchy, {"parents": (None, None)}, r"has no child"),
        (Hierarchy, {"parents": (None, 0), "given": 1.0}, r"given=1.0 is no firing probability"),
        (
            Hierarchy,
            {"parents": (None, 0), "probability": (0.1, 0.2)},
            r"feature 1 fires with probability 0.2, its parent 0 with 0.1; a child fires only with its parent",
        ),
        (
            Hierarchy,
            {"parents": (None, 0, 0), "given": 0.6},
            r"2 exclusive children of feature 0 .* lower theirs \(given at most 0.5\) or use exclusive=False",
        ),
        (Hierarchy, {"parents": (None, 0), "probability": 0.0}, r"probability=0.0 is no firing probability"),
        (CorrelatedGroup, {"members": 2, "probability": (0.1, 1.0)}, r"probability\[1\] = 1 is no firing probability"),
        (CorrelatedGroup, {"members": 2, "correlation": 1.5}, r"correlation=1.5: .* 1 is the nearest"),
        (CorrelatedGroup, {"members": 2, "correlation": "high"}, r"correlation='high' must be a number or a matrix"),
        (CorrelatedGroup, {"members": 2, "probability": "low"}, r"probability=.* must be one probability per feature"),
        (CorrelatedGroup, {"members": 1}, r"members=1 must be a whole number of at least 2"),
        (CorrelatedGroup, {"members": 3, "correlation": np.eye(2)}, r"correlation is 2 x 2 for 3 members"),
        (CorrelatedGroup, {"members": 2, "where": "here"}, r"where='here' must be one of both, left, right"),
        (Planted, {"name": "sphere", "cells": 5}, r"planted shape='sphere' must be one of circle, torus"),
        (Planted, {"name": "circle", "cells": 3}, r"planted circle: cells=3 is too small, .* at least 4"),
        (Planted, {"name": "circle", "cells": (3, 4)}, r"cells=\(3, 4\) must be one whole number"),
        (Planted, {"name": "torus", "cells": 12}, r"planted torus: cells=12 must be \(rows, columns\)"),
        (Planted, {"name": "torus", "cells": (4, 4, 4)}, r"cells=\(4, 4, 4\) must be \(rows, columns\)"),
        (Planted, {"name": "tree", "cells": (2, 2, 2)}, r"cells=\(2, 2, 2\) must be \(branching, depth\)"),
        (Planted, {"name": "circle", "cells": (8,)}, r"cells=\(8,\) must be one whole number"),
        (Planted, {"name": "circle", "cells": None}, r"cells=None must be one whole number"),
        (Planted, {"name": "circle", "cells": 8.0}, r"cells=8.0 must be one whole number"),
        (Planted, {"name": "tree", "cells": (2, 0)}, r"planted tree: cells=\(2, 0\) is too small"),
        (Planted, {"name": "circle", "cells": 9, "probability": 1.0}, r"probability=1.0 is no firing probability"),
        (Planted, {"name": "circle", "cells": 9, "reach": 5}, r"at least 10 needed \(2 reach = 10 cells fire"),
        (
            Planted,
            {"name": "circle", "cells": 9, "where": "left", "arranged": "right"},
            r"arranged='right' does not fit where='left'",
        ),
    ],
)
def test_impossible_structures(make: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        make(**arguments)
