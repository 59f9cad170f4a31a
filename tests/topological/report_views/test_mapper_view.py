"""Mapper graphs for the report: parts that fit each other, numbers that are those of the library, notes where none."""

from __future__ import annotations

import numpy as np
import pytest

from geomsim import Space
from geomsim.report.page.contents import Contents
from geomsim.report.page.writing import page_html
from geomsim.report.views.request import ViewRequest
from geomsim_topological.graph_comparison import compare_graphs
from geomsim_topological.graph_layout import aligned_layout, as_wide, graph_layout
from geomsim_topological.lenses.lens import Density
from geomsim_topological.report_views import mapper_view as module
from geomsim_topological.report_views.mapper_view import mapper_view
from geomsim_topological.report_views.row_values import density_column
from geomsim_topological.report_views.view_setting import drawn_sides

RANDOM = np.random.default_rng(0)
N = 240


def circle(n=N):
    angle = np.sort(RANDOM.uniform(0, 2 * np.pi, n))
    return np.column_stack([np.cos(angle), 0.8 * np.sin(angle), 0.01 * RANDOM.normal(size=n)]), angle


CIRCLE, ANGLE = circle()
TURNED = CIRCLE @ np.linalg.qr(RANDOM.normal(size=(3, 3)))[0] + 3.0
NOISE = RANDOM.normal(size=(N, 5))
TOKENS = [["north" if np.sin(angle) > 0 else "south", " east" if np.cos(angle) > 0 else "west"] for angle in ANGLE]


def view(left, right, **more):
    return mapper_view(ViewRequest("one", Space(left, name="left"), Space(right, name="right"), **more))


@pytest.fixture(scope="module")
def turned():
    return view(CIRCLE, TURNED, left_tokens=TOKENS, right_tokens=TOKENS)


def test_a_turned_copy_has_the_same_graph_in_the_same_place(turned):
    (pair,) = turned.graphs
    assert turned.notes == []
    assert pair.facts["value"] == pytest.approx(0.0, abs=1e-9)
    assert pair.facts["p_value"] == 0.001
    assert pair.facts["draws"] == 999
    # Signs of components are free, so nodes of a copy have another order; the plan says which is which.
    assert pair.plan.mass.sum() == pytest.approx(1.0)
    for left, right in zip(pair.plan.left, pair.plan.right, strict=True):
        assert np.array_equal(pair.left.members[left], pair.right.members[right])
    # Nodes with the same neighbours may have changed places; the others lie on their partners.
    apart = np.linalg.norm(pair.left.places[pair.plan.left] - pair.right.places[pair.plan.right], axis=1)
    assert np.median(apart) < 0.01
    assert "at a cost of 0.000; 0 is the same nodes" in pair.sentence
    assert "(p <= 0.001, 999 shuffles)" in pair.sentence
    assert "100% of the edges of left and 100% of the edges of right join the partners too." in pair.sentence


def test_parts_fit_each_other_and_numbers_are_those_of_their_rows(turned):
    (pair,) = turned.graphs
    Contents("title", ["one"], graphs=[pair])  # checks rows, edges and columns
    assert (pair.n_rows, pair.what, pair.pair) == (N, "row", None)
    graphs = drawn_sides(CIRCLE, TURNED).graphs
    assert pair.facts["value"] == compare_graphs(*graphs).value
    columns = {column.name: column.values for column in pair.left.columns}
    assert list(columns) == [
        "mean first principal component", "mean second principal component",
        "mean density (minus the log of the distance to neighbour 10)", "rows",
    ]  # fmt: skip
    density = Density(10)(CIRCLE)
    for node, rows in enumerate(pair.left.members):
        assert columns["rows"][node] == len(rows)
        assert columns["mean density (minus the log of the distance to neighbour 10)"][node] == pytest.approx(
            density[rows].mean()
        )
    for (first, second), weight in zip(pair.left.edges, pair.left.weights, strict=True):
        assert weight == len(np.intersect1d(pair.left.members[first], pair.left.members[second]))
    for cell in range(len(pair.plan.mass)):
        left, right = pair.left.members[pair.plan.left[cell]], pair.right.members[pair.plan.right[cell]]
        assert pair.plan.shared[cell] == len(np.intersect1d(left, right))


def test_nodes_are_named_by_their_tokens_and_rows_have_texts(turned):
    (pair,) = turned.graphs
    assert pair.texts[0] == "left: north ' east' / right: north ' east'"
    for rows, labels in zip(pair.left.members, pair.left.labels, strict=True):
        sides = {TOKENS[row][0] for row in rows.tolist()}
        if len(sides) == 1:
            assert sides <= set(labels)
            assert not {"north", "south"} - sides & set(labels)


def test_the_right_graph_is_turned_towards_its_partners_and_as_wide():
    (pair,) = view(CIRCLE, NOISE[:, :3] + CIRCLE).graphs
    found = compare_graphs(*drawn_sides(CIRCLE, NOISE[:, :3] + CIRCLE).graphs)
    left = graph_layout(found.left)
    assert np.array_equal(pair.left.places, left)
    assert np.array_equal(pair.right.places, as_wide(aligned_layout(left, found.right, found.plan), left))


def test_the_page_takes_it(turned):
    assert "<html" in page_html(Contents("title", ["one"], graphs=turned.graphs))


def test_unrelated_rows_are_no_closer_than_chance():
    (pair,) = view(CIRCLE, NOISE).graphs
    assert pair.facts["p_value"] > 0.02
    assert "Shuffled rows cost" in pair.sentence


def test_it_is_the_same_each_time():
    first, again = (view(NOISE, CIRCLE).graphs[0] for _ in range(2))
    assert first.sentence == again.sentence
    assert np.array_equal(first.right.places, again.right.places)


def test_words_of_what_is_linked():
    (pair,) = view(CIRCLE, TURNED, pair=3).graphs
    assert (pair.pair, pair.what) == (3, "pair")
    assert "by the pairs that they share" in pair.sentence


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (CIRCLE[:10], TURNED[:10], r"10 rows are too few \(at least 20\): pair more rows"),
        (np.ones((50, 3)), NOISE[:50], "no Mapper graphs: left: all rows are equal.* look where they come from"),
        (NOISE[:50], np.ones((50, 3)), "no Mapper graphs: right: all rows are equal.* look where"),
    ],
)
def test_what_has_no_graph_is_a_note_with_advice(left, right, message):
    found = view(left, right)
    assert found.graphs == []
    (note,) = found.notes
    assert note.startswith("one: ")
    with pytest.raises(ValueError, match=message):
        raise ValueError(note)


def test_few_rows_are_seen_through_one_component():
    (pair,) = view(CIRCLE[:60], TURNED[:60]).graphs
    assert pair.left.columns[0].name == "mean principal component"


def test_many_rows_have_a_fixed_setting_and_fewer_draws(monkeypatch):
    from geomsim_topological.report_views import view_setting

    monkeypatch.setattr(view_setting, "_SWEEP_ROWS", 100)
    monkeypatch.setattr(module, "_MANY_ROWS", 100)
    (pair,) = view(CIRCLE, TURNED).graphs
    assert pair.facts["setting"] == "10 cubes, overlap 0.4, eps knee: fixed, as 240 rows are many"
    assert pair.facts["draws"] == 199
    monkeypatch.setattr(module, "_MANY_PAIRS", 10)
    assert view(CIRCLE, TURNED).graphs[0].facts["draws"] == 99


def test_documents_that_cannot_change_places_leave_no_p_value_but_a_graph():
    documents = np.repeat([0, 1], [100, N - 100])
    request = ViewRequest("one", Space(CIRCLE, groups=documents), Space(TURNED, groups=documents))
    found = mapper_view(request)
    assert "p_value" not in found.graphs[0].facts
    assert any("the Mapper graphs have no p-value" in note for note in found.notes)


def test_density_that_there_is_none_of_is_said(monkeypatch):
    from geomsim_topological.report_views import row_values

    columns, (note,) = density_column(np.repeat(NOISE, 20, axis=0), "left")
    assert columns == {}
    assert "infinite density" in note
    monkeypatch.setattr(row_values, "_DENSITY_ROWS", 10)
    columns, (note,) = density_column(NOISE, "left")
    assert columns == {}
    assert "more than 10 rows" in note
