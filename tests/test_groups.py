"""Groups of rows of one space: how they are named, what is compared, and what is found on planted shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats
from toy_metrics import Correlation, Shift

import geomsim
from geomsim import Codes, DegenerateSpace, Space, compare
from geomsim.activations import Document, TokenTable
from geomsim.concept_groups import label_means, theme_groups, token_means
from geomsim.corrections import benjamini_hochberg, holm
from geomsim.errors import InapplicableNull, InvalidCodes, InvalidConfig, InvalidPairing, InvalidSpace
from geomsim.group_files import read_groups
from geomsim.group_table import compare_all_groups
from geomsim.groups import Group, compare_groups, group_of
from geomsim.nulls import RandomGroup, Shuffle
from geomsim.report.provenance import provenance
from geomsim.subspaces import Theme, prototypes
from geomsim_synthetic.shapes import shape

POINTS = np.random.default_rng(0).normal(size=(60, 6))
NAMES = [f"w{row}" for row in range(60)]
SPACE = Space(POINTS, NAMES, name="words")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads cost more than such small draws, and change no number."""
    monkeypatch.setattr("geomsim.nulls.drawing.cores", lambda: 1)


# --- groups ----------------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(some.lists(some.integers(0, 59), min_size=1, max_size=20, unique=True))
def test_every_way_to_name_rows_names_the_same(rows: list[int]):
    mask = np.isin(np.arange(60), rows)
    ways = [rows, tuple(rows), np.array(rows, dtype=np.int32), torch.tensor(rows), [f"w{row}" for row in rows]]
    ways += [Group("g", np.array(rows)), iter(rows), np.array([f"w{row}" for row in rows], dtype=object)]
    for given_rows in ways:
        assert group_of(SPACE, given_rows).rows.tolist() == rows
    for given_mask in (mask, mask.tolist()):
        assert group_of(SPACE, given_mask).rows.tolist() == sorted(rows)
    found = group_of(SPACE, "g", named={"g": rows})
    assert (found.name, found.rows.tolist(), len(found)) == ("g", rows, len(rows))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("months", "no group is called 'months'; the groups are: digits"),
        ([], "group 'g': it is empty"),
        (np.zeros(60, bool), "group 'g': it is empty: the mask names no row"),
        ([True, False], "a mask has one entry a row, 60, got 2"),
        ([3, 60], "row 60 does not exist: the space has rows 0 to 59"),
        ([-1], "row -1 does not exist"),
        ([3, 3], "row 3 is given more than once"),
        ([0.5], "rows are whole numbers, ids or a mask, got float64"),
        ([[1, 2]], r"rows are one list, got shape \(1, 2\)"),
        (7, "rows are given as a list of numbers or ids or as a mask, got 7"),
        (["w1", "tea"], "no row has the id 'tea' in space 'words'"),
    ],
)
def test_bad_groups(rows: Any, message: str):
    with pytest.raises(InvalidConfig, match=message):
        group_of(SPACE, rows, name="g", named={"digits": [0]})


def test_ids_must_be_there_and_be_one():
    with pytest.raises(InvalidConfig, match=r"rows are given by ids \('sun'\), and the space '' has none"):
        group_of(Space(POINTS), ["sun"])
    twice = Space(POINTS[:3], ["sun", "sun", "tea"])
    with pytest.raises(InvalidConfig, match="2 rows bear the id 'sun' in space ''; give row numbers"):
        group_of(twice, ["sun"])


# --- one couple ------------------------------------------------------------------------------------------------------

LEFT, RIGHT = [4, 9, 1, 30, 22, 8], [5, 2, 40, 41, 7, 3]


@pytest.mark.parametrize("metric", ["procrustes", "rsa"])
def test_the_score_is_that_of_the_rows_in_their_order(metric: str):
    found = compare_groups(SPACE, LEFT, RIGHT, metric, correspondence="by order", draws=9)
    assert found.score == compare(POINTS[LEFT], POINTS[RIGHT], metric, null=None).score
    assert (found.n_rows, found.left, found.right, found.null_kind) == (6, "left", "right", "random-group")
    assert found.provenance["left"]["rows"] == LEFT
    assert found.provenance["right"]["space"] == "words"
    assert found.facts["rows in the pool"] == 60


def test_pairs_say_which_row_belongs_to_which():
    expected = compare(POINTS[LEFT], POINTS[RIGHT[::-1]], "rsa", null=None).score
    pairs = list(zip(LEFT, RIGHT[::-1], strict=True))
    ids = {f"w{left}": f"w{right}" for left, right in pairs}
    for given_pairs in (pairs, ids, np.array(pairs), list(ids.items())):
        found = compare_groups(SPACE, LEFT, RIGHT, "rsa", correspondence=given_pairs, draws=9)
        assert found.score == expected
        assert found.warnings == ()
    fewer = compare_groups(SPACE, LEFT, RIGHT, "rsa", correspondence=pairs[:5], draws=9)
    assert fewer.n_rows == 5
    assert fewer.warnings == ("2 rows of 'left' and 'right' are in no pair, and were left out",)


def test_rows_in_both_groups_are_counted():
    told = "have {} in common, which alone can make them alike: random groups have as many"
    for right, words in (([4, 9, 1, 2, 3, 5], "3 rows"), ([8, 2, 3, 5, 6, 7], "1 row")):
        for metric in ("rsa", "singular-values"):
            found = compare_groups(SPACE, LEFT, right, metric, correspondence="by order", draws=9)
            assert [told.format(words) in note for note in found.warnings] == [True]
            assert "'left' and 'right'" in found.warnings[0]
    paired = compare_groups(
        SPACE, LEFT, [4, 9, 3, 5, 6, 7], "rsa", correspondence=[(1, 3), (30, 5), (22, 6)], null=None
    )
    assert [note for note in paired.warnings if "common" in note] == []  # of the rows that are compared


def test_unpaired_metrics_compare_whole_groups():
    expected = compare(POINTS[LEFT], POINTS[RIGHT[:4]], "singular-values", null=None).score
    found = compare_groups(SPACE, LEFT, RIGHT[:4], "singular-values", draws=9)
    assert found.score == expected
    assert (
        compare_groups(SPACE, LEFT, RIGHT[:4], "singular-values", correspondence="by order", draws=9).score == expected
    )


def test_the_shuffle_is_that_of_the_two_groups():
    expected = compare(POINTS[LEFT], POINTS[RIGHT], "procrustes", draws=49, seed=3)
    found = compare_groups(
        SPACE, LEFT, RIGHT, "procrustes", correspondence="by order", null="shuffle", draws=49, seed=3
    )
    assert np.array_equal(found.null, expected.null)
    assert found.p_value == expected.p_value


def test_other_nulls_and_intervals_are_at_hand():
    assert compare_groups(SPACE, LEFT, RIGHT, "singular-values", null="noise-floor").null_kind == "noise-floor"
    assert compare_groups(SPACE, LEFT, RIGHT, "singular-values", null="label-swap", draws=9).p_value is not None
    kept = compare_groups(SPACE, LEFT, RIGHT, "singular-values", null=RandomGroup("left"), draws=9)
    assert kept.null_kind == "random-group (left kept)"
    held = compare_groups(
        SPACE, range(20), range(20, 40), "rsa", correspondence="by order", draws=9, interval="jackknife"
    )
    assert held.interval is not None


def test_the_pool_limits_the_draws():
    far = POINTS.copy()
    far[50:] += 1e6
    found = compare_groups(far, [0, 1, 2], [3, 4, 5], Shift(), pool=range(50), draws=200)
    assert found.null.max() < 10
    assert found.facts["rows in the pool"] == 50
    backwards = compare_groups(far, [0, 1, 2], [3, 4, 5], Shift(), pool=range(49, -1, -1), draws=200)
    assert np.array_equal(backwards.null, found.null)
    with pytest.raises(InvalidConfig, match="the pool has 4 rows and lacks 1 of group 'right', the first is row 5"):
        compare_groups(far, [0, 1], [2, 5], Shift(), pool=[0, 1, 2, 3])


def test_named_groups_files_and_paths(tmp_path: Path):
    path = SPACE.save(tmp_path / "words.npz")
    named = {"first": NAMES[:6], "second": range(6, 12)}
    found = compare_groups(path, "first", "second", "rsa", correspondence="by order", named=named, draws=9)
    assert (found.left, found.right) == ("first", "second")
    assert found.score == compare(POINTS[:6], POINTS[6:12], "rsa", null=None).score


def test_the_same_seed_the_same_p():
    one, same, other = (
        compare_groups(SPACE, LEFT, RIGHT, "rsa", correspondence="by order", draws=99, seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.null, same.null)
    assert not np.array_equal(one.null, other.null)


def test_what_cannot_be_compared():
    with pytest.raises(InvalidPairing, match="rsa compares rows that belong together: say which row of 'left' belongs"):
        compare_groups(SPACE, LEFT, RIGHT, "rsa")
    with pytest.raises(
        InvalidPairing, match="group 'left' has 6 rows and 'right' has 4: they do not correspond by order"
    ):
        compare_groups(SPACE, LEFT, RIGHT[:4], "rsa", correspondence="by order")
    with pytest.raises(InvalidConfig, match="correspondence is 'by order' or a list of pairs of rows, got 'by name'"):
        compare_groups(SPACE, LEFT, RIGHT, "rsa", correspondence="by name")  # type: ignore[arg-type]
    for wrong in (["ab", "cd"], [1, 2], 7, np.arange(3), torch.arange(3), [], [(1, 2, 3)], geomsim.Pairing([0], [1])):
        with pytest.raises(InvalidPairing, match=r"correspondence is 'by order' or a list of pairs \(left row, right"):
            compare_groups(SPACE, LEFT, RIGHT, "rsa", correspondence=wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidPairing, match=r"pair 1 of the correspondence, \(9, 50\), names a row that is not in"):
        compare_groups(SPACE, LEFT, RIGHT, "rsa", correspondence=[(4, 5), (9, 50)])
    with pytest.raises(InvalidConfig, match="correspondence, rows of 'left': row 4 is given more than once"):
        compare_groups(SPACE, LEFT, RIGHT, "rsa", correspondence=[(4, 5), (4, 2)])
    with pytest.raises(InvalidSpace, match="space: "):
        compare_groups([[np.nan]], [0], [0], "mmcs")
    with pytest.raises(InapplicableNull, match=r"two groups of rows of one space: geomsim\.compare_groups"):
        compare(POINTS, POINTS, "rsa", null="random-group")
    grouped = Space(POINTS, groups=np.arange(60) // 2)
    with pytest.raises(InapplicableNull, match=r"null=.random-group. treats rows one by one"):
        compare_groups(grouped, LEFT, RIGHT, "singular-values")
    assert compare_groups(grouped, LEFT, RIGHT, "singular-values", groups="ignored", draws=9).p_value is not None
    with pytest.raises(DegenerateSpace, match="left space 'left'"):
        compare_groups(np.zeros((9, 2)), [0, 1, 2], [3, 4, 5], "rsa", correspondence="by order")


# --- what is planted is found ----------------------------------------------------------------------------------------


def planted(seed: int, *names: tuple[str, Any], noise: float = 0.15) -> tuple[Space, list[np.ndarray]]:
    """Shapes in directions of their own, with noise, among rows without any; the rows of each."""
    random = np.random.default_rng(seed)
    parts, places = [], []
    for name, size in names:
        cells = shape(name, size).coordinates
        turned = cells @ np.linalg.qr(random.normal(size=(40, cells.shape[1])))[0].T
        parts.append(turned + random.normal(size=40) + noise * random.normal(size=turned.shape) / np.sqrt(40))
    parts.append(random.normal(size=(150, 40)) / np.sqrt(40))
    start = 0
    for part in parts[:-1]:
        places.append(np.arange(start, start + len(part)))
        start += len(part)
    return Space(np.concatenate(parts)), places


CIRCLE, TREE, SIMPLEX = ("circle", 31), ("tree", (2, 4)), ("simplex", 31)


@pytest.mark.parametrize("metric", ["debiased-cka", "procrustes", "rtd-lite"])
def test_two_circles_correspond_and_a_circle_and_a_tree_do_less(metric: str):
    space, (one, other, tree) = planted(0, CIRCLE, CIRCLE, TREE)
    alike = compare_groups(space, one, other, metric, correspondence="by order", draws=99)
    assert alike.p_value == 0.01
    assert (
        compare_groups(space, one, other, metric, correspondence="by order", null="shuffle", draws=99).p_value == 0.01
    )
    unlike = compare_groups(space, one, tree, metric, correspondence="by order", draws=99)
    closer = 1 if alike.larger_means == "closer" else -1
    assert closer * alike.score > closer * unlike.score
    wrong = np.random.default_rng(1).permutation(other)
    mixed = compare_groups(space, one, wrong, metric, correspondence="by order", null="shuffle", draws=99)
    assert mixed.p_value > 0.05


@pytest.mark.parametrize("metric", ["gromov-wasserstein", "persistence-wasserstein", "singular-values"])
def test_two_circles_are_alike_without_a_correspondence(metric: str):
    space, (one, other, tree, simplex) = planted(1, CIRCLE, CIRCLE, TREE, SIMPLEX)
    mixed = np.random.default_rng(0).permutation(other)
    found = {}
    for kept in ("left", "right"):
        null = RandomGroup(kept)  # type: ignore[arg-type]
        assert compare_groups(space, one, mixed, metric, null=null, draws=39).p_value <= 0.05
    for name, rows in (("circle", mixed), ("tree", tree), ("simplex", simplex)):
        found[name] = compare_groups(space, one, rows, metric, null=None).score
    assert found["circle"] < 0.5 * min(found["tree"], found["simplex"])


def test_one_unusual_group_makes_no_couple_where_the_other_is_kept():
    """Two random groups differ in spread of their own; a circle beside any group is judged by circles kept."""
    space, (circle,) = planted(2, CIRCLE)
    any_rows = np.random.default_rng(5).permutation(np.arange(31, 181))[:31]
    found = compare_groups(space, circle, any_rows, "singular-values", null=RandomGroup("left"), draws=99)
    assert found.p_value > 0.05


def heavy_tailed(random: np.random.Generator) -> np.ndarray:
    return random.standard_t(3, size=(40, 4)) * np.array([4.0, 2.0, 1.0, 0.5])


def clustered(random: np.random.Generator) -> np.ndarray:
    """Rows that come in clusters: what is exchangeable is which of them make up the groups, not the rows."""
    return 3 * random.normal(size=(8, 4))[np.arange(40) % 8] + 0.3 * random.normal(size=(40, 4))


@pytest.mark.parametrize(
    ("make", "metric", "correspondence", "kept", "common"),
    [
        (heavy_tailed, "debiased-cka", "by order", None, 0),
        (clustered, "singular-values", None, None, 2),
        (clustered, "procrustes", "by order", "left", 3),
    ],
)
def test_p_is_uniform_for_random_groups_through_the_public_function(
    make: Callable[[np.random.Generator], np.ndarray], metric: str, correspondence: Any, kept: Any, common: int
):
    found = []
    for seed in range(200):
        random = np.random.default_rng(1000 + seed)
        rows = random.permutation(40)
        options = {"correspondence": correspondence, "draws": 19, "seed": seed, "null": RandomGroup(kept)}
        one, other = rows[:9], rows[9 - common : 18 - common]
        found.append(compare_groups(make(random), one, other, metric, **options).p_value)
    ranks = np.rint(np.array(found) * 20)
    assert stats.kstest((ranks - np.random.default_rng(0).random(200)) / 20, "uniform").pvalue > 1e-3


# --- tables ----------------------------------------------------------------------------------------------------------

THIRDS: dict[str, Any] = {"first": range(20), "second": range(20, 40), "third": NAMES[40:]}


def test_each_two_groups_by_each_metric_with_corrections():
    study = compare_all_groups(
        SPACE, THIRDS, ["rsa", "singular-values"], correspondence="by order", draws=19, labels={"model": "left"}
    )
    table = study.table
    assert table.columns[:3].tolist() == ["model", "left_group", "right_group"]
    assert table["metric"].tolist() == ["rsa", "singular-values"] * 3
    couples = [("first", "second"), ("first", "third"), ("second", "third")]
    assert [cell.pair for cell in study.cells] == [0, 0, 1, 1, 2, 2]
    assert [(pair["left"].name, pair["right"].name) for pair in study.pairs] == couples
    assert list(zip(table["left_group"], table["right_group"], strict=True)) == [c for c in couples for _ in range(2)]
    assert np.allclose(table["holm"], holm(table["p_value"]))
    assert np.allclose(table["bh"], benjamini_hochberg(table["p_value"]))
    for record in study.records():
        rows = [THIRDS[record[f"{side}_group"]] for side in ("left", "right")]
        one = compare_groups(SPACE, *rows, record["metric"], correspondence="by order", draws=19)
        assert (one.score, one.p_value) == (record["score"], record["p_value"])


def test_shuffles_of_one_couple_are_corrected_together():
    study = compare_all_groups(
        SPACE, THIRDS, ["rsa", "procrustes"], correspondence="by order", null="shuffle", draws=49
    )
    one = compare_all_groups(
        SPACE, THIRDS, ["rsa", "procrustes"], couples=[("first", "third")], correspondence="by order", null="shuffle",
        draws=49,
    )  # fmt: skip
    assert study.table["family"].nunique() == 3
    assert study.table["maxt"][2:4].tolist() == one.table["maxt"].tolist()


def test_a_table_is_saved_and_read_by_the_report(tmp_path: Path):
    study = compare_all_groups(SPACE, THIRDS, ["rsa"], correspondence="by order", draws=9)
    assert {path.name for path in study.save(tmp_path)} == {"results.parquet", "results.csv", "draws.npz", "run.json"}
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["config"]["row_groups"]["third"] == list(range(40, 60))
    from geomsim.report.results import Results

    assert Results.open(tmp_path).labels == ["left_group", "right_group"]


def test_reasons_stand_in_the_table():
    groups = {**THIRDS, "short": [0, 1, 2], "none": Group("none", np.array([], dtype=np.int64))}
    study = compare_all_groups(
        SPACE, groups, ["rsa"], couples=[("first", "short"), ("first", "none"), ("first", "second")],
        correspondence="by order", draws=9,
    )  # fmt: skip
    errors = study.table["error"].tolist()
    assert errors[0].startswith("group 'first' has 20 rows and 'short' has 3: they do not correspond by order")
    assert errors[1] == "empty: no row is in 'none'"
    assert study.records()[2]["error"] is None
    assert study.table["n"].tolist() == [3, 0, 20]
    two_nulls = compare_all_groups(
        SPACE, THIRDS, ["mmcs"], couples=[("first", "second")], null=["shuffle", "noise-floor"]
    )
    assert "is unpaired" in two_nulls.records()[0]["error"]
    assert two_nulls.records()[1]["null"] == "noise-floor"


def test_a_correspondence_for_each_couple_and_several_nulls():
    pairs = {("first", "second"): [(row, 39 - row) for row in range(20)]}
    study = compare_all_groups(
        SPACE, THIRDS, ["rsa", "mmcs"], couples=[("first", "second"), ("first", "third")], correspondence=pairs,
        null=["random-group", Shuffle(), "random-group"], draws=9,
    )  # fmt: skip
    table = study.table
    assert table["null"].tolist() == ["random-group", "shuffle"] * 4
    assert table["score"][0] == compare(POINTS[:20], POINTS[39:19:-1], "rsa", null=None).score
    assert table["error"][4] == "no correspondence is given for 'first' and 'third'"
    drawn = study.pairs[0]["pairing"]  # for the report: places in the groups
    assert (drawn.left.tolist(), drawn.right.tolist()) == (list(range(20)), list(range(19, -1, -1)))
    assert "pairing" not in study.pairs[1]


def test_pairs_and_pools_that_are_read_once_serve_all_couples_metrics_and_nulls():
    pairs = {("first", "second"): zip(range(20), range(39, 19, -1), strict=True)}
    study = compare_all_groups(
        SPACE, THIRDS, ["rsa", "procrustes"], couples=[("first", "second")], correspondence=pairs, pool=iter(range(40)),
        null=["random-group", "shuffle"], draws=9,
    )  # fmt: skip
    assert study.failed == []
    assert study.table["score"][0] == compare(POINTS[:20], POINTS[39:19:-1], "rsa", null=None).score
    assert study.cells[2].comparison.facts["rows in the pool"] == 40
    assert study.config["pool"] == list(range(40))
    assert compare_all_groups(SPACE, THIRDS, ["mmcs"], null=None).config["pool"] is None


def test_a_correspondence_holds_whichever_group_comes_first():
    pairs = {("second", "first"): [(39 - row, row) for row in range(20)]}
    study = compare_all_groups(
        SPACE, THIRDS, ["rsa"], couples=[("first", "second"), ("second", "first")], correspondence=pairs, draws=9
    )
    expected = compare(POINTS[:20], POINTS[39:19:-1], "rsa", null=None).score
    assert study.table["score"].tolist() == pytest.approx([expected, expected])
    assert study.cells[0].comparison.provenance["left"]["rows"] == list(range(20))
    drawn = study.pairs[0]["pairing"]
    assert (drawn.left.tolist(), drawn.right.tolist()) == (list(range(20)), list(range(19, -1, -1)))


def test_pairs_of_rows_outside_of_their_groups_are_found_before_any_work():
    PREPARED.clear()
    pairs = {("second", "third"): [("w20", "w40"), ("w21", "w0")]}
    for metric in (Noted(), "mmcs"):
        with pytest.raises(InvalidPairing, match=r"second and third: pair 1 of the correspondence, \('w21', 'w0'\)"):
            compare_all_groups(SPACE, THIRDS, [metric], correspondence=pairs, draws=9)
    assert PREPARED == []


def test_an_empty_group_with_pairs_stands_in_the_table():
    groups = {**THIRDS, "none": Group("none", np.array([], dtype=np.int64))}
    pairs = {("first", "none"): [(0, 30)]}
    study = compare_all_groups(SPACE, groups, ["rsa"], couples=[("first", "none")], correspondence=pairs, draws=9)
    assert study.table["error"].tolist() == ["empty: no row is in 'none'"]


def test_a_report_names_no_file_that_would_not_run():
    study = compare_all_groups(SPACE, THIRDS, ["rsa"], correspondence="by order", draws=9)
    told = provenance(study.run_record())
    assert "study.toml" not in told
    assert "run the Python code" in told["How to get these numbers again"][0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"correspondence": "by name"}, InvalidConfig, "correspondence of several groups is 'by order' or a mapping"),
        ({"correspondence": [(0, 20)]}, InvalidConfig, r"got \[\(0, 20\)\]"),
        ({"correspondence": {"w0": "w20"}}, InvalidConfig, "got {'w0': 'w20'}"),
        ({"groups": {"one": [1]}}, InvalidConfig, "two groups are compared, got 'one'"),
        ({"metrics": []}, InvalidConfig, "at least one metric is needed"),
        ({"null": []}, InvalidConfig, "at least one null is needed"),
        ({"couples": []}, InvalidConfig, "the list of couples is empty"),
        (
            {"couples": [("first", "months")]},
            InvalidConfig,
            "no group is called 'months'; the groups are: first, second",
        ),
        ({"couples": [("first", "second", "third")]}, InvalidConfig, "is no couple of names"),
        (
            {"correspondence": None},
            InvalidPairing,
            "rsa compares rows that belong together: give correspondence='by order'",
        ),
        ({"groups": {**THIRDS, "bad": [70]}}, InvalidConfig, "group 'bad': row 70 does not exist"),
        (
            {"pool": range(50)},
            InvalidConfig,
            "first and third, rsa: the pool has 50 rows and lacks 10 of group 'third'",
        ),
    ],
)
def test_bad_tables(change: dict[str, Any], error: type[Exception], message: str):
    given_options = {"groups": THIRDS, "metrics": ["rsa"], "correspondence": "by order", "draws": 9, **change}
    with pytest.raises(error, match=message):
        compare_all_groups(SPACE, **given_options)


# --- concepts --------------------------------------------------------------------------------------------------------


def test_themes_are_groups_of_rows_each_in_one_or_in_all():
    themes = {"tea": Theme("tea", ("tea", "cup")), "milk": Theme("milk", ("milk",)), "sea": Theme("sea", ("sea",))}
    tokens = [["milk", "tea", "cup"], ["Ġmilk"], ["sugar"], [" tea", "milk"], []]
    rows = {name: group.rows.tolist() for name, group in theme_groups(tokens, themes).items()}
    assert rows == {"tea": [0, 3], "milk": [1], "sea": []}
    shared = {name: group.rows.tolist() for name, group in theme_groups(tokens, themes, shared=True).items()}
    assert shared == {"tea": [0, 3], "milk": [0, 1, 3], "sea": []}
    assert list(theme_groups(tokens, themes, only=["milk"])) == ["milk"]
    with pytest.raises(InvalidConfig, match="there is no theme 'month'; there are tea, milk, sea"):
        theme_groups(tokens, themes, only=["month"])


@pytest.fixture
def read() -> tuple[Codes, list[Document], list[str]]:
    """Codes of a text of one-letter tokens."""
    text = "abacabadabacabae" * 4
    values = np.random.default_rng(0).normal(size=(len(text), 3)).astype(np.float32)
    start = np.arange(len(text))
    table = TokenTable(np.zeros(len(text), int), start, start, start + 1, start, documents=("0",))
    return Codes(values, table, name="codes"), [Document("0", text)], list(text)


@pytest.mark.parametrize(
    "make", [lambda codes: codes, lambda codes: Codes(scipy.sparse.csr_array(codes.matrix), codes.tokens)]
)
def test_means_of_tokens_are_their_prototypes(read: Any, make: Callable[[Codes], Codes]):
    codes, documents, letters = read
    found = token_means(make(codes), documents, least=8)
    expected = prototypes(Space(codes.matrix), [letter if letter in "abc" else None for letter in letters])
    assert found.ids == expected.ids == ("a", "b", "c")
    assert np.allclose(found.points, expected.points, rtol=1e-6)
    assert found.points.dtype == np.float64
    assert found.provenance["means"] == {
        "least": 8, "rows": {"a": 32, "b": 16, "c": 8}, "labels_left_out": 2, "rows_left_out": 8,
    }  # fmt: skip


def test_rows_without_a_label_are_in_no_mean(read: Any):
    codes, _, letters = read
    labels = [None if letter == "a" else letter for letter in letters]
    found = label_means(codes, labels, least=1)
    assert found.ids == ("b", "c", "d", "e")
    assert np.allclose(found.points[3], codes.matrix[[place for place, x in enumerate(letters) if x == "e"]].mean(0))
    assert found.provenance["means"]["rows_left_out"] == 32


def test_bad_means(read: Any):
    codes, documents, letters = read
    with pytest.raises(InvalidConfig, match="none of 5 labels has 99 rows; the most frequent has 32"):
        token_means(codes, documents, least=99)
    with pytest.raises(InvalidConfig, match="none of 0 labels has 1 rows; no row has a label"):
        label_means(codes, [None] * 64, least=1)
    with pytest.raises(InvalidConfig, match="at least one row, got least=0"):
        label_means(codes, letters, least=0)
    with pytest.raises(InvalidCodes, match="have 64 rows but 3 labels"):
        label_means(codes, letters[:3])
    with pytest.raises(InvalidCodes, match="no token table"):
        token_means(Codes(codes.matrix), documents)


# --- files -----------------------------------------------------------------------------------------------------------


def test_groups_in_files(tmp_path: Path):
    toml = tmp_path / "groups.toml"
    toml.write_text('pool = [0, 1, 2, 3]\ncorrespondence = "by order"\n[groups]\na = ["x", "y"]\nb = [2, 3]\n')
    found = read_groups(toml)
    assert (found.groups, found.pool, found.correspondence) == (
        {"a": ["x", "y"], "b": [2, 3]},
        [0, 1, 2, 3],
        "by order",
    )
    same = tmp_path / "groups.json"
    pairs = [{"left": "a", "right": "b", "pairs": [["x", 3]]}]
    same.write_text(json.dumps({"groups": found.groups, "correspondence": pairs}))
    assert read_groups(same).correspondence == {("a", "b"): [["x", 3]]}
    assert read_groups(same).pool is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("g.toml", "", "g.toml: holds no groups; write a table"),
        ("g.toml", "[groups", "g.toml: not readable as TOML"),
        ("g.json", "{", "g.json: not readable as JSON"),
        ("g.json", "[1]", "holds no groups; write a table of names"),
        ("g.csv", "a", r"groups are read from \.toml or \.json, not \.csv"),
        ("g.toml", "[groups]\na = 3", "a is a list of row numbers or ids, got 3"),
        (
            "g.toml",
            "rows = 1\n[groups]\na = [3]",
            "a file of groups knows no rows; it takes correspondence, groups, pool",
        ),
        ("g.toml", "pool = 'x'\n[groups]\na = [3]", "pool is a list of row numbers or ids"),
        ("g.toml", "correspondence = 'by id'\n[groups]\na = [3]", "correspondence is 'by order' or tables"),
        ("g.toml", "[groups]\na = [3]\n[[correspondence]]\nleft = 'a'", "correspondence 1 lacks pairs and right"),
        (
            "g.toml",
            "[groups]\na = [3]\n[[correspondence]]\nleft = 'a'\nright = 'b'\npairs = []",
            "correspondence 1: no group is called 'b'; there are a",
        ),
        (
            "g.toml",
            "[groups]\na = [3]\n[[correspondence]]\nleft = ['a']\nright = 'a'\npairs = []",
            r"correspondence 1: no group is called \['a'\]; there are a",
        ),
        *(
            (
                "g.json",
                json.dumps(
                    {
                        "groups": {"a": [3], "b": [4]},
                        "correspondence": [
                            {"left": "a", "right": "b", "pairs": [[3, 4]]},
                            {"left": left, "right": right, "pairs": [[3, 4]]},
                        ],
                    }
                ),
                f"correspondence 2: pairs of '{left}' and '{right}' are given before; write them in one table",
            )
            for left, right in ("ab", "ba")
        ),
    ],
)
def test_bad_files(tmp_path: Path, name: str, text: str, message: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidConfig, match=message):
        read_groups(tmp_path / name)


def test_no_file(tmp_path: Path):
    with pytest.raises(InvalidConfig, match=r"none\.toml: no such file"):
        read_groups(tmp_path / "none.toml")


@dataclass(frozen=True)
class Noted(Correlation):
    """Notes each cloud that is prepared."""

    def prepare(self, points: torch.Tensor) -> torch.Tensor:
        PREPARED.append(len(points))
        return super().prepare(points)


PREPARED: list[int] = []


def test_a_kept_group_is_prepared_once():
    PREPARED.clear()
    compare_groups(SPACE, LEFT, RIGHT, Noted(), correspondence="by order", null=RandomGroup("right"), draws=9)
    assert len(PREPARED) == 2 + 9
    PREPARED.clear()
    compare_all_groups(SPACE, THIRDS, [Noted()], correspondence="by order", null=None)
    assert len(PREPARED) == 3  # and each group once for all couples
    assert geomsim.nulls.NULLS["random-group"] == RandomGroup()


@pytest.mark.parametrize("null", ["random-group", RandomGroup("left")])
def test_groups_of_few_rows_are_warned_of(null: Any):
    few = compare_groups(SPACE, range(4), range(20, 40), "singular-values", null=null, draws=9)
    assert few.warnings[-1].startswith("only 4 rows in the smaller group: ")
    assert ";" not in few.warnings[-1]  # which parts warnings in a table
    enough = compare_groups(SPACE, range(5), range(20, 40), "singular-values", null=null, draws=9)
    other = compare_groups(SPACE, range(4), range(20, 40), "singular-values", null=None)
    assert not any("smaller group" in note for found in (enough, other) for note in found.warnings)
