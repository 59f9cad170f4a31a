"""The founding study's experiments: their quick forms hold what they claim, and what is shipped is what they wrote."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import hypergeom, t

FOLDER = Path(__file__).parents[2] / "examples" / "founding_study"
NAMES = (
    "1_half_shared", "2_shared_against_unshared", "3_clustered_and_uniform", "4_all_pairs_and_the_best",
    "5_k_and_pairs", "6_neurons_and_features",
)  # fmt: skip
if str(FOLDER) not in sys.path:
    sys.path.append(str(FOLDER))
experiment = importlib.import_module("experiment")
rendering = importlib.import_module("rendering")


class Means:
    """The mean of one cell of the results."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self.results = results
        self.parameters = results["parameters"]

    def __call__(self, table: str, *words: str) -> float:
        *case, name = words
        return float(rendering.quantity(self.results, table, case, name)["mean"])


def half_shared(mean: Means) -> None:
    threshold = f"by correlation, r >= {mean.parameters['min_weight']}"
    assert mean("pairing", "by row number", "recall") < 0.05
    assert mean("pairing", threshold, "precision") > 0.95
    assert mean("pairing", threshold, "recall") > 0.95
    assert 0.6 < mean("pairing", "by correlation", "precision") < 0.95
    for metric in mean.parameters["metrics"]:
        assert mean("geometry", metric, "true", "alike", "z") > 10
        assert mean("geometry", metric, "by correlation", "alike", "z") > 10
        assert abs(mean("geometry", metric, "by row number", "alike", "z")) < 2.5
        assert abs(mean("geometry", metric, "true", "independently", "z")) < 2.5
        true = mean("geometry", metric, "true", "alike", "score")
        assert true > mean("geometry", metric, "by correlation", "alike", "score") + 0.05
    for metric in ("procrustes", "svcca"):  # scores far above 0 that mean nothing
        assert mean("geometry", metric, "true", "independently", "score") > 0.5


def shared_against_unshared(mean: Means) -> None:
    true, chosen, best = "shared, true partner", "unshared, any partner", "unshared, best correlate"
    for metric in ("knn-jaccard", "procrustes"):
        assert mean("paired rows", metric, true, "z") > 20
        for unshared in (chosen, best):
            assert abs(mean("paired rows", metric, unshared, "z")) < 2.5
    undone, fitted, nowhere = "true rotation undone", "rotation fitted to these very pairs", "no common space"
    assert mean("mmcs", true, undone, "score") > 0.9
    for case in ((true, nowhere), (chosen, undone), (chosen, nowhere)):
        assert abs(mean("mmcs", *case, "score") - mean("mmcs", *case, "chance")) < 0.03
    assert mean("mmcs", chosen, fitted, "score") > mean("mmcs", chosen, fitted, "chance") + 0.2
    fit = mean("mmcs", chosen, fitted, "cosine_of_pairs")
    assert fit == pytest.approx(mean("paired rows", "procrustes", chosen, "chance"), abs=0.05)
    assert mean("paired rows", "knn-jaccard", best, "right_rows") < mean("paired rows", "knn-jaccard", best, "pairs")
    half, few = (mean("single pairs", share, "shared neighbours, k = 10", "auc") for share in ("0.5", "0.1"))
    assert half > 0.9
    assert 0.55 < few < half - 0.15
    assert mean("single pairs", "0.1", "cosine, true rotation undone", "auc") > 0.99


def clustered_and_uniform(mean: Means) -> None:
    for metric in mean.parameters["metrics"]:
        for kind in ("uniform", "clustered"):
            assert mean("scores", metric, kind, "every feature", "z") > 20
            assert abs(mean("scores", metric, kind, "nothing", "z")) < 2.5
        alone = "clustered", "the clusters alone"
        assert mean("scores", metric, *alone, "z") > 20
        assert mean("within", metric, "the clusters alone", "significant") == 1
        assert mean("within", metric, "the clusters alone", "significant_within") < 0.4
        assert mean("within", metric, "every feature", "significant_within") == 1
        gap = mean("within", metric, "the clusters alone", "score") - mean(
            "within", metric, "the clusters alone", "chance_within_clusters"
        )
        assert abs(gap) < 0.03
    for metric in ("cka", "procrustes"):
        uniform = mean("scores", metric, "uniform", "nothing", "chance")
        assert mean("scores", metric, "clustered", "nothing", "chance") < uniform - 0.05
    for metric in mean.parameters["metrics"]:
        uniform, clustered = (mean("scores", metric, kind, "nothing", "chance_sd") for kind in ("uniform", "clustered"))
        if metric == "knn-jaccard":
            assert clustered == pytest.approx(uniform, rel=0.15)
        else:
            assert clustered > 1.05 * uniform
    assert mean("scores", "knn-jaccard", "clustered", *("the clusters alone", "score")) > mean(
        "scores", "knn-jaccard", "uniform", "every feature", "score"
    )


def all_pairs_and_the_best(mean: Means) -> None:
    best = f"{mean.parameters['best']} best"
    for networks in ("half shared", "all shared, arranged independently", "nothing shared"):
        own, other, fresh = (
            mean("correlation", networks, best, each) for each in ("own_tokens", "other_tokens", "fresh_tokens")
        )
        assert own > fresh + 0.05
        assert other == pytest.approx(fresh, abs=0.05)
        if networks != "half shared":
            for metric in mean.parameters["metrics"]:
                assert abs(mean("geometry", metric, networks, best, "z")) < 2.5
    assert mean("correlation", "nothing shared", best, "own_tokens") > 0.1
    fresh_best = mean("correlation", "half shared", best, "fresh_tokens")
    assert fresh_best == pytest.approx(mean("correlation", "half shared", "true pairs", "fresh_tokens"), abs=0.03)
    precision = mean("correlation", "half shared", best, "precision")
    assert precision > mean("correlation", "half shared", "all pairs", "precision") + 0.15
    rsa = mean("geometry", "rsa", "half shared", best, "score")
    assert rsa > mean("geometry", "rsa", "half shared", "all pairs", "score") + 0.2
    assert rsa == pytest.approx(mean("geometry", "rsa", "half shared", "true pairs", "score"), abs=0.05)


def k_and_pairs(mean: Means) -> None:
    ks, counts = mean.parameters["k"], mean.parameters["pairs"]
    for k in ks:
        for n in counts:
            if n < k + 2:
                assert rendering.quantity(mean.results, "score", [str(k)], f"{n} pairs") is None
                continue
            at = str(k), f"{n} pairs"
            assert mean("chance", *at) == pytest.approx(chance_of_jaccard(k, n), abs=1e-6)
            assert mean("score", *at) > mean("chance", *at) + 0.03
            assert abs(mean("score, independent", *at) - mean("chance, independent", *at)) < 0.04
    few, many = f"{counts[1]} pairs", f"{counts[-1]} pairs"
    small, large = "5", "20"
    assert mean("chance", large, few) > 2 * mean("chance", small, few)
    assert mean("score", large, few) > mean("score", small, few)
    assert mean("score", large, many) < mean("score", large, few)
    assert mean("z", large, many) > mean("z", large, few)


def neurons_and_features(mean: Means) -> None:
    activity, rows = "activity on held-out tokens", "decoder rows"
    for shared in ("half", "all"):
        assert mean("alignment", "neurons", shared, "same_feature") < 0.25
        assert mean("alignment", "neurons", shared, "recall") < 0.1
        assert mean("alignment", "SAE latents", shared, "same_feature") > 0.7
        assert mean("alignment", "SAE latents", shared, "recall") > 0.75
        assert mean("alignment", "true features", shared, "recall") > 0.95
        neurons, latents = (
            mean("geometry", "rsa", activity, units, shared, "z") for units in ("neurons", "SAE latents")
        )
        assert latents > 10
        assert latents > neurons + 8
        assert mean("geometry", "knn-jaccard", rows, "SAE latents", shared, "z") > 10
        whole = mean("tokens", shared, "score")
        assert whole == pytest.approx(mean("tokens", shared, "endless_stream"), abs=0.03)
    assert mean("tokens", "all", "score") > 0.97
    assert mean("alignment", "neurons", "all", "mean_r") < mean("alignment", "SAE latents", "all", "mean_r") - 0.2
    apart = "left dictionary in the right one (no common space)"
    assert mean("training", apart, "mmcs") == pytest.approx(mean("training", apart, "chance"), abs=0.04)
    found = mean("training", "those of its latents that are a true feature", "mmcs")
    assert found > mean("training", "its other latents", "mmcs") + 0.1


CLAIMS: dict[str, Callable[[Means], None]] = dict(
    zip(
        NAMES,
        (
            half_shared,
            shared_against_unshared,
            clustered_and_uniform,
            all_pairs_and_the_best,
            k_and_pairs,
            neurons_and_features,
        ),
        strict=True,
    )
)


def chance_of_jaccard(k: int, n: int) -> float:
    shared = range(k + 1)
    return float(sum(hypergeom.pmf(m, n - 1, k, k) * m / (2 * k - m) for m in shared))


@pytest.mark.parametrize("name", NAMES)
def test_the_quick_form_holds_what_is_claimed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = importlib.import_module(name)
    experiment.run(script.EXPERIMENT, ["--quick", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    results = json.loads((tmp_path / "results" / f"{name}.json").read_text())
    assert results["parameters"] == json.loads(json.dumps(script.QUICK))
    for table in results["tables"].values():
        assert rendering.markdown(table) in printed
    assert (tmp_path / "figures" / f"{name}.png").stat().st_size > 5_000
    CLAIMS[name](Means(results))


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_results_hold_what_is_claimed(name: str) -> None:
    results = rendering.results(name)
    script = importlib.import_module(name)
    assert results["parameters"] == json.loads(json.dumps(script.FULL)), "run the script again"
    assert len(results["seeds"]) == len(set(results["seeds"])) >= 10
    assert results["tables"].keys() == script.EXPERIMENT.cases.keys()
    CLAIMS[name](Means(results))


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_intervals_are_those_of_the_values(name: str) -> None:
    results = rendering.results(name)
    for table in results["tables"].values():
        for row in table["rows"]:
            for cell in filter(None, row["quantities"].values()):
                values = cell["values"]
                assert len(values) == len(results["seeds"])
                assert cell["mean"] == pytest.approx(sum(values) / len(values), abs=1e-12)
                if not isinstance(values[0], bool) and len(set(values)) > 1:
                    error = (
                        sum((each - cell["mean"]) ** 2 for each in values) / (len(values) - 1) / len(values)
                    ) ** 0.5
                    expected = t.interval(0.95, len(values) - 1, cell["mean"], error)
                    assert (cell["low"], cell["high"]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_figure_is_small(name: str) -> None:
    assert 5_000 < (FOLDER / "figures" / f"{name}.png").stat().st_size < 100_000


def test_the_readme_is_the_rendering_of_the_results() -> None:
    assert (FOLDER / "README.md").read_text() == rendering.readme(), "run python examples/founding_study/rendering.py"


def test_a_number_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match=r"'by magic'.*is no row of pairing; there are"):
        rendering.quantity(rendering.results("1_half_shared"), "pairing", ["by magic"], "recall")


def test_a_column_that_is_not_there_is_named() -> None:
    table = rendering.results("1_half_shared")["tables"]["pairing"]
    assert rendering.markdown(table, ["recall"]).startswith("| rows paired | recall |")
    with pytest.raises(KeyError, match="no column recal; there are pairs, precision, recall"):
        rendering.markdown(table, ["recal"])


def test_a_figure_can_be_drawn_anew(tmp_path: Path) -> None:
    script = importlib.import_module("1_half_shared")
    (tmp_path / "results").mkdir()
    shipped = FOLDER / "results" / "1_half_shared.json"
    (tmp_path / "results" / shipped.name).write_text(shipped.read_text())
    experiment.run(script.EXPERIMENT, ["--draw", "--out", str(tmp_path)])
    assert (tmp_path / "figures" / "1_half_shared.png").exists()
    assert (tmp_path / "results" / shipped.name).read_text() == shipped.read_text()


def test_a_count_has_an_exact_binomial_interval() -> None:
    share, low, high = experiment.share_interval([False] * 20)
    assert (share, low) == (0, 0)
    assert high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_a_mean_has_the_interval_of_students_t() -> None:
    mean, low, high = experiment.mean_interval([1.0, 2.0, 4.0])
    assert (low, high) == pytest.approx(t.interval(0.95, 2, mean, (7 / 9) ** 0.5))


def test_one_value_for_all_seeds_has_no_width() -> None:
    assert experiment.mean_interval([0.25] * 4) == (0.25, 0.25, 0.25)


def test_a_quantity_that_some_seeds_lack_is_refused() -> None:
    with pytest.raises(ValueError, match="defined for 1 of 2 seeds"):
        experiment._summary_of([1.0, None], "table, case, name")


def test_one_seed_has_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    script = importlib.import_module("5_k_and_pairs")
    with pytest.raises(SystemExit):
        experiment.run(script.EXPERIMENT, ["--quick", "--seeds", "1"])
    assert "at least 2 seeds" in capsys.readouterr().err


def test_a_seed_gives_the_same_numbers_again() -> None:
    script = importlib.import_module("3_clustered_and_uniform")
    first, second, other = (script.measure(seed, script.QUICK).tables for seed in (5, 5, 6))
    assert first == second
    assert first != other


@pytest.mark.parametrize("name", ["1_half_shared", "3_clustered_and_uniform"])
def test_the_first_seed_of_what_is_shipped_comes_out_again(name: str) -> None:
    script = importlib.import_module(name)
    shipped = rendering.results(name)["tables"]
    for table, rows in script.measure(0, script.FULL).tables.items():
        for case, columns in rows.items():
            for column in columns.keys() & {"score", "chance", "precision", "recall"}:
                stored = rendering.quantity({"tables": shipped}, table, case, column)["values"][0]
                assert columns[column] == pytest.approx(stored, abs=1e-4)


def test_a_script_runs_alone(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / "5_k_and_pairs.py"), "--quick", "--seeds", "2", "--seed", "7"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "| k | 50 pairs | 100 pairs | 200 pairs |" in done.stdout
    assert not list(tmp_path.iterdir())
