"""Probes for known faults: nobody honest is accused, and what is planted is named, in any form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import geomsim
from geomsim.known_faults import known_faults, remarks
from geomsim.testing import function_metric

Array = NDArray[Any]
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("cka", {"kernel": "rbf"}),
    ("debiased-cka", {"kernel": "rbf"}),
    ("svcca", {"statistic": "mean-squared"}),
    ("knn-jaccard", {"distance": "euclidean", "k": 1}),
    ("mutual-knn", {"k": 5}),
    ("rsa", {"dissimilarity": "euclidean", "compare": "cosine"}),
    ("rsa", {"dissimilarity": "sqeuclidean", "compare": "pearson"}),
    ("distance-correlation", {"debiased": True}),
    ("singular-values", {"normalize": None}),
]


@pytest.mark.parametrize(("name", "parameters"), [*((name, {}) for name in geomsim.metrics()), *VARIANTS])
def test_no_installed_metric_is_accused(name: str, parameters: dict[str, Any]) -> None:
    assert known_faults(geomsim.metric(name, **parameters)) == {}


@pytest.mark.parametrize("name", ["cka", "procrustes", "distance-correlation", "procrustes-distance"])
def test_bias_with_few_rows_is_a_remark(name: str) -> None:
    assert list(remarks(geomsim.metric(name))) == ["noise looks alike"]


@pytest.mark.parametrize("name", ["debiased-cka", "mutual-knn", "rsa", "cca", "singular-values"])
def test_no_remark_on_what_is_not_biased_or_refuses(name: str) -> None:
    assert remarks(geomsim.metric(name)) == {}


def test_the_remark_has_the_numbers() -> None:
    noise = np.random.default_rng(3).normal(size=(2, 50, 200))
    found = geomsim.compare(*noise, geomsim.metric("cka"), null=None).score
    assert f"scores unrelated noise {found:.2f} where rows are fewer than columns" in str(
        remarks(geomsim.metric("cka"))
    )


def centred(x: Array) -> Array:
    return x - x.mean(0)


def leading(x: Array) -> Array:
    return np.linalg.svd(centred(x), full_matrices=False)[0][:, 0]


def nearest(x: Array, k: int, own: bool) -> Array:
    lengths = np.square(x).sum(1)
    distances = lengths[:, None] + lengths - 2 * x @ x.T
    np.fill_diagonal(distances, -np.inf if own else np.inf)
    chosen = np.zeros(distances.shape, dtype=bool)
    np.put_along_axis(chosen, distances.argpartition(k, 1)[:, :k], True, axis=1)
    return chosen


def overlap(k: int, own: bool, jaccard: bool, distance: bool) -> Any:
    def function(x: Array, y: Array) -> float:
        first, second = nearest(x, k, own), nearest(y, k, own)
        shares = (first & second).sum(1) / ((first | second).sum(1) if jaccard else k)
        return float(1 - shares.mean() if distance else shares.mean())

    return function_metric(function, larger_means="farther" if distance else "closer", score_range=(0, 1))


@pytest.mark.parametrize("distance", [False, True])
@pytest.mark.parametrize(
    ("k", "jaccard", "told"),
    [
        (10, True, "1/(2k - 1) with k = 10 for a Jaccard index, or 1/k with k = 19 "),
        (5, True, "1/(2k - 1) with k = 5 for"),
        (20, True, "1/(2k - 1) with k = 20 for"),
        (10, False, "which is 1/k with k = 10 for a share of k neighbours"),
        (7, False, "or 1/k with k = 7 for a share of k neighbours"),
    ],
)
def test_own_neighbours_are_counted_out(k: int, jaccard: bool, told: str, distance: bool) -> None:
    found = known_faults(overlap(k, True, jaccard, distance))
    assert list(found) == ["own neighbour"]
    assert told in found["own neighbour"]
    assert known_faults(overlap(k, False, jaccard, distance)) == {}


@pytest.mark.parametrize("declared", [(0.0, 1.0), (-np.inf, np.inf)])
def test_half_for_nothing_is_no_own_neighbour(declared: tuple[float, float]) -> None:
    def halved(x: Array, y: Array) -> float:
        upper = np.triu_indices(len(x), 1)
        return float(1 + np.corrcoef(*((centred(side) @ centred(side).T)[upper] for side in (x, y)))[0, 1]) / 2

    assert known_faults(function_metric(halved, score_range=declared)) == {}


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_a_constant_is_none_of_them(score: float) -> None:
    assert known_faults(function_metric(lambda x, y: score, score_range=(0, 1))) == {}


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("distance", [False, True])
def test_one_component_is_named_in_any_form(power: int, distance: bool) -> None:
    def function(x: Array, y: Array) -> float:
        alike = abs(float(leading(x) @ leading(y))) ** power
        return 1 - alike if distance else alike

    metric = function_metric(function, larger_means="farther" if distance else "closer", score_range=(0, 1))
    assert list(known_faults(metric)) == ["one component"]


def test_two_components_are_not_one() -> None:
    assert known_faults(geomsim.metric("svcca", components=2)) == {}
    assert list(known_faults(geomsim.metric("svcca", components=1))) == ["one component"]


@pytest.mark.parametrize("epsilon", [1e-2, 1e-6, 1e-8, 1e-10])
@pytest.mark.parametrize("each", [False, True])
def test_epsilons_of_any_size(epsilon: float, each: bool) -> None:
    def function(x: Array, y: Array) -> float:
        norms = [np.linalg.norm(centred(side).T @ centred(side)) for side in (x, y)]
        product = (norms[0] + epsilon) * (norms[1] + epsilon) if each else norms[0] * norms[1] + epsilon
        return float(np.linalg.norm(centred(x).T @ centred(y)) ** 2 / product)

    found = known_faults(function_metric(function, score_range=(0, 1)))
    assert list(found) == ["absolute epsilon"]
    assert found["absolute epsilon"].startswith("a constant is added to a denominator: with one side times 1000 or")


def test_a_length_of_its_own_is_no_epsilon() -> None:
    def kernel(x: Array) -> Array:
        gram = np.exp(-np.square(x[:, None] - x).sum(2) / 2)
        return centred(centred(gram).T)

    def fixed_bandwidth(x: Array, y: Array) -> float:
        first, second = kernel(x), kernel(y)
        return float((first * second).sum() / np.linalg.norm(first) / np.linalg.norm(second))

    with np.errstate(invalid="ignore"):  # in the end all rows are equal to it
        assert known_faults(function_metric(fixed_bandwidth, score_range=(0, 1))) == {}


def test_a_weight_with_a_unit_of_its_own_is_no_epsilon() -> None:
    # Small numbers halve the score and leave what it says of the rows.
    def weighted(x: Array, y: Array) -> float:
        first, second = (centred(side) / np.linalg.norm(centred(side)) for side in (x, y))
        size = float(np.linalg.norm(x) ** 2)
        return abs(float((first * second).sum())) * (1 + size / (size + 1e-6)) / 2

    assert known_faults(function_metric(weighted, score_range=(0, 1), symmetric=False)) == {}


def test_what_grows_with_its_points_is_not_accused() -> None:
    def slope(x: Array, y: Array) -> float:
        return float((centred(x)[:, 0] * centred(y)[:, 0]).sum() / np.square(centred(y)[:, 0]).sum())

    assert known_faults(function_metric(slope)) == {}


def test_the_best_direction_of_all_is_not_the_leading_one() -> None:
    def best(x: Array, y: Array) -> float:
        bases = [np.linalg.svd(centred(side), full_matrices=False)[0] for side in (x, y)]
        return float(np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)[0])

    assert known_faults(function_metric(best, score_range=(0, 1))) == {}


def test_plain_distances_are_not_accused() -> None:
    def apart(x: Array, y: Array) -> float:
        return float(np.linalg.norm(x - y)) if x.shape == y.shape else float(abs(x.mean() - y.mean()))

    assert known_faults(function_metric(apart, larger_means="farther", score_range=(0, np.inf))) == {}


def test_what_a_function_raises_is_passed_on() -> None:
    def crashes(x: Array, y: Array) -> float:
        raise ZeroDivisionError("by hand")

    with pytest.raises(ZeroDivisionError, match="by hand"):
        known_faults(function_metric(crashes))
