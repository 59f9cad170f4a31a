"""A report of groups of rows of one space: what is said of empty groups, and where rows belong together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from geomsim import Space
from geomsim.group_table import compare_all_groups
from geomsim.groups import Group
from geomsim.report.assembling import contents_of, contents_of_study
from geomsim.report.page.sections import SECTIONS, sections_of
from geomsim.report.results import Results
from geomsim.report.tidy_records import is_empty_part, is_failed

SPACE = Space(np.random.default_rng(0).normal(size=(60, 4)), name="decoder")
NOTHING = Group("hours", np.array([], dtype=np.int64))
GROUPS = {"months": range(12), "days": range(20, 32), "hours": NOTHING, "pairs": [40, 41]}


@pytest.fixture(scope="module")
def study():  # type: ignore[no-untyped-def]
    return compare_all_groups(SPACE, GROUPS, ["singular-values"], draws=19)


@pytest.fixture(scope="module")
def contents(study):  # type: ignore[no-untyped-def]
    return contents_of_study(study)


def test_empty_groups_are_told_as_comparisons_without_a_score(contents) -> None:  # type: ignore[no-untyped-def]
    assert contents.sentences[2].startswith("3 of 6 comparisons have no score")
    assert "empty: no row is in 'hours'" in contents.sentences[2]


def test_an_empty_subspace_is_an_answer_and_an_empty_whole_is_none() -> None:
    record = {"error": "empty", "n": 0, "subspace": "all", "bucket": "all"}
    assert (is_empty_part(record), is_failed(record)) == (False, True)
    for part in ("subspace", "bucket"):
        assert (is_empty_part({**record, part: "3"}), is_failed({**record, part: "3"})) == (True, False)
    assert not is_empty_part({**record, "subspace": "3", "n": 2})


def test_an_empty_group_has_no_rows_and_is_not_gone(contents) -> None:  # type: ignore[no-untyped-def]
    notes = contents.notes["maps"]
    assert notes.count("hours has no rows, so there is no map of it") == 1
    assert not any("not there any more" in note for note in notes)
    assert [space.n_rows for space in contents.spaces if space.name == "hours"] == [0]


def test_a_saved_study_says_the_same_of_its_empty_group(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    study.save(tmp_path)
    notes = contents_of(Results.open(tmp_path)).notes["maps"]
    assert notes.count("hours has no rows, so there is no map of it") == 1
    assert len(notes) == 2  # and that the points of the others were not kept
    assert json.loads((tmp_path / "run.json").read_text())["config"]["pairs"][1]["right"] == "Group('hours', 0 rows)"


def test_rows_of_groups_of_one_size_belong_together_only_where_that_was_said(contents) -> None:  # type: ignore[no-untyped-def]
    assert [pair.links for pair in contents.pairs] == [None] * 6
    assert sum("no row belongs to a row of another" in note for note in contents.notes["maps"]) == 1
    chosen = {name: GROUPS[name] for name in ("months", "days")}
    matched = contents_of_study(compare_all_groups(SPACE, chosen, ["rsa"], correspondence="by order", draws=9))
    assert matched.pairs[0].links is not None
    assert matched.pairs[0].links.right.tolist() == list(range(12))


def test_titles_are_of_groups(contents) -> None:  # type: ignore[no-untyped-def]
    assert contents.title == "Groups of decoder"
    titles = [section.title for section in sections_of(contents.scores.records)]
    assert titles[0] == "Group by group"
    assert "Both groups, side by side" in titles
    layers = [{"left_layer": 0, "right_layer": 1}]
    assert sections_of(layers) == sections_of([]) == SECTIONS
    mixed = [*contents.scores.records, *layers]
    assert sections_of(mixed) == SECTIONS
