"""Layouts made by a process of their own are those that would be made here."""

import numpy as np

from geomsim import Space
from geomsim.report.views import stored
from geomsim.report.views.beside import layouts_beside
from geomsim.report.views.stored import Layouts


def test_layouts_are_found_where_they_were_made_beside(tmp_path, monkeypatch):
    space = Space(np.random.default_rng(0).normal(size=(40, 5)))
    space.save(tmp_path / "space.npz")
    with layouts_beside([tmp_path / "space.npz"], tmp_path / "views", 3) as wait:
        assert wait() == ""
    here = Layouts().of(space, 3)
    monkeypatch.setattr(stored, "umap_layout", lambda *_: 1 / 0)
    beside = Layouts(tmp_path / "views").of(space, 3)
    np.testing.assert_array_equal(beside.places, here.places)
    assert beside.words == here.words


def test_what_went_wrong_beside_is_said(tmp_path):
    with layouts_beside([tmp_path / "nothing.npz"], tmp_path / "views") as wait:
        assert "nothing.npz" in wait()


def test_leaving_early_ends_the_process(tmp_path):
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(3000, 20)))
    with layouts_beside([tmp_path / "points.npy"], tmp_path / "views"):
        pass
    assert not list((tmp_path / "views").glob("layout_*.parquet"))
