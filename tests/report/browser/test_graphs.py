"""Mapper graphs: partners by the plan, rows they share as text, and one selection with all other views."""

from __future__ import annotations

import numpy as np
import pytest
from report_browser import OpenReport
from report_places import links_of, lonely_row

from geomsim.report.page.contents import Contents, Context, Graph, GraphPair

FIELD = "#graphs .graphs-field"

FIRST = {"pair": 0, "graph": 0}
SHOWN = "#graphs .graphs-stage"


def sides(graphs: GraphPair) -> dict[str, Graph]:
    assert graphs.right is not None
    return {"left": graphs.left, "right": graphs.right}


def partners(graphs: GraphPair, side: str, node: int) -> list[int]:
    """Nodes of the other side by falling mass."""
    plan = graphs.plan
    assert plan is not None
    own, other = (plan.left, plan.right) if side == "left" else (plan.right, plan.left)
    cells = np.flatnonzero(own == node)
    return other[cells[np.argsort(-plan.mass[cells])]].tolist()


def shared(graphs: GraphPair, left: int, right: int) -> set[int]:
    both = sides(graphs)
    return set(both["left"].members[left].tolist()) & set(both["right"].members[right].tolist())


def lone_node(report: OpenReport, graph: Graph, side: str) -> int:
    """The node farthest from all others on the screen."""
    spots = np.asarray([report.screen("graphs", side, node) for node in range(len(graph.members))])
    apart = np.linalg.norm(spots[:, None] - spots[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return int(apart.min(axis=1).argmax())


@pytest.mark.parametrize("side", ["left", "right"])
def test_partners_light_up_in_the_order_of_the_plan(report: OpenReport, contents: Contents, side: str) -> None:
    graphs = contents.graphs[0]
    node = lone_node(report, sides(graphs)[side], side)
    report.point("graphs", side, node)
    state = report.state()
    assert state["hover"] == {"type": "node", "graph": 0, "side": side, "node": node}
    found = state["views"]["graphs"]["focus"]["partners"]
    assert [partner["node"] for partner in found] == partners(graphs, side, node)
    assert sum(partner["share"] for partner in found) == pytest.approx(1)
    for partner in found:
        left, right = (node, partner["node"]) if side == "left" else (partner["node"], node)
        assert partner["shared"] == len(shared(graphs, left, right))
    # The rows of these graphs are the pairs of the maps: the node's pairs light up there.
    (lit,) = state["views"]["maps"]["lit"]
    assert set(lit["links"]) == set(sides(graphs)[side].members[node].tolist())
    links = links_of(contents)
    assert set(lit["left"]) == set(links.left[lit["links"]].tolist())


def test_a_pinned_node_shows_the_rows_it_shares_with_its_best_partner(report: OpenReport, contents: Contents) -> None:
    graphs = contents.graphs[0]
    node = lone_node(report, graphs.left, "left")
    report.page.mouse.click(*report.screen("graphs", "left", node))
    state = report.state()
    best = partners(graphs, "left", node)[0]
    assert state["pinned"] == {"type": "node", "graph": 0, "side": "left", "node": node}
    view = state["views"]["graphs"]
    assert view["chosenPartner"] == best
    assert view["texts"]["rows"] == len(shared(graphs, node, best))
    assert set(view["texts"]["first"]) <= shared(graphs, node, best)
    links = links_of(contents)
    row = view["texts"]["first"][0]
    text = report.page.locator("#graphs .graphs-texts").inner_text()
    assert f"latent {links.left[row]}" in text
    assert f"unit {links.right[row]:03d}" in text
    report.page.locator("#graphs .graphs-partners button").nth(1).click()
    second = partners(graphs, "left", node)[1]
    assert report.state("graphs")["chosenPartner"] == second
    assert report.state("graphs")["texts"]["rows"] == len(shared(graphs, node, second))


def test_a_button_stays_under_the_finger_when_the_pointer_leaves_the_graphs(
    report: OpenReport, contents: Contents
) -> None:
    node = lone_node(report, contents.graphs[0].left, "left")
    report.page.mouse.click(*report.screen("graphs", "left", node))
    report.settle()
    buttons = report.page.locator("#graphs .graphs-details button").element_handles()
    assert len(buttons) > 3
    report.page.mouse.move(3, 3)
    report.settle()
    assert all(report.page.evaluate("(button) => button.isConnected", button) for button in buttons)


def test_the_keyboard_stays_where_a_partner_was_chosen(report: OpenReport, contents: Contents) -> None:
    node = lone_node(report, contents.graphs[0].left, "left")
    first, second, *_ = partners(contents.graphs[0], "left", node)
    report.page.mouse.click(*report.screen("graphs", "left", node))
    report.settle()
    shown = "[...document.querySelectorAll('.graphs-partners [aria-pressed=true]')]"
    pressed, count = f"() => {shown}.indexOf(document.activeElement)", f"() => {shown}.length"
    report.page.locator("#graphs .graphs-partners button").nth(1).focus()
    assert report.page.evaluate(pressed) == -1
    report.page.keyboard.press("Enter")
    assert report.state("graphs")["chosenPartner"] == second
    assert (report.page.evaluate(count), report.page.evaluate(pressed)) == (1, 0)
    report.page.keyboard.press("Enter")
    assert report.state("graphs")["chosenPartner"] is None
    assert report.page.evaluate(count) == 0
    report.page.keyboard.press("Shift+Tab")
    report.page.keyboard.press("Enter")
    assert report.state("graphs")["chosenPartner"] == first
    report.page.locator("#graphs .graphs-buttons button", has_text="Release").focus()
    report.page.keyboard.press("Enter")
    assert report.state()["pinned"] is None
    assert report.page.evaluate("() => document.activeElement.className") == "graphs-details"


def test_rows_with_texts_of_their_own_show_them(report: OpenReport, contents: Contents) -> None:
    report.set(graph=1)
    graphs = contents.graphs[1]
    node = lone_node(report, graphs.left, "left")
    report.page.mouse.click(*report.screen("graphs", "left", node))
    view = report.state("graphs")
    assert view["rowsAreLinks"] is False
    report.page.wait_for_selector("#graphs .graphs-rows li")
    shown = report.page.locator("#graphs .graphs-texts").inner_text()
    assert graphs.texts is not None
    for row in view["texts"]["first"]:
        text = graphs.texts[row]
        if isinstance(text, Context):
            assert text.pieces[4].strip() in shown
        elif text is not None:
            assert text in shown


def test_a_selection_in_the_maps_is_one_in_the_graphs_and_back(report: OpenReport, contents: Contents) -> None:
    graphs = contents.graphs[0]
    chosen = [3, 5, 8, 13, 100]
    report.page.evaluate("(links) => window.geomsim.selectLinks(links)", chosen)
    found = report.state("graphs")["selected"]
    assert found["rows"] == len(chosen)
    holding = {
        side: sum(bool(set(rows.tolist()) & set(chosen)) for rows in graph.members)
        for side, graph in sides(graphs).items()
    }
    assert found["nodes"] == holding
    # And the other way: the rows of nodes are pairs, whose ends the maps show.
    report.page.evaluate("() => window.geomsim.graphs.outline('right', [2, 4])")
    selection = report.state()["selection"]
    rows = np.union1d(sides(graphs)["right"].members[2], sides(graphs)["right"].members[4])
    links = links_of(contents)
    assert selection["origin"] == "graph"
    assert selection["links"] == len(rows)
    assert selection["left"] == len(set(links.left[rows].tolist()))
    assert selection["right"] == len(set(links.right[rows].tolist()))


def test_a_point_of_the_maps_shows_which_nodes_hold_it(report: OpenReport, contents: Contents) -> None:
    report.show("#maps .maps-stage")
    row = lonely_row(contents, "left", range(100))
    report.point("maps", "left", row)
    held = np.flatnonzero(links_of(contents).left == row)
    expected = {
        side: [node for node, rows in enumerate(graph.members) if np.isin(held, rows).any()]
        for side, graph in sides(contents.graphs[0]).items()
    }
    assert report.state("graphs")["lit"] == expected


def test_a_box_around_nodes_selects_their_rows(report: OpenReport, contents: Contents) -> None:
    graphs = contents.graphs[0]
    spots = np.asarray([report.screen("graphs", "left", node) for node in range(len(graphs.left.members))])
    middle = float(np.median(spots[:, 0]))
    nodes = np.flatnonzero(spots[:, 0] < middle)
    assert np.abs(spots[:, 0] - middle).min() > 0.5
    report.page.locator("#graphs").get_by_role("button", name="Box").click()
    low = spots[nodes].min(axis=0) - 4
    report.page.mouse.move(float(low[0]), float(low[1]))
    report.page.mouse.down()
    report.page.mouse.move(middle, float(spots[nodes, 1].max()) + 4, steps=5)
    report.page.mouse.up()
    rows = np.unique(np.concatenate([graphs.left.members[node] for node in nodes]))
    assert report.state()["selection"]["links"] == len(rows)


def test_keys_walk_the_graph_and_go_to_the_partner(report: OpenReport, contents: Contents) -> None:
    graphs = contents.graphs[0]
    report.page.locator(FIELD).first.focus()
    report.page.keyboard.press("ArrowRight")
    hover = report.state()["hover"]
    assert (hover["type"], hover["side"]) == ("node", "left")
    report.page.keyboard.press("Enter")
    assert report.state()["pinned"] == hover
    report.page.keyboard.press("p")
    there = report.state()["hover"]
    assert there == {"type": "node", "graph": 0, "side": "right", "node": partners(graphs, "left", hover["node"])[0]}
    report.page.keyboard.press("+")
    assert report.state("graphs")["zoom"]["k"] > 1
    report.page.keyboard.press("Escape")
    assert report.state()["pinned"] is None


def test_every_colour_of_the_graphs_has_a_legend(report: OpenReport) -> None:
    for colour in report.state("graphs")["colours"]:
        report.set(graphColour=colour)
        view = report.state("graphs")
        assert view["colour"] == colour
        assert view["legend"]
        assert report.page.locator("#graphs .graphs-legend, #graphs .legend").first.is_visible()


def test_a_graph_alone_is_shown_alone(report: OpenReport, contents: Contents) -> None:
    report.set(graph=2)
    view = report.state("graphs")
    assert view["nodes"] == {"left": len(contents.graphs[2].left.members), "right": None}
    assert report.page.locator(f"{FIELD}:visible").count() == 1
    node = lone_node(report, contents.graphs[2].left, "left")
    report.point("graphs", "left", node)
    assert report.state("graphs")["focus"]["partners"] == []
    assert report.complaints() == []
