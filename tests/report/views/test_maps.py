from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geomsim import GeomsimError, Pairing, Space, run_study
from geomsim.activations.latent_contexts import ContextTable, save_contexts
from geomsim.activations.latent_tokens import TopTokens, save_top_tokens
from geomsim.errors import InvalidConfig
from geomsim.report.page.contents import Contents
from geomsim.report.views import stored
from geomsim.report.views.layouts import Layout
from geomsim.report.views.maps import map_views, row_word
from geomsim.report.views.source import gone, open_pair
from geomsim.report.views.stored import Layouts

MODELS = Path(__file__).parents[3] / "examples" / "code_models"
RANDOM = np.random.default_rng(0)
LEFT, RIGHT = RANDOM.normal(size=(20, 4)), RANDOM.normal(size=(30, 5))
PAIRING = Pairing([4, 2, 7, 9], [5, 6, 1, 0], [0.1, 0.9, 0.3, 0.7])


def context_table(n_latents, pieces=("a", " b")):
    frame = pd.DataFrame(
        {
            "latent": np.arange(n_latents), "rank": 1, "value": 2.0, "document": "d", "start": 0, "focus": 1,
            "pieces": [list(pieces)] * n_latents, "activations": [np.array([0, 2], dtype=np.float32)] * n_latents,
        }
    )  # fmt: skip
    return ContextTable(frame, n_latents, {"codes": "c"})


def token_table(n_latents):
    frame = pd.DataFrame({"latent": np.arange(n_latents), "rank": 1, "token": "x", "share": 0.5, "firings": 3})
    return TopTokens(frame, n_latents, {"codes": "c"})


@pytest.fixture(autouse=True)
def made(monkeypatch):
    """The names of spaces whose layouts were computed, which takes no time here."""
    names = []

    def umap_layout(space, seed):
        names.append(space.name)
        return Layout(space.numpy()[:, :2].astype(float), f"seed {seed}")

    monkeypatch.setattr(stored, "umap_layout", umap_layout)
    return names


@pytest.fixture
def folder(tmp_path):
    Space(LEFT, name="small").save(tmp_path / "left.npz")
    Space(RIGHT, name="small").save(tmp_path / "right.npz")
    PAIRING.save(tmp_path / "pairs.parquet")
    save_top_tokens(token_table(20), tmp_path / "left_tokens.parquet")
    save_contexts(context_table(20), tmp_path / "left_contexts.parquet")
    return tmp_path


ITEM = {
    "left": "left.npz", "right": "right.npz", "pairing": "pairs.parquet", "left_tokens": "left_tokens.parquet",
    "left_contexts": "left_contexts.parquet", "kind": "features", "left_layer": 0,
}  # fmt: skip
NAMED = "features, left layer 0"


# --- one pair --------------------------------------------------------------------------------------------------------


def test_a_pair_of_files_is_opened(folder):
    opened = open_pair(ITEM, folder)
    assert (opened.left.name, opened.right.n_rows, len(opened.pairing)) == ("small", 30, 4)
    assert opened.left_tokens.strings == [["x"]] * 20
    assert opened.left_contexts.contexts(3)[0].pieces == ("a", " b")
    assert (opened.right_tokens, opened.right_contexts) == (None, None)


def test_a_pair_of_objects_is_opened():
    space, tokens, contexts = Space(LEFT), token_table(20), context_table(20)
    item = {"left": space, "right": RIGHT, "pairing": PAIRING, "left_tokens": tokens, "left_contexts": contexts}
    opened = open_pair({**item, "right_tokens": [["a", "b"], [], [1]]}, Path())
    assert (opened.left, opened.pairing, opened.left_tokens, opened.left_contexts) == (space, PAIRING, tokens, contexts)
    assert (opened.right.numpy() == RIGHT).all()
    assert opened.right_tokens.strings == [["a", "b"], [], ["1"]]


def test_a_dictionary_is_its_decoder_rows():
    opened = open_pair({"left": "left/saes/layer_1", "right": LEFT}, MODELS)
    assert opened.left.points.shape == (1024, 96)
    assert row_word(opened.left) == "latent"


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"left": "no.npz"}, GeomsimError, r"no\.npz: no such file"),
        ({"pairing": 3}, InvalidConfig, "pairing is a Pairing or the path of one, got int"),
        ({"left_contexts": []}, InvalidConfig, "contexts are a ContextTable or the path of one, got list"),
        ({"right_tokens": 3}, GeomsimError, "top tokens are a file or one list of strings per latent"),
        ({"left_contexts": "left_tokens.parquet"}, GeomsimError, "contexts need the columns"),
    ],
)
def test_what_cannot_be_opened_names_the_pair(folder, changes, kind, message):
    with pytest.raises(kind, match=rf"pair \({NAMED}\): .*{message}"):
        open_pair({**ITEM, **changes}, folder)


def test_what_is_gone(folder):
    assert gone("left.npz", folder) == gone(LEFT, folder) == gone(Space(LEFT), folder) == ""
    assert gone("lost.npz", folder) == "lost.npz is not there any more"
    # As objects stand in the record of a study.
    pairs = [{"left": Space(LEFT), "right": LEFT[:, ::-1]}]
    study = run_study({"pairs": pairs, "metrics": ["rsa"], "draws": 9})
    written = json.loads(json.dumps(study.config))["pairs"][0]
    assert gone(written["left"], folder) == "Space was an object in Python, of which the results keep no points"
    assert gone(written["right"], folder) == "array was an object in Python, of which the results keep no points"


# --- all pairs -------------------------------------------------------------------------------------------------------


def test_each_space_is_shown_once(folder, made):
    again = {"left": str(folder / "left.npz"), "right": "left.npz", "kind": "itself"}
    found = map_views([ITEM, again], folder, Layouts(folder / "views"), seed=5)
    Contents("title", ["", "", ""], spaces=found.spaces, pairs=found.pairs)
    assert found.notes == []
    assert [space.name for space in found.spaces] == ["small", "small (right.npz)"]
    assert [space.n_rows for space in found.spaces] == [20, 30]
    assert [space.what for space in found.spaces] == ["latent", "row"]
    assert [(pair.name, pair.left, pair.right) for pair in found.pairs] == [(NAMED, 0, 1), ("itself", 0, 0)]
    assert found.pairs[0].labels == {"kind": "features", "left_layer": 0}
    assert found.spaces[0].tokens == [["x"]] * 20
    assert found.spaces[0].layout == "seed 5"
    assert found.pairs[0].links.left.tolist() == PAIRING.left.tolist()
    assert found.pairs[1].links.left.tolist() == list(range(20))
    assert made == ["small", "small"]
    once_more = map_views([ITEM, again], folder, Layouts(folder / "views"), seed=5)
    assert made == ["small", "small"]
    assert (once_more.spaces[1].places == found.spaces[1].places).all()


def test_rows_of_strong_pairs_have_their_text_first(folder, monkeypatch):
    save_contexts(context_table(20, ("a" * 200_000, "b" * 99_999)), folder / "left_contexts.parquet")
    save_contexts(context_table(30), folder / "right_contexts.parquet")
    other = {**ITEM, "pairing": Pairing([11, 2], [0, 1], [0.8, 0.2]), "right_contexts": "right_contexts.parquet"}
    found = map_views([ITEM, other], folder)
    assert list(found.spaces[0].contexts) == [2, 11, 9, 7]
    assert list(found.spaces[1].contexts)[:6] == [6, 0, 1, 5, 2, 3]
    assert found.notes == ["small: 4 of 20 latents have their text in this file, those in the strongest pairs first"]


def test_files_that_are_gone_are_notes(folder, made):
    items = [
        ITEM,
        {**ITEM, "right": "lost.npz"},
        {**ITEM, "pairing": "lost.parquet", "left_tokens": "gone.parquet", "kind": "more"},
        {"left": "lost.npz", "right": "left.npz"},
    ]
    found = map_views(items, folder)
    Contents("title", ["", "", ""], spaces=found.spaces, pairs=found.pairs)
    assert found.notes == [
        f"pair 2 ({NAMED}): lost.npz is not there any more, so there is no map of its right side",
        "pair 3 (more, left layer 0): lost.parquet is not there any more, so the maps have no links",
        "pair 3 (more, left layer 0): gone.parquet is not there any more, so the left side has no tokens",
        "pair 4: lost.npz is not there any more, so there is no map of its left side",
    ]
    assert [(space.name, space.n_rows) for space in found.spaces] == [
        ("small", 20), ("small (right.npz)", 30), ("lost.npz", 0),
    ]  # fmt: skip
    assert found.spaces[2].places is None
    # A pair for each entry, in their order, so that results find theirs.
    assert [(pair.left, pair.right, pair.links is None) for pair in found.pairs] == [
        (0, 1, False), (0, 2, True), (0, 1, True), (2, 0, True),
    ]  # fmt: skip
    assert [pair.align is None for pair in found.pairs] == [False, True, False, True]
    assert found.pairs[3].name == "lost.npz and small"


def test_other_tables_and_unlike_sides_are_notes(folder):
    items = [ITEM, {**ITEM, "left_tokens": token_table(20)}, {"left": "left.npz", "right": "right.npz"}]
    assert map_views(items, folder).notes == [
        f"pair 2 ({NAMED}): names other tokens of its left side than a pair before it; those are shown",
        "pair 3: no rows belong together, since the sides have no pairing and differ in rows",
    ]


def test_notes_of_stored_layouts_are_told(folder):
    map_views([ITEM], folder, Layouts(folder / "views"))
    for file in (folder / "views").iterdir():
        file.write_bytes(b"nothing")
    notes = map_views([ITEM], folder, Layouts(folder / "views")).notes
    assert len(notes) == 2
    assert all("is damaged and was made again" in note for note in notes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pairing": "left_tokens.parquet"}, r"pair 2 \(features, left layer 0\): .*needs the columns left and"),
        ({"pairing": Pairing([0], [40])}, r"pair 2 \(.*\): the pairing names right row 40"),
        ({"left": "left_tokens.parquet"}, r"pair 2 \(.*\), left: .*points are read from"),
        ({"right_tokens": [["a"]] * 31}, r"pair 1 \(.*\), right: the top tokens are of 31 latents"),
    ],
)
def test_files_that_cannot_be_read_name_the_pair(folder, changes, message):
    with pytest.raises(GeomsimError, match=message):
        map_views([ITEM, {**ITEM, **changes}], folder)


def test_objects_in_place_of_files():
    left, right = Space(LEFT), Space(RIGHT, ids=[f"m/neurons:0/{row}" for row in range(30)])
    found = map_views([{"left": left, "right": right, "pairing": PAIRING}, {"left": left, "right": LEFT}], Path())
    assert [(space.name, space.what) for space in found.spaces] == [
        ("space 1", "row"), ("space 2", "neuron"), ("space 3", "row"),
    ]  # fmt: skip
    assert [(pair.name, pair.left, pair.right) for pair in found.pairs] == [
        ("space 1 and space 2", 0, 1), ("space 1 and space 3", 0, 2),
    ]  # fmt: skip


def test_the_files_of_contexts_change_no_result(folder):
    paths = {key: str(folder / ITEM[key]) for key in ("left", "right", "pairing")}
    shown = {"left_contexts": str(folder / "left_contexts.parquet"), "right_contexts": "nowhere.parquet"}
    tables = []
    for item in (paths, {**paths, **shown}):
        study = run_study({"pairs": [item], "metrics": ["rsa"], "draws": 9}, folder=folder / "cells")
        tables.append(study.table)
        assert study.table.columns[0] == "left"
    pd.testing.assert_frame_equal(*tables)
    # The second study found the cell of the first.
    assert len(list((folder / "cells").iterdir())) == 1
