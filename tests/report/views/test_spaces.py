from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from geomsim import GeomsimError, Space
from geomsim.activations.latent_contexts import ContextTable
from geomsim.activations.latent_tokens import TopTokens
from geomsim.report.page.contents import Context
from geomsim.report.views.clusters import cluster_column
from geomsim.report.views.layouts import Layout
from geomsim.report.views.spaces import space_rows

POINTS = np.random.default_rng(0).normal(size=(6, 4))
WRITTEN = {"codes": "some codes"}


def tokens(n_latents=6, provenance=WRITTEN, **columns):
    rows = {"latent": [1, 1, 4], "rank": [1, 2, 1], "token": ["a", "b", "c"], **columns}
    return TopTokens(pd.DataFrame(rows), n_latents, provenance)


def contexts(texts, n_latents=6, provenance=WRITTEN):
    """Places of latents by number, each a piece of text of one token."""
    listed = [(latent, rank, text) for latent, found in texts.items() for rank, text in enumerate(found, 1)]
    frame = pd.DataFrame(
        {
            "latent": [latent for latent, *_ in listed],
            "rank": [rank for _, rank, _ in listed],
            "value": [10.0 * latent - rank for latent, rank, _ in listed],
            "document": ["d"] * len(listed),
            "start": [0] * len(listed),
            "focus": [0] * len(listed),
            "pieces": [[text] for *_, text in listed],
            "activations": [np.array([10.0 * latent - rank], dtype=np.float32) for latent, rank, _ in listed],
        }
    )
    return ContextTable(frame, n_latents, provenance)


def columns_of(rows):
    return {column.name: column for column in rows.columns}


def test_tokens_contexts_and_columns_are_those_of_the_rows():
    space = Space(POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True), ids=list("uvwxyz"))
    table = tokens(share=[0.5, 0.1, 0.25], firings=[7, 1, 3])
    layout = Layout(POINTS[:, :2], "in words")
    rows = space_rows(space, "name", "latent", layout, table, contexts({1: ["x", "y"], 5: ["z"]}))
    assert (rows.name, rows.n_rows, rows.what, rows.layout) == ("name", 6, "latent", "in words")
    assert rows.places is layout.places
    assert rows.ids == list("uvwxyz")
    assert rows.tokens == [[], ["a", "b"], [], [], ["c"], []]
    assert rows.contexts == {
        1: [Context(9.0, "d", ("x",), (9.0,), 0), Context(8.0, "d", ("y",), (8.0,), 0)],
        5: [Context(49.0, "d", ("z",), (49.0,), 0)],
    }
    found = columns_of(rows)
    nan = np.nan
    # Unit rows have no column of lengths, and six rows no clusters.
    assert list(found) == ["share of the strongest token", "firings on the strongest token", "strongest activation"]
    np.testing.assert_equal(found["share of the strongest token"].values, [nan, 0.5, nan, nan, 0.25, nan])
    np.testing.assert_equal(found["firings on the strongest token"].values, [nan, 7, nan, nan, 3, nan])
    np.testing.assert_equal(found["strongest activation"].values, [nan, 9, nan, nan, nan, 49])


def test_points_alone():
    rows = space_rows(Space(POINTS), "name", "row", None)
    assert (rows.places, rows.layout, rows.tokens, rows.contexts, rows.ids) == (None, "", None, None, None)
    assert list(columns_of(rows)) == ["length of the row"]
    np.testing.assert_allclose(rows.columns[0].values, np.sqrt((POINTS**2).sum(axis=1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert space_rows(Space(POINTS * 1e300), "name", "row", None).columns == []


def test_contexts_are_held_for_as_many_rows_as_have_room():
    table = contexts({0: ["a" * 9, "é"], 1: ["b" * 29], 2: ["c" * 9], 3: ["d" * 9], 4: ["e" * 9], 5: ["f" * 9]})

    # A row needs its text and the name of the document: 13, 30, 10, 10, 10, 10 bytes.
    def held(room, first=()):
        found = space_rows(Space(POINTS), "n", "row", None, None, table, contexts_for=first, context_bytes=room)
        return list(found.contexts)

    assert held(83) == [0, 1, 2, 3, 4, 5]
    assert held(23) == [0, 2]
    assert held(22) == [0]
    assert held(20, first=[5, 3, 5]) == [5, 3]
    assert held(39, first=[4, 1]) == [4, 0, 2]
    assert held(0) == []
    assert all(len(both) == 2 for both in [space_rows(Space(POINTS), "n", "row", None, None, table).contexts[0]])


def test_tables_of_other_spaces_are_refused():
    with pytest.raises(GeomsimError, match="the top tokens are of 7 latents and the space 'here' has 6 rows"):
        space_rows(Space(POINTS, name="here"), "n", "row", None, tokens(7, {}))
    with pytest.raises(GeomsimError, match="the contexts are of 5 latents and the space 'here' has 6 rows; give those"):
        space_rows(Space(POINTS, name="here"), "n", "row", None, None, contexts({1: ["x"]}, 5))
    # A file of other origin ends with its last active latent.
    rows = space_rows(Space(POINTS), "n", "row", None, tokens(5, {}), contexts({1: ["x"]}, 2, {}), contexts_for=[4, 1])
    assert rows.tokens == [[], ["a", "b"], [], [], ["c"], []]
    assert list(rows.contexts) == [1]


def test_clusters_are_those_of_the_whole_space():
    random = np.random.default_rng(0)
    sizes = [5, 9, 7, 12, 4, 8, 6, 10]
    of = np.repeat(np.arange(8), sizes)
    # Directions count: rows of one group differ in length by much.
    points = (np.eye(20)[of] + 0.02 * random.normal(size=(61, 20))) * random.uniform(0.1, 10, size=(61, 1))
    column = cluster_column(Space(points))
    assert column.name == "cluster (k-means, 8)"
    assert column.categories == tuple(f"cluster {number}" for number in range(1, 9))
    largest_first = np.argsort(np.argsort(-np.array(sizes)))
    assert column.values.tolist() == largest_first[of].tolist()
    assert cluster_column(Space(points)).values.tolist() == column.values.tolist()
    rows = space_rows(Space(points), "n", "row", Layout(points[:, :2], ""))
    assert "cluster (k-means, 8)" in columns_of(rows)
    assert "cluster (k-means, 8)" not in columns_of(space_rows(Space(points), "n", "row", None))


@pytest.mark.parametrize("points", [POINTS, np.zeros((90, 3)), np.repeat(POINTS, 20, axis=0)])
def test_few_different_rows_have_no_clusters(points):
    assert cluster_column(Space(points)) is None


@pytest.mark.parametrize(
    ("ids", "shown"),
    [
        (["m/site/latent 0", "m/site/latent 1"], None),
        (["m/site/latent 1", "m/site/latent 0"], ["latent 1", "latent 0"]),
        (["m/a", "n/b"], ["m/a", "n/b"]),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_names_of_rows_are_what_tells_them_apart(ids, shown):
    assert space_rows(Space([[1.0, 0.0], [0.0, 1.0]], ids), "m", "latent", None).ids == shown
