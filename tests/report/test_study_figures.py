"""Which figures a study's results call for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geomsim import Pairing, run_study
from geomsim.report.study_figures import save_study_figures

RANDOM = np.random.default_rng(3)
POINTS = [RANDOM.normal(size=(40, 4)) for _ in range(4)]
GRID = [
    {"left": POINTS[i], "right": POINTS[2 + j], "left_layer": i, "right_layer": j} for i in range(2) for j in range(2)
]


def names(study_of: dict[str, object], folder: Path) -> list[str]:
    written = save_study_figures(run_study({"draws": 19, "metrics": ["rsa", "procrustes"], **study_of}), folder)
    assert all(path.read_bytes().startswith(b"%PDF") for path in written)
    return [path.name for path in written]


def test_a_grid_of_layers_is_a_heatmap(tmp_path: Path) -> None:
    assert names({"pairs": GRID}, tmp_path) == ["heatmap.pdf", "nulls.pdf"]


def test_layers_that_do_not_tell_comparisons_apart_are_none(tmp_path: Path) -> None:
    assert names({"pairs": [*GRID, GRID[0]]}, tmp_path) == ["nulls.pdf"]


def test_no_null_no_picture_of_it(tmp_path: Path) -> None:
    assert names({"pairs": GRID[:1], "null": "none"}, tmp_path) == []


def test_each_pair_of_spaces_cut_into_buckets_has_a_figure(tmp_path: Path) -> None:
    pairing = Pairing(range(40), [*range(20), *([20] * 8), *([21] * 12)])
    pairs = [{**item, "pairing": pairing} for item in GRID[:2]]
    assert names({"pairs": pairs, "buckets": True, "metrics": ["procrustes"]}, tmp_path) == [
        "heatmap.pdf",
        "nulls.pdf",
        "multiplicity_1.pdf",
        "multiplicity_2.pdf",
    ]


def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    study = run_study({"pairs": GRID, "draws": 19, "metrics": ["rsa"]})
    one, other = (save_study_figures(study, tmp_path / name) for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
