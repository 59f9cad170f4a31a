"""Which nulls a metric is said to have: those that judge it, and no others."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import numpy as np
import pytest

import geomsim
from geomsim.catalog import entries, find
from geomsim.metric_facts import describe, nulls_of
from geomsim.nulls import NULLS, NoiseFloor
from geomsim.nulls.names import GROUP

RANDOM = np.random.default_rng(0)
LEFT = RANDOM.normal(size=(60, 4))
RIGHT = LEFT + RANDOM.normal(size=LEFT.shape)


def answers(metric: str, null: str) -> bool:
    """Whether a comparison by this metric can be judged by this null at all."""
    try:
        if null == "random-group":
            halves = np.arange(20), np.arange(20, 40)
            found = geomsim.compare_groups(LEFT, *halves, metric, correspondence="by order", null=null, draws=2)
        else:
            subset = {"subset": np.arange(30)} if null == "random-subset" else {}
            model = NoiseFloor(splits=1) if null == "noise-floor" else null
            found = geomsim.compare(LEFT, RIGHT, metric, null=model, draws=2, **subset)
    except geomsim.InapplicableNull:
        return False
    return found.null_mean is not None


@pytest.mark.parametrize(
    "metric", ["procrustes", "knn-jaccard", "debiased-cka", "singular-values", "mmcs", "mapper-gromov"]
)
@pytest.mark.filterwarnings("ignore::geomsim.GeomsimWarning")
def test_the_nulls_of_a_metric_are_those_that_judge_it(metric: str) -> None:
    offered = [point.name for point in importlib.metadata.entry_points(group=GROUP)]
    names = [*NULLS, *offered]
    assert set(describe(find(metric))["nulls"]) == {name for name in names if answers(metric, name)}


def test_the_default_comes_first_and_plugins_come_last() -> None:
    for entry in entries():
        found = describe(entry)
        assert found["nulls"][0] == ("shuffle" if found["kind"] == "paired" else "noise-floor"), entry.name
        assert len(set(found["nulls"])) == len(found["nulls"])
    assert nulls_of(geomsim.metric("mapper-gromov"))[-1] == "rewired-graph"
    assert "spectrum-matched" not in nulls_of(geomsim.metric("singular-values"))  # it keeps what the metric measures


def test_a_null_that_cannot_be_loaded_is_told_and_takes_no_metric_away(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = importlib.metadata.EntryPoint("broken", "no_such_module:Null", GROUP)

    def points(**asked: Any) -> list[importlib.metadata.EntryPoint]:
        return [broken] if asked.get("name", "broken") == "broken" else []

    monkeypatch.setattr(importlib.metadata, "entry_points", points)
    with pytest.warns(geomsim.GeomsimWarning, match="null 'broken' .* cannot be made from no_such_module"):
        assert nulls_of(geomsim.metric("procrustes"))[0] == "shuffle"


def test_a_metric_that_is_undefined_on_few_rows_is_described() -> None:
    class Choosy(geomsim.PairedMetric[Any]):
        """Only large spaces."""

        larger_means = "closer"
        unchanged_by = frozenset()

        def prepare(self, points: Any) -> Any:
            raise geomsim.DegenerateSpace("fewer than 1,000 rows")

        def score(self, left: Any, right: Any, order: Any) -> Any:
            raise AssertionError("is never asked")

    assert nulls_of(Choosy()) == ["shuffle", "spectrum-matched", "random-baseline", "random-subset", "random-group"]
