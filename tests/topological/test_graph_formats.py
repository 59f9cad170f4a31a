"""Mapper graphs to kmapper, networkx and JSON, and back."""

from __future__ import annotations

import json

import kmapper
import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.cluster import DBSCAN

from geomsim import GeomsimError, GeomsimWarning
from geomsim_topological.graphs.graph import MapperGraph


@pytest.fixture(scope="module")
def theirs():
    points = np.random.default_rng(0).normal(size=(200, 3))
    return kmapper.KeplerMapper(verbose=0).map(
        points[:, :2], points, cover=kmapper.Cover(5, 0.4), clusterer=DBSCAN(eps=0.7, min_samples=3)
    )


def same(first, second):
    assert first.names == second.names
    assert (first.incidence != second.incidence).nnz == 0
    assert (first.eps, first.meta_data, first.min_intersection) == (
        second.eps,
        second.meta_data,
        second.min_intersection,
    )
    assert (first.lens is None) == (second.lens is None)
    assert first.lens is None or np.array_equal(first.lens, second.lens)
    assert np.array_equal(first.edges, second.edges)
    assert first.n_rows == second.n_rows


def test_the_visualiser_of_kmapper_works_on_ours(theirs, tmp_path):
    graph = MapperGraph.from_kmapper(theirs, n_rows=200)
    exported = graph.to_kmapper()
    assert exported == theirs
    page = tmp_path / "page.html"
    lens = np.random.default_rng(0).normal(size=(200, 2))
    kmapper.KeplerMapper(verbose=0).visualize(exported, path_html=str(page), lens=lens, lens_names=["first", "second"])
    text = page.read_text(encoding="utf-8")
    assert all(name in text for name in graph.names)
    bare = MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1]}}, n_rows=2)
    kmapper.KeplerMapper(verbose=0).visualize(bare.to_kmapper(), path_html=str(page))
    assert kmapper.adapter.to_networkx(exported).number_of_edges() == len(graph.edges)


def test_links_of_kmapper_that_take_more_rows(theirs):
    nodes = theirs["nodes"]
    links, simplices = kmapper.GraphNerve(min_intersection=4).compute(nodes)
    graph = {
        "nodes": nodes,
        "links": links,
        "simplices": simplices,
        "meta_data": {**theirs["meta_data"], "nerve_min_intersection": 4},
    }
    ours = MapperGraph.from_kmapper(graph, n_rows=200)
    assert ours.weights.min() >= 4
    assert (ours.to_kmapper()["links"], ours.to_kmapper()["simplices"]) == (links, simplices)
    del graph["meta_data"]
    with pytest.warns(GeomsimWarning, match=r"0 links .* fewer than 1 rows and without [1-9]\d* between nodes"):
        MapperGraph.from_kmapper(graph, n_rows=200)


def test_networkx_and_back(theirs):
    graph = MapperGraph.from_kmapper(theirs, n_rows=201, eps=0.7)
    same(MapperGraph.from_networkx(graph.to_networkx()), graph)
    with_lens = MapperGraph(graph.incidence, graph.names, 0.7, {}, np.arange(402.0).reshape(201, 2), 2)
    same(MapperGraph.from_networkx(with_lens.to_networkx()), with_lens)
    assert MapperGraph.from_networkx(graph.to_networkx(), n_rows=300).n_rows == 300
    kept = MapperGraph.from_networkx(kmapper.adapter.to_networkx(theirs), n_rows=201, rows="membership")
    assert np.array_equal(kept.edges, graph.edges)


def test_networkx_links_that_rows_do_not_give_are_told():
    graph = networkx.Graph()
    graph.add_nodes_from([(0, {"rows": [0, 1]}), (1, {"rows": [2]}), (2, {"rows": [1]})])
    graph.add_edge(1, 0)
    with pytest.warns(GeomsimWarning, match=r"came with 1 links .* and without 1 between"):
        found = MapperGraph.from_networkx(graph, n_rows=3)
    assert found.edges.tolist() == [[0, 2]]
    assert found.names == ("0", "1", "2")


numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=5)
notes = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(texts, st.sets(st.integers(0, 8), min_size=1), max_size=5),
    st.none() | numbers,
    st.dictionaries(texts.filter(lambda key: key != "nerve_min_intersection"), notes, max_size=3),
    st.none() | arrays.arrays(np.float64, (9, 2), elements=numbers),
)
@settings(max_examples=100)
def test_json_and_back_is_exact(tmp_path_factory, nodes, eps, meta_data, lens):
    path = tmp_path_factory.mktemp("graph") / "graph.json"
    made = MapperGraph.from_kmapper({"nodes": {name: sorted(rows) for name, rows in nodes.items()}}, 9, eps)
    graph = MapperGraph(made.incidence, made.names, eps, meta_data, lens, 2)
    graph.to_json(path)
    found = MapperGraph.from_json(path)
    same(found, graph)
    assert found.lens is None or found.lens.tobytes() == graph.lens.tobytes()
    assert json.dumps(found.meta_data) == json.dumps(meta_data)


def test_json_takes_what_numpy_and_tuples_hold(tmp_path):
    made = MapperGraph.from_kmapper({"nodes": {"a": np.array([1, 0])}}, 2)
    meta_data = {"n_cubes": (5, np.int64(6)), "perc_overlap": np.float32(0.5), "limits": np.eye(2)}
    MapperGraph(made.incidence, made.names, np.float64(0.25), meta_data).to_json(tmp_path / "graph.json")
    found = MapperGraph.from_json(str(tmp_path / "graph.json"))
    assert found.meta_data == {"n_cubes": [5, 6], "perc_overlap": 0.5, "limits": [[1.0, 0.0], [0.0, 1.0]]}
    assert found.eps == 0.25


def written(tmp_path, **changes):
    path = tmp_path / "graph.json"
    MapperGraph.from_kmapper({"nodes": {"a": [0, 1], "b": [1]}}, 3, 0.5).to_json(path)
    read = json.loads(path.read_text())
    read.update(changes)
    path.write_text(json.dumps({key: value for key, value in read.items() if value != "left out"}))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "left out"}, "is no Mapper graph of geomsim"),
        ({"version": 2}, "has version 2 of the format and this geomsim reads 1"),
        ({"nodes": "left out"}, "lacks 'nodes', which is rows by node name"),
        ({"nodes": [[0]]}, r"'nodes' is rows by node name, got \[\[0\]\]"),
        ({"nodes": {"a": [0.5]}}, r"node 'a' must list the numbers of its rows, at least one, got \[0.5\]"),
        ({"nodes": {"a": []}}, r"node 'a' must list .* got \[\]"),
        ({"nodes": {"a": ["x"]}}, "node 'a' must list"),
        ({"nodes": {"a": [[0], [1, 2]]}}, "node 'a' must list"),
        ({"nodes": {"a": 3}}, "node 'a' must list"),
        ({"nodes": {"a": [3]}}, "graph.json: the graph names row 3, but there are 3 rows"),
        ({"nodes": {"b": [0], "a": [1, 0, 1]}}, "node 'a' lists row 1 twice"),
        ({"n_rows": 3.0}, "'n_rows' is a whole number, got 3.0"),
        ({"n_rows": -1}, "'n_rows' is a whole number, got -1"),
        ({"eps": "knee"}, "'eps' is a number or null, got 'knee'"),
        ({"min_intersection": 0}, "'min_intersection' is a whole number from 1, got 0"),
        ({"meta_data": []}, "'meta_data' is an object"),
        ({"lens": 5}, "'lens' is a list of rows or null, got 5"),
        ({"lens": [[0.0]]}, r"the lens of 3 rows is \(rows, dimensions\), got an array of shape \(1, 1\)"),
        ({"lens": [[0.0], [1.0, 2.0], []]}, "the lens has rows of different lengths"),
    ],
)
def test_a_damaged_file_is_told_apart(tmp_path, changes, message):
    path = written(tmp_path, **changes)
    with pytest.raises(GeomsimError, match=message):
        MapperGraph.from_json(path)


def test_files_that_are_something_else(tmp_path):
    path = written(tmp_path)
    path.write_text(path.read_text()[:-9])
    with pytest.raises(GeomsimError, match=r"graph.json is not JSON: .*line 1"):
        MapperGraph.from_json(path)
    path.write_text('{"nodes": {"a": [0], "a": [1]}}')
    with pytest.raises(GeomsimError, match=r"graph.json: 'a' stands there twice"):
        MapperGraph.from_json(path)
    with pytest.raises(GeomsimError, match=r"missing\.json cannot be read: No such file"):
        MapperGraph.from_json(tmp_path / "missing.json")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(GeomsimError, match="is not JSON"):
        MapperGraph.from_json(path)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"meta_data": {"clusterer": DBSCAN()}}, r"the graph\['meta_data'\]\['clusterer'\] is a DBSCAN"),
        ({"meta_data": {"a": {1: 2}}}, r"\['meta_data'\]\['a'\] has the key 1, and JSON has strings"),
        ({"meta_data": {"a": [1.0, np.inf]}}, r"\['a'\] is inf"),
        ({"eps": float("nan")}, r"\['eps'\] is nan"),
        ({"lens": np.array([[0.0], [np.nan], [1.0]])}, r"\['lens'\] is nan"),
    ],
)
def test_what_json_cannot_hold_is_named_and_no_file_is_left(tmp_path, parameters, message):
    made = MapperGraph.from_kmapper({"nodes": {"a": [0]}}, 3)
    with pytest.raises(GeomsimError, match=message):
        MapperGraph(made.incidence, made.names, **parameters).to_json(tmp_path / "graph.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MapperGraph.from_kmapper({"graph": {}}, 3), r"has the key 'nodes', got \['graph'\]"),
        (lambda: MapperGraph.from_kmapper({"nodes": {"a": [0, 0]}}, 3), "node 'a' lists row 0 twice"),
        (
            lambda: MapperGraph.from_kmapper({"nodes": {"a": [0]}, "links": {"a": ["b"]}}, 3),
            "links 'a' and 'b', but there is no node 'b'",
        ),
        (lambda: MapperGraph.from_networkx(networkx.path_graph(2)), "does not say how many rows there are"),
        (lambda: MapperGraph.from_networkx(networkx.path_graph(2), 3), "node 0 has no attribute 'rows' with its rows"),
    ],
)
def test_errors_say_what_was_wrong(make, message):
    with pytest.raises(GeomsimError, match=message):
        make()
