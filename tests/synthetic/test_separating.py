"""Separating settings: who sees what is shared and who does not, in a reduced form, and the recorded full one."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import geomsim
from geomsim_synthetic.separating import SEPARATING, SeparatingSetting, Sight, measuring, separating_case, sight
from geomsim_synthetic.separating.levelling import levelled
from geomsim_synthetic.separating.loops import OFFSET
from geomsim_synthetic.separating.measuring import power, told_apart

EXAMPLE = Path(__file__).parents[2] / "examples" / "separating_settings"
LOOPS = ("circle", "noisy-circle")
RESULTS = json.loads((EXAMPLE / "results.json").read_text())
INSTALLED = entry_points(group="geomsim.metrics")
SHIPPED = sorted({each.name for each in INSTALLED if each.module.startswith("geomsim_")})
REPRESENTATIONAL = sorted({each.name for each in INSTALLED if each.module.startswith("geomsim_representational")})


def from_example(file: str, name: str) -> ModuleType:
    """A module of the example, whose folder is no package."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLE / file)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


report = from_example("separating_report.py", "separating_report")
measured = from_example("run.py", "separating_settings")


def reduced(setting: SeparatingSetting, metric: Any) -> Sight:
    return sight(setting, metric, data_sets=10, pairs=24, draws=19)


# --- the clouds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEPARATING)
def test_twins_differ_on_the_right_only_and_seeds_repeat(name: str) -> None:
    before = np.random.get_state()[1].tobytes(), torch.random.get_rng_state()  # noqa: NPY002
    case, again, other = separating_case(name, 3), separating_case(name, 3), separating_case(name, 4)
    control = separating_case(name, 3, shared=False)
    np.testing.assert_array_equal(case.left, again.left)
    np.testing.assert_array_equal(case.right, again.right)
    np.testing.assert_array_equal(case.left, control.left)
    assert case.right.shape == control.right.shape
    assert np.abs(case.right - control.right).max() > 0.1
    assert np.abs(case.left - other.left).max() > 0.1
    assert np.isfinite(case.right).all()
    assert (case.shared, control.shared, case.paired) == (True, False, SEPARATING[name].paired)
    assert before[0] == np.random.get_state()[1].tobytes()  # noqa: NPY002
    assert torch.equal(before[1], torch.random.get_rng_state())


def test_settings_draw_from_different_streams() -> None:
    drawn = [separating_case(name, 0).left.ravel()[:10] for name in SEPARATING]
    assert len({tuple(values) for values in drawn}) == len(SEPARATING)


def test_unknown_names_and_seeds() -> None:
    with pytest.raises(geomsim.InvalidConfig, match=r"no separating setting 'cirle'; did you mean 'circle'\? \(there"):
        separating_case("cirle", 0)
    with pytest.raises(geomsim.InvalidConfig, match=r"seed=-1 must be a whole number of at least 0"):
        separating_case("circle", -1)


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("seed", range(3))
def test_a_circle_and_its_control_have_one_mean_and_one_covariance(name: str, seed: int) -> None:
    case, control = separating_case(name, seed), separating_case(name, seed, shared=False)
    np.testing.assert_allclose(case.right.mean(axis=0), control.right.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(np.cov(case.right.T), np.cov(control.right.T), atol=1e-12)
    spectra = [np.linalg.eigvalsh(np.cov(side.T)) for side in (case.left, case.right)]
    np.testing.assert_allclose(*spectra, atol=1e-12)
    assert np.linalg.norm(case.left.mean(axis=0)) == pytest.approx(OFFSET)
    scores = [
        geomsim.compare(drawn.left, drawn.right, geomsim.metric("singular-values", centre=centre), null=None).score
        for drawn in (case, control)
        for centre in (True, False)
    ]
    assert scores[0] == pytest.approx(scores[2], abs=1e-12)
    assert scores[1] == pytest.approx(scores[3], abs=1e-12)


@pytest.mark.parametrize("name", ["sheet", "bridge"])
@pytest.mark.parametrize("seed", range(3))
def test_pieces_and_their_controls_have_one_mean_and_one_covariance(name: str, seed: int) -> None:
    case, control = separating_case(name, seed), separating_case(name, seed, shared=False)
    spectra = []
    for points in (case.left, case.right, control.right):
        np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=1e-12)
        spectra.append(np.linalg.eigvalsh(points.T @ points / len(points)))
    np.testing.assert_allclose(spectra[0], [1.0] * 6 if name == "sheet" else [0.1] * 5 + [1.0], atol=1e-12)
    np.testing.assert_allclose(spectra[1], spectra[0], atol=1e-12)
    np.testing.assert_allclose(np.cov(case.right.T), np.cov(control.right.T), atol=1e-12)


def test_levelling_is_linear_and_does_nothing_to_what_is_level() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3))
    once = levelled(points, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(levelled(once, np.array([1.0, 2.0, 3.0])), once, atol=1e-12)
    design = np.column_stack([points, np.ones(50)])
    np.testing.assert_allclose(design @ np.linalg.lstsq(design, once, rcond=None)[0], once, atol=1e-12)


def test_rows_of_a_sheet_have_two_directions_around_them_and_a_bridge_has_two_ends() -> None:
    """By the nearest ten rows: how much of their variance lies outside of their two largest directions."""
    outside = {}
    for shared in (True, False):
        right = separating_case("sheet", 0, shared=shared).right
        near = np.argsort(np.linalg.norm(right[:, None] - right[None], axis=-1), axis=1)[:, :10]
        parts = [np.linalg.svd(right[rows] - right[rows].mean(axis=0), compute_uv=False) ** 2 for rows in near]
        outside[shared] = np.median([part[2:].sum() / part.sum() for part in parts])
    assert outside[True] < 0.5 * outside[False]
    along = {}
    for shared in (True, False):
        right = separating_case("bridge", 0, shared=shared).right
        along[shared] = np.abs(right @ np.linalg.svd(right, full_matrices=False)[2][0])
    assert [(along[shared] < 0.5).mean() < 0.25 for shared in (True, False)] == [True, False]


@pytest.mark.parametrize("name", ["same-spectrum", "turned-spectrum"])
def test_the_control_of_the_same_spectrum_has_it(name: str) -> None:
    case, control = separating_case(name, 0), separating_case(name, 0, shared=False)
    values = [np.linalg.svd(drawn.right, compute_uv=False) for drawn in (case, control)]
    np.testing.assert_allclose(*values, rtol=1e-12)


def test_what_is_planted_is_there() -> None:
    wound, control = separating_case("wound", 0), separating_case("wound", 0, shared=False)
    flipped = separating_case("flipped", 0)
    assert np.std(flipped.left + flipped.right) == pytest.approx(0.5, abs=0.03)
    # A quadratic form of the left side tells the double angle; of the control's, nothing does.
    products = np.einsum("ij,ik->ijk", wound.left, wound.left).reshape(len(wound.left), -1)
    design = np.column_stack([products[:, np.triu_indices(8)[0] * 8 + np.triu_indices(8)[1]], np.ones(len(products))])
    explained = []
    for right in (wound.right, control.right):
        left_over = right - design @ np.linalg.lstsq(design, right, rcond=None)[0]
        explained.append(1.0 - (left_over**2).sum() / ((right - right.mean(axis=0)) ** 2).sum())
    assert explained[0] > 0.7  # noise on both sides leaves .78
    assert explained[1] < 0.5  # 36 of 149 degrees of freedom explain .24 by chance


# --- who sees it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEPARATING)
def test_who_sees_it_and_who_does_not(name: str) -> None:
    setting = SEPARATING[name]
    for metric in setting.seen_by:
        assert reduced(setting, metric).value >= 0.8, metric
    for metric in setting.missed_by:
        found = reduced(setting, metric)
        assert found.value <= 0.34 if found.measure == "power" else 0.22 <= found.value <= 0.78, (metric, found)


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("metric", ["persistence-bottleneck", measured.LongestLoop()], ids=str)
def test_only_topology_tells_a_circle(name: str, metric: Any) -> None:
    assert reduced(SEPARATING[name], metric).value >= 0.95


def test_a_loop_of_known_length() -> None:
    angle = 2.0 * np.pi * np.arange(12) / 12
    # The loop is born where neighbours meet and dies where a triangle of every fourth point closes.
    length = (np.sqrt(3.0) - 2.0 * np.sin(np.pi / 12)) / 2.0
    assert measured.longest_loop(np.column_stack([np.cos(angle), np.sin(angle)])) == pytest.approx(length, rel=1e-6)
    assert measured.longest_loop(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])) == 0.0


# --- how it is measured ----------------------------------------------------------------------------------------------


def test_the_area_is_that_of_mann_and_whitney() -> None:
    random = np.random.default_rng(0)
    shared, controls = random.integers(0, 9, 30) + 1.0, random.integers(0, 9, 20) + 0.0
    expected = stats.mannwhitneyu(shared, controls).statistic / 600
    assert told_apart(shared, controls).value == pytest.approx(expected)
    assert told_apart(-shared, -controls).value == pytest.approx(1 - expected)
    assert told_apart(shared + 1e-12 * random.normal(size=30), controls).value == pytest.approx(expected)


def test_the_interval_of_the_area_covers_it() -> None:
    random = np.random.default_rng(1)
    true = float(stats.norm.cdf(1.0 / np.sqrt(2.0)))
    intervals = [told_apart(random.normal(size=40) + 1.0, random.normal(size=40)) for _ in range(400)]
    assert 0.92 <= np.mean([each.low <= true <= each.high for each in intervals]) <= 0.98
    certain = told_apart(np.ones(40), np.zeros(40))
    assert (certain.value, certain.high) == (1.0, 1.0)
    assert 0.9 < certain.low < 0.97
    never = told_apart(np.zeros(40), np.ones(40))
    assert (never.low, never.high) == (0.0, pytest.approx(1.0 - certain.low))


def test_the_interval_of_power_by_beta_quantiles() -> None:
    found = power([True] * 7 + [False] * 13)
    assert found.value == 0.35
    assert (found.low, found.high) == pytest.approx((stats.beta.ppf(0.025, 7, 14), stats.beta.ppf(0.975, 8, 13)))


@pytest.mark.parametrize(
    ("measure", "value", "verdict"),
    [
        ("power", 0.8, "sees"), ("power", 0.79, "between"), ("power", 0.2, "misses"), ("power", 0.21, "between"),
        ("auc", 0.8, "sees"), ("auc", 0.4, "misses"), ("auc", 0.6, "misses"), ("auc", 0.61, "between"),
        ("auc", 0.1, "between"),
    ],
)  # fmt: skip
def test_verdicts(measure: Any, value: float, verdict: str) -> None:
    found = Sight(measure, value, value, value, 40, 0)
    assert found.verdict == verdict
    assert Sight.from_dict(found.to_dict()) == found


@dataclass(frozen=True)
class Refusing(geomsim.PairedMetric[torch.Tensor]):
    """Undefined on everything."""

    larger_means = "closer"

    def prepare(self, points: torch.Tensor) -> torch.Tensor:
        raise geomsim.DegenerateSpace("no")

    def score(self, left: torch.Tensor, right: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        return left.sum()


def test_scores_of_unpaired_metrics_are_those_of_compare() -> None:
    case, control = separating_case("bridge", 1), separating_case("bridge", 1, shared=False)
    for name in ("heat-trace", "mapper-gromov", "singular-values"):
        metric = geomsim.metric(name)
        found = [-score for score in measuring._closeness(case, control, metric)]
        assert found == [geomsim.compare(each.left, each.right, metric, null=None).score for each in (case, control)]


@dataclass(frozen=True)
class NoNumber(geomsim.UnpairedMetric[torch.Tensor]):
    """A score that is none."""

    larger_means = "closer"

    def prepare(self, points: torch.Tensor) -> torch.Tensor:
        return points

    def score(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return left.sum() * torch.nan


@dataclass(frozen=True)
class OnlyHollow(NoNumber):
    """Undefined where a row is near the middle: on the discs of controls."""

    def prepare(self, points: torch.Tensor) -> torch.Tensor:
        centred = points - points.mean(dim=0)
        if centred.norm(dim=1).min() < 0.6:
            raise geomsim.DegenerateSpace("no")
        return centred

    def score(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return left.norm()


def test_a_score_that_is_no_number_is_an_error() -> None:
    with pytest.raises(geomsim.GeomsimError, match=r"NoNumber\(.*\) gives nan; a metric must raise"):
        sight(SEPARATING["circle"], NoNumber(), pairs=2)


def test_refusals_are_counted() -> None:
    refused = sight(SEPARATING["wound"], Refusing(), data_sets=5)
    assert (refused.value, refused.refused, refused.verdict) == (0.0, 5, "misses")
    refused = sight(SEPARATING["circle"], Refusing(), pairs=5)
    assert (refused.value, refused.refused) == (0.5, 10)
    refused = sight(SEPARATING["circle"], OnlyHollow(), pairs=5)
    assert (refused.value, refused.refused) == (0.5, 5)


# --- what was recorded -----------------------------------------------------------------------------------------------


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESULTS["separating"]["settings"][name]
    return found


def test_every_setting_is_recorded_with_enough_data_sets() -> None:
    assert list(RESULTS["separating"]["settings"]) == list(SEPARATING)
    for name in SEPARATING:
        for metric, seen in recorded(name).items():
            assert Sight.from_dict(seen).verdict == seen["verdict"], (name, metric)
            fewer = RESULTS["separating"]["fewer"]
            assert seen["data_sets"] >= (40 if metric in fewer["metrics"] or seen["measure"] == "power" else 200)
            assert seen["low"] <= seen["value"] <= seen["high"]


@pytest.mark.parametrize("metric", SHIPPED)
def test_every_metric_misses_what_another_sees(metric: str) -> None:
    found = [name for name in SEPARATING if recorded(name).get(metric, {}).get("verdict") == "misses"]
    others = [
        name
        for name in found
        if any(seen["verdict"] == "sees" for other, seen in recorded(name).items() if other in INSTALLED.names)
    ]
    assert others, (
        f"{metric} has no setting in examples/separating_settings/results.json that it misses and another metric sees; "
        f"run python examples/separating_settings/run.py {metric}, and add a setting if it sees all that others see"
    )


@pytest.mark.parametrize("name", SEPARATING)
def test_the_record_has_what_a_setting_claims(name: str) -> None:
    setting, found = SEPARATING[name], recorded(name)
    assert {found[metric]["verdict"] for metric in setting.seen_by} <= {"sees"}
    assert {
        metric: found[metric]["value"] for metric in setting.missed_by if found[metric]["verdict"] != "misses"
    } == {}


@pytest.mark.parametrize("name", LOOPS)
def test_no_representational_metric_was_seen_to_tell_a_circle(name: str) -> None:
    found = recorded(name)
    assert {metric: found[metric] for metric in REPRESENTATIONAL if found[metric]["verdict"] != "misses"} == {}
    assert found["longest-loop"]["low"] >= 0.95
    assert found["persistence-bottleneck"]["low"] >= 0.95
    assert found["singular-values"]["value"] == 0.5


def test_matching_methods_are_apart_beyond_the_spread_of_seeds() -> None:
    """The ranges over all seeds do not touch, for each two methods in precision or recall."""
    methods = RESULTS["matching"]["presets"]["tangled"]
    for first, second in (("max", "mutual"), ("max", "hungarian"), ("mutual", "hungarian")):
        apart = [
            quality
            for quality in ("precision", "recall")
            if methods[first][quality]["largest"] < methods[second][quality]["smallest"]
            or methods[second][quality]["largest"] < methods[first][quality]["smallest"]
        ]
        assert apart, (first, second)
    assert all(len(found["by_seed"]) == 20 for method in methods.values() for found in method.values())


def test_the_matching_of_two_seeds_is_what_was_recorded() -> None:
    found = measured.matching("tangled", seeds=2)
    for method, qualities in found.items():
        for quality, summary in qualities.items():
            stored = RESULTS["matching"]["presets"]["tangled"][method][quality]["by_seed"][:2]
            assert summary["by_seed"] == pytest.approx(stored, abs=0.003), (method, quality)


def test_the_page_is_made_from_the_results() -> None:
    assert (EXAMPLE / "README.md").read_text() == report.readme(RESULTS)


def test_the_page_says_what_its_code_gives() -> None:
    case = separating_case("wound", seed=0)
    given = [geomsim.compare(case.left, case.right, metric).p_value for metric in ("cka", "mutual-knn")]
    assert given == [pytest.approx(0.41, abs=0.01), 0.001]
