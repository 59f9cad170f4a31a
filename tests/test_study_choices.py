"""What one pair of a study chooses for itself, and groups of one space as a pair."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geomsim import Pairing, Space, UnpairedMetric, compare, metric, register, run_study
from geomsim.corrections import holm
from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.groups import compare_groups
from geomsim.study_counting import cells_of

LEFT, RIGHT = np.random.default_rng(0).normal(size=(2, 40, 5))
SIDES = {"left": LEFT, "right": RIGHT}
TOKENS = {"left_tokens": [["monday", "week"]] * 40, "right_tokens": [["monday", "week"]] * 40}


def test_a_pair_takes_its_own_choices_before_those_of_the_study():
    own = {"metrics": ["rsa", {"name": "cka"}], "draws": 29, "null": ["shuffle", "none"], "interval": "jackknife"}
    config = {
        "pairs": [SIDES, {**SIDES, **own, "confidence": 0.9}, {**SIDES, "metrics": ["rsa"]}],
        "metrics": ["procrustes"], "draws": 19, "seed": 3,
    }  # fmt: skip
    table = run_study(config).table
    assert table["metric"].to_list() == ["procrustes", "rsa", "rsa", "cka", "cka", "rsa"]
    assert table["draws"].fillna(0).to_list() == [19, 29, 0, 29, 0, 19]
    assert table["low"].notna().to_list() == [False, True, True, True, True, False]
    expected = compare(LEFT, RIGHT, "rsa", draws=29, seed=3, interval="jackknife", confidence=0.9)
    found = table.iloc[1]
    assert (found["score"], found["p_value"], found["low"]) == (expected.score, expected.p_value, expected.interval.low)
    assert table.iloc[5]["p_value"] == compare(LEFT, RIGHT, "rsa", draws=19, seed=3).p_value


def test_a_metric_takes_its_own_judging_before_that_of_its_pair():
    own = {"null": ["shuffle", "exact"], "draws": 29, "interval": "jackknife", "confidence": 0.9}
    choices = [{"name": "rsa", "compare": "pearson", **own}, "procrustes", {"name": "cka", "null": "none"}]
    config = {"pairs": [{**SIDES, "draws": 49}, {**SIDES, "metrics": ["cka"]}], "metrics": choices, "draws": 19}
    table = run_study(config).table
    assert table["metric"].to_list() == ["rsa", "rsa", "procrustes", "cka", "cka"]
    assert table["null"].fillna("none").to_list() == ["shuffle", "exact", "shuffle", "none", "shuffle"]
    assert table["draws"].fillna(0).to_list() == [29, 0, 49, 0, 19]
    assert table["low"].notna().to_list() == [True, True, False, False, False]
    assert table["parameters"].to_list()[0] == table["parameters"].to_list()[1]
    assert "draws" not in str(table["parameters"].to_list()[0])
    rsa = metric("rsa", compare="pearson")
    expected = compare(LEFT, RIGHT, rsa, draws=29, interval="jackknife", confidence=0.9)
    found = table.iloc[0]
    assert (found["score"], found["p_value"], found["low"]) == (expected.score, expected.p_value, expected.interval.low)
    assert table.iloc[1]["p_value"] == compare(LEFT, RIGHT, rsa, null="exact").p_value
    assert [cells_of(item, config, Path()) for item in config["pairs"]] == [4, 1]


def test_what_is_wrong_with_a_metrics_judging_names_the_metric():
    for own, message in (
        ({"null": []}, "pair 1: metric rsa: null is a name, a list of names"),
        ({"null": "shufle"}, "pair 1.*, rsa: no null is called 'shufle'"),
        ({"draws": 0}, "pair 1.*, rsa: draws must be"),
        ({"interval": "wide"}, "pair 1: metric rsa: no interval is called 'wide'"),
        ({"interval": "jackknife", "confidence": 2.0}, "pair 1: metric rsa: confidence lies between 0 and 1"),
        ({"buckets": True}, "takes the parameters"),
    ):
        with pytest.raises(GeomsimError, match=message):
            run_study({"pairs": [{**SIDES, "layer": 1, "metrics": [{"name": "rsa", **own}]}], "draws": 9})


def test_a_parameter_that_is_called_as_a_choice_of_the_study_is_refused_and_not_guessed():
    @dataclass(frozen=True)
    class Sketched(UnpairedMetric[Any]):
        larger_means = "farther"
        score_range = (0.0, 1.0)
        draws: int = 5

        def prepare(self, points: Any) -> Any:
            return points.mean()

        def score(self, left: Any, right: Any) -> Any:
            return (left - right).abs().clamp(0.0, 1.0)

    register("sketched", Sketched)
    config = {"pairs": [SIDES], "metrics": [{"name": "sketched", "draws": 7}], "draws": 9}
    with pytest.raises(InvalidConfig, match=r"metric 'sketched' has a parameter 'draws' of its own.*as an instance"):
        run_study(config)
    (cell,) = run_study({**config, "metrics": [Sketched(draws=7)]}).cells
    assert cell.parameters == {"draws": 7}
    assert run_study({**config, "metrics": [{"name": "sketched", "null": "none"}]}).table["score"].notna().all()


def test_choices_are_no_columns_of_their_own():
    table = run_study({"pairs": [{**SIDES, "metrics": ["rsa"], "buckets": False, "confidence": 0.9, "layer": 1}]}).table
    assert "layer" in table
    assert not {"metrics", "buckets", "confidence", "subspaces"} & set(table.columns)


def test_holm_is_over_all_cells_of_one_null_and_a_family_has_equally_many_draws():
    pairs = [{**SIDES, "draws": 19}, {**SIDES, "draws": 49}, {**SIDES, "draws": 19, "null": "spectrum-matched"}]
    ids = [str(row) for row in range(40)]
    # Equal ids: the same tokens on both sides, so that all pairs are one family of shuffles.
    spaces = {"left": Space(LEFT, ids), "right": Space(RIGHT, ids)}
    pairs = [{**pair, **spaces} for pair in pairs]
    table = run_study({"pairs": pairs, "metrics": ["rsa", "procrustes"]}).table
    shuffled = table[table["null"] == "shuffle"]
    assert shuffled["holm"].to_list() == pytest.approx(list(holm(shuffled["p_value"].to_list())))
    # One step-down among draws of one length alone: each couple as if it stood by itself.
    for draws in (19, 49):
        alone = run_study({"pairs": [{**spaces, "draws": draws}], "metrics": ["rsa", "procrustes"]}).table
        both = shuffled[shuffled["draws"] == draws]
        assert both["maxt"].to_list() == alone["maxt"].to_list()
    assert table[table["null"] != "shuffle"]["maxt"].isna().all()


def test_parts_are_chosen_by_pair_too(tmp_path: Path):
    pairing = Pairing(range(40), [row // 2 for row in range(40)])
    plain = {**SIDES, "pairing": pairing}
    config: dict[str, Any] = {
        "pairs": [
            {**plain, "buckets": True}, {**plain, **TOKENS, "subspaces": {"only": ["time"]}}, plain,
            {**plain, **TOKENS, "buckets": True, "metrics": ["rsa", "cka"], "null": ["shuffle", "none"]},
        ],
        "metrics": ["procrustes"], "draws": 9,
    }  # fmt: skip
    study = run_study(config)
    counts = [len(list(cells)) for _, cells in itertools.groupby(study.cells, lambda cell: cell.pair)]
    assert counts == [cells_of(item, config, tmp_path) for item in config["pairs"]]
    assert [sorted({cell.subspace for cell in study.cells if cell.pair == number}) for number in range(4)] == [
        ["all"], ["all", "time"], ["all"], ["all"],
    ]  # fmt: skip
    general = {**config, "subspaces": {"only": ["time"]}}
    with pytest.raises(InvalidConfig, match="pair 1 names no left_tokens"):
        run_study(general)
    general["pairs"] = [{**plain, "subspaces": False}, {**plain, **TOKENS}]
    assert {(cell.pair, cell.subspace) for cell in run_study(general).cells} == {(0, "all"), (1, "all"), (1, "time")}


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"metrics": "rsa"}, "pair 2: metrics must be a list with at least one entry, got 'rsa'"),
        ({"metrics": ["rsaa"]}, "pair 2: .*rsaa"),
        ({"metrics": [{"power": 2}]}, "pair 2: a metric with parameters is a table with a name"),
        ({"null": []}, "pair 2: null is a name, a list of names"),
        ({"null": "shufle"}, r"pair 2 .*rsa: no null is called 'shufle'"),
        ({"draws": 0}, r"pair 2 .*rsa: draws must be"),
        ({"buckets": "yes"}, "pair 2: buckets is true or false, got 'yes'"),
        ({"subspaces": "time"}, r"pair 2: subspaces is a table"),
        ({"subspaces": {}}, "pair 2 names no left_tokens and right_tokens"),
        ({"interval": "wide"}, "pair 2: no interval is called 'wide'"),
        ({"interval": "jackknife", "confidence": 2.0}, "pair 2: confidence lies between 0 and 1"),
        ({"within": [1, 2]}, "pair 2: within is a table with space"),
        ({"within": {"space": LEFT, "left": [0]}}, "pair 2: within is a table with space"),
    ],
)
def test_what_is_wrong_with_a_pairs_choice_names_the_pair(own: dict[str, Any], message: str):
    with pytest.raises(GeomsimError, match=message):
        run_study({"pairs": [SIDES, {**SIDES, "layer": 1, **own}], "metrics": ["rsa"], "draws": 9})


def test_groups_of_one_space_are_compared_as_compare_groups_does(tmp_path: Path):
    space = Space(LEFT, [f"row {row}" for row in range(40)])
    rows = {"left": list(range(8)), "right": [20, 9, 33, 31, 12]}
    pair = {
        "left": LEFT[rows["left"]], "right": LEFT[rows["right"]], "within": {"space": space, **rows},
        "null": "random-group", "left_group": "a", "right_group": "b",
    }  # fmt: skip
    config = {"pairs": [SIDES, pair], "metrics": ["gromov-wasserstein"], "draws": 19, "buckets": False}
    config["pairs"][0] = {**SIDES, "null": "none"}
    (found,) = run_study(config, folder=tmp_path).table.query("left_group == 'a'").to_dict("records")
    expected = compare_groups(LEFT, rows["left"], rows["right"], "gromov-wasserstein", draws=19)
    assert (found["score"], found["p_value"], found["n"]) == (expected.score, expected.p_value, 5)
    assert found["null"] == "random-group"
    # Other rows of the same space are another cell, though the files of both sides are the same.
    other = {**pair, "within": {"space": space, **rows, "left": list(range(1, 9))}}
    again = run_study({**config, "pairs": [SIDES | {"null": "none"}, other]}, folder=tmp_path).table
    assert again["score"].to_list()[1] != found["score"]


def test_groups_by_id_that_are_empty_or_paired():
    space = Space(LEFT, [f"row {row}" for row in range(40)])
    pair = {**SIDES, "within": {"space": space, "left": ["row 1", "row 7"], "right": []}, "null": "random-group"}
    config = {"pairs": [pair], "metrics": ["gromov-wasserstein"], "draws": 9}
    (record,) = run_study(config).records()
    assert record["error"] == "empty: no row is in the right group"
    assert record["n"] == 0
    full = {**pair, "within": {**pair["within"], "right": ["row 3", "row 4", "row 5"]}}
    assert run_study({**config, "pairs": [full]}).table["error"].isna().all()
    with pytest.raises(InvalidConfig, match="rsa: groups of one space do not correspond row by row"):
        run_study({**config, "pairs": [full], "metrics": ["rsa"]})
    wrong = {**pair["within"], "right": ["row 41"]}
    with pytest.raises(InvalidConfig, match="row 41"):
        run_study({**config, "pairs": [{**pair, "within": wrong}]})
