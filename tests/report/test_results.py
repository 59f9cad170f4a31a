"""Results come back from their folder as they were in memory."""

import json

import numpy as np
import pytest

import geomsim
from geomsim.errors import GeomsimError
from geomsim.report.results import Results


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 4))
    others = rng.normal(size=(60, 4))
    pairs = [
        {"left": points, "right": others, "kind": "apart", "left_layer": 0, "right_layer": 1},
        {"left": points, "right": points[:, ::-1], "kind": "same", "left_layer": 0, "right_layer": 2},
        {"left": points, "right": np.ones((60, 4)), "kind": "flat", "left_layer": 0, "right_layer": "last"},
    ]
    return geomsim.run_study({"pairs": pairs, "metrics": ["procrustes", "singular-values"], "draws": 19})


def test_a_folder_gives_what_the_study_gives(study, tmp_path):
    study.save(tmp_path)
    here, there = Results.of(study), Results.open(tmp_path)
    assert there.labels == here.labels == ["kind", "left_layer", "right_layer"]
    assert there.pair_of == here.pair_of == [0, 0, 1, 1, 2, 2]
    assert len(there.records) == len(here.records) == 6
    for one, other in zip(here.records, there.records, strict=True):
        for name in ("metric", "score", "p_value", "error", "n", "null", "holm"):
            assert other[name] == one[name], name
    assert here.draws.keys() == there.draws.keys()
    for row, draws in here.draws.items():
        np.testing.assert_array_equal(there.draws[row], draws)


def test_paths_are_found_from_the_folder_of_the_results(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("left", "right"):
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(30, 3)))
    config = tmp_path / "study.toml"
    config.write_text('draws = 9\nmetrics = ["rsa"]\n[[pairs]]\nleft = "left.npy"\nright = "right.npy"\n')
    geomsim.run_study(config).save(tmp_path / "deep" / "results")
    found = Results.open(tmp_path / "deep" / "results")
    assert (found.base / found.pairs[0]["left"]).exists()
    assert found.pair_of == [0]
    assert found.labels == []


def test_another_run_has_another_key(study, tmp_path):
    study.save(tmp_path)
    found = Results.open(tmp_path)
    assert found.key == Results.open(tmp_path).key
    run = json.loads((tmp_path / "run.json").read_text())
    run["config"]["draws"] = 20
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert Results.open(tmp_path).key != found.key


def test_a_folder_without_a_table_has_no_records(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    found = Results.open(tmp_path)
    assert (list(found.records), found.labels, found.pair_of) == ([], [], [])


def test_what_is_no_folder_of_results_is_said(tmp_path):
    with pytest.raises(GeomsimError, match="there is no such folder"):
        Results.open(tmp_path / "nothing")
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(GeomsimError, match="is a file; name the folder"):
        Results.open(tmp_path / "file.txt")
    with pytest.raises(GeomsimError, match=r"run\.json is missing.*geomsim study"):
        Results.open(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.json", b"{", r"run\.json: not readable as JSON"),
        ("run.json", b"[]", r"run\.json: must hold a JSON object"),
        ("results.parquet", b"no", r"results\.parquet: not a readable"),
        ("draws.npz", b"no", r"draws\.npz: not readable as draws"),
    ],
)
def test_damaged_files_are_named(study, tmp_path, name, content, message):
    study.save(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GeomsimError, match=message):
        Results.open(tmp_path)


def test_draws_of_rows_that_are_not_there_are_refused(study, tmp_path):
    study.save(tmp_path)
    np.savez(tmp_path / "draws.npz", **{"99": np.zeros(3)})
    with pytest.raises(GeomsimError, match=r"has draws of row 99, and the table has 6 rows"):
        Results.open(tmp_path)


def test_pairs_that_only_the_run_tells_apart_have_their_own_records(tmp_path):
    points = np.random.default_rng(0).normal(size=(40, 4))
    few = geomsim.Pairing(np.arange(20), np.arange(20)[::-1])
    named = [geomsim.Space(points + number, name="one name") for number in range(2)]
    pairs = [
        {"left": points, "right": points},
        {"left": points, "right": points[::-1].copy()},
        {"left": named[0], "right": named[1], "pairing": few},
        {"left": named[0], "right": named[1], "layer": 3.0},
        {"left": named[0], "right": named[1], "layer": "3"},
        {"left": named[0], "right": named[1], "layer": "None"},
    ]
    study = geomsim.run_study({"pairs": pairs, "metrics": ["procrustes"], "draws": 9})
    study.save(tmp_path)
    here, there = Results.of(study), Results.open(tmp_path)
    assert here.labels == there.labels == ["layer"]
    assert here.pair_of == there.pair_of == [0, 1, 2, 3, 4, 5]


def test_a_run_that_does_not_say_its_pairs_is_read_by_labels(study, tmp_path):
    study.save(tmp_path)
    run = json.loads((tmp_path / "run.json").read_text())
    for told in (None, [0], [9, "x", *[0] * 4]):
        (tmp_path / "run.json").write_text(json.dumps({**run, "pair_of": told}))
        expected = [None, None, 0, 0, 0, 0] if told and len(told) == 6 else [0, 0, 1, 1, 2, 2]
        assert Results.open(tmp_path).pair_of == expected
