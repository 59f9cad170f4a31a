"""Maps that are kept come back exactly."""

import json

import numpy as np
import pytest

from geomsim.errors import GeomsimError
from geomsim.report.page.contents import Column, Contents, Context, Links, SpacePair, SpaceRows
from geomsim.report.page.writing import page_html
from geomsim.report.views.stored_maps import Maps, read_maps, save_maps


def some_maps():
    rng = np.random.default_rng(0)
    contexts = {
        2: [Context(1.5, "a.py", ("def", " f\n"), (0.0, 1.5), 1)],
        0: [Context(0.25, "b.py", ("",), (0.25,), 0)],
    }
    rich = SpaceRows(
        "left layer 0", 3, "latent", rng.normal(size=(3, 2)), "UMAP, seed 0", ["a", "</script>", "ü\u202e"],
        [["def", "None"], [], ["NA"]], contexts,
        [Column("rate", np.array([0.5, np.nan, 1.0])), Column("theme", np.array([1, -1, 0]), ("time", "code"))],
    )  # fmt: skip
    bare = SpaceRows("right", 2)
    weight = np.array([0.5, 0.25, 0.125])
    links = Links(np.array([0, 2, 2]), np.array([1, 0, 1]), weight, "r", [Column("p", np.ones(3))])
    pairs = [
        SpacePair("whole", 0, 1, {"kind": "features", "left_layer": 0}, links, (1, 0, 0, 1, 0.5, 0), "well aligned"),
        SpacePair("nothing known", 0, 1),
    ]
    return Maps([rich, bare], pairs, {"maps": ["a note"]})


def test_what_was_kept_comes_back(tmp_path):
    maps = some_maps()
    save_maps(maps, tmp_path, "this run")
    found = read_maps(tmp_path, "this run")
    assert found.notes == maps.notes
    for old, new in zip(maps.spaces, found.spaces, strict=True):
        for name in ("name", "n_rows", "what", "layout"):
            assert getattr(new, name) == getattr(old, name)
        assert (new.ids is None) == (old.ids is None)
        assert list(new.ids or []) == list(old.ids or [])
        assert new.tokens == old.tokens
        assert new.contexts == old.contexts
        np.testing.assert_array_equal(new.places, old.places)
        for before, after in zip(old.columns, new.columns, strict=True):
            assert (after.name, after.categories) == (before.name, before.categories)
            np.testing.assert_array_equal(after.values, before.values)
    for old, new in zip(maps.pairs, found.pairs, strict=True):
        for name in ("name", "left", "right", "labels", "align", "alignment"):
            assert getattr(new, name) == getattr(old, name)
    old, new = maps.pairs[0].links, found.pairs[0].links
    for name in ("left", "right", "weight"):
        np.testing.assert_array_equal(getattr(new, name), getattr(old, name))
    assert new.weight_name == "r"
    assert found.pairs[1].links is None

    def page(kept):
        return page_html(Contents("t", ["s"], spaces=kept.spaces, pairs=kept.pairs))

    assert page(found) == page(maps), "the same report, to the byte"


def test_maps_of_other_results_and_unfinished_ones_count_as_absent(tmp_path):
    assert read_maps(tmp_path) is None
    save_maps(some_maps(), tmp_path, "this run")
    assert read_maps(tmp_path, "another run") is None
    assert read_maps(tmp_path) is not None
    (tmp_path / "maps.json").unlink()
    assert read_maps(tmp_path, "this run") is None


@pytest.mark.parametrize("content", ["{", json.dumps({"key": "this run"}), "[]"])
def test_a_damaged_index_is_named(tmp_path, content):
    save_maps(some_maps(), tmp_path, "this run")
    (tmp_path / "maps.json").write_text(content)
    with pytest.raises(GeomsimError, match=r"maps\.json: damaged"):
        read_maps(tmp_path, "this run")


def test_a_damaged_table_is_named(tmp_path):
    save_maps(some_maps(), tmp_path, "this run")
    (tmp_path / "space_0.parquet").write_bytes(b"no parquet")
    with pytest.raises(GeomsimError, match=r"space_0\.parquet"):
        read_maps(tmp_path, "this run")
