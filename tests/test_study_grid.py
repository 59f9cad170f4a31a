"""Parts, nulls, corrections and checkpoints of a study."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

import geomsim
from geomsim import DegenerateSpace, GeomsimError, PairedMetric, Pairing, Space, compare, run_study
from geomsim.corrections import benjamini_hochberg, holm, step_down_max_t
from geomsim.errors import InvalidConfig

RANDOM = np.random.default_rng(11)
LEFT = RANDOM.normal(size=(60, 4))
RIGHT = LEFT @ RANDOM.normal(size=(4, 5)) + RANDOM.normal(size=(60, 5))
PAIRING = Pairing([*range(60), 0, 1, 2], [*range(30), *([30] * 25), 31, 31, 31, 31, 32, 33, 34, 35])
TOKENS = [["def", "self"] if row % 3 == 0 else ["monday", "week"] if row % 3 == 1 else ["zebra"] for row in range(60)]

THEMES = """
[themes.code]
keywords = ["def", "self"]
[themes.time]
keywords = ["monday"]
[themes.nothing]
keywords = ["qqq"]
"""


def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the comparisons that are computed from now on."""
    from geomsim import study_cells

    made: list[str] = []
    original = study_cells.compare_sides

    def counted(sides: Any, metric: Any, **options: Any) -> Any:
        made.append(type(metric).__name__)
        return original(sides, metric, **options)

    monkeypatch.setattr(study_cells, "compare_sides", counted)
    return made


def config(**more: Any) -> dict[str, Any]:
    return {"pairs": [{"left": LEFT, "right": RIGHT}], "metrics": ["rsa", "procrustes"], "draws": 49, **more}


# --- parts -----------------------------------------------------------------------------------------------------------


def test_subspaces_are_judged_by_both_nulls(tmp_path: Path) -> None:
    (tmp_path / "themes.toml").write_text(THEMES)
    pairs = [{"left": LEFT, "right": RIGHT, "left_tokens": TOKENS, "right_tokens": TOKENS}]
    study = run_study(config(pairs=pairs, subspaces={"themes": str(tmp_path / "themes.toml"), "top": 2}))
    records = study.records()
    assert [(r["subspace"], r["metric"], r["null"]) for r in records[:6]] == [
        ("all", "rsa", "shuffle"),
        ("all", "procrustes", "shuffle"),
        ("code", "rsa", "shuffle"),
        ("code", "rsa", "random-subset"),
        ("code", "procrustes", "shuffle"),
        ("code", "procrustes", "random-subset"),
    ]
    inside = [row for row in range(60) if row % 3 == 0]
    expected = compare(LEFT[inside], RIGHT[inside], "rsa", null=None)
    assert (records[2]["score"], records[2]["n"]) == (expected.score, 20)
    empty = [r for r in records if r["subspace"] == "nothing"]
    assert len(empty) == 4
    assert {r["n"] for r in empty} == {0}
    assert all("nothing: empty, none of 60 pairs" in r["error"] for r in empty)


def test_the_shipped_themes_and_only_some_of_them() -> None:
    pairs = [{"left": LEFT, "right": RIGHT, "left_tokens": TOKENS, "right_tokens": TOKENS}]
    study = run_study(config(pairs=pairs, subspaces={"only": ["code"]}, metrics=["rsa"], null="none"))
    assert [r["subspace"] for r in study.records()] == ["all", "code", "code"]
    with pytest.raises(InvalidConfig, match="there is no theme 'codex'; the file has"):
        run_study(config(pairs=pairs, subspaces={"only": ["codex"]}))


def test_named_subsets() -> None:
    pairs = [{"left": LEFT, "right": RIGHT, "subsets": {"first": range(20), "none": []}}]
    study = run_study(config(pairs=pairs, metrics=["rsa"]))
    by_name = {(r["subspace"], r["null"]): r for r in study.records()}
    assert by_name["first", "shuffle"]["score"] == compare(LEFT[:20], RIGHT[:20], "rsa", null=None).score
    assert by_name["none", "shuffle"]["error"] == "none: empty, none of the pairs"


def test_buckets_hold_every_pair_once() -> None:
    pairs = [{"left": LEFT, "right": np.vstack([RIGHT, RIGHT]), "pairing": PAIRING}]
    study = run_study(config(pairs=pairs, buckets=True, metrics=["procrustes"]))
    sizes = {r["bucket"]: r["n"] for r in study.records()}
    assert sizes == {"all": 63, "1": 28, "2-10": 10, "11-100": 25, "more": 0}
    assert sum(size for bucket, size in sizes.items() if bucket != "all") == sizes["all"]
    empty = next(r for r in study.records() if r["bucket"] == "more")
    assert empty["error"] == "bucket more: empty, none of 63 pairs"
    judged = [r["null"] for r in study.records() if r["bucket"] == "1"]
    assert judged == ["shuffle", "random-subset"]


def test_parts_that_cannot_be() -> None:
    with pytest.raises(InvalidConfig, match="buckets count in how many pairs a row stands, which needs a pairing"):
        run_study(config(buckets=True))
    with pytest.raises(InvalidConfig, match="pair 1 names no left_tokens and right_tokens"):
        run_study(config(subspaces={}))
    with pytest.raises(InvalidConfig, match=r"\[subspaces\] knows no tops"):
        run_study(config(subspaces={"tops": 3}))
    with pytest.raises(InvalidConfig, match="buckets is true or false, got 'yes'"):
        run_study(config(buckets="yes"))
    with pytest.raises(InvalidConfig, match=r"subspaces is a table"):
        run_study(config(subspaces="themes.toml"))


# --- nulls, intervals, corrections -----------------------------------------------------------------------------------


def test_several_nulls_and_an_interval() -> None:
    study = run_study(config(metrics=["cka"], null=["shuffle", "exact", "none"], interval="jackknife", confidence=0.9))
    drawn, exact, bare = study.records()
    assert [drawn["null"], exact["null"], bare["null"]] == ["shuffle", "exact", None]
    assert drawn["score"] == exact["score"] == bare["score"]
    assert exact["draws"] is None
    assert bare["p_value"] is None
    assert drawn["interval"] == "0.9 jackknife"
    assert drawn["low"] < drawn["score"] < drawn["high"]
    with pytest.raises(InvalidConfig, match="got an empty list"):
        run_study(config(null=[]))


def test_corrected_p_values_stand_beside_the_raw_ones() -> None:
    pairs = [{"left": LEFT, "right": RIGHT, "of": 1}, {"left": LEFT[:40], "right": RIGHT[20:], "of": 2}]
    study = run_study(config(pairs=pairs, metrics=["rsa", "procrustes", "knn-jaccard", "singular-values"], draws=99))
    records = study.records()
    tested = [r for r in records if r["p_value"] is not None]
    p = [r["p_value"] for r in tested]
    np.testing.assert_allclose([r["holm"] for r in tested], holm(p))
    np.testing.assert_allclose([r["bh"] for r in tested], benjamini_hochberg(p))
    assert len(tested) == 6
    assert {r["family"] for r in tested} == {"pair 1", "pair 2"}
    first = [cell.comparison for cell in study.cells if cell.labels["of"] == 1 and cell.metric != "singular-values"]
    expected = step_down_max_t([c.score for c in first if c], [c.null for c in first if c])  # type: ignore[misc]
    np.testing.assert_allclose([r["maxt"] for r in tested if r["of"] == 1], expected)
    unpaired = [r for r in records if r["metric"] == "singular-values"]
    assert all(r["holm"] is r["bh"] is r["maxt"] is r["family"] is None for r in unpaired)


def test_layers_over_the_same_tokens_are_one_family() -> None:
    ids = [f"token {row}" for row in range(60)]
    sides = [Space(points, ids) for points in (LEFT, RIGHT, RIGHT[:, :3])]
    pairs = [{"left": sides[0], "right": sides[1]}, {"left": sides[0], "right": sides[2]}]
    records = run_study(config(pairs=pairs, metrics=["rsa"])).records()
    assert len({r["family"] for r in records}) == 1
    assert records[0]["maxt"] >= records[0]["p_value"]


# --- checkpoints -----------------------------------------------------------------------------------------------------


def without_time(study: geomsim.Study) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key != "seconds"} for record in study.records()]


def test_an_interrupted_study_goes_on_with_identical_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [{"left": LEFT, "right": RIGHT, "of": 1}, {"left": LEFT, "right": RIGHT[:, :2], "of": 2}]
    settings = config(pairs=pairs, metrics=["rsa", "cka", "mapper-transport"], interval="jackknife")
    whole = run_study(settings)

    from geomsim import study_cells as module

    original, made = module.compare_sides, []

    def interrupted(sides: Any, metric: Any, **options: Any) -> Any:
        if len(made) == 4:
            raise KeyboardInterrupt
        made.append(metric)
        return original(sides, metric, **options)

    monkeypatch.setattr(module, "compare_sides", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_study(settings, folder=tmp_path / "cells")
    monkeypatch.setattr(module, "compare_sides", original)
    assert len(list((tmp_path / "cells").glob("*.npz"))) == 4
    assert not list((tmp_path / "cells").glob("*.part"))

    again = calls(monkeypatch)
    resumed = run_study(settings, folder=tmp_path / "cells")
    assert again == ["CKA", "MapperTransport"]
    assert without_time(resumed) == without_time(whole)
    for first, second in zip(whole.cells, resumed.cells, strict=True):
        assert first.comparison is not None
        assert second.comparison is not None
        np.testing.assert_array_equal(first.comparison.null, second.comparison.null)  # type: ignore[arg-type]
        assert first.comparison.interval == second.comparison.interval
        assert json.dumps(first.comparison.provenance) == json.dumps(second.comparison.provenance)


def test_what_changes_a_result_is_computed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_study(config(metrics=["rsa"]), folder=tmp_path)
    made = calls(monkeypatch)
    run_study(config(metrics=["rsa"]), folder=tmp_path)
    assert made == []
    moved = [{"left": LEFT + 1e-9, "right": RIGHT}]
    changes: list[dict[str, Any]] = [
        {"seed": 1}, {"draws": 50}, {"null": "exact"}, {"interval": "jackknife"}, {"pairs": moved},
        {"metrics": [{"name": "rsa", "compare": "pearson"}]}, {"groups": [0, 1] * 30},
    ]  # fmt: skip
    for number, change in enumerate(changes):
        run_study({**config(metrics=["rsa"]), **change}, folder=tmp_path)
        assert len(made) == number + 1, change


def test_without_resume_everything_is_computed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_study(config(metrics=["rsa"]), folder=tmp_path)
    made = calls(monkeypatch)
    run_study(config(metrics=["rsa"]), folder=tmp_path, resume=False)
    assert made == ["RSA"]
    assert len(list(tmp_path.glob("*.npz"))) == 1


def test_an_undefined_cell_is_remembered_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = [{"left": np.ones((20, 3)), "right": LEFT[:20]}]
    first = run_study(config(pairs=flat, metrics=["procrustes"]), folder=tmp_path)
    made = calls(monkeypatch)
    second = run_study(config(pairs=flat, metrics=["procrustes"]), folder=tmp_path)
    assert made == []
    assert first.failed[0].error == second.failed[0].error
    assert "left space" in str(second.failed[0].error)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    run_study(config(metrics=["rsa"]), folder=tmp_path)
    file = next(tmp_path.glob("*.npz"))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(GeomsimError, match=rf"{file.name}: a damaged checkpoint .* delete it"):
        run_study(config(metrics=["rsa"]), folder=tmp_path)


@dataclass(frozen=True)
class Mine(PairedMetric[Tensor]):
    """Product of the first columns."""

    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        if not len(points):
            raise DegenerateSpace("no rows")
        return points[:, 0].double()

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        return left @ right[order]


def test_an_edited_metric_is_computed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from geomsim import digests

    monkeypatch.setattr(digests, "_package_digest", lambda name: "one text")
    run_study(config(metrics=[Mine()]), folder=tmp_path)
    made = calls(monkeypatch)
    run_study(config(metrics=[Mine()]), folder=tmp_path)
    assert made == []
    monkeypatch.setattr(digests, "_package_digest", lambda name: "another text")
    run_study(config(metrics=[Mine()]), folder=tmp_path)
    assert made == ["Mine"]


def test_states_are_prepared_once_for_all_pairs_that_read_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid of 3 x 4 layers over the same tokens prepares 7 sides, not 24."""
    from geomsim_representational.procrustes import Procrustes

    prepared: list[int] = []
    original = Procrustes.prepare

    def counted(self: Procrustes, points: Tensor) -> Any:
        prepared.append(len(points))
        return original(self, points)

    monkeypatch.setattr(Procrustes, "prepare", counted)
    lefts = [Space(LEFT + shift) for shift in range(3)]
    rights = [Space(RIGHT * (1 + shift)) for shift in range(4)]
    pairs = [{"left": left, "right": right} for left in lefts for right in rights]
    run_study(config(pairs=pairs, metrics=["procrustes"], draws=5))
    assert len(prepared) == 7


def test_progress_adds_up_to_the_number_of_metrics_whatever_the_parts() -> None:
    from geomsim.checkpoint import Checkpoint
    from geomsim.study import _Run

    pairs = [{"left": LEFT, "right": np.vstack([RIGHT, RIGHT]), "pairing": PAIRING}]
    settings = config(pairs=pairs, buckets=True, metrics=["procrustes", "cka", "mutual-knn"], draws=3)
    steps: list[int] = []
    found = list(_Run(settings, Path(), Checkpoint(None, resume=True)).cells(0, pairs[0], steps.append))
    assert sum(steps) == 3
    assert len(steps) == len(found) == 3 + 4 * 3 * 2
