"""The null of rewired graphs, on a metric whose rewired scores are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from trials import make_trial

import geomsim
from geomsim import InapplicableNull, UnpairedMetric
from geomsim.errors import BrokenPlugin
from geomsim.nulls import null_for
from geomsim_topological.rewired_graph import RewiredGraph


@dataclass(frozen=True)
class Gap(UnpairedMetric[Tensor]):
    """Difference of the sums; a "rewired" state is one to six at random."""

    larger_means = "farther"

    def prepare(self, points: Tensor) -> Tensor:
        return points.double().sum()

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).abs()

    def rewired(self, state: Tensor, random: np.random.Generator) -> Tensor:
        return torch.tensor(float(random.integers(1, 7)), dtype=torch.float64)


def test_p_is_the_share_of_rewired_graphs_at_least_as_close():
    judged = make_trial(Gap(), np.zeros(3), np.array([1.0, 1.0, 0.0]), draws=1200)
    found = RewiredGraph().judge(judged)
    counts = [int((found.draws == value).sum()) for value in range(1, 7)]
    assert sum(counts) == 1200
    assert stats.chisquare(counts).pvalue > 1e-3
    assert found.p_value == (counts[0] + counts[1] + 1) / 1201
    again = RewiredGraph().judge(judged)
    assert np.array_equal(again.draws, found.draws)
    assert not np.array_equal(RewiredGraph().judge(replace(judged, seed=1)).draws, found.draws)


def test_a_graph_that_has_one_wiring_is_said():
    @dataclass(frozen=True)
    class Same(Gap):
        def rewired(self, state: Tensor, random: np.random.Generator) -> Tensor:
            return state

    found = RewiredGraph().judge(make_trial(Same(), np.zeros(3), np.ones(3), draws=20))
    assert found.p_value == 1.0
    assert "too few edges" in found.notes[0]


def test_its_name_is_known_where_nulls_are_named():
    assert null_for("rewired-graph", Gap()) == RewiredGraph()
    points = np.random.default_rng(0).normal(size=(2, 8, 2))
    assert geomsim.compare(*points, Gap(), null="rewired-graph", draws=20).null_kind == "rewired-graph"


def test_metrics_without_graphs_are_refused():
    points = np.random.default_rng(0).normal(size=(2, 8, 2))
    with pytest.raises(InapplicableNull, match="SingularValues is no unpaired metric on graphs that could be re"):
        geomsim.compare(*points, "singular-values", null="rewired-graph")


def test_a_null_that_cannot_be_made_names_its_plugin(monkeypatch: pytest.MonkeyPatch):
    class Point:
        name, value = "odd", "nowhere:Odd"

        def load(self):
            raise ImportError("no module named nowhere")

    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [Point()])
    with pytest.raises(BrokenPlugin, match=r"null 'odd' cannot be made from nowhere:Odd: ImportError"):
        null_for("odd", Gap())
    monkeypatch.setattr(Point, "load", lambda self: dict)
    with pytest.raises(BrokenPlugin, match=r"nowhere:Odd is no subclass of geomsim\.Null"):
        null_for("odd", Gap())
