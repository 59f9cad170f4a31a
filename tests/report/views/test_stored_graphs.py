"""Graphs and diagrams on disk: an exact round trip, and errors that name the file."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from geomsim import GeomsimError
from geomsim.report.page.contents import (
    Column,
    Contents,
    Context,
    DiagramView,
    Graph,
    GraphPair,
    Plan,
    Scores,
)
from geomsim.report.views.stored_graphs import has_graphs, read_graphs, save_graphs
from geomsim.report.views.stored_page import has_page, read_page, save_page

HOSTILE = '</script> "\u202eback" \n\t ' + "x" * 10_000


def graph(seed: int = 0) -> Graph:
    random = np.random.default_rng(seed)
    return Graph(
        name=HOSTILE,
        places=random.normal(size=(4, 2)),
        members=[np.array([0, 3]), np.array([1]), np.array([], dtype=np.int64), np.arange(5)],
        edges=np.array([[0, 3], [1, 3]]),
        weights=np.array([2.0, 1.0 / 3.0]),
        names=("a", "b", HOSTILE, ""),
        labels=[["def", HOSTILE], [], [""], ["x"]],
        columns=[
            Column("density", np.array([0.1, np.nan, -np.inf, 1e-300])),
            Column("density", np.array([0, 1, -1, 0]), ("one", "two")),
        ],
    )


def pair() -> GraphPair:
    return GraphPair(
        name="left and right",
        left=graph(),
        right=graph(1),
        plan=Plan(np.array([3, 0]), np.array([1, 1]), np.array([0.1 + 0.2, 0.7]), np.array([5, 0])),
        pair=2,
        n_rows=5,
        what="pair",
        sentence="0.1 (p ≤ 0.001).",
        facts={"value": 0.1 + 0.2, "nodes": 4, "none": None},
        texts=[
            "a",
            None,
            Context(0.1 + 0.2, HOSTILE, ("de", HOSTILE), (0.1, 1 / 3), 1),
            "",
            Context(1.0, "", (), (), 0),
        ],
    )


BARE = GraphPair("alone", Graph("g", np.empty((0, 2)), [], np.empty((0, 2), dtype=np.int64)))
DIAGRAMS = [
    DiagramView("loops", 1, np.array([[0.1, np.inf], [0.1, 0.3]]), np.array([True, False]), 0.25, "words"),
    DiagramView("none", 0, np.empty((0, 2))),
]


def same(first, second, where=""):
    """Equal to the last bit, field by field."""
    if dataclasses.is_dataclass(first):
        assert type(first) is type(second), where
        for field in dataclasses.fields(first):
            same(getattr(first, field.name), getattr(second, field.name), f"{where}.{field.name}")
    elif isinstance(first, np.ndarray):
        assert first.dtype == second.dtype, where
        assert first.shape == second.shape, where
        assert np.array_equal(first, second, equal_nan=first.dtype.kind == "f"), where
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), where
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            same(one, other, f"{where}[{place}]")
    else:
        assert type(first) is type(second), where
        assert first == second, where


def test_what_is_written_is_read_again_to_the_last_bit(tmp_path):
    assert not has_graphs(tmp_path)
    save_graphs([pair(), BARE], DIAGRAMS, tmp_path)
    assert has_graphs(tmp_path)
    graphs, diagrams = read_graphs(tmp_path)
    same([pair(), BARE], graphs)
    same(DIAGRAMS, diagrams)


def test_a_second_time_takes_the_place_of_the_first(tmp_path):
    save_graphs([pair(), pair()], DIAGRAMS, tmp_path)
    save_graphs([], [], tmp_path)
    assert read_graphs(tmp_path) == ([], [])
    assert [path.name for path in tmp_path.iterdir()] == ["graphs.json"]


def test_errors_name_the_file(tmp_path):
    with pytest.raises(GeomsimError, match=r"graphs\.json cannot be read"):
        read_graphs(tmp_path)
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(GeomsimError, match="is a file: name a folder"):
        save_graphs([], [], file)
    save_graphs([pair()], DIAGRAMS, tmp_path)
    index = tmp_path / "graphs.json"
    good = index.read_text()
    (tmp_path / "graph_0_plan.npz").write_bytes(b"PK")
    with pytest.raises(GeomsimError, match=r"graph_0_plan\.npz: not readable"):
        read_graphs(tmp_path)
    (tmp_path / "graph_0_left_nodes.parquet").unlink()
    with pytest.raises(GeomsimError, match=r"graph_0_left_nodes\.parquet: no such file"):
        read_graphs(tmp_path)
    for text, message in (
        ("{", "is damaged"),
        ("[]", "is no index of graphs"),
        (good.replace('"version": 1', '"version": 9'), "version 9"),
        (json.dumps({**json.loads(good), "graphs": [{}]}), "do not belong together"),
    ):
        index.write_text(text)
        with pytest.raises(GeomsimError, match=message):
            read_graphs(tmp_path)


def test_half_a_character_is_refused_and_nothing_counts_as_written(tmp_path):
    save_graphs([pair()], [], tmp_path)
    broken = dataclasses.replace(pair(), texts=["\ud800"] * 5)
    with pytest.raises(GeomsimError, match="half of a character"):
        save_graphs([broken], [], tmp_path)
    assert not has_graphs(tmp_path)


def test_a_page_of_graphs_comes_back_whole(tmp_path):
    contents = Contents(
        "title", ["one", "two"], graphs=[dataclasses.replace(pair(), pair=None)], diagrams=DIAGRAMS, warnings=["w"],
        notes={"graphs": ["n"]}, missing={"maps": "none"}, provenance={"Setting": {"cubes": 10, "eps": None}},
    )  # fmt: skip
    assert not has_page(tmp_path)
    save_page(contents, tmp_path)
    assert has_page(tmp_path)
    same(dataclasses.replace(contents, scores=Scores([])), dataclasses.replace(read_page(tmp_path), scores=Scores([])))
    with pytest.raises(GeomsimError, match="this one has scores"):
        save_page(dataclasses.replace(contents, scores=Scores([{"metric": "cka"}])), tmp_path)
    (tmp_path / "page.json").write_text('{"page": 2}')
    with pytest.raises(GeomsimError, match=r"page\.json holds no page"):
        read_page(tmp_path)
