"""Plain functions as metrics: what they are given, what may come back, and that the kit sees their faults."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np
import pytest
import scipy.spatial
import torch
from numpy.typing import NDArray

import geomsim
from geomsim import PairedMetric, UnpairedMetric
from geomsim.digests import NoDigestError, code_digest
from geomsim.errors import BrokenPromise, InvalidConfig
from geomsim.testing import check_metric, function_metric, metric_card

Array = NDArray[Any]
CLAIMS: dict[str, Any] = {"unchanged_by": ("rotation", "scaling", "translation"), "score_range": (0, 1)}


def rv(x: Array, y: Array) -> float:
    """Escoufier's RV coefficient."""
    x, y = x - x.mean(0), y - y.mean(0)
    norms = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    if not norms:
        raise geomsim.DegenerateSpace("all rows are equal")
    return float(np.linalg.norm(x.T @ y) ** 2 / norms)


def mean_gap(x: Array, y: Array) -> float:
    return float(np.linalg.norm(x.mean(0) - y.mean(0))) if x.shape[1] == y.shape[1] else float(x.mean() - y.mean())


def points(rows: int = 40, width: int = 3, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(rows, width))


def broken(function: Callable[[Any, Any], Any], **claims: Any) -> dict[str, str]:
    card = metric_card(function_metric(function, **claims), measure=None)
    return {promise.name: promise.evidence for promise in card.broken}


def test_a_good_function_keeps_every_promise() -> None:
    check_metric(function_metric(rv, **CLAIMS))


def test_scores_are_those_of_the_function_and_of_the_same_metric_written_out() -> None:
    left, right = points(), points() + 0.5 * points(seed=1)
    found = geomsim.compare(left, right, function_metric(rv, **CLAIMS), draws=99, seed=3)
    ours = geomsim.compare(left, right, "cka", draws=99, seed=3, null="shuffle")
    assert found.metric == "rv"
    assert found.score == pytest.approx(rv(left, right), abs=1e-15) == pytest.approx(ours.score, abs=1e-12)
    assert found.p_value == ours.p_value


def test_the_order_moves_the_right_rows() -> None:
    left, right = torch.from_numpy(points()), torch.from_numpy(points(seed=1))
    order = torch.from_numpy(np.random.default_rng(5).permutation(40))
    metric: Any = function_metric(rv)
    found = metric.score(metric.prepare(left), metric.prepare(right), order)
    assert found.dtype == torch.float64
    assert float(found) == rv(left.numpy(), right.numpy()[order.numpy()])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("paired", [True, False])
def test_the_function_sees_the_arrays_themselves(dtype: torch.dtype, paired: bool) -> None:
    given = []

    def keep(x: Array, y: Array) -> float:
        given.extend((x, y))
        return 1.0

    left, right = torch.from_numpy(points()).to(dtype), torch.from_numpy(points(seed=1)).to(dtype)
    metric: Any = function_metric(keep, paired=paired)
    metric.score(metric.prepare(left), metric.prepare(right), *([torch.arange(40)] if paired else []))
    for array, tensor in zip(given, (left, right), strict=True):
        assert np.shares_memory(array, tensor.numpy())
        assert array.dtype == tensor.numpy().dtype


@pytest.mark.parametrize("side", [0, 1])
def test_one_that_writes_into_its_input_is_found_out(side: int) -> None:
    def centres(*sides: Array) -> float:
        sides[side][:] -= sides[side].mean(0)
        return rv(*sides)

    assert "prepare or score wrote into its input" in broken(centres, **CLAIMS)["inputs untouched"]


def test_nan_is_seen_as_nan() -> None:
    evidence = broken(lambda x, y: float("nan"))["finite 0-d score within its range"]
    assert "the score is nan" in evidence


def test_a_crash_is_seen_as_a_crash() -> None:
    def crashes(x: Array, y: Array) -> float:
        raise ZeroDivisionError("by hand")

    assert broken(crashes)["self is best"] == "crashed with ZeroDivisionError: by hand"
    with pytest.raises(ZeroDivisionError, match="by hand"):
        geomsim.compare(points(), points(seed=1), function_metric(crashes), null=None)


def test_a_value_error_refuses_points_and_breaks_no_promise() -> None:
    """scipy's function says in words that it takes neither constant points nor unequal widths."""

    def disparity(x: Array, y: Array) -> float:
        return float(scipy.spatial.procrustes(x, y)[2])

    claims: dict[str, Any] = {"larger_means": "farther", "score_range": (0, 1)}
    card = metric_card(disparity, measure=None, unchanged_by=("rotation", "scaling", "translation"), **claims)
    assert card.kept, card.broken
    told = {promise.name: promise.evidence for promise in card.promises}
    assert "constant points" in told["degenerate points"]
    assert told["unequal widths"] == (
        "unequal widths are refused: disparity refuses these points: Input matrices must be of same shape"
    )
    with pytest.raises(geomsim.DegenerateSpace, match=r"disparity refuses .* >1 unique points") as found:
        geomsim.compare(points(), np.ones((40, 3)), function_metric(disparity, **claims), null=None)
    assert isinstance(found.value.__cause__, ValueError)


def test_a_value_error_on_ordinary_points_breaks_promises() -> None:
    def never(x: Array, y: Array) -> float:
        raise ValueError("by no means")

    told = "raised DegenerateSpace on ordinary points: never refuses these points: by no means"
    assert broken(never)["self is best"] == told


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (np.array([0.3, 0.4]), r"two returned a ndarray of shape \(2,\), and a score is one real number"),
        (np.array([0.3]), r"two returned a ndarray of shape \(1,\)"),
        ((0.5, 0.01), "two returned a tuple, and"),
        ({"score": 1}, "two returned a dict"),
        (None, "two returned a NoneType"),
        ("0.5", "two returned a str"),
        (True, "two returned a bool"),
        (1j, "two returned a complex"),
        (np.bool_(True), r"two returned a bool.* of shape \(\)"),
    ],
)
def test_what_is_no_number_is_refused(returned: Any, told: str) -> None:
    def two(x: Array, y: Array) -> Any:
        return returned

    with pytest.raises(BrokenPromise, match=told):
        geomsim.compare(points(), points(seed=1), function_metric(two), null=None)
    assert "BrokenPromise on ordinary points" in broken(two)["finite 0-d score within its range"]


@pytest.mark.parametrize(
    "returned", [0.5, 1, np.float32(0.5), np.float64(0.5), np.int64(1), np.array(0.5), torch.tensor(0.5)]
)
def test_every_kind_of_number_is_taken(returned: Any) -> None:
    metric = function_metric(lambda x, y: returned, score_range=(0, 2))
    assert geomsim.compare(points(), points(seed=1), metric, null=None).score == float(returned)


def test_unpaired_functions() -> None:
    metric = function_metric(
        mean_gap, paired=False, larger_means="farther", unchanged_by=["translation"], triangle=True, name="gap"
    )
    assert isinstance(metric, UnpairedMetric)
    assert (metric.larger_means, metric.triangle, type(metric).__name__) == ("farther", True, "gap")
    found = geomsim.compare(points(), points(30, seed=1), metric, null=None)
    assert (found.metric, found.score) == ("gap", mean_gap(points(), points(30, seed=1)))


def test_false_claims_are_found_out() -> None:
    def product(x: Array, y: Array) -> float:
        return float((x[:, :1] * np.abs(y[:, :1])).sum())

    found = broken(product, unchanged_by=("scaling",), score_range=(0, 1))
    assert {"finite 0-d score within its range", "symmetry", "invariances, both ways", "self is best"} <= set(found)
    assert "by 3.7" not in found["symmetry"]


def test_a_frozen_dataclass_of_no_fields_with_the_words_of_the_function() -> None:
    metric = function_metric(rv, **CLAIMS)
    assert isinstance(metric, PairedMetric)
    assert [spec.name for spec in dataclasses.fields(metric)] == ["chance_corrected"]
    assert not dataclasses.fields(function_metric(rv, paired=False))  # type: ignore[arg-type]
    assert metric.parameters() == {}
    assert "test_function_metric.rv as a metric." in str(type(metric).__doc__)
    assert "Escoufier's RV coefficient." in str(type(metric).__doc__)
    assert str(function_metric(lambda x, y: 1.0).__doc__).endswith("as a metric.")
    with pytest.raises(dataclasses.FrozenInstanceError):
        metric.score_range = (0, 2)  # type: ignore[misc]


def test_equal_for_the_same_function_and_claims() -> None:
    metric = function_metric(rv, **CLAIMS)
    assert metric == function_metric(rv, **{**CLAIMS, "unchanged_by": ["translation", "scaling", "rotation"]})
    assert hash(metric) == hash(function_metric(rv, **CLAIMS))
    assert metric != function_metric(rv)
    assert metric != function_metric(rv, name="other", **CLAIMS)
    assert metric != function_metric(mean_gap, **CLAIMS)
    assert metric != dataclasses.replace(metric, chance_corrected=True)  # type: ignore[type-var, call-arg]


def test_printed_as_it_is_made() -> None:
    assert repr(function_metric(rv)) == "function_metric(rv)"
    assert repr(function_metric(rv, larger_means="farther", triangle=True, name="away")) == (
        "function_metric(rv, larger_means='farther', triangle=True, name='away')"
    )
    assert repr(function_metric(rv, **CLAIMS)) == (
        "function_metric(rv, unchanged_by=('rotation', 'scaling', 'translation'), score_range=(0.0, 1.0))"
    )


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda metric: cloudpickle.loads(cloudpickle.dumps(metric))])
def test_travels_to_other_processes(copied: Callable[[Any], Any]) -> None:
    metric: Any = function_metric(rv, name="rv2", **CLAIMS)
    again = copied(dataclasses.replace(metric, chance_corrected=True))
    assert again.chance_corrected
    assert repr(again) == repr(metric)
    left, right = points(), points(seed=1)
    assert geomsim.compare(left, right, copied(metric), null=None).score == rv(left, right)


def test_callables_without_a_name_or_a_hash() -> None:
    class Kernel:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, x: Array, y: Array) -> float:
            return rv(x, y)

    metric = function_metric(Kernel(), **CLAIMS)
    assert (repr(metric)[:23], type(metric).__name__) == ("function_metric(Kernel,", "Kernel")
    check_metric(metric)
    assert repr(function_metric(functools.partial(pow, 2), name="power")) == "function_metric(pow, name='power')"


def test_nothing_of_it_is_remembered_from_one_run_to_the_next() -> None:
    # Claims are no fields: a digest that did not see them would mix up two metrics.
    with pytest.raises(NoDigestError, match="made inside a function"):
        code_digest(type(function_metric(rv)))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"function": 3}, "function must be a function of two arrays, is a int"),
        ({"function": lambda x: 1.0}, "cannot be called with two arrays alone: too many positional arguments; wrap it"),
        ({"function": lambda x, y, k: 1.0}, "cannot be called with two arrays alone: missing a required argument: 'k'"),
        ({"larger_means": "better"}, "larger_means must be 'closer' or 'farther', is 'better'"),
        ({"unchanged_by": "rotation"}, r"unchanged_by is a set of names, got the text 'rotation'; write \('rotation',"),
        ({"unchanged_by": ("reflection",)}, "unchanged_by names 'reflection'; it may name rotation, scaling,"),
        ({"score_range": (0,)}, r"score_range is two numbers, the least and the largest score, got \(0,\)"),
        ({"score_range": 1.0}, "score_range is two numbers"),
        ({"score_range": (1, 0)}, r"score_range begins with the least score, got \(1, 0\)"),
        ({"paired": "yes"}, "paired must be True or False, is 'yes'"),
        ({"symmetric": 1}, "symmetric must be True or False, is 1"),
        ({"triangle": True}, "triangle is a claim about distances: it needs larger_means='farther'"),
        ({"estimates": "truth"}, "estimates must be one of mean canonical correlation, cka, procrustes or None"),
        ({"name": ""}, "name must be some text, is ''"),
    ],
)
def test_claims_that_make_no_sense(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidConfig, match=told):
        function_metric(**{"function": rv, **arguments})
