"""Barycentric projection by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim import GeomsimError
from geomsim_topological.plans.carried_colours import carry

PLAN = np.array([[0.1, 0.3, 0.0], [0.3, 0.0, 0.0], [0.3, 0.0, 0.0]])


def test_means_of_where_the_mass_comes_from():
    found = carry(PLAN, [1.0, 2.0, 6.0], ("x", "y", "z"))
    assert found.values[:2] == pytest.approx([(0.1 * 1 + 0.3 * 2 + 0.3 * 6) / 0.7, 1.0])
    # Nothing reaches z: it has the mean over all mass.
    assert found.values[2] == pytest.approx(0.4 * 1 + 0.3 * 2 + 0.3 * 6)
    assert found.unreached == ("z",)
    assert repr(found) == "CarriedColours(3 nodes, 1 of them without incoming mass)"


def test_colours_in_channels():
    colours = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = carry(PLAN, colours, ("x", "y", "z"))
    assert found.values[0] == pytest.approx([1 / 7, 3 / 7, 3 / 7])
    assert found.values[1] == pytest.approx([1, 0, 0])
    assert found.values.sum(axis=1) == pytest.approx([1, 1, 1])
    assert carry(np.eye(3) / 3, colours, ("x", "y", "z")).values == pytest.approx(colours)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 1000))
@settings(max_examples=40)
def test_values_stay_in_range_and_are_numbers(k, m, seed):
    random = np.random.default_rng(seed)
    plan = random.random((k, m)) * (random.random((k, m)) < 0.4)
    given_values = random.normal(size=k)
    found = carry(plan, given_values, [str(node) for node in range(m)])
    assert np.isfinite(found.values).all()
    assert given_values.min() <= found.values.min() <= found.values.max() <= given_values.max() or not plan.any()
    assert len(found.unreached) == (plan.sum(axis=0) == 0).sum()


def test_what_cannot_be_carried():
    with pytest.raises(GeomsimError, match=r"each of the 3 giving nodes, got shape \(2,\)"):
        carry(PLAN, [1.0, 2.0], ("x", "y", "z"))
    with pytest.raises(GeomsimError, match="values of 2 nodes are not finite, first of node number 1"):
        carry(PLAN, [1.0, np.nan, np.inf], ("x", "y", "z"))
