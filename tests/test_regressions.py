"""Faults that comparisons, studies and checkpoints once had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import geomsim
from geomsim import Explanation, GeomsimError, PairedMetric, Pairing, Space, compare, run_study
from geomsim.checkpoint import Checkpoint
from geomsim.errors import InapplicableNull, InvalidConfig
from geomsim.nulls import Chance, Null, Trial
from geomsim.study import _Run

Array = NDArray[np.float64]

RANDOM = np.random.default_rng(23)
LEFT = RANDOM.normal(size=(60, 4))
RIGHT = LEFT @ RANDOM.normal(size=(4, 4)) + RANDOM.normal(size=(60, 4))


def config(**more: Any) -> dict[str, Any]:
    return {"pairs": [{"left": LEFT, "right": RIGHT}], "metrics": ["procrustes"], "draws": 19, **more}


@dataclass(frozen=True)
class FirstColumn(PairedMetric[Tensor]):
    """Correlation of the first columns, with whatever stands in `option` as a parameter."""

    larger_means = "closer"

    option: Any = None

    def prepare(self, points: Tensor) -> Tensor:
        if isinstance(self.option, np.ndarray):
            return points.double() @ torch.from_numpy(self.option)
        return points[:, 0].double()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return torch.corrcoef(torch.stack([left, right[order]]))[0, 1]

    def explain(self, left: Tensor, right: Tensor) -> Explanation:
        return Explanation(tables={"rows": {"row": np.arange(3), "value": left[:3].numpy()}})  # type: ignore[dict-item]


# --- checkpoints -----------------------------------------------------------------------------------------------------


def test_a_fresh_study_leaves_files_alone_that_are_no_checkpoints(tmp_path: Path) -> None:
    file = Space(LEFT, name="left").save(tmp_path / "left.npz")
    run_study(config(), folder=tmp_path, resume=False)
    assert file.exists()


def test_a_long_parameter_tells_metrics_apart(tmp_path: Path) -> None:
    wide = RANDOM.normal(size=(2, 60, 2000))
    weights = [np.ones(2000), np.where(np.arange(2000) // 500 == 2, -3.0, 1.0)]
    pairs = [{"left": wide[0], "right": wide[1]}]
    scores = [
        run_study(config(pairs=pairs, metrics=[FirstColumn(own)]), folder=tmp_path).records()[0]["score"]
        for own in weights
    ]
    assert scores == [compare(wide[0], wide[1], FirstColumn(own), null=None).score for own in weights]


def test_a_metric_whose_parent_was_edited_is_computed_anew(tmp_path: Path) -> None:
    def made(column: int) -> PairedMetric[Tensor]:
        class Parent(FirstColumn):
            def prepare(self, points: Tensor) -> Tensor:
                return points[:, column].double()

        @dataclass(frozen=True)
        class Child(Parent):
            pass

        return Child()

    # The same text of the child, another parent: as after an edit between two runs.
    found = [run_study(config(metrics=[made(column)]), folder=tmp_path).records()[0]["score"] for column in (0, 1)]
    assert found[0] != found[1]


def test_a_null_of_ones_own_is_told_apart_by_more_than_its_repr(tmp_path: Path) -> None:
    class Fixed(Null):
        name = "fixed"

        def __init__(self, mean: float) -> None:
            self.mean = mean

        def __repr__(self) -> str:
            return "Fixed()"

        def judge(self, trial: Trial) -> Chance:
            return Chance("fixed", mean=self.mean)

    means = [run_study(config(null=Fixed(mean)), folder=tmp_path).records()[0]["null_mean"] for mean in (1.0, 2.0)]
    assert means == [1.0, 2.0]


def test_provenance_is_that_of_this_run(tmp_path: Path) -> None:
    def recorded(version: int) -> tuple[Any, Any]:
        pairs = [
            {
                "left": Space(LEFT, provenance={"version": version}),
                "right": RIGHT,
                "pairing": Pairing(np.arange(60), np.arange(60), provenance={"version": version}),
            }
        ]
        found = run_study(config(pairs=pairs), folder=tmp_path).cells[0].comparison
        assert found is not None
        return found.provenance["left"], found.provenance["pairing"]

    recorded(1)
    assert recorded(2) == ({"version": 2}, {"version": 2})


def test_tables_of_arrays_come_back_whole(tmp_path: Path) -> None:
    tables = []
    for _ in range(2):
        found = run_study(config(metrics=[FirstColumn()]), folder=tmp_path).cells[0].comparison
        assert found is not None
        assert found.explanation is not None
        tables.append(found.explanation.tables["rows"])
    assert list(tables[1]["row"]) == [0, 1, 2]
    assert list(tables[1]["value"]) == list(tables[0]["value"])


def test_two_writers_of_one_cell_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one study writes a cell, another that shares the folder writes the same one."""
    found = compare(LEFT, RIGHT, "procrustes", draws=19)
    one, other = (Checkpoint(tmp_path, resume=True) for _ in range(2))
    original: Callable[..., None] = np.savez

    def interleaved(file: Any, **arrays: Any) -> None:
        monkeypatch.setattr(np, "savez", original)
        other.keep({"cell": 1}, found)
        original(file, **arrays)

    monkeypatch.setattr(np, "savez", interleaved)
    one.keep({"cell": 1}, found)
    assert one.find({"cell": 1}) is not None


# --- parts, nulls, groups --------------------------------------------------------------------------------------------


def test_a_subset_called_all_is_a_subset() -> None:
    """Refused, or judged as a subset; not a second row that looks like that of all pairs."""
    try:
        study = run_study(config(pairs=[{"left": LEFT, "right": RIGHT, "subsets": {"all": range(20)}}]))
    except InvalidConfig as error:
        assert "all" in str(error)  # noqa: PT017
        return
    assert [record["null"] for record in study.records()] == ["shuffle", "shuffle", "random-subset"]


def test_random_subset_is_judged_once() -> None:
    pairs = [{"left": LEFT, "right": RIGHT, "subsets": {"first": range(20)}}]
    records = run_study(config(pairs=pairs, null=["shuffle", "random-subset"])).records()
    assert [record["null"] for record in records if record["subspace"] == "first"] == ["shuffle", "random-subset"]


def test_one_null_under_two_names_is_judged_once() -> None:
    records = run_study(config(null=["auto", "shuffle"])).records()
    assert len(records) == 1


@pytest.mark.parametrize(
    "pair", [{"subsets": [1, 2, 3]}, {"pairing": [[0, 1], [1, 0]]}, {"subsets": {"a": [[1], [2, 3]]}}]
)
def test_wrong_kinds_of_entries_are_named(pair: dict[str, Any]) -> None:
    with pytest.raises(GeomsimError, match=next(iter(pair)).rstrip("s")):
        run_study(config(pairs=[{"left": LEFT, "right": RIGHT, **pair}]))


@pytest.mark.parametrize("null", ["random-subset", "random-baseline", "spectrum-matched"])
def test_rows_in_groups_are_refused_for_unpaired_metrics_too(null: str) -> None:
    groups = np.repeat(np.arange(15), 4)
    left, right = Space(LEFT, groups=groups), Space(RIGHT, groups=groups)
    metric = geomsim.metric("mmcs")
    subset = range(20) if null == "random-subset" else None
    with pytest.raises(InapplicableNull, match="groups"):
        compare(left, right, metric, null=null, subset=subset, draws=9)


@pytest.mark.parametrize("groups", ["nonsense", [1, 2, 3]])
def test_groups_that_do_not_exist_are_refused_for_unpaired_metrics_too(groups: Any) -> None:
    with pytest.raises(GeomsimError, match="groups"):
        compare(LEFT, RIGHT, "singular-values", groups=groups, null="noise-floor")


def test_strata_are_not_what_an_interval_leaves_out() -> None:
    """Rows of one stratum are exchangeable one by one; they are no block of dependent rows."""
    strata = np.arange(60) % 3
    left, right = Space(LEFT, groups=strata), Space(RIGHT, groups=strata)
    found = compare(left, right, "procrustes", groups="within", null=None, interval="jackknife")
    free = compare(LEFT, RIGHT, "procrustes", null=None, interval="jackknife")
    assert found.interval is not None
    assert free.interval is not None
    assert found.interval.se == free.interval.se


def test_pairs_that_all_hang_together_are_called_so() -> None:
    chain = Pairing([*range(60), *range(59)], [*range(60), *range(1, 60)])
    with pytest.raises(InapplicableNull, match="share"):
        compare(LEFT, RIGHT, "procrustes", pairing=chain, null=None, interval="jackknife")


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_an_unknown_spread_is_not_shown_as_none_at_all() -> None:
    found = compare(LEFT, RIGHT, "knn-jaccard", null="exact")
    assert found.null_sd is None
    assert "sd 0" not in found._repr_html_()


def test_exact_is_listed_only_where_it_works() -> None:
    from geomsim.catalog import find
    from geomsim.cli.metrics import describe

    for name in ("cca", "svcca", "distance-correlation", "cka"):
        listed = "exact" in describe(find(name))["nulls"]
        try:
            works = compare(LEFT, RIGHT, name, null="exact").null_mean is not None
        except InapplicableNull:
            works = False
        assert listed == works, name


def test_whole_numbers_of_a_table_stay_whole_beside_failed_cells() -> None:
    pairs = [{"left": np.ones((9, 4)), "right": RIGHT[:9]}, {"left": LEFT, "right": RIGHT}]
    table = run_study(config(pairs=pairs, seed=2**62 + 1)).table
    assert int(table["seed"].iloc[1]) == 2**62 + 1


def test_columns_keep_their_type_where_all_is_missing(tmp_path: Path) -> None:
    """Tables of several studies are read as one data set, which needs one type per column."""
    import pyarrow.parquet as pq

    run_study(config(metrics=["cka"], null="exact")).save(tmp_path)
    kinds = {column.name: str(column.type) for column in pq.read_schema(tmp_path / "results.parquet")}
    assert not [name for name, kind in kinds.items() if kind == "null"]


# --- cost ------------------------------------------------------------------------------------------------------------


def test_prepared_states_do_not_keep_all_spaces_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """States of a few numbers never reach their limit, and each of them holds the space it was made from."""
    monkeypatch.setattr("geomsim.study._OPENED_BYTES", 3 << 20)
    paths = [Space(RANDOM.normal(size=(2048, 64))).save(tmp_path / f"{number}.npz") for number in range(12)]
    pairs = [{"left": str(first), "right": str(second)} for first, second in pairwise(paths)]
    settings = {"pairs": pairs, "metrics": ["singular-values"], "null": "none"}
    run = _Run(settings, Path(), Checkpoint(None, resume=True))
    for number, item in enumerate(pairs):
        list(run.cells(number, item, lambda step: None))
    alive = list(run._states._of_owner)
    assert 0 < sum(space.points.nbytes for space in alive) <= 6 << 20  # type: ignore[attr-defined]
    assert len(run._states) == len(alive)


# --- maxT over subsets -----------------------------------------------------------------------------------------------


def test_draws_of_overlapping_subsets_hang_together_no_more_than_their_scores() -> None:
    """Else maxT raises too many alarms: windows of sorted right rows gave 8% family-wise error at the level of 5%.

    Correlations over two windows of 40 rows that share 30: those of many unrelated left sides, and those of the draws.
    """
    from geomsim.orders import subset_orders

    def scores(left: Array, right: Array) -> Array:
        left, right = (side - side.mean(axis=1, keepdims=True) for side in (left, right))
        found: Array = (left * right).sum(axis=1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
        return found

    right = np.sort(np.random.default_rng(2).normal(size=60))
    lefts = np.random.default_rng(3).normal(size=(4000, 60))
    windows = np.arange(40), np.arange(10, 50)
    by_chance = np.corrcoef([scores(lefts[:, rows], right[None, rows]) for rows in windows])[0, 1]
    orders = [np.array(list(subset_orders(rows, 60, 500, seed=0))) for rows in windows]
    drawn = [
        np.corrcoef(
            [scores(left[None, rows], right[rows][order]) for rows, order in zip(windows, orders, strict=True)]
        )[0, 1]
        for left in lefts[:40]
    ]
    assert np.mean(drawn) <= by_chance + 0.1
