from __future__ import annotations

import numpy as np
import pytest

from geomsim import Space
from geomsim.report.views import stored
from geomsim.report.views.layouts import Layout
from geomsim.report.views.stored import Layouts


@pytest.fixture
def made(monkeypatch):
    """The seeds with which layouts were computed."""
    seeds = []

    def umap_layout(space, seed):
        seeds.append(seed)
        return Layout(space.numpy()[:, :2] * 3.1 + seed, f"made with {seed}")

    monkeypatch.setattr(stored, "umap_layout", umap_layout)
    return seeds


POINTS = np.random.default_rng(0).normal(size=(7, 4))


def test_a_layout_is_computed_once(tmp_path, made):
    first = Layouts(tmp_path / "views").of(Space(POINTS, name="one"), 3)
    again = Layouts(tmp_path / "views")
    second = again.of(Space(POINTS.copy(), ids=list("abcdefg"), name="other"), 3)
    assert second.places.tobytes() == first.places.tobytes()
    assert second.words == first.words == "made with 3"
    assert again.of(Space(POINTS), 3) is second
    assert made == [3]
    again.of(Space(POINTS), 4)
    again.of(Space(POINTS.astype(np.float32)), 3)
    again.of(Space(POINTS[::-1]), 3)
    assert made == [3, 4, 3, 3]
    assert len(list((tmp_path / "views").glob("layout_*.parquet"))) == 4
    assert again.notes == []


def test_without_a_folder_layouts_are_kept_in_memory(made):
    layouts = Layouts()
    assert layouts.of(Space(POINTS)) is layouts.of(Space(POINTS))
    assert made == [0]


def test_damaged_files_are_made_again_and_said(tmp_path, made):
    Layouts(tmp_path).of(Space(POINTS))
    file = next(tmp_path.glob("layout_*"))
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    layouts = Layouts(tmp_path)
    assert layouts.of(Space(POINTS)).words == "made with 0"
    assert len(layouts.notes) == 1
    assert layouts.notes[0].startswith(f"{file.name} is damaged and was made again (")
    assert file.read_bytes() == whole
    Layouts(tmp_path).of(Space(POINTS))
    assert made == [0, 0]


def test_files_of_other_points_are_made_again_and_said(tmp_path, made):
    Layouts(tmp_path).of(Space(POINTS))
    file = next(tmp_path.glob("layout_*"))
    Layouts(tmp_path / "other").of(Space(POINTS + 1))
    file.write_bytes(next((tmp_path / "other").glob("layout_*")).read_bytes())
    layouts = Layouts(tmp_path)
    assert (layouts.of(Space(POINTS)).places == POINTS[:, :2] * 3.1).all()
    assert layouts.notes == [f"{file.name} does not hold the layout of these points and was made again"]


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path, made):
    (tmp_path / "views").write_text("a file")
    layouts = Layouts(tmp_path / "views")
    assert layouts.of(Space(POINTS)).words == "made with 0"
    assert len(layouts.notes) == 1
    assert "a layout could not be kept in" in layouts.notes[0]
