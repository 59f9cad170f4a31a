"""p-values are uniform or larger where nothing is shared: every installed metric, its nulls, data as they come.

Each case makes data sets on which its null hypothesis holds (heavy-tailed clouds, ties, documents, strata) and compares
them as a user does. The reduced form always runs; `--slow` runs the full one, 500 data sets a case, which
benchmarks/calibration.py prints as a table. Every check is made at LEVEL, 1 in 1,000 shared among all checks
(Bonferroni), so that the whole file fails without a cause less than once in 1,000; the seeds are fixed besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from typing import Any
from unittest.mock import patch
from zlib import crc32

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

import geomsim
from geomsim.errors import InapplicableNull
from geomsim_synthetic.cards.uniformity import false_positives, kolmogorov_smirnov, ranks
from geomsim_synthetic.cards.unrelated import ROWS, Data, cloud, documents, gaussian, noise, tied
from geomsim_synthetic.cards.unrelated import heavy_tailed as unrelated

Points = NDArray[Any]
Generator = np.random.Generator

# --- data sets on which nothing is shared ----------------------------------------------------------------------------


def documents_of_many_lengths(random: Generator) -> Data:
    return documents(random, lengths=(3, 4, 5, 6, 7) * 3)


def strata(random: Generator) -> Data:
    """The stratum of a row is all that the sides share."""
    of_row = random.permutation(np.arange(ROWS) % 4)
    left, right = (cloud(random, 4, w)[of_row] + 0.5 * cloud(random, ROWS, w) for w in (6, 9))
    return Data(geomsim.Space(left, groups=of_row), geomsim.Space(right, groups=of_row), {"groups": "within"})


def ungrouped(make: Callable[[Generator], Data]) -> Callable[[Generator], Data]:
    """The same data, moved row by row."""

    def naive(random: Generator) -> Data:
        data = make(random)
        return replace(data, options={"groups": "ignored"} if isinstance(data.options["groups"], str) else {})

    return naive


def any_subset(random: Generator) -> Data:
    """Sides that share a lot, and a subset that is like any other: the hypothesis of the random-subset null."""
    left = cloud(random, 3 * ROWS, 6)
    right = left @ random.normal(size=(6, 6)) + 0.5 * cloud(random, 3 * ROWS, 6)
    return Data(left, right, {"subset": random.choice(3 * ROWS, ROWS // 2, replace=False)})


# --- cases -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A metric under a null, and data on which that null holds; `draws` in the full form, 0 for a null without any."""

    family: str
    make: Callable[[Generator], Data]
    name: str
    parameters: tuple[tuple[str, Any], ...] = ()
    null: str = "auto"
    draws: int = 99
    always: bool = field(default=True, kw_only=True)  # in the reduced form too

    @property
    def metric(self) -> geomsim.Metric[Any]:
        return geomsim.metric(self.name, **dict(self.parameters))

    @property
    def called(self) -> str:
        return " ".join([self.name, *(f"{key}={value}" for key, value in self.parameters)])

    def __str__(self) -> str:
        return f"{self.family}: {self.called}"


PAIRED = [name for name in geomsim.metrics() if isinstance(geomsim.metric(name), geomsim.PairedMetric)]
UNPAIRED = [name for name in geomsim.metrics() if name not in PAIRED]
DEAR = ("linear-predictivity", "mapper-transport", "rank-biased-overlap")  # fewer draws
A_FEW = ("cka", "knn-jaccard", "procrustes", "rsa", "svcca")  # of each kind one: for what the order law settles for all

SHUFFLED = [
    *(Case("unrelated", unrelated, name, draws=39 if name in DEAR else 99) for name in PAIRED),
    *(
        Case("float32 with ties", tied, name, draws=39 if name in DEAR else 99, always=name not in DEAR)
        for name in PAIRED
    ),
    *(Case("documents", documents, name) for name in A_FEW),
    *(Case("strata", strata, name) for name in A_FEW),
]
UNEQUAL = [Case("documents of many lengths", documents_of_many_lengths, name) for name in A_FEW]

LAWS: list[tuple[str, dict[str, Any]]] = [
    ("cca", {"statistic": "mean-squared"}),
    ("cka", {}),
    ("cka", {"kernel": "rbf"}),
    ("cknna", {"k": 5}),
    ("debiased-cka", {}),
    ("distance-correlation", {"debiased": True}),
    ("mutual-knn", {"k": 5}),
    ("rank-biased-overlap", {"depth": 10}),
    ("rsa", {}),
    ("rsa", {"compare": "pearson"}),
    ("rsa", {"compare": "pearson", "dissimilarity": "sqeuclidean"}),
    ("svcca", {"statistic": "mean-squared"}),
]
EXACT = [Case("exact", unrelated, name, tuple(given.items()), "exact", 0) for name, given in LAWS]

# These prepare anew at each draw, which is slow: in the reduced form one paired metric, and the unpaired ones.
OTHERS = [
    Case(null, make, name, (), null, 39, always=name in (*UNPAIRED, "svcca"))
    for null, make, names in (
        ("spectrum-matched", gaussian, ("mmcs", "cka", "rsa", "svcca")),
        ("random-baseline", noise, (*UNPAIRED, "cka", "svcca")),
        ("random-subset", any_subset, (*UNPAIRED, "cka", "knn-jaccard", "svcca")),
    )
    for name in names
]
CASES = SHUFFLED + UNEQUAL + EXACT + OTHERS

# Two sides and a rate (two rates without draws) for each case in both forms, and as many again for pooled ones.
LEVEL = 1e-3 / (2 * 2 * 3 * len(CASES))


def p_values(case: Case, datasets: int, draws: int) -> NDArray[np.float64]:
    """Of independent data sets; the data of a case and the orders of its null come from other streams."""
    found, metric, threads = [], case.metric, torch.get_num_threads()
    torch.set_num_threads(1)
    # Tiny pieces of work: threads, small batches and looking up versions cost more than the draws and change no number.
    with (
        patch("geomsim.nulls.drawing.cores", return_value=1),
        patch("geomsim.nulls.shuffle._FEWEST_BATCHES", 1),
        patch("geomsim.comparison.versions", return_value={}),
    ):
        for number in range(datasets):
            data = case.make(np.random.default_rng([crc32(str(case).encode()), number]))
            compared = geomsim.compare(
                data.left, data.right, metric, null=case.null, draws=draws or 1, seed=number, **data.options
            )
            assert compared.p_value is not None
            found.append(compared.p_value)
    torch.set_num_threads(threads)
    return np.array(found)


remembered = cache(p_values)

# --- checks ----------------------------------------------------------------------------------------------------------


def assert_honest(p: NDArray[np.float64], draws: int) -> None:
    """p is never below 1 / (draws + 1), hence never 0, and small ones are no more frequent than they say.

    Without draws p comes from a law fitted to three moments, and is held to its word where decisions fall: up to .1.
    """
    steps = draws + 1 if draws else 1000
    assert p.min() >= (1 / steps - 1e-12 if draws else 1e-300), "p below 1 / (draws + 1)"
    assert p.max() <= 1
    for at in (0.05,) if draws else (0.05, 0.01):
        rate = false_positives(p, at)
        assert rate.chance >= LEVEL, f"{rate.share:.1%} false positives at {at}"
    excess, chance = kolmogorov_smirnov(ranks(p, steps), steps, 1.0 if draws else 0.1)
    assert chance >= LEVEL, f"p-values are too small by up to {excess:.3f}"


def assert_not_timid(p: NDArray[np.float64], draws: int) -> None:
    """Nor are p-values larger than uniform ones; ties alone, which count against surprise, make them a little so."""
    excess, chance = kolmogorov_smirnov(draws + 2 - ranks(p, draws + 1), draws + 1)
    assert chance >= LEVEL, f"p-values are too large by up to {excess:.3f}"


def forms(cases: list[Case]) -> list[Any]:
    """Each case in both forms."""
    reduced = [
        pytest.param(case, 20 if case.name in DEAR else 60, min(case.draws, 19), id=f"{case}")
        for case in cases
        if case.always
    ]
    return reduced + [
        pytest.param(case, 500, case.draws, id=f"{case}, in full", marks=pytest.mark.slow) for case in cases
    ]


@pytest.mark.parametrize(("case", "datasets", "draws"), forms(SHUFFLED + OTHERS))
def test_p_values_are_uniform_when_nothing_is_shared(case: Case, datasets: int, draws: int):
    p = remembered(case, datasets, draws)
    assert_honest(p, draws)
    assert_not_timid(p, draws)


@pytest.mark.parametrize(("case", "datasets", "draws"), forms(EXACT))
def test_p_values_without_draws_keep_their_word_where_decisions_fall(case: Case, datasets: int, draws: int):
    assert_honest(remembered(case, datasets, draws), draws)


@pytest.mark.parametrize("family", dict.fromkeys(case.family for case in SHUFFLED))
@pytest.mark.parametrize("full", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_all_metrics_together_are_uniform(family: str, full: bool):
    """Data sets differ from metric to metric, so all p-values of a family are independent: a finer sieve."""
    cases = [case for case in SHUFFLED if case.family == family and case.name not in DEAR and (full or case.always)]
    datasets, draws = (500, 99) if full else (60, 19)
    assert_honest(np.concatenate([remembered(case, datasets, draws) for case in cases]), draws)


@pytest.mark.parametrize("full", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_whole_blocks_of_unequal_length(full: bool):
    datasets, draws = (500, 99) if full else (60, 19)
    assert_honest(np.concatenate([remembered(case, datasets, draws) for case in UNEQUAL]), draws)


# --- the checks see what they should ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", A_FEW)
@pytest.mark.parametrize("make", [documents, strata])
def test_groups_matter(make: Callable[[Generator], Data], name: str):
    found = p_values(Case(f"{make.__name__} ignored", ungrouped(make), name), 60, 19)
    assert false_positives(found).low > 0.1
    with pytest.raises(AssertionError, match="false positives"):
        assert_honest(found, 19)


def without_the_observed(observed: float, draws: Points, larger_means: str) -> float:
    return float((draws >= observed).mean())


def ties_forgiven(observed: float, draws: Points, larger_means: str) -> float:
    return float(((draws > observed).sum() + 1) / (len(draws) + 1))


def nothing_moves(n_rows: int, draws: int, *_: object) -> Iterator[Points]:
    yield from (np.arange(n_rows) for _ in range(draws))


def two_rows_swap(n_rows: int, draws: int, seed: int, *_: object) -> Iterator[Points]:
    random = np.random.default_rng(seed)
    for _ in range(draws):
        order = np.arange(n_rows)
        places = random.choice(n_rows, 2, replace=False)
        order[places] = order[places[::-1]]
        yield order


CKA, NEAREST = Case("wrong", unrelated, "cka"), Case("wrong", lambda r: unrelated(r, 12), "mutual-knn", (("k", 1),))


@pytest.mark.parametrize(
    ("what", "wrong", "case", "complaint"),
    [
        ("p_value", without_the_observed, CKA, "p below"),
        ("p_value", ties_forgiven, NEAREST, "false positives|too small"),
        ("row_orders", two_rows_swap, CKA, "false positives|too small"),
        ("row_orders", nothing_moves, CKA, "too large"),
    ],
)
def test_wrong_p_values_are_found_out(monkeypatch, what: str, wrong: Any, case: Case, complaint: str):
    monkeypatch.setattr(f"geomsim.nulls.shuffle.{what}", wrong)
    found = p_values(case, 200, 4 if complaint == "p below" else 19)
    with pytest.raises(AssertionError, match=complaint):  # noqa: PT012
        assert_honest(found, 4 if complaint == "p below" else 19)
        assert_not_timid(found, 19)
    if what == "p_value":  # the distribution alone gives them away
        steps = 5 if complaint == "p below" else 20
        assert kolmogorov_smirnov(ranks(found, steps), steps)[1] < LEVEL


def test_the_law_of_the_largest_excess():
    """Against all outcomes of three throws of a die of four sides, and against scipy's where steps are fine."""
    throws = [np.array(throw) for throw in product(range(1, 5), repeat=3)]
    for upto in (1.0, 0.5):
        excesses = np.array([kolmogorov_smirnov(throw, 4, upto)[0] for throw in throws])
        for throw, excess in zip(throws, excesses, strict=True):
            chance = (excesses >= excess - 1e-9).mean() if excess > 0 else 1.0
            assert kolmogorov_smirnov(throw, 4, upto)[1] == pytest.approx(chance)
    p = np.random.default_rng(0).beta(0.8, 1, size=50)
    expected = stats.kstest(p, "uniform", alternative="greater")
    found = kolmogorov_smirnov(ranks(p, 20_000), 20_000)
    assert found[0] == pytest.approx(expected.statistic, abs=1e-4)
    assert found[1] == pytest.approx(expected.pvalue, rel=1e-2)


# --- never 0, and an error or None where a null cannot say -----------------------------------------------------------


@pytest.mark.parametrize("name", PAIRED)
def test_p_is_not_0_where_all_is_shared(name: str):
    points = unrelated(np.random.default_rng(0)).right
    assert geomsim.compare(points, points, name, draws=19).p_value >= 1 / 20


@pytest.mark.parametrize("case", EXACT, ids=str)
def test_p_without_draws_is_not_0_where_all_is_shared(case: Case):
    points = unrelated(np.random.default_rng(0)).right
    assert 0 < geomsim.compare(points, points, case.metric, null="exact").p_value < 0.05


def test_p_without_draws_is_tried_for_every_metric_that_has_one():
    tried = {case.name for case in EXACT}
    for name in set(PAIRED) - tried:
        data = unrelated(np.random.default_rng(0))
        try:
            assert geomsim.compare(data.left, data.right, name, null="exact").p_value is None, name
        except InapplicableNull:
            continue


@pytest.mark.parametrize("name", UNPAIRED)
def test_unpaired_metrics_have_no_p_by_default_and_none_by_shuffling(name: str):
    data = gaussian(np.random.default_rng(0))
    compared = geomsim.compare(data.left, data.right, name)
    assert compared.null_kind == "noise-floor"
    assert compared.p_value is None
    for null in ("shuffle", "exact"):
        with pytest.raises(InapplicableNull, match="is unpaired"):
            geomsim.compare(data.left, data.right, name, null=null)


def test_singular_values_against_clouds_of_the_same_ones_are_refused():
    data = gaussian(np.random.default_rng(0))
    with pytest.raises(InapplicableNull, match="it measures what this null keeps"):
        geomsim.compare(data.left, data.right, "singular-values", null="spectrum-matched")
