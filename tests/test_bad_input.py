"""Every installed metric on input that breaks numbers: a finite score that keeps its promises, or an error in words."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

import geomsim
from geomsim import Comparison, DegenerateSpace, GeomsimError, Metric, PairedMetric, Space, UnpairedMetric, compare
from geomsim.errors import InapplicableNull, InvalidPairing
from geomsim.nulls import NoiseFloor

Floats = NDArray[np.float64]
Variant = tuple[str, dict[str, Any]]

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "cca": [{}, {"statistic": "mean-squared"}],
    "svcca": [{}, {"statistic": "mean-squared"}, {"components": 1}],
    "pwcca": [{}, {"side": "left"}],
    "cka": [{}, {"kernel": "rbf"}],
    "debiased-cka": [{}, {"kernel": "rbf"}],
    "rsa": [
        {},
        {"dissimilarity": "cosine", "compare": "kendall"},
        {"dissimilarity": "euclidean"},
        {"dissimilarity": "euclidean", "compare": "pearson"},
        {"dissimilarity": "sqeuclidean", "compare": "whitened-cosine"},
        {"dissimilarity": "cosine", "compare": "cosine"},
    ],
    "distance-correlation": [{}, {"debiased": True}],
    "linear-predictivity": [{"folds": 3}, {"folds": 3, "direction": "right-to-left"}],
    "singular-values": [
        {},
        {"normalize": "sum", "centre": True},
        {"normalize": "max", "distance": "wasserstein"},
        {"normalize": None},
        {"normalize": None, "distance": "wasserstein"},
    ],
    "knn-jaccard": [{"k": 2}],
    "mutual-knn": [{"k": 2, "centre": False}, {"k": 2, "distance": "euclidean"}],
    "rank-biased-overlap": [{"depth": 3}, {"depth": 3, "distance": "euclidean"}],
    "cknna": [{"k": 2}],
    "second-order-cosine": [{"k": 2}, {"k": 2, "centre": False}],
    "mmcs": [{}, {"direction": "right-to-left", "absolute": True}],
    **{
        f"mapper-{name}": [{"components": 1, "n_cubes": 2}, {"components": 1, "n_cubes": 2, "relative_eps": 1.0}]
        for name in ("transport", "cka", "hypergraph", "persistence", "gromov", "fused")
    },
    "gromov-wasserstein": [{}, {"landmarks": 6}, {"normalise": "rms"}],
    "geometry-score": [{"repeats": 10}],
}
EVERY: list[Variant] = [(name, chosen) for name in geomsim.metrics() for chosen in VARIANTS.get(name, [{}])]
WITHOUT_UNIT = [variant for variant in EVERY if variant[1].get("normalize", "") is not None]

ROWS, WIDTH = 24, 4
_random = np.random.default_rng(0)
LEFT: Floats = _random.normal(size=(ROWS, WIDTH)) @ _random.normal(size=(WIDTH, WIDTH))
RIGHT: Floats = LEFT @ _random.normal(size=(WIDTH, WIDTH)) + 0.5 * _random.normal(size=(ROWS, WIDTH))
WIDE: Floats = np.random.default_rng(1).normal(size=(8, 50))


def called(variant: Any) -> str | None:
    if not isinstance(variant, tuple):
        return None
    return " ".join([variant[0], *(f"{key}={value}" for key, value in variant[1].items())])


def put(points: NDArray[Any], rows: Any, values: Any) -> NDArray[Any]:
    found = points.copy()
    found[rows] = values
    return found


def scaled_row(points: Floats, by: float) -> Floats:
    return put(points, 7, points[7] * by)


def locked(points: Floats) -> Floats:
    found = points.copy()
    found.setflags(write=False)
    return found


SAME_ROWS: dict[str, Callable[[Floats], Any]] = {
    "all rows zero": np.zeros_like,
    "some rows zero": lambda points: put(points, slice(5, 9), 0.0),
    "all rows equal": lambda points: np.ones_like(points) * points[0],
    "all rows but one equal": lambda points: put(np.ones_like(points) * points[0], 3, points[1]),
    "every row twice": lambda points: points[np.arange(len(points)) // 2],
    "every row ten times": lambda points: points[np.arange(len(points)) // 10],
    "two different rows": lambda points: points[np.arange(len(points)) % 2],
    "columns twice": lambda points: np.hstack([points, points]),
    "a constant column": lambda points: np.column_stack([points[:, :3], np.full(len(points), 0.1)]),
    "rank one": lambda points: np.outer(points[:, 0], [1.0, 2.0, -3.0, 0.5]),
    "rank one off the origin": lambda points: 5 + np.outer(points[:, 0], [1.0, 2.0, -3.0, 0.5]),
    "rows at right angles": lambda points: np.eye(len(points)),
    "one column": lambda points: points[:, :1],
    "float16": lambda points: points.astype(np.float16),
    "whole numbers": lambda points: np.round(3 * points).astype(np.int64),
    "true and false": lambda points: points > 0,
    "1e-150": lambda points: 1e-150 * points,
    "1e150": lambda points: 1e150 * points,
    "float32 1e-30": lambda points: (1e-30 * points).astype(np.float32),
    "float32 1e30": lambda points: (1e30 * points).astype(np.float32),
    "largest numbers": lambda points: points / np.abs(points).max() * 1.7e308,
    "subnormal numbers": lambda points: 1e-318 * points,
    "a few smallest numbers": lambda points: 5e-324 * np.round(points),
    "float32 subnormal": lambda points: (1e-43 * points).astype(np.float32),
    "far off the origin": lambda points: 1e8 + points,
    "far off the origin, little spread": lambda points: 1e8 + 1e-4 * points,
    "float32 far off the origin": lambda points: (1e4 + points).astype(np.float32),
    "an outlier 1e6": lambda points: scaled_row(points, 1e6),
    "an outlier 1e12": lambda points: scaled_row(points, 1e12),
    "an outlier 1e200": lambda points: scaled_row(points, 1e200),
    "points with gradients": lambda points: torch.tensor(points, requires_grad=True),
}
FEW_ROWS: dict[str, tuple[Floats, Floats]] = {
    **{f"{rows} rows": (LEFT[:rows], RIGHT[:rows]) for rows in (1, 2, 3, 4, 5)},
    "8 rows in width 50": (WIDE, WIDE[::-1] + LEFT[:8, :1]),
}

# A message says what can be done.
_ADVICE = re.compile(r"\b(use|look|leave|divide)\b", re.IGNORECASE)


def judged(left: Any, right: Any, metric: Metric[Any], null: Any = "auto") -> Comparison | GeomsimError:
    """A comparison that passed all checks of its numbers, or an error that passed those of its words."""
    if null == "auto" and isinstance(metric, UnpairedMetric):
        null = NoiseFloor(splits=2)
    slow = type(metric).__name__ == "LinearPredictivity"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing but warnings of our own, which the result holds
        try:
            found = compare(left, right, metric, draws=5 if slow else 19, null=null)
        except (DegenerateSpace, InapplicableNull) as error:
            text = str(error)
            assert not re.search(r"\b(nan|inf|not finite)\b", text), text
            if isinstance(error, DegenerateSpace):
                assert re.search(r"\b(left|right) (space|side|rows)\b", text), text
                assert _ADVICE.search(text), text
            return error
    least, most = metric.score_range
    assert math.isfinite(found.score)
    assert least <= found.score <= most
    assert found.p_value is None or 0 < found.p_value <= 1
    for number in (found.null_mean, found.null_sd, found.corrected):
        assert number is None or math.isfinite(number)
    assert found.null is None or np.isfinite(found.null).all()
    json.dumps(found.to_dict(), allow_nan=False)
    return found


def score(left: Any, right: Any, metric: Metric[Any]) -> float:
    return compare(left, right, metric, null=None).score


def has_moments(metric: Metric[Any]) -> bool:
    return isinstance(metric, PairedMetric) and type(metric).null_moments is not PairedMetric.null_moments


@pytest.mark.parametrize("change", SAME_ROWS.values(), ids=SAME_ROWS)
@pytest.mark.parametrize("variant", EVERY, ids=called)
def test_a_number_that_holds_or_an_error_that_says_why(variant: Variant, change: Callable[[Floats], Any]) -> None:
    metric = geomsim.metric(variant[0], **variant[1])
    left, right = change(LEFT), change(RIGHT)
    for side, found in (("left", judged(left, RIGHT, metric, null=None)), ("right", judged(LEFT, right, metric))):
        if isinstance(found, DegenerateSpace) and "width" not in str(found):
            assert f"{side} s" in str(found)  # the space, or half of the side
    first = judged(left, right, metric, null="exact" if has_moments(metric) else "auto")
    if isinstance(first, Comparison):
        assert score(left, right, metric) == first.score
    else:
        again = judged(left, right, metric, null="exact" if has_moments(metric) else "auto")
        assert str(first) == str(again)


@pytest.mark.parametrize("pair", FEW_ROWS.values(), ids=FEW_ROWS)
@pytest.mark.parametrize("variant", EVERY, ids=called)
def test_few_rows(variant: Variant, pair: tuple[Floats, Floats]) -> None:
    metric = geomsim.metric(variant[0], **variant[1])
    judged(*pair, metric)
    if has_moments(metric):
        judged(*pair, metric, null="exact")


@pytest.mark.parametrize("change", [*SAME_ROWS.values(), lambda points: points[:5]], ids=[*SAME_ROWS, "5 rows"])
@pytest.mark.parametrize("variant", [each for each in EVERY if each[0] != "linear-predictivity"], ids=called)
def test_identical_sides_score_best(variant: Variant, change: Callable[[Floats], Any]) -> None:
    metric = geomsim.metric(variant[0], **variant[1])
    points = change(LEFT)
    try:
        found = score(points, points, metric)
    except DegenerateSpace:
        return  # judged above
    best = metric.score_range[1 if metric.larger_means == "closer" else 0]
    assert found == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("variant", WITHOUT_UNIT, ids=called)
def test_no_scale_matters(variant: Variant) -> None:
    metric = geomsim.metric(variant[0], **variant[1])
    assert metric.unchanged_by & {"scaling", "affine"}
    expected = score(LEFT, RIGHT, metric)
    for scale in (1e-300, 1e-150, 1e150, 1e300):
        for left, right in ((scale, 1.0), (1.0, scale), (scale, scale)):
            assert score(left * LEFT, right * RIGHT, metric) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    single = score(LEFT.astype(np.float32), RIGHT.astype(np.float32), metric)
    for power in (-100, 100):
        scaled = LEFT.astype(np.float32) * np.float32(2.0**power)
        assert score(scaled, RIGHT.astype(np.float32), metric) == pytest.approx(single, rel=1e-9, abs=1e-9)


def test_spectra_with_a_unit_keep_it() -> None:
    metric = geomsim.metric("singular-values", normalize=None)
    expected = score(LEFT, RIGHT, metric)
    for scale in (1e-300, 1e-150, 1e150, 1e300):
        assert score(scale * LEFT, scale * RIGHT, metric) == pytest.approx(scale * expected, rel=1e-12)
    with pytest.raises(
        DegenerateSpace, match=r"right space: .*1\.7e\+308 add up to more than a number can hold; divide"
    ):
        compare(LEFT, SAME_ROWS["largest numbers"](RIGHT), metric)


@pytest.mark.parametrize("variant", EVERY, ids=called)
def test_no_offset_matters_that_leaves_digits(variant: Variant) -> None:
    metric = geomsim.metric(variant[0], **variant[1])
    if not metric.unchanged_by & {"translation", "affine"}:
        pytest.skip("translation matters to this metric")
    expected = score(LEFT, RIGHT, metric)
    assert score(LEFT + 1e8, RIGHT - [0, 1e8, -1e6, 0], metric) == pytest.approx(expected, abs=1e-6)


# Means over rows or pairs of rows, each with the same weight: a row that counts twice on both sides changes no mean.
MEANS: list[Variant] = [
    *((name, chosen) for name in ("cca", "svcca", "pwcca") for chosen in VARIANTS[name]),
    ("cka", {}),
    ("rsa", {"dissimilarity": "sqeuclidean", "compare": "whitened-cosine"}),
    ("rsa", {"dissimilarity": "cosine", "compare": "cosine"}),
    *((name, {}) for name in ("distance-correlation", "procrustes", "procrustes-distance", "angular-procrustes")),
    *((name, {}) for name in ("soft-matching", "mmcs", "singular-values")),
]


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("variant", MEANS, ids=called)
def test_rows_repeated_on_both_sides_change_nothing(variant: Variant, times: int) -> None:
    metric = geomsim.metric(variant[0], **variant[1])
    few = slice(0, ROWS // times)
    expected = score(LEFT[few], RIGHT[few], metric)
    repeated = np.arange(ROWS) // times
    assert score(LEFT[repeated], RIGHT[repeated], metric) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("variant", [each for each in EVERY if each[0] != "singular-values"], ids=called)
def test_columns_twice_change_nothing(variant: Variant) -> None:
    metric = geomsim.metric(variant[0], **variant[1])
    twice = [np.hstack([side, side]) for side in (LEFT, RIGHT)]
    assert score(twice[0], twice[1], metric) == pytest.approx(score(LEFT, RIGHT, metric), abs=1e-9)


@pytest.mark.parametrize("variant", EVERY, ids=called)
def test_how_points_lie_in_memory_does_not_matter_and_they_are_not_written_to(variant: Variant) -> None:
    metric = geomsim.metric(variant[0], **variant[1])
    expected = score(LEFT, RIGHT, metric)
    for change in (locked, np.asfortranarray, SAME_ROWS["points with gradients"]):
        left, right = change(LEFT), change(RIGHT)
        assert score(left, right, metric) == pytest.approx(expected, abs=1e-12)
        for side, before in ((left, LEFT), (right, RIGHT)):
            after = side.detach().numpy() if isinstance(side, torch.Tensor) else side
            np.testing.assert_array_equal(after, before)
    backward = score(LEFT[::-1, ::-1], RIGHT[::-1, ::-1], metric)
    assert backward == score(LEFT[::-1, ::-1].copy(), RIGHT[::-1, ::-1].copy(), metric)
    for kind, wider in ((np.float16, np.float32), (np.int64, np.float64)):
        left, right = (np.asarray(4 * side).astype(kind) for side in (LEFT, RIGHT))
        assert score(Space(left), Space(right), metric) == score(left.astype(wider), right.astype(wider), metric)


def test_rank_one_has_closed_forms() -> None:
    left, right = np.outer(LEFT[:, 0], [1.0, 2.0, -3.0, 0.5]) + 5, np.outer(RIGHT[:, 0], [-2.0, 1.0, 0.0, 1.0]) - 3
    r = abs(np.corrcoef(LEFT[:, 0], RIGHT[:, 0])[0, 1])
    expected = {
        **dict.fromkeys(("cca", "svcca", "pwcca", "procrustes"), r),
        "cka": r**2,
        "procrustes-distance": math.sqrt(2 - 2 * r),
        "angular-procrustes": math.acos(r),
        "rsa euclidean": scipy.stats.spearmanr(pdist(LEFT[:, :1]), pdist(RIGHT[:, :1]))[0],
    }
    for name, wanted in expected.items():
        given = {"dissimilarity": "euclidean"} if name == "rsa euclidean" else {}
        assert score(left, right, geomsim.metric(name.split()[0], **given)) == pytest.approx(wanted, abs=1e-9), name
    centred = geomsim.metric("singular-values", centre=True)
    assert score(left, right, centred) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("by", [1e3, 1e6, 1e9])
def test_an_outlier_leaves_the_other_distances_their_digits(by: float) -> None:
    random = np.random.default_rng(2)
    left = random.normal(size=(60, 5))
    right = left + random.normal(size=left.shape)
    left, right = scaled_row(left, by), scaled_row(right, by)
    first, second = pdist(left), pdist(right)
    for comparing, oracle in (("spearman", scipy.stats.spearmanr), ("kendall", scipy.stats.kendalltau)):
        metric = geomsim.metric("rsa", dissimilarity="euclidean", compare=comparing)
        assert score(left, right, metric) == pytest.approx(oracle(first, second)[0], abs=1e-9)
    expected = np.mean([len(near & other) / 5 for near, other in zip(nearest(left), nearest(right), strict=True)])
    found = compare(left, right, geomsim.metric("mutual-knn", k=5, distance="euclidean"), null=None)
    assert found.score == pytest.approx(expected, abs=1e-9)
    assert not found.warnings


def nearest(points: Floats) -> list[set[int]]:
    from scipy.spatial.distance import squareform

    distances = squareform(pdist(points))
    np.fill_diagonal(distances, np.inf)
    return [set(row[:5]) for row in distances.argsort(axis=1).tolist()]


@pytest.mark.parametrize(
    "variant",
    [
        ("rsa", {}),
        ("rsa", {"dissimilarity": "cosine"}),
        ("mutual-knn", {"k": 2, "centre": False}),
        ("second-order-cosine", {"k": 2, "centre": False}),
        ("rank-biased-overlap", {"depth": 3, "centre": False}),
        ("mmcs", {}),
    ],
    ids=called,
)
def test_the_length_of_a_row_does_not_matter_to_its_cosines(variant: Variant) -> None:
    metric = geomsim.metric(variant[0], **variant[1])
    expected = score(LEFT, RIGHT, metric)
    for by in (1e-200, 1e200):
        assert score(scaled_row(LEFT, by), RIGHT, metric) == pytest.approx(expected, abs=1e-9)


SMALL: dict[str, Floats] = {
    "every row twice": LEFT[[0, 0, 1, 1, 2], :2],
    "all rows but one equal": LEFT[[0, 0, 0, 0, 1], :2],
    "two different rows": LEFT[[0, 0, 1, 0, 1], :2],
    "rank one": np.outer(LEFT[:5, 0], [1.0, 2.0]),
    "ordinary": RIGHT[:5, :2],
}


@pytest.mark.parametrize("right", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("left", SMALL.values(), ids=SMALL)
def test_exact_moments_of_points_with_ties(left: Floats, right: Floats) -> None:
    orders = torch.tensor(list(permutations(range(5))))
    for name, chosen in EVERY:
        metric = geomsim.metric(name, **chosen)
        if not has_moments(metric):
            continue
        assert isinstance(metric, PairedMetric)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", geomsim.GeomsimWarning)
            try:
                states = [metric.prepare(torch.from_numpy(side)) for side in (left, right)]
            except DegenerateSpace:
                continue
            moments = metric.null_moments(*states)
        if moments is None:
            continue
        scores = metric.score_many(states[0], states[1], orders).numpy()
        assert moments.mean == pytest.approx(scores.mean(), abs=1e-9), name
        if moments.variance is not None:
            assert moments.variance == pytest.approx(scores.var(), abs=1e-9), name


def test_a_stratum_of_one_row_cannot_be_shuffled() -> None:
    labels = np.repeat(np.arange(ROWS // 2), 2)
    once = put(labels, 0, 99)
    for groups, text in ((once, "2 of 13 strata hold a single row"), (np.arange(ROWS), "24 of 24 strata hold a")):
        with pytest.raises(InapplicableNull, match=rf"^{text}.*merge small strata or leave those rows out$"):
            compare(Space(LEFT, groups=groups), RIGHT, "procrustes", groups="within", draws=19)
    pair = {"left": Space(LEFT, groups=once), "right": RIGHT}
    study = geomsim.run_study({"metrics": ["procrustes"], "groups": "within", "draws": 19, "pairs": [pair]})
    assert "strata hold a single row" in study.table.error.iloc[0]


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        (range(ROWS + 1), r"the subset names pair 24, and there are 24 pairs \(0 to 23\)"),
        ([True] * (ROWS + 1), r"a subset as a mask has one entry per pair, 24, got shape \(25,\)"),
        ([*range(ROWS), *range(ROWS)], "the subset names pair 0 more than once"),
        ([], "the subset is empty: none of the pairs is in it"),
        ([False] * ROWS, "the subset is empty: none of the pairs is in it"),
    ],
    ids=["a number too many", "a mask too long", "larger than the set", "empty", "an empty mask"],
)
def test_subsets_that_are_none(subset: Sequence[Any], message: str) -> None:
    with pytest.raises(InvalidPairing, match=message):
        compare(LEFT, RIGHT, "procrustes", subset=np.array(subset, dtype=None if len(subset) else int), draws=19)


def test_a_subset_that_is_everything_is_no_random_one() -> None:
    with pytest.raises(InapplicableNull, match=r"the whole pool of 24 pairs.*Compare a smaller subset"):
        compare(LEFT, RIGHT, "procrustes", subset=np.arange(ROWS), null="random-subset", draws=19)


@pytest.mark.parametrize("name", ["knn-jaccard", "mutual-knn", "cknna", "second-order-cosine", "rank-biased-overlap"])
def test_as_many_neighbours_as_rows(name: str) -> None:
    parameter = "depth" if name == "rank-biased-overlap" else "k"
    for wanted in (ROWS, ROWS + 1):
        metric = geomsim.metric(name, **{parameter: wanted})
        with pytest.raises(DegenerateSpace, match=rf"^left space: 24 rows are too few .* use {parameter} <= 2[23] or"):
            compare(LEFT, RIGHT, metric, draws=19)
    most = geomsim.metric(name, **{parameter: ROWS - (1 if parameter == "depth" else 2)})
    assert isinstance(judged(LEFT, RIGHT, most), Comparison)  # the number that the message names


def test_a_study_says_which_cells_are_empty_or_undefined_and_goes_on() -> None:
    study = geomsim.run_study(
        {
            "metrics": ["procrustes", {"name": "knn-jaccard", "k": ROWS}, "mmcs"],
            "draws": 19,
            "pairs": [{"left": LEFT, "right": RIGHT[:, :3], "subsets": {"nobody": [], "some": range(12)}}],
        }
    )
    table = study.table
    empty = table[table.subspace == "nobody"]
    assert set(empty.metric) == {"procrustes", "knn-jaccard", "mmcs"}  # reported, not skipped
    assert set(empty.n) == {0}
    assert empty.error.str.fullmatch("nobody: empty, none of the pairs").all()
    others = table[table.subspace != "nobody"].groupby("metric").error
    assert others.get_group("procrustes").isna().all()
    assert others.get_group("knn-jaccard").str.contains("rows are too few for k=24 neighbours").all()
    assert others.get_group("mmcs").str.contains("left rows have width 4 and the right rows 3: cosines need one").all()


def test_unequal_widths_where_equal_ones_are_needed() -> None:
    with pytest.raises(
        DegenerateSpace, match=r"width 4 and the right rows 3: .*use a metric that needs no common space"
    ):
        compare(LEFT, RIGHT[:, :3], "mmcs")
    for variant in EVERY:
        if variant[0] != "mmcs":
            assert isinstance(judged(LEFT, RIGHT[:, :3], geomsim.metric(variant[0], **variant[1])), Comparison)
