"""Confounding on a card: slopes are least squares, and what chance correction should leave at 0 is looked at."""

from __future__ import annotations

import numpy as np
import pytest
from card_metrics import Constant, CountsRows, Crashing, Ranged, Spread, WrongMean, measured, promises
from scipy import stats
from toy_metrics import Correlation

import geomsim
from geomsim_synthetic.cards import confounding
from geomsim_synthetic.cards.confounding import SECTION
from geomsim_synthetic.cards.section import generator

ZERO = "0 where nothing is shared, once corrected"


def pieces(axis: str, *values: float, worlds: int = 4, draws: int = 19) -> list[dict[str, object]]:
    return [{"axis": axis, "value": value, "worlds": worlds, "draws": draws} for value in values]


ALL = pieces("rows", 50, 100, 200) + pieces("width", 4, 8, 16) + pieces("sparsity", 0.0, 0.5, 0.9)


@pytest.mark.parametrize(
    ("axis", "values", "place"),
    [
        ("rows", (50, 100, 400), np.log2),
        ("width", (4, 16, 32), np.log2),
        ("sparsity", (0.0, 0.5, 0.9), lambda share: 10 * share),
    ],
)
def test_slopes_are_those_of_least_squares(axis: str, values: tuple[float, ...], place: object):
    random = np.random.default_rng(0)
    raw = [random.normal(size=5).tolist() for _ in values]
    corrected = [random.normal(size=3).tolist() for _ in values]
    results = [
        (settings, {"raw": one, "corrected": other})
        for settings, one, other in zip(pieces(axis, *values), raw, corrected, strict=True)
    ]
    found = SECTION.judge(Ranged(), results)[0]
    for kind, scores in (("raw", raw), ("corrected", corrected)):
        x = np.repeat([place(value) for value in values], len(scores[0]))
        y = np.concatenate(scores)
        (slope, level), covariance = np.polyfit(x, y, 1, cov="unscaled")
        variance = ((y - slope * x - level) ** 2).sum() / (len(x) - 2) * covariance[0, 0]
        half = stats.t.ppf(0.975, len(x) - 2) * np.sqrt(variance)
        expected = {"slope": slope, "low": slope - half, "high": slope + half}
        assert found.values["axes"][axis][f"{kind} slope"] == pytest.approx(expected)
        assert found.headline[f"slope in {axis}, {kind}"] == pytest.approx(slope)
        assert found.values["axes"][axis][f"{kind} means"] == pytest.approx(np.mean(scores, axis=1).tolist())


def test_a_score_that_counts_rows_has_that_slope_and_no_other():
    metric = CountsRows(slope=0.25)
    results = measured(SECTION, metric, *ALL)
    found, made = SECTION.judge(metric, results)
    assert found.headline["slope in rows, raw"] == pytest.approx(0.25)
    assert found.headline["slope in width, raw"] == pytest.approx(0.0, abs=1e-12)
    assert found.headline["slope in sparsity, raw"] == pytest.approx(0.0, abs=1e-12)
    assert found.summary.startswith("unpaired: no correction; slope of the raw score without sharing: rows +0.2500")
    assert made == []  # an unpaired metric is corrected for nothing, and promises nothing here


@pytest.mark.parametrize("name", ["cka", "cca", "procrustes"])
def test_a_right_correction_leaves_0(name: str):
    """Whatever the raw score does: it rises with the width."""
    metric = geomsim.metric(name)
    results = measured(SECTION, metric, *ALL)
    found = SECTION.judge(metric, results)[0]
    assert promises(SECTION, metric, results)[ZERO].kept
    assert found.headline["slope in width, raw"] > 0.02
    slope = found.values["axes"]["width"]["corrected slope"]
    assert slope["high"] - slope["low"] < 0.2
    all_scores = np.concatenate([result["corrected"] for _, result in results])
    assert f"{np.mean(all_scores):+.4f} +- {stats.sem(all_scores):.4f}" in found.summary


def test_scores_are_those_of_compare():
    ((_, result),) = measured(SECTION, geomsim.metric("cca"), *pieces("rows", 50, worlds=2))
    for number in range(2):
        left, right = (
            confounding._side(generator(0, "rows", 50, number, side), "rows", 50) for side in ("left", "right")
        )
        found = geomsim.compare(left, right, geomsim.metric("cca"), draws=19, seed=number)
        assert result["raw"][number] == found.score
        assert result["corrected"][number] == pytest.approx(found.corrected)


def test_a_wrong_mean_by_chance_breaks_the_promise():
    results = measured(SECTION, WrongMean(), *ALL)
    assert not promises(SECTION, WrongMean(), results)[ZERO].kept
    # The same score with the mean that it has.
    assert promises(SECTION, Ranged(), measured(SECTION, Ranged(), *ALL))[ZERO].kept


def test_the_margin_is_four_and_a_half_standard_errors():
    random = np.random.default_rng(0)
    scores = random.normal(size=44)
    scores = (scores - scores.mean()) / (scores.std(ddof=1) / np.sqrt(44))  # mean 0, standard error 1
    for shift, kept in ((4.49, True), (4.51, False), (-4.51, False)):
        results = [(pieces("rows", 50)[0], {"raw": [], "corrected": (scores + shift).tolist()})]
        assert promises(SECTION, Ranged(), results)[ZERO].kept is kept
    chance = 2 * stats.t.sf(confounding._TOO_FAR, 43)
    assert chance == pytest.approx(1 / 20_000, rel=0.05)  # what the module says


def test_scores_without_a_best_one_are_not_corrected_and_say_so():
    results = measured(SECTION, Correlation(), *pieces("rows", 50, 100))
    found, made = SECTION.judge(Correlation(), results)
    assert made == []
    assert found.summary.startswith("no chance-corrected score; slope of the raw score without sharing: rows ")
    assert all(len(result["raw"]) == 4 for _, result in results)
    assert sum(found.values["without score"].values()) == 8


def test_a_score_that_never_changes_keeps_the_promise_if_it_has_a_correction():
    results = measured(SECTION, Constant(), *pieces("rows", 50, 100))
    assert all(promise.kept for promise in SECTION.judge(Constant(), results)[1])


def test_a_crash_breaks_a_promise():
    results = measured(SECTION, Crashing(), *pieces("rows", 50))
    found, (promise,) = SECTION.judge(Crashing(), results)
    assert promise.name == "no crash while measuring confounding"
    assert "RuntimeError: boom" in promise.evidence
    assert found.summary == "no chance-corrected score; slope of the raw score without sharing: not known"


def test_an_unpaired_metric_is_scored_once_a_world():
    ((_, result),) = measured(SECTION, Spread(), *pieces("width", 4, worlds=3))
    assert (len(result["raw"]), result["corrected"]) == (3, [])


@pytest.mark.parametrize(("axis", "value"), [("rows", 50), ("width", 16), ("sparsity", 0.5), ("sparsity", 0.9)])
def test_sides_know_nothing_of_each_other(axis: str, value: float):
    """r of two columns has variance 1 / (n - 1) where they are independent."""
    found = []
    for number in range(200):
        left, right = (confounding._side(generator(0, axis, value, number, side), axis, value) for side in ("l", "r"))
        found += [np.corrcoef(left[:, k], right[:, k])[0, 1] * np.sqrt(len(left) - 1) for k in range(4)]
    assert abs(np.mean(found)) < 4 / np.sqrt(800)
    assert np.mean(np.square(found)) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 800))


def test_sides_are_as_asked():
    random = np.random.default_rng(0)
    assert confounding._side(random, "rows", 400).shape == (400, 8)
    assert confounding._side(random, "width", 64).shape == (100, 64)
    for sparsity in {*confounding._AXES["sparsity"]["quick"], *confounding._AXES["sparsity"]["full"]}:
        side = confounding._side(random, "sparsity", sparsity)
        assert (side == 0).mean() == pytest.approx(sparsity)
        assert (side >= 0).all()
        assert (side > 0).sum(1).min() >= 2
        # Each column is as full as another.
        assert (side > 0).mean(0).std() < 3 * np.sqrt(0.25 / 100)
