"""The three sentences of a report, from records in memory and from files read back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geomsim import run_study
from geomsim.corrections import benjamini_hochberg, holm
from geomsim.nulls import NULLS
from geomsim.report import strongest
from geomsim.report.tidy_records import tidy
from geomsim.report.words import sentences, warnings_of

RANDOM = np.random.default_rng(5)
POINTS = RANDOM.normal(size=(60, 5))
ALIKE = POINTS + 0.3 * RANDOM.normal(size=(60, 5))
OTHER = RANDOM.normal(size=(60, 5))
LABELS = ["kind", "left_layer", "right_layer"]


def records_of(p_values: list[float], draws: int = 999, **changes: Any) -> list[dict[str, Any]]:
    """Cells of one metric, the corrected score falling with the number; `changes` are lists by cell."""
    rows = []
    for i, p in enumerate(p_values):
        rows.append(
            {
                "kind": "features", "left_layer": i, "right_layer": 0, "left": f"a/l{i}.npz", "right": "b/r.npz",
                "subspace": "all", "bucket": "all", "metric": "rsa", "parameters": "{}", "n": 50, "score": 0.9 - i / 10,
                "raw_score": 0.9, "corrected": 0.8 - i / 10, "larger_means": "closer", "null": "shuffle",
                "null_mean": 0.1, "null_sd": 0.02, "z": 5.0 - i, "p_value": p, "draws": draws, "warnings": "",
                "error": None,
            }
            | {key: values[i] for key, values in changes.items()}
        )  # fmt: skip
    tested = [row for row in rows if row["p_value"] is not None]
    p = [row["p_value"] for row in tested]
    for row, by_holm, by_bh in zip(tested, holm(p), benjamini_hochberg(p), strict=True):
        row.update(holm=float(by_holm), bh=float(by_bh))
    for row in rows:
        row.setdefault("holm", None)
        row.setdefault("bh", None)
    return rows


def test_a_real_study_says_the_same_in_memory_and_from_both_files(tmp_path):
    pairs = [
        {"left": POINTS, "right": right, "left_layer": 0, "right_layer": place, "kind": "points"}
        for place, right in enumerate((ALIKE, OTHER))
    ]
    study = run_study({"pairs": pairs, "draws": 99, "metrics": ["rsa", "procrustes", "singular-values"]})
    study.save(tmp_path)
    told = sentences(study.records(), LABELS)
    for read in (pd.read_parquet(tmp_path / "results.parquet"), pd.read_csv(tmp_path / "results.csv")):
        assert sentences(read.to_dict("records"), LABELS) == told
        assert warnings_of(read.to_dict("records")) == warnings_of(study.records())
    assert told[0] == (
        "2 pairs of spaces (kind points; left layer 0; right layer 0 and 1) were compared by rsa, procrustes and "
        "singular-values over 60 rows: 6 comparisons, judged by shuffle and noise-floor."
    )
    best = max((r for r in study.records() if r["null"] == "shuffle"), key=lambda r: r["corrected"])
    assert best["right_layer"] == 0
    assert told[1].startswith(f"Most alike beyond chance: {best['metric']} for points, layers 0 and 0, ")
    assert f"where chance gives {best['null_mean']:.2f}" in told[1]
    assert "p ≤ 0.01 over 60 rows" in told[1]
    assert "Of 4 comparisons judged by shuffle, 2 have p ≤ .05 after Holm's correction, 2 at a false" in told[1]


def test_the_strongest_survives_holm_where_any_does():
    # The first has the largest score and only survives Benjamini and Hochberg.
    rows = records_of([0.04, 0.001, 0.02])
    assert [row["holm"] <= 0.05 for row in rows] == [True, True, True]
    rows = records_of([0.04, 0.001, 0.04, 0.04])
    assert [row["holm"] <= 0.05 for row in rows] == [False, True, False, False]
    assert all(row["bh"] <= 0.05 for row in rows)
    told = sentences(rows, LABELS)[1]
    assert "layers 1 and 0" in told
    assert "1 has p ≤ .05 after Holm's correction, 4 at a false discovery rate" in told


def test_benjamini_and_hochberg_stand_in_where_holm_leaves_none():
    told = sentences(records_of([0.03] * 4), LABELS)[1]
    assert told.startswith("Most alike beyond chance: rsa for features, layers 0 and 0, 0.90 where")
    assert "none has p ≤ .05 after Holm's correction, 4 at" in told


def test_where_nothing_is_significant_the_nearest_is_named_and_called_nothing():
    told = sentences(records_of([0.4, 0.2, 0.9]), LABELS)[1]
    assert told == (
        "Nothing stands out: none of 3 comparisons judged by shuffle has p ≤ .05 after Holm's or Benjamini-Hochberg's "
        "correction. Nearest came rsa for features, layers 1 and 0, 0.80 where chance gives 0.10 "
        "(sd 0.020), 0.70 of the way from chance to identity, p = 0.20 over 50 rows."
    ).replace("0.20 over", "0.2 over")
    assert "the only comparison that shuffle judged has p > .05" in sentences(records_of([0.4]), LABELS)[1]


def test_smaller_is_closer_is_said_and_its_z_turned_round():
    rows = records_of([0.01, 0.01], corrected=[None, None], z=[-3.0, -9.0], larger_means=["farther"] * 2)
    told = sentences(rows, LABELS)[1]
    assert "layers 1 and 0" in told
    assert "smaller is closer" in told


def test_parts_are_told_only_where_there_is_no_whole():
    part = {"subspace": ["all", "time"], "corrected": [0.1, 0.9]}
    assert "time" not in sentences(records_of([0.001, 0.001], **part), LABELS)[1]
    told = sentences(records_of([0.001], subspace=["time"], null=["random-subset"]), LABELS)
    assert "in 1 subspace (time)" in told[0]
    assert told[1].startswith("Most alike, judged by random-subset: rsa for features, layers 0 and 0, subspace time")
    assert "where as many random pairs give" in told[1]


def test_of_several_nulls_the_first_question_is_answered():
    rows = records_of([0.001, 0.001, 0.001], null=["label-swap", "spectrum-matched", "shuffle (blocks moved whole)"])
    told = sentences(rows, LABELS)[1]
    assert told.startswith("Most alike beyond chance: rsa for features, layers 2 and 0")
    swapped = sentences(records_of([0.001], null=["label-swap"]), LABELS)[1]
    assert swapped.startswith("Both sides differ most:")
    both = records_of([0.001, 0.001], null=["label-swap"] * 2, corrected=[None] * 2, z=[-3.0, 5.0])
    assert "layers 0 and 0" in sentences(both, LABELS)[1]
    assert set(strongest._ORDER) < set(NULLS)


def test_without_a_null_no_score_is_called_strong():
    rows = records_of([None, None], null=[None, None], null_mean=[None] * 2, null_sd=[None] * 2, z=[None] * 2)
    told = sentences(rows, LABELS)
    assert told[0].endswith("2 comparisons, judged by no null.")
    assert told[1].startswith("No p-value exists, as no null was asked for, so none of 2 scores")
    assert "No p-value exists" in sentences(rows[:1], LABELS)[1]


def test_a_noise_floor_gives_no_p_and_is_not_called_chance():
    rows = records_of([None, None], null=["noise-floor"] * 2, z=[4.0, -1.0], larger_means=["farther"] * 2, draws=40)
    told = sentences(rows, LABELS)[1]
    assert told.startswith("No p-value exists: the noise floor (random halves of one side) gives none. Nearest to it")
    assert "layers 1 and 0" in told
    assert "random halves of one side give" in told
    assert "chance gives" not in told


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_whatever_stands_for_missing_is_none(missing):
    assert tidy([{"a": missing, "b": "nan"}]) == [{"a": None, "b": "nan"}]


def test_results_without_rows():
    told = sentences([], [])
    assert len(told) == 3
    assert told[0] == "Nothing was compared: the results hold no rows."


def test_failures_come_before_every_other_warning():
    rows = records_of([0.001, 0.001, None], warnings=["few rows", "few rows", ""], error=[None, None, "rows are equal"],
                      score=[0.9, 0.8, None])  # fmt: skip
    told = sentences(rows, LABELS)
    assert told[2] == (
        "1 of 3 comparisons has no score, rsa for features, layers 2 and 0: rows are equal. "
        "Further warnings of 2 comparisons are listed below."
    )
    several = records_of([None] * 3, error=["4 rows", "equal rows", "5 rows"], score=[None] * 3)
    assert sentences(several, LABELS)[2] == (
        "3 of 3 comparisons have no score, 2 of them like rsa for features, layers 0 and 0: 4 rows."
    )
    every = records_of([None] * 2, error=["rows are equal"] * 2, score=[None] * 2)
    assert sentences(every, LABELS)[1] == "No comparison has a score: all 2 comparisons failed."


def test_an_empty_part_is_an_answer_and_no_failure():
    rows = records_of(
        [0.001, None], subspace=["all", "time"], error=[None, "time: empty"], score=[0.9, None], n=[50, 0.0]
    )
    assert sentences(rows, LABELS)[2] == "No comparison failed, and none gave a warning."
    assert "every part is empty" in sentences(rows[1:], LABELS)[1]


def test_too_few_draws_for_so_many_comparisons_are_said_with_how_many_are_needed():
    rows = records_of([0.01] * 10, draws=99)
    told = sentences(rows, LABELS)[2]
    assert told.startswith("With 99 draws of shuffle no p-value can fall below 0.010, and over 10 comparisons Holm's")
    assert "199 draws would let it" in told
    # The number is the smallest that does.
    assert 10 / (199 + 1) <= 0.05 < 10 / (198 + 1)
    assert "draws" not in sentences(records_of([0.005] * 10, draws=199), LABELS)[2]
    assert "draws" not in sentences(records_of([0.3] * 10, draws=999), LABELS)[2]
    assert "no p-value can fall below 0.10: use more" in sentences(records_of([0.1], draws=9), LABELS)[2]


def test_equal_warnings_but_for_their_numbers_are_one_and_the_most_frequent_is_told():
    texts = ["rare; but long", "12 rows share", "13 rows share", ""]
    rows = records_of([0.001] * 4, warnings=texts)
    assert sentences(rows, LABELS)[2] == (
        "Before believing 2 comparisons by rsa: 12 rows share. Further warnings of 1 comparison are listed below."
    )
    assert warnings_of(rows) == [f"rsa: {text}" for text in texts[:3]]
    named = [f"{couple} have {n} rows of Holm's in common" for n, couple in enumerate(("'a' and 'b'", "'c' and 'd'"))]
    told = sentences(records_of([0.001] * 3, warnings=["rare", *named]), LABELS)[2]
    assert told.startswith(f"Before believing 2 comparisons by rsa: {named[0]}. ")
    few = records_of([0.001] * 3, warnings=["12 rows share", "13 rows share", "rows are fewer than ten times"])
    assert "fewer than ten times" in sentences(few, LABELS)[2]


@given(
    st.lists(
        st.fixed_dictionaries({
            "p_value": st.sampled_from([None, float("nan"), 0.001, 0.04, 1.0]),
            "corrected": st.sampled_from([None, -0.1, 0.5, 1.0]),
            "null": st.sampled_from([None, "shuffle", "shuffle (blocks)", "exact", "noise-floor", "label-swap"]),
            "z": st.sampled_from([None, -2.0, 3.0]),
            "null_mean": st.sampled_from([None, 0.2]),
            "null_sd": st.sampled_from([None, 0.0, 0.1]),
            "draws": st.sampled_from([None, 9.0, 999]),
            "n": st.sampled_from([None, 0, 50.0, float("nan")]),
            "error": st.sampled_from([None, float("nan"), "undefined"]),
            "subspace": st.sampled_from(["all", "time"]),
            "larger_means": st.sampled_from([None, "closer", "farther"]),
        }),
        max_size=6,
    )
)  # fmt: skip
@settings(max_examples=300)
def test_whatever_is_missing_there_are_three_sentences_that_claim_no_more_than_the_table(changes):
    rows = [{**records_of([0.5])[0], **change, "holm": None, "bh": None} for change in changes]
    told = sentences(rows, LABELS)
    assert len(told) == 3
    for text in told:
        assert text.endswith((".", "cell."))
        assert not re.search(r"\bnan\b|None|NaN|<NA>", text)
    if not any(row["p_value"] == 0.001 for row in rows):
        assert not told[1].startswith("Most alike beyond chance") or "0.04" in told[1]


def test_hostile_names_stay_on_one_line_and_short():
    rows = records_of([0.001], kind=["</script>\n\u202e" + "x" * 10_000])
    for sentence in sentences(rows, LABELS):
        assert len(sentence) < 700
        assert "\n" not in sentence
        assert "\u202e" not in sentence


def test_spaces_are_named_without_folders_unless_they_are_called_alike():
    rows = records_of([0.001], left=["/home/me/one/layer.npz"], right=["/home/me/two/layer.npz"])
    told = " ".join(sentences(rows, []))
    assert "one/layer.npz and two/layer.npz" in told
    assert "/home" not in told


def test_corrections_over_more_than_is_told_of_are_said_to_be():
    everything = records_of([0.001] * 60)
    chosen = everything[:10]
    told = sentences(chosen, LABELS, everything)[1]
    assert (
        "Of 10 comparisons judged by shuffle, 10 have q ≤ .05 after Benjamini-Hochberg's correction over all 60 of the "
        "study that shuffle judged (a false discovery rate of 5%); Holm's is out of reach of 999 draws." in told
    )
    assert "of the study" not in sentences(everything, LABELS, everything)[1]
    assert "No correction is needed" not in sentences(everything[:1], LABELS, everything)[1]
    assert "Of 1 comparison judged by shuffle, 1 has q" in sentences(everything[:1], LABELS, everything)[1]
    fewer = records_of([0.001] * 50)
    assert "50 have p ≤ .05 after Holm's correction" in sentences(fewer, LABELS, fewer)[1]


def test_the_record_that_is_named_has_a_place():
    # The largest corrected score is of another null, and no finding.
    rows = records_of([0.4, 0.001, 0.03], null=["spectrum-matched", "shuffle", "shuffle"])
    assert strongest.place_of_strongest(tidy(rows)) == 1
    assert "layers 1 and 0" in sentences(rows, LABELS)[1]
    no_p = records_of([None, None], null=["noise-floor"] * 2, z=[1.0, 3.0])
    assert strongest.place_of_strongest(tidy(no_p)) == 1
    assert strongest.place_of_strongest(tidy(records_of([None], error=["undefined"], score=[None]))) is None


def test_pairs_of_equal_names_are_each_counted():
    pairs = [{"left": POINTS, "right": right} for right in (ALIKE, OTHER)]
    study = run_study({"pairs": pairs, "draws": 19, "metrics": ["rsa", "procrustes"]})
    assert sentences(study.records(), [])[0].startswith("2 pairs of spaces were compared by rsa and procrustes over 60")


def test_pairs_of_groups_are_called_so():
    rows = records_of([0.001] * 2, left_group=["months"] * 2, right_group=["days", "numbers"])
    assert sentences(rows, ["left_group", "right_group"])[0].startswith("2 pairs of groups (left group months; right")


def test_of_many_labels_the_first_are_named_and_many_values_counted():
    names = [f"model {number}" for number in range(5)]
    long = {
        "role": ["cross-model", "baseline", "within", "second-seed", "other-dictionary"],
        "rows": ["features", "neurons", "features", "features", "features"], "left_model": names, "right_model": names,
        "method": ["max", "mutual", "hungarian", "one-to-one", None], "non_concepts": ["kept", "left out", *[None] * 3],
        "units": ["tokens", "words", *[None] * 3], "left_group": [None] * 4 + ["numbers"],
    }  # fmt: skip
    labels = [*long, "left_layer", "right_layer"]
    rows = records_of([0.001] * 5, **long)
    first = sentences(rows, labels)[0]
    assert first.startswith(
        "5 pairs of spaces (5 roles; rows features and neurons; 5 left models; 5 right models; 4 methods; non concepts "
        "kept and left out; 4 other labels) were compared by rsa"
    )
    # Few labels are told in full, as many values as there are.
    assert sentences(rows, ["role", "left_layer", "right_layer"])[0].startswith(
        "5 pairs of spaces (role cross-model, baseline, within, second-seed and other-dictionary; left layer 0 to 4; "
        "right layer 0) were compared"
    )
