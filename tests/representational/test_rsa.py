from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_checks import (
    all_orders,
    assert_drawn_moments,
    assert_enumerated_moments,
    assert_order_law,
    assert_uniform_p_values,
    random_orders,
)
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import pdist, squareform

import geomsim
from geomsim import DegenerateSpace, GeomsimError, GeomsimWarning
from geomsim.testing import check_metric
from geomsim_representational.cka import CKA
from geomsim_representational.dissimilarity import dissimilarities
from geomsim_representational.rsa import RSA
from geomsim_representational.rsa_kendall import inversions
from geomsim_representational.rsa_profiles import PairProfile

Array = NDArray[np.float64]
DISSIMILARITIES = ("correlation", "euclidean", "sqeuclidean", "cosine")
COMPARISONS = ("spearman", "pearson", "kendall", "cosine", "whitened-cosine")
WITH_MOMENTS = ("spearman", "pearson", "cosine", "whitened-cosine")


def rsa(left: Array, right: Array, **parameters: str) -> float:
    return geomsim.compare(left, right, RSA(**parameters), null=None).score  # type: ignore[arg-type]


def related(rows: int = 60, width: int = 7, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    left = random.normal(size=(rows, width)) + random.normal(size=width)
    return left, left @ random.normal(size=(width, width + 2)) + random.normal(size=(rows, width + 2))


def compare_vectors(left: Array, right: Array, compare: str) -> float:
    if compare == "spearman":
        return float(stats.spearmanr(left, right).statistic)
    if compare == "pearson":
        return float(stats.pearsonr(left, right).statistic)
    if compare == "kendall":
        return float(stats.kendalltau(left, right).statistic)
    if compare == "whitened-cosine":
        white = whitening(left)
        left, right = white @ left, white @ right
    return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))


def whitening(vector: Array) -> Array:
    """Inverse root of the covariance of squared distances of noise, (C C')^2 with C the contrasts of pairs of rows."""
    rows = round((1 + np.sqrt(1 + 8 * len(vector))) / 2)
    contrasts = np.zeros((len(vector), rows))
    above = np.triu_indices(rows, 1)
    contrasts[np.arange(len(vector)), above[0]] = 1
    contrasts[np.arange(len(vector)), above[1]] = -1
    values, axes = np.linalg.eigh((contrasts @ contrasts.T) ** 2)
    return axes / np.sqrt(values) @ axes.T


@pytest.mark.parametrize(
    "metric",
    [RSA(), *(RSA("sqeuclidean", compare) for compare in COMPARISONS)],
    ids=repr,  # type: ignore[arg-type]
)
def test_keeps_the_contract(metric: RSA) -> None:
    check_metric(metric)


@pytest.mark.parametrize("dissimilarity", DISSIMILARITIES)
@pytest.mark.parametrize(
    ("compare", "rows"),
    # Whitening by its definition takes a covariance of all pairs, which is for few rows only.
    [("whitened-cosine", rows) for rows in (3, 25)]
    + [(compare, rows) for compare in COMPARISONS[:4] for rows in (3, 25, 128, 129, 300)],
)
def test_agrees_with_scipy(dissimilarity: str, compare: str, rows: int) -> None:
    left, right = related(rows, seed=rows)
    expected = compare_vectors(pdist(left, dissimilarity), pdist(right, dissimilarity), compare)  # type: ignore[call-overload]
    assert rsa(left, right, dissimilarity=dissimilarity, compare=compare) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("ours", "theirs"), [("correlation", "correlation"), ("sqeuclidean", "euclidean")])
@pytest.mark.parametrize(
    ("compare", "method"),
    [
        ("spearman", "spearman"),
        ("pearson", "corr"),
        ("cosine", "cosine"),
        ("kendall", "tau-b"),
        ("whitened-cosine", "cosine_cov"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::SyntaxWarning")
def test_agrees_with_rsatoolbox(ours: str, theirs: str, compare: str, method: str) -> None:
    import rsatoolbox

    left, right = related(40)
    matrices = [rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(points), method=theirs) for points in (left, right)]
    expected = float(rsatoolbox.rdm.compare(*matrices, method=method)[0, 0])
    assert rsa(left, right, dissimilarity=ours, compare=compare) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("dissimilarity", ["euclidean", "sqeuclidean"])
@pytest.mark.parametrize("compare", COMPARISONS)
def test_rotated_moved_and_scaled_copy_scores_one(dissimilarity: str, compare: str) -> None:
    left, _ = related()
    rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(7, 7)))[0]
    copy = 0.3 * left @ rotation + 4.0
    assert rsa(left, copy, dissimilarity=dissimilarity, compare=compare) == pytest.approx(1.0, abs=1e-10)


def test_correlation_distance_sees_a_rotation_and_cosine_does_not() -> None:
    left, _ = related()
    rotated = left @ np.linalg.qr(np.random.default_rng(5).normal(size=(7, 7)))[0]
    assert rsa(left, rotated, dissimilarity="correlation") < 0.99
    assert rsa(left, rotated, dissimilarity="cosine") == pytest.approx(1.0, abs=1e-10)


def test_correlation_distance_ignores_level_and_scale_of_each_row() -> None:
    left, right = related()
    random = np.random.default_rng(1)
    changed = right * random.uniform(0.1, 5, size=(60, 1)) + random.normal(size=(60, 1))
    assert rsa(left, changed) == pytest.approx(rsa(left, right), abs=1e-10)


@pytest.mark.parametrize("dissimilarity", DISSIMILARITIES)
@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e4, 1e-200, 1e200])
def test_scale_does_not_matter(dissimilarity: str, compare: str, scale: float) -> None:
    left, right = related()
    plain = rsa(left, right, dissimilarity=dissimilarity, compare=compare)
    assert rsa(left, right * scale, dissimilarity=dissimilarity, compare=compare) == pytest.approx(plain, abs=1e-10)


def test_ties_get_average_ranks() -> None:
    # Whole numbers have exact squared distances, so scipy's ranks are exact too.
    random = np.random.default_rng(0)
    left, right = random.integers(0, 3, size=(2, 40, 3)).astype(float)
    expected = stats.spearmanr(pdist(left, "sqeuclidean"), pdist(right, "sqeuclidean")).statistic
    for change in (1.0, 0.1, np.pi):  # after which the distances are exact no more
        found = geomsim.compare(left, right * change + change, RSA(dissimilarity="euclidean"), null=None)
        assert found.score == pytest.approx(float(expected), abs=1e-12)
        assert any("of the dissimilarities are tied" in note for note in found.warnings)
    counts = np.unique(pdist(left, "sqeuclidean"), return_counts=True)[1]
    assert found.facts["tied pairs left"] == pytest.approx(counts[counts > 1].sum() / counts.sum())


def test_ties_warn_in_direct_use() -> None:
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 4))).repeat(4, 1)
    with pytest.warns(GeomsimWarning, match="tied with another one"):
        RSA().prepare(points)


def test_order_law_holds_with_duplicated_rows() -> None:
    left, right = related(40)
    right = right[np.arange(40) // 3]
    order = np.random.default_rng(0).permutation(40)
    metric = RSA()
    with pytest.warns(GeomsimWarning):
        states = [metric.prepare(torch.from_numpy(points)) for points in (left, right, right[order])]
    by_order = metric.score(states[0], states[1], torch.from_numpy(order))
    assert float(by_order) == pytest.approx(float(metric.score(states[0], states[2], torch.arange(40))), abs=1e-12)


def test_distances_of_equal_rows_are_zero() -> None:
    left, _ = related(30)
    left[7] = left[3]
    # 4.1e-8 or so by the naive formula, which would rank this pair by its rounding.
    for dissimilarity in DISSIMILARITIES:
        found = dissimilarities(torch.from_numpy(left), dissimilarity)  # type: ignore[arg-type]
        assert float(found.matrix(found.values)[3, 7]) == 0.0


@pytest.mark.parametrize("rows", [1, 2])
def test_refuses_too_few_rows(rows: int) -> None:
    with pytest.raises(DegenerateSpace, match=f"left space: {rows} rows have fewer than two dissimilarities"):
        rsa(np.eye(4)[:rows], np.eye(4)[:rows])


def test_refuses_constant_rows_by_number() -> None:
    left, right = related(20)
    right[[2, 5, 11]] = [[0.1], [-3.3], [0.0]]
    with pytest.raises(DegenerateSpace, match=r"right space: 3 of 20 rows are constant \(row numbers 2, 5, 11\)"):
        rsa(left, right)
    assert np.isfinite(rsa(left, right, dissimilarity="euclidean"))


def test_names_only_the_first_of_many_rows() -> None:
    left, right = related(20)
    left[4:14] = 1.0
    with pytest.raises(DegenerateSpace, match=r"10 of 20 rows are constant \(row numbers 4, 5, 6, 7, 8, \.\.\.\)"):
        rsa(left, right)


def test_refuses_zero_rows_for_cosine() -> None:
    left, right = related(20)
    left[6] = 0.0
    with pytest.raises(DegenerateSpace, match=r"left space: 1 of 20 rows are zero \(row numbers 6\).*cosine"):
        rsa(left, right, dissimilarity="cosine")


@pytest.mark.parametrize("compare", ["spearman", "pearson", "kendall"])
def test_refuses_equal_dissimilarities(compare: str) -> None:
    left = np.eye(12) * 0.1
    for dissimilarity in DISSIMILARITIES:
        with pytest.raises(DegenerateSpace, match="left space: all 66 dissimilarities are equal"):
            rsa(left, np.random.default_rng(0).normal(size=(12, 4)), dissimilarity=dissimilarity, compare=compare)


def test_equal_dissimilarities_have_a_cosine_unless_zero() -> None:
    right = np.random.default_rng(0).normal(size=(12, 4))
    for compare in ("cosine", "whitened-cosine"):
        assert 0 < rsa(np.eye(12), right, compare=compare) < 1
        with pytest.raises(DegenerateSpace, match="all 66 dissimilarities are equal"):
            rsa(np.ones((12, 2)), right, dissimilarity="euclidean", compare=compare)


def test_refuses_unknown_parameters() -> None:
    with pytest.raises(GeomsimError, match=r"dissimilarity is one of correlation, .*; got 'manhattan'"):
        RSA(dissimilarity="manhattan")  # type: ignore[arg-type]
    with pytest.raises(GeomsimError, match=r"compare is one of spearman, pearson, kendall, .*; got 'kendal'"):
        RSA(compare="kendal")  # type: ignore[arg-type]


def test_declared_invariances_depend_on_the_dissimilarity() -> None:
    assert RSA.unchanged_by == RSA().unchanged_by == {"scaling", "column_permutation"}
    assert RSA(dissimilarity="cosine").unchanged_by == {"scaling", "column_permutation", "rotation"}
    for dissimilarity in ("euclidean", "sqeuclidean"):
        assert {"rotation", "translation"} <= RSA(dissimilarity=dissimilarity).unchanged_by  # type: ignore[arg-type]


def test_explains_which_rows_agree() -> None:
    left, right = related(50)
    right[10] = np.random.default_rng(8).normal(size=9) * 5
    result = geomsim.compare(left, right, "rsa", null=None)
    assert result.explanation is not None
    adds = result.explanation.tables["rows"]["adds"]
    assert sum(adds) == pytest.approx(result.score)
    assert result.facts["pairs of rows"] == 50 * 49 // 2


def test_rows_of_a_whitened_cosine_add_up_and_kendall_has_facts_only() -> None:
    left, right = related(30)
    result = geomsim.compare(left, right, RSA(compare="whitened-cosine"), null=None)
    assert result.explanation is not None
    assert sum(result.explanation.tables["rows"]["adds"]) == pytest.approx(result.score)
    kendall = geomsim.compare(left, right, RSA(compare="kendall"), null=None)
    assert kendall.explanation is not None
    assert not kendall.explanation.tables
    assert (kendall.facts["pairs of rows"], kendall.facts["tied pairs left"]) == (435, 0.0)


@pytest.mark.parametrize(("rows", "width"), [(3, 2), (40, 5), (60, 90)])
def test_whitened_cosine_of_squared_distances_is_linear_cka(rows: int, width: int) -> None:
    left, right = related(rows, width)
    ours = geomsim.compare(left, right, RSA("sqeuclidean", "whitened-cosine"), null="exact")
    theirs = geomsim.compare(left, right, CKA(), null="exact")
    assert ours.score == pytest.approx(theirs.score, abs=1e-13)
    assert (ours.null_mean, ours.null_sd) == pytest.approx((theirs.null_mean, theirs.null_sd), rel=1e-9)


@pytest.mark.parametrize(("left_levels", "right_levels"), [(2, 2), (2, 40), (40, 2), (4, 5)])
def test_kendall_of_many_ties_and_many_orders(left_levels: int, right_levels: int) -> None:
    random = np.random.default_rng(0)
    left = random.integers(0, left_levels, size=(25, 2)).astype(float)
    right = random.integers(0, right_levels, size=(25, 2)).astype(float)
    metric = RSA("sqeuclidean", "kendall")
    with pytest.warns(GeomsimWarning, match="tied"):
        states = [metric.prepare(torch.from_numpy(points)) for points in (left, right)]
    orders = np.stack([np.arange(25), *(random.permutation(25) for _ in range(5))])
    many = metric.score_many(*states, torch.from_numpy(orders))
    for order, score in zip(orders, many, strict=True):
        vectors = pdist(left, "sqeuclidean"), pdist(right[order], "sqeuclidean")
        assert float(score) == pytest.approx(float(stats.kendalltau(*vectors).statistic), abs=1e-14)


@given(ranks=st.lists(st.integers(0, 40), min_size=1, max_size=60), draws=st.integers(1, 3))
def test_inversions_by_definition(ranks: list[int], draws: int) -> None:
    dense = np.unique(ranks, return_inverse=True)[1]
    random = np.random.default_rng(0)
    rows = np.stack([random.permutation(dense) for _ in range(draws)])
    expected = [(np.triu(row[:, None] > row)).sum() for row in rows]
    found = inversions(torch.from_numpy(rows).int(), torch.from_numpy(np.bincount(dense)))
    assert found.tolist() == expected


@pytest.mark.parametrize("compare", WITH_MOMENTS)
@pytest.mark.parametrize("rows", [3, 4, 5, 6, 7])
def test_moments_of_all_orders(compare: str, rows: int) -> None:
    random = np.random.default_rng(rows)
    metric = RSA("euclidean", compare)  # type: ignore[arg-type]
    orders = all_orders(rows)
    for width in (1, 4):
        states = [metric.prepare(torch.from_numpy(random.exponential(size=(rows, width)))) for _ in range(2)]
        assert_enumerated_moments(metric.null_moments(*states), metric.score_many(*states, orders).numpy())


@pytest.mark.parametrize("compare", WITH_MOMENTS)
def test_moments_of_drawn_orders(compare: str) -> None:
    random = np.random.default_rng(1)
    metric = RSA("euclidean", compare)  # type: ignore[arg-type]
    # Heavy tails: a few rows are far from all others, so that row effects count.
    states = [metric.prepare(torch.from_numpy(random.exponential(size=(300, 3)) ** 2)) for _ in range(2)]
    assert_drawn_moments(metric, *states, random_orders(random, 300, 5000))


def test_moments_without_spread() -> None:
    # Equal dissimilarities on one side: every order scores the same.
    states = [RSA(compare="cosine").prepare(torch.from_numpy(points)) for points in (np.eye(12), related(12)[0])]
    moments = RSA(compare="cosine").null_moments(*states)
    assert moments is not None
    assert moments.mean == pytest.approx(float(RSA().score(*states, torch.arange(12))), abs=1e-14)
    assert (moments.variance, moments.skewness) == (0.0, None)


def test_kendall_has_no_moments_and_says_so() -> None:
    with pytest.raises(GeomsimError, match="RSA has no exact moments; use null='shuffle'"):
        geomsim.compare(*related(20), RSA(compare="kendall"), null="exact")


@given(
    rows=st.integers(3, 40),
    seed=st.integers(0, 10**6),
    dissimilarity=st.sampled_from(DISSIMILARITIES),
    compare=st.sampled_from(COMPARISONS),
)
@settings(max_examples=30)
def test_order_law(rows: int, seed: int, dissimilarity: str, compare: str) -> None:
    random = np.random.default_rng(seed)
    left, right = (torch.from_numpy(random.normal(size=(rows, width))) for width in (4, 6))
    metric = RSA(dissimilarity=dissimilarity, compare=compare)  # type: ignore[arg-type]
    assert_order_law(metric, left, right, random_orders(random, rows, 1), 1e-10)


@pytest.mark.parametrize("rows", [127, 128, 129, 260])
def test_many_orders_across_block_borders(rows: int) -> None:
    random = np.random.default_rng(rows)
    left, right = (torch.from_numpy(random.normal(size=(rows, 3))) for _ in range(2))
    metric = RSA(dissimilarity="euclidean")
    states = metric.prepare(left), metric.prepare(right)
    assert isinstance(states[0], PairProfile)
    assert isinstance(states[1], PairProfile)
    orders = random_orders(random, rows, 3)
    many = metric.score_many(*states, orders)
    for draw, order in enumerate(orders):
        whole = float((states[0].matrix * states[1].matrix[order][:, order]).sum() / 2)
        assert float(many[draw]) == pytest.approx(whole, abs=1e-12)


def test_p_values_of_unrelated_points_are_uniform() -> None:
    random = np.random.default_rng(0)
    assert_uniform_p_values("rsa", random.normal(size=(100, 2, 15, 4)))


@pytest.mark.parametrize("rows", [3, 7, 8, 30])
def test_a_matrix_is_mirrored_block_by_block(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geomsim_representational.dissimilarity._BLOCK", 7)
    points = np.random.default_rng(rows).normal(size=(rows, 5))
    found = dissimilarities(torch.from_numpy(points), "cosine")
    np.testing.assert_allclose(found.matrix(found.values), squareform(pdist(points, "cosine")), rtol=1e-10)
