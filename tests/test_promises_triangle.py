"""Which metrics go round by a third space no shorter than straight, and that the kit finds those which do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

import geomsim
from geomsim import Metric, PairedMetric
from geomsim.testing import metric_card
from geomsim_representational.procrustes import Procrustes
from geomsim_representational.spectrum import SingularValues

METRICS = {"procrustes-distance", "angular-procrustes", "soft-matching", "mapper-transport", "singular-values"}


def promise(metric: Metric[Any], name: str) -> Any:
    return next(found for found in metric_card(metric, measure=None).promises if found.name == name)


def test_declared_where_it_is_a_theorem() -> None:
    assert {name for name in geomsim.metrics() if geomsim.metric(name).triangle} >= METRICS


@pytest.mark.parametrize("normalize", ["l2", "sum", "max", None])
def test_spectra_padded_with_zeros(normalize: Any) -> None:
    euclidean = SingularValues(normalize=normalize)
    assert euclidean.triangle
    assert promise(euclidean, "triangle inequality").evidence == "kept by 28 triples of clouds"
    assert not SingularValues(normalize=normalize, distance="wasserstein").triangle


@dataclass(frozen=True)
class Padded(SingularValues):
    """Says of the mean over padded spectra that it goes round no shorter."""

    triangle = True


@pytest.mark.parametrize("normalize", ["l2", "sum", "max", None])
@pytest.mark.parametrize("centre", [True, False])
def test_the_mean_over_padded_spectra_is_shorter_by_a_long_one(normalize: Any, centre: bool) -> None:
    metric = Padded(normalize=normalize, distance="wasserstein", centre=centre)
    found = promise(metric, "triangle inequality")
    assert not found.kept
    points = [found.example[name] for name in ("left", "middle", "right")]
    compared = [
        geomsim.compare(points[one], points[other], metric, null=None).score for one, other in ((0, 1), (1, 2), (0, 2))
    ]
    assert max(compared) > sum(compared) - max(compared)


@dataclass(frozen=True)
class ByWidths(PairedMetric[int]):
    """1 between sides of different widths, but 10 between width 3 and width 12, which width 1 goes round."""

    larger_means = "farther"
    triangle = True

    def prepare(self, points: Tensor) -> int:
        return points.shape[1]

    def score(self, left: int, right: int, order: Tensor) -> Tensor:
        return torch.tensor(0.0 if left == right else 10.0 if {left, right} == {3, 12} else 1.0)


def test_each_cloud_is_once_in_the_middle() -> None:
    found = promise(ByWidths(), "triangle inequality")
    assert found.evidence.startswith(
        "2 rows, widths 1, 3, 12: middle and right are 10 apart, but by left it is only 1 + 1 = 2"
    )


@dataclass(frozen=True)
class Disparity(Procrustes):
    """1 - c^2, the square of a distance, says that it is one."""

    larger_means = "farther"
    estimates = None
    triangle = True

    def score_many(self, left: Any, right: Any, orders: Any) -> Any:
        return 1 - super().score_many(left, right, orders).square()


def test_the_square_of_a_distance_is_found_out() -> None:
    found = promise(Disparity(), "triangle inequality")
    assert not found.kept
    assert "apart, but by" in found.evidence


def test_what_is_not_declared_is_not_tried() -> None:
    assert promise(Procrustes(), "triangle inequality").evidence == "not tried: not declared"


@pytest.mark.parametrize(
    ("name", "parameters", "value"),
    [
        ("cca", {}, "mean canonical correlation"),
        ("cca", {"statistic": "mean-squared"}, None),
        ("svcca", {}, "mean canonical correlation"),
        ("svcca", {"statistic": "mean-squared"}, None),
        ("svcca", {"components": 2}, None),
        ("cka", {}, "cka"),
        ("debiased-cka", {}, "cka"),
        ("cka", {"kernel": "rbf"}, None),
        ("debiased-cka", {"kernel": "rbf"}, None),
        ("procrustes", {}, "procrustes"),
        ("procrustes-distance", {}, None),
        ("knn-jaccard", {}, None),
    ],
)
def test_what_is_estimated_depends_on_the_parameters(name: str, parameters: dict[str, Any], value: str | None) -> None:
    metric = geomsim.metric(name, **parameters)
    assert metric.estimates == value
    if not parameters:
        assert type(metric).estimates == value
