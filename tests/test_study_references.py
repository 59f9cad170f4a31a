"""References beside cross-model scores, against what a person picks from the table by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim import Space, Study, run_study
from geomsim.cli.console import _draws_for_holm
from geomsim.cli.study import _overview
from geomsim.corrections import benjamini_hochberg, holm, step_down_max_t
from geomsim.errors import InvalidConfig
from geomsim.report.assembling import contents_of_study
from geomsim.report.main_warning import main_warning
from geomsim.report.reference_words import beside_references
from geomsim.report.strongest import strongest, telling
from geomsim.study import read_config
from geomsim.study_references import asked_about, claims_of, first_of_kind, has_references, references_of
from geomsim.study_table import records_of

MODELS = {
    "left": {"path": "models/left"},
    "left 2": {"path": "models/left"},
    "right": {"path": "models/right"},
    "right 2": {"path": "models/right"},
    "seed": {"path": "models/seed"},
    "noise": {"rerandomise": "right", "seed": 7},
}


def record(
    role: str, left: str, right: str, layers: tuple[int, int], corrected: float | None, **more: Any
) -> dict[str, Any]:
    return {
        "role": role, "rows": "features", "left_model": left, "right_model": right, "left_layer": layers[0],
        "right_layer": layers[1], "method": "mutual", "direction": "either", "non_concepts": "kept", "units": "tokens",
        "subspace": "all", "bucket": "all", "metric": "some-metric", "parameters": "{}", "null": "shuffle",
        "larger_means": "closer", "score": 0.9 if corrected is None else corrected + 0.1, "corrected": corrected,
        "p_value": 0.01, "holm": 0.02, **more,
    }  # fmt: skip


CELLS = [
    record("cross-model", "left", "right", (0, 1), 0.20),
    record("cross-model", "left 2", "right", (0, 1), 0.24),
    record("cross-model", "left", "right 2", (0, 1), 0.25),
    record("cross-model", "left", "right", (1, 1), 0.30),
    record("other-dictionary", "left", "left 2", (0, 0), 0.50),
    record("other-dictionary", "left 2", "left", (0, 0), 0.60),
    record("other-dictionary", "left", "left 2", (1, 1), 0.70),
    record("other-dictionary", "right", "right 2", (1, 1), 0.40),
    record("other-dictionary", "right", "right 2", (0, 0), 0.99),
    record("second-seed", "left", "seed", (0, 0), 0.35),
    record("second-seed", "left", "seed", (0, 1), 0.05),
    record("baseline", "left", "noise", (0, 1), 0.01),
    record("baseline", "left", "noise", (0, 0), 0.02),
]


def test_each_reference_is_the_one_of_its_layers() -> None:
    first, second = references_of(CELLS, MODELS)
    assert (first["left_layer"], first["right_layer"]) == (0, 1)
    assert first["instances"] == 3
    assert first["instances_mean"] == pytest.approx(fmean([0.20, 0.24, 0.25]))
    assert first["instances_sd"] == pytest.approx(stdev([0.20, 0.24, 0.25]))
    assert (first["instances_low"], first["instances_high"]) == (0.20, 0.25)
    assert first["left_ceiling"] == pytest.approx(0.55)
    assert first["right_ceiling"] == 0.40
    assert first["ceiling"] == pytest.approx(0.475)
    assert first["second_seed"] == 0.35
    assert first["baseline"] == 0.01
    assert first["share_of_ceiling"] == pytest.approx(0.20 / 0.475)
    assert second["instances"] == 1
    assert second["instances_sd"] is None
    assert second["ceiling"] == pytest.approx(0.55)
    assert second["second_seed"] is None
    assert second["baseline"] is None
    assert has_references([second])


@pytest.mark.parametrize(
    "other",
    [
        {"rows": "neurons"}, {"method": "max"}, {"metric": "another"}, {"parameters": '{"k": 3}'}, {"bucket": "1"},
        {"units": "words"}, {"non_concepts": "left out"}, {"direction": "left-to-right"},
    ],
)  # fmt: skip
def test_a_reference_to_another_question_is_none(other: dict[str, Any]) -> None:
    cells = [CELLS[0], *({**cell, **other} for cell in CELLS[1:])]
    found = references_of(cells, MODELS)[0]
    assert found["instances"] == 1
    assert {found[name] for name in ("ceiling", "second_seed", "baseline", "share_of_ceiling")} == {None}
    assert not has_references([found])


def test_metrics_without_a_corrected_score_are_compared_by_their_scores() -> None:
    cells = [{**cell, "corrected": None} for cell in CELLS]
    found = references_of(cells, MODELS)[0]
    assert found["scale"] == "score"
    assert found["baseline"] == pytest.approx(0.11)
    assert found["share_of_ceiling"] is None


def test_a_ceiling_at_chance_has_no_share() -> None:
    cells = [CELLS[0], record("other-dictionary", "left", "left 2", (0, 0), -0.01)]
    assert references_of(cells, MODELS)[0]["share_of_ceiling"] is None


def test_cells_without_a_score_or_a_role_are_no_reference() -> None:
    broken = [{**CELLS[4], "score": None, "corrected": None}, {**CELLS[9], "role": None}]
    assert not has_references(references_of([CELLS[0], *broken], MODELS))


def test_models_are_one_where_their_path_is_or_what_they_are_made_of() -> None:
    models = {
        **MODELS,
        "noise again": {"rerandomise": "right", "seed": 7},
        "other noise": {"rerandomise": "right", "seed": 8},
    }
    assert first_of_kind(models) == {
        "left": "left", "left 2": "left", "right": "right", "right 2": "right", "seed": "seed", "noise": "noise",
        "noise again": "noise", "other noise": "other noise",
    }  # fmt: skip


@given(st.permutations(range(len(CELLS))))
def test_the_order_of_cells_changes_no_reference(order: list[int]) -> None:
    def by_place(rows: list[dict[str, Any]]) -> dict[Any, Any]:
        return {(row["left_layer"], row["right_layer"]): row for row in rows}

    found = by_place(references_of([CELLS[place] for place in order], MODELS))
    for place, row in by_place(references_of(CELLS, MODELS)).items():
        for name, value in row.items():
            expected = pytest.approx(value) if isinstance(value, float) else value
            assert found[place][name] == expected, name


def test_every_cross_model_cell_of_the_first_models_has_a_row() -> None:
    cells = [
        record("cross-model", one, other, (0, 0), 0.1)
        for one, other in product(("left", "left 2"), ("right", "right 2"))
    ]
    (row,) = references_of(cells, MODELS)
    assert row["instances"] == 4


@pytest.fixture(scope="module")
def study() -> Study:
    """A cross-model pair, one with another dictionary of the left model, and a model of noise."""
    random = np.random.default_rng(0)
    points = random.normal(size=(60, 5))
    others = {"right": points + random.normal(size=points.shape), "noise": random.normal(size=(60, 5))}
    layers = {"left_layer": 0, "right_layer": 0, "rows": "features", "left_model": "left"}
    pairs = [
        {"left": points, "right": others["right"], "role": "cross-model", "right_model": "right", **layers},
        {"left": points, "right": others["noise"], "role": "baseline", "right_model": "noise", **layers},
    ]
    return run_study({"pairs": pairs, "metrics": ["rsa", "procrustes"], "draws": 19})


def test_p_is_corrected_over_the_cells_of_one_role(study: Study) -> None:
    records = study.records()
    for role in ("cross-model", "baseline"):
        own = [row for row in records if row["role"] == role]
        assert [row["holm"] for row in own] == pytest.approx(list(holm([row["p_value"] for row in own])))
        assert [row["bh"] for row in own] == pytest.approx(list(benjamini_hochberg([row["p_value"] for row in own])))
    assert asked_about(records, {}) == [0, 1]
    assert asked_about([{**row, "role": None} for row in records], {}) == [0, 1, 2, 3]


@pytest.fixture(scope="module")
def further() -> Study:
    """Two couples of dictionaries of two models, another model's noise, and groups of one; rows are shared by id."""
    random = np.random.default_rng(1)
    ids = [f"row {number}" for number in range(40)]
    points = random.normal(size=(40, 4))

    def space(noise: float) -> Space:
        return Space(points + noise * random.normal(size=points.shape), ids=ids)

    layers = {"left_layer": 0, "right_layer": 0, "rows": "features"}
    pairs = [
        {"left": space(0.5), "right": space(spread), "role": role, "left_model": left, "right_model": right, **layers}
        for role, left, right, spread in (
            ("cross-model", "left", "right", 1.5), ("cross-model", "left 2", "right", 1.5),
            ("cross-model", "left", "right 2", 1.5), ("baseline", "left", "noise", 90.0),
            ("within", "left", "left", 3.0),
        )
    ]  # fmt: skip
    return run_study({"pairs": pairs, "metrics": ["rsa", "procrustes"], "draws": 39})


def test_further_dictionaries_of_two_models_are_references_and_a_family_of_their_own(further: Study) -> None:
    records = records_of(further.cells, MODELS)
    assert [row["reference"] for row in records] == [False] * 2 + [True] * 6 + [False] * 2
    for own in (records[:2], records[2:6], records[6:8], records[8:]):
        p = [row["p_value"] for row in own]
        assert [row["holm"] for row in own] == pytest.approx(list(holm(p)))
        assert [row["bh"] for row in own] == pytest.approx(list(benjamini_hochberg(p)))
        cells = [further.cells[records.index(row)].comparison for row in own]
        draws = np.stack([cell.null for cell in cells if cell is not None and cell.null is not None])
        signs = np.array([[1.0 if row["larger_means"] == "closer" else -1.0] for row in own])
        scores = signs[:, 0] * [row["score"] for row in own]
        assert len({row["family"] for row in records}) == 1
        expected = np.maximum(step_down_max_t(scores, signs * draws), p)
        assert [row["maxt"] for row in own] == pytest.approx(list(expected))
    assert [row for row in claims_of(records) if row["role"] == "baseline"] == []
    assert [place for place, row in enumerate(records) if row in claims_of(records)] == [0, 1, 8, 9]


def test_the_table_of_a_study_of_models_says_which_cells_are_references(further: Study, tmp_path: Path) -> None:
    study = replace(further, config={**further.config, "models": MODELS})
    assert study.table["reference"].dtype == bool
    study.save(tmp_path)
    for table in (pd.read_parquet(tmp_path / "results.parquet"), pd.read_csv(tmp_path / "results.csv")):
        assert table["reference"].tolist() == study.table["reference"].tolist()
        assert table["holm"].tolist() == pytest.approx(study.table["holm"].tolist())
    # One that begins at spaces has no such column, and no couple stands for another.
    records = further.records()
    assert "reference" not in records[0]
    assert [row["holm"] for row in records[:6]] == pytest.approx(list(holm([row["p_value"] for row in records[:6]])))


def test_the_words_count_the_claims_that_a_p_was_corrected_with(further: Study) -> None:
    study = replace(further, config={**further.config, "models": MODELS})
    # 2 of 40 orders is p = .05 at most, and 2 claims between models need 39 draws.
    assert "Holm" not in contents_of_study(study, graphs=0).sentences[2]
    records = [{**row, "draws": 9, "p_value": 0.1} for row in study.records()]
    assert "no p-value can fall below 0.10: use more" in main_warning(records, [])
    records = [{**row, "draws": 29, "p_value": 1 / 30} for row in study.records()]
    assert "over 2 comparisons between models Holm's correction can never reach .05: 39 draws" in main_warning(
        records, []
    )
    assert _draws_for_holm(records) == 39
    assert _draws_for_holm([{**row, "draws": 39} for row in records]) is None
    # A p that is known without draws is one of the tests all the same.
    assert _draws_for_holm([{**records[0], "draws": None}, *records]) == 59
    told = strongest(records[:1], [], records)
    assert "correction over the 2 comparisons between models that shuffle judged" in told
    assert "correction over all 2 of the study with the role within that shuffle judged" in strongest(
        records[8:9], [], records
    )
    both = strongest([*records[:2], *records[8:]], [], records)
    assert "correction over those of its own role" in both


def test_means_of_further_dictionaries_are_told_apart_from_those_of_the_question(further: Study) -> None:
    table = _overview("", records_of(further.cells, MODELS))
    roles = list(table.columns[0].cells)
    assert roles == ["cross-model"] * 2 + ["cross-model, further dictionaries"] * 2 + ["baseline"] * 2 + ["within"] * 2
    counted = [column for column in table.columns if column.header == "cells"]
    assert list(counted[0].cells) == ["1", "1", "2", "2", "1", "1", "1", "1"]


def test_labels_that_tell_nothing_apart_are_not_told(further: Study) -> None:
    records = further.records()
    labels = ["role", "left_layer", "right_layer", "rows", "left_model", "right_model"]
    assert telling(labels, records) == ["role", "rows", "left_model", "right_model"]
    # A side is told with the other one, and what is compared in any case.
    assert telling(labels, records[:4]) == ["rows", "left_model", "right_model"]
    assert telling(labels, records[:2]) == labels


def test_references_are_the_same_whichever_null_judged() -> None:
    exact = {**CELLS[0], "null": "exact", "p_value": 1e-6}
    own, other, _ = references_of([CELLS[0], exact, *CELLS[1:]], MODELS)
    assert (own["null"], other["null"]) == ("shuffle", "exact")
    judged = ("null", "p_value", "holm")
    assert {k: v for k, v in own.items() if k not in judged} == {k: v for k, v in other.items() if k not in judged}
    # Where both judged a couple, the one by the same null counts.
    twice = references_of([CELLS[0], exact, *CELLS[1:], {**CELLS[11], "null": "exact", "corrected": 0.5}], MODELS)
    assert [row["baseline"] for row in twice[:2]] == [0.01, 0.5]


def test_a_label_may_not_bear_the_name_of_that_column() -> None:
    pair = {"left": "a.npy", "right": "b.npy", "reference": "x"}
    blocks = {"models": MODELS, "between": [{"left": "left", "right": "right"}], "text": "python"}
    with pytest.raises(InvalidConfig, match="label 'reference'"):
        read_config({**blocks, "pairs": [pair]})
    assert read_config({"pairs": [pair]})["pairs"] == [pair]


def test_references_are_saved_beside_the_table(study: Study, tmp_path: Path) -> None:
    assert tmp_path / "references.csv" in study.save(tmp_path)
    found = pd.read_csv(tmp_path / "references.csv")
    expected = {row["metric"]: row["corrected"] for row in study.records() if row["role"] == "baseline"}
    assert found["metric"].tolist() == ["rsa", "procrustes"]
    assert found["baseline"].tolist() == pytest.approx([expected[name] for name in found["metric"]])


def test_the_report_speaks_of_the_question_and_not_of_its_references(study: Study) -> None:
    contents = contents_of_study(study, graphs=0)
    assert "role cross-model" in contents.sentences[1]
    shares = [row["baseline"] / row["corrected"] for row in contents.references]
    kept = f"the left model and a re-randomised one share {max(0.0, median(shares)):.0%} of what the two models share"
    assert contents.sentences[1].startswith(f"Beside its references (2 metrics, 1 pair of layers; medians): {kept}.")
    assert [row["metric"] for row in contents.references] == ["rsa", "procrustes"]
    assert contents.scores.first is not None
    assert contents.scores.records[contents.scores.first]["role"] == "cross-model"


def test_the_words_are_medians_over_what_was_asked() -> None:
    place = {"left_model": "left", "right_model": "right", "rows": "features", "method": "mutual", "null": "shuffle"}
    numbers = [(0.2, 0.4, 0.25, 0.02), (0.3, 0.4, 0.5, 0.0), (0.1, 0.4, None, -0.1)]
    rows = [
        {**place, "metric": f"metric {number % 2}", "left_layer": number, "right_layer": 0, "corrected": corrected,
         "ceiling": ceiling, "second_seed": seed, "baseline": noise, "subspace": "all", "bucket": "all"}
        for number, (corrected, ceiling, seed, noise) in enumerate(numbers)
    ]  # fmt: skip
    others = [{**rows[0], "method": "max"}, {**rows[0], "bucket": "1"}, {**rows[0], "corrected": None}]
    told = beside_references([*rows, *({**row, "ceiling": 0.01} for row in others)], place)
    assert told == (
        "Beside its references (2 metrics, 3 pairs of layers; medians): the two models share 50% of what two "
        "dictionaries of one layer of one model share, 70% of what the left model and its second seed share; the left "
        "model and a re-randomised one share 0% of what the two models share."
    )
    assert (
        beside_references([{**row, "ceiling": None, "second_seed": None, "baseline": None} for row in rows], place)
        == ""
    )


def test_references_at_chance_are_left_out_of_the_words_and_counted() -> None:
    rows = [
        {"metric": f"metric {number}", "corrected": 0.2, "ceiling": ceiling, "baseline": None}
        for number, ceiling in enumerate((0.4, 0.5, -0.01, 0.0))
    ]
    without = {"metric": "metric 4", "corrected": 0.3}
    assert beside_references([*rows, without], {}) == (
        "Beside its references (4 metrics, 1 pair of layers; medians): the two models share 45% of what two "
        "dictionaries of one layer of one model share (2 at chance left out)."
    )


def test_a_revision_is_another_model_and_what_is_usual_need_not_be_said() -> None:
    models: dict[str, dict[str, Any]] = {
        "early": {"path": "a", "revision": "step1000"}, "late": {"path": "a"}, "again": {"path": "./a"},
        "noise": {"rerandomise": "late"}, "noise again": {"rerandomise": "again", "seed": 0, "embeddings": "redrawn"},
        "early noise": {"rerandomise": "early"}, "kept": {"rerandomise": "late", "embeddings": "kept"},
    }  # fmt: skip
    assert first_of_kind(models) == {
        "early": "early", "late": "late", "again": "late", "noise": "noise", "noise again": "noise",
        "early noise": "early noise", "kept": "kept",
    }  # fmt: skip
    # Two checkpoints are a question, and no two dictionaries of one model.
    cells = [record("cross-model", "early", "late", (0, 0), 0.2), record("cross-model", "early", "again", (0, 0), 0.3)]
    assert asked_about(cells, models) == [0]
    assert references_of(cells, models)[0]["instances"] == 2


def test_where_the_first_dictionaries_were_not_compared_the_next_ones_are_what_is_asked() -> None:
    # `left` has neurons alone: its features are those of `left 2`.
    cells = [
        record("cross-model", "left", "right", (0, 0), 0.1, rows="neurons"),
        record("cross-model", "left 2", "right", (0, 0), 0.2),
        record("cross-model", "left 2", "right 2", (0, 0), 0.3),
        record("cross-model", "left 2", "right", (0, 0), 0.2, metric="another"),
        record("cross-model", "left 2", "right 2", (0, 0), 0.2, metric="a third"),
    ]
    assert asked_about(cells, MODELS) == [0, 1, 3]
    found = references_of(cells, MODELS)
    assert [row["left_model"] for row in found] == ["left", "left 2", "left 2"]
    assert [row["instances"] for row in found] == [1, 2, 1]


def test_a_couple_that_was_compared_twice_counts_once() -> None:
    twice = [*CELLS, record("cross-model", "left 2", "right", (0, 1), 0.9), {**CELLS[4], "corrected": 0.9}]
    found = references_of(twice, MODELS)[0]
    expected = references_of(CELLS, MODELS)[0]
    assert found == expected
    # Of a score itself each cell has a row, with its own number among the couples.
    again = record("cross-model", "left", "right", (0, 1), 0.26)
    first, _, last = references_of([*CELLS, again], MODELS)
    assert (first["instances"], last["instances"]) == (3, 3)
    assert (first["instances_high"], last["instances_high"]) == (0.25, 0.26)
