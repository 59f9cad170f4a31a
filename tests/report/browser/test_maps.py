"""The linked maps under a real pointer and real keys, against what follows from the contents."""

from __future__ import annotations

import numpy as np
import pytest
from report_browser import DESK, PHONE, OpenReport, ReportOpener
from report_contents import THEMES
from report_places import (
    OTHER,
    Screen,
    between,
    inside,
    links_of,
    lonely_row,
    partners_of,
    places_of,
    selected_by,
)

from geomsim.report.page.contents import Contents

SHOWN = STAGE = "#maps .maps-stage"
CANVAS = "#maps .maps-canvas"


def rows_with_partners(contents: Contents, side: str, count: int) -> list[int]:
    n = contents.spaces[0 if side == "left" else 1].n_rows
    return [row for row in range(n) if len(partners_of(contents, side, row)) == count]


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_partners_of_the_point_under_the_pointer_light_up(
    report: OpenReport, contents: Contents, side: str
) -> None:
    for count in (0, 1, 2):
        row = lonely_row(contents, side, rows_with_partners(contents, side, count))
        report.point("maps", side, row)
        state = report.state()
        assert state["hover"] == {"type": "row", "side": side, "row": row}
        (lit,) = state["views"]["maps"]["lit"]
        assert lit[side] == [row]
        assert set(lit[OTHER[side]]) == partners_of(contents, side, row)
        assert len(lit["links"]) == count
        assert set(state["views"]["details"]["showing"]["links"]) == set(lit["links"])
    report.page.mouse.move(3, 3)
    assert report.state()["hover"] is None
    assert report.state("maps")["lit"] == []


def test_the_details_give_partner_weight_tokens_and_text(report: OpenReport, contents: Contents) -> None:
    row = lonely_row(contents, "left", [row for row in rows_with_partners(contents, "left", 1) if row % 3 == 0])
    (partner,) = partners_of(contents, "left", row)
    report.point("maps", "left", row)
    report.page.wait_for_selector(".details .context")
    text = report.state("details")["text"]
    links = links_of(contents)
    assert links.weight is not None
    assert f"latent {row}" in text
    assert f"unit {partner:03d}" in text
    assert f"{links.weight[links.left == row][0]:.2f}" in text
    assert f"keyword{row}" in text
    tokens = contents.spaces[0].tokens
    assert tokens is not None
    assert all(token in text for token in tokens[row])


def test_a_button_stays_under_the_finger_when_the_pointer_leaves_the_maps(
    report: OpenReport, contents: Contents
) -> None:
    row = lonely_row(contents, "left", rows_with_partners(contents, "left", 2))
    report.page.mouse.click(*report.screen("maps", "left", row))
    report.settle()
    buttons = report.page.locator("#maps .details-panel button").element_handles()
    assert len(buttons) >= 3  # unpin, and two partners
    for x, y in ((3, 3), report.screen("maps", "left", row), (3, 3)):
        report.page.mouse.move(x, y)
        report.settle()
        assert all(report.page.evaluate("(button) => button.isConnected", button) for button in buttons)


def test_a_click_pins_and_a_second_lets_go(report: OpenReport, contents: Contents) -> None:
    row = lonely_row(contents, "right", range(100))
    x, y = report.screen("maps", "right", row)
    report.page.mouse.click(x, y)
    assert report.state()["pinned"] == {"type": "row", "side": "right", "row": row}
    report.page.mouse.move(3, 3)
    (lit,) = report.state("maps")["lit"]
    assert lit["right"] == [row]
    report.page.mouse.click(x, y)
    assert report.state()["pinned"] is None


def test_keys_move_pin_and_let_go(report: OpenReport, contents: Contents) -> None:
    keys = report.page.keyboard
    places = places_of(contents, "left")
    report.page.locator(CANVAS).first.focus()
    keys.press("ArrowRight")
    before = report.state()["hover"]
    assert before["type"] == "row"
    assert before["side"] == "left"
    for key, way in (("ArrowRight", (1, 0)), ("ArrowUp", (0, 1)), ("ArrowLeft", (-1, 0)), ("ArrowDown", (0, -1))):
        keys.press(key)
        now = report.state()["hover"]
        step = places[now["row"]] - places[before["row"]]
        ahead = step @ np.asarray(way)
        assert ahead > 0, key
        assert ahead >= np.linalg.norm(step) / np.sqrt(2) - 1e-3, "at most 45 degrees off"
        before = now
    assert report.page.locator("#said").inner_text().startswith(f"latent {before['row']}: ")
    keys.press("Enter")
    assert report.state()["pinned"] == before
    keys.press("Escape")
    state = report.state()
    assert state["pinned"] is None
    assert state["hover"] is None


def test_keys_and_buttons_zoom_both_sides_alike(report: OpenReport, contents: Contents) -> None:
    report.page.locator(CANVAS).last.focus()
    whole = report.state("maps")["zoom"]
    report.page.keyboard.press("+")
    nearer = report.state("maps")["zoom"]
    assert nearer["k"] > whole["k"] == 1
    left, right = (Screen(report, contents, side) for side in ("left", "right"))
    assert left.k == pytest.approx(right.k, rel=1e-3)
    report.page.keyboard.press("-")
    assert report.state("maps")["zoom"]["k"] == pytest.approx(1)
    report.page.get_by_role("button", name="Enlarge").click()
    assert report.state("maps")["zoom"]["k"] > 1
    report.page.locator(CANVAS).first.focus()
    report.page.keyboard.press("0")
    assert report.state("maps")["zoom"] == whole


def test_either_side_drags_both(report: OpenReport) -> None:
    report.page.evaluate("() => window.geomsim.maps.zoomBy(3)")
    for canvas in reversed(report.page.locator(CANVAS).all()):
        before = report.state("maps")["zoom"]
        box = canvas.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        report.page.mouse.move(x, y)
        report.page.mouse.down()
        report.page.mouse.move(x + 30, y + 20, steps=3)
        report.page.mouse.up()
        after = report.state("maps")["zoom"]
        assert after["k"] == pytest.approx(before["k"])
        assert [after["x"] - before["x"], after["y"] - before["y"]] == pytest.approx([30, 20])


def test_both_sides_have_one_scale_and_the_right_one_is_aligned(report: OpenReport, contents: Contents) -> None:
    left, right = (Screen(report, contents, side) for side in ("left", "right"))
    assert left.k == pytest.approx(right.k, rel=1e-3)
    for side, screen in (("left", left), ("right", right)):
        for row in (0, 17, 60, 117):
            found = report.screen("maps", side, row)
            assert found == pytest.approx(screen(*screen.places[row]), abs=0.2), (side, row)


def drag(report: OpenReport, path: list[tuple[float, float]]) -> None:
    report.page.mouse.move(*path[0])
    report.page.mouse.down()
    for spot in path[1:]:
        report.page.mouse.move(*spot, steps=4)
    report.page.mouse.up()
    report.settle()


def chosen_rows(report: OpenReport) -> dict[str, set[int]]:
    """What the page's own record of the selection holds."""
    chosen = report.page.evaluate("() => window.geomsim.selection()")["selection"]
    return {side: {row["row"] for row in chosen[side]} for side in ("left", "right")}


def assert_selected(report: OpenReport, contents: Contents, side: str, rows: set[int]) -> None:
    expected = selected_by(contents, side, sorted(rows))
    selection = report.state()["selection"]
    assert {key: selection[key] for key in expected} == {key: len(value) for key, value in expected.items()}
    assert chosen_rows(report) == {key: expected[key] for key in ("left", "right")}


def test_a_box_selects_the_rows_in_it_and_their_partners(report: OpenReport, contents: Contents) -> None:
    screen = Screen(report, contents, "left")
    x, y = screen.places.T
    low, high = (between(x, 0.3), between(y, 0.3)), (between(x, 0.7), between(y, 0.7))
    rows = set(np.flatnonzero((x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])).tolist())
    assert len(rows) > 5
    report.page.get_by_role("group", name="Pointer").get_by_role("button", name="Box").click()
    drag(report, [screen(low[0], high[1]), screen(*high), screen(high[0], low[1])])
    assert_selected(report, contents, "left", rows)
    report.page.keyboard.press("Escape")
    assert report.state()["selection"] is None


def test_a_lasso_selects_the_rows_in_it_and_shift_adds(report: OpenReport, contents: Contents) -> None:
    screen = Screen(report, contents, "right")
    x, y = screen.places.T
    middle = between(x, 0.5), between(y, 0.5)
    wide, high = np.ptp(x) / 5, np.ptp(y) / 4
    ways = ((-1.0, -0.6), (0.9, -1.0), (0.2, 0.1), (1.1, 0.9), (-0.7, 1.2))
    polygon = [(middle[0] + wide * one, middle[1] + high * other) for one, other in ways]
    rows = inside(polygon, screen.places)
    assert len(rows) > 5
    edges = np.asarray([*polygon, polygon[0]])
    for row in range(len(x)):  # no point so near an edge that a pixel decides
        assert _distance(screen.places[row], edges) * screen.k > 0.4, "choose another polygon"
    report.page.get_by_role("group", name="Pointer").get_by_role("button", name="Lasso").click()
    drag(report, [screen(*corner) for corner in [*polygon, polygon[0]]])
    assert_selected(report, contents, "right", rows)

    box = (between(x, 0.0), between(y, 0.0)), (between(x, 0.25), between(y, 0.25))
    more = set(np.flatnonzero((x > box[0][0]) & (x < box[1][0]) & (y > box[0][1]) & (y < box[1][1])).tolist())
    before = selected_by(contents, "right", sorted(rows))
    corners = [box[0], (box[0][0], box[1][1]), box[1], (box[1][0], box[0][1]), box[0]]
    report.page.keyboard.down("Shift")
    drag(report, [screen(*corner) for corner in corners])
    report.page.keyboard.up("Shift")
    after = chosen_rows(report)
    assert after["right"] >= before["right"] | more
    # Both sides were selected before: what is added to is rows of both.
    links = links_of(contents)
    held = np.isin(links.right, sorted(before["right"] | more)) | np.isin(links.left, sorted(before["left"]))
    assert after["left"] == set(links.left[held].tolist()) | before["left"]


def _distance(point: np.ndarray, edges: np.ndarray) -> float:
    starts, ways = edges[:-1], np.diff(edges, axis=0)
    share = np.clip(((point - starts) * ways).sum(axis=1) / (ways**2).sum(axis=1), 0, 1)
    return float(np.linalg.norm(starts + share[:, None] * ways - point, axis=1).min())


def test_every_colour_has_a_legend_that_counts_right(report: OpenReport, contents: Contents) -> None:
    choices = report.state("maps")["choices"]
    assert {"correlation", "cluster", "gap", "density", "theme", "partners per row"} <= set(choices)
    for choice in choices:
        report.page.locator("#maps .maps-controls select").first.select_option(choice)
        maps = report.state("maps")
        assert report.state()["colour"] == maps["colour"] == choice
        assert maps["legend"]["numbers"] or maps["legend"]["entries"], choice
        assert report.page.locator(".maps-legend").is_visible()
        assert choice in report.page.locator(".maps-legend").inner_text()
    report.set(colour="theme")
    entries = {entry["text"]: entry["count"] for entry in report.state("maps")["legend"]["entries"]}
    values = np.concatenate([space.columns[1].values for space in contents.spaces[:2]])
    assert {theme: entries[theme] for theme in THEMES} == {
        theme: int((values == number).sum()) for number, theme in enumerate(THEMES)
    }
    assert sum(entries.values()) == len(values)
    report.set(colour="density")
    numbers = np.concatenate([space.columns[0].values for space in contents.spaces[:2]])
    assert report.state("maps")["legend"]["numbers"] == pytest.approx([np.nanmin(numbers), np.nanmax(numbers)])
    alone = report.state("maps")["unpaired"]
    links = links_of(contents)
    assert alone == {"left": 120 - len(set(links.left)), "right": 118 - len(set(links.right))}


def test_links_are_drawn_as_they_are_asked_for(report: OpenReport, contents: Contents) -> None:
    links = links_of(contents)
    splits = np.isin(links.left, np.flatnonzero(np.bincount(links.left) > 1))
    merges = np.isin(links.right, np.flatnonzero(np.bincount(links.right) > 1))
    expected = {"none": 0, "pairs": len(links.left), "splits": int(splits.sum()), "merges": int(merges.sum())}
    assert 0 < expected["splits"] < expected["pairs"]
    assert 0 < expected["merges"] < expected["pairs"]
    group = report.page.get_by_role("group", name="Links")
    for mode, count in expected.items():
        group.get_by_role("button", name=mode).click()
        drawn = report.state("maps")["links"]
        assert (drawn["mode"], drawn["asked"], drawn["drawn"]) == (mode, count, count)
    report.page.evaluate("() => window.geomsim.selectRows('left', [0, 1, 5])")
    group.get_by_role("button", name="selected").click()
    assert report.state("maps")["links"]["drawn"] == len(selected_by(contents, "left", [0, 1, 5])["links"])
    group.get_by_role("button", name="pairs").click()
    report.page.evaluate("() => window.geomsim.maps.fit('left', [0, 1])")
    drawn = report.state("maps")["links"]
    assert drawn["drawn"] < drawn["asked"] == expected["pairs"]
    assert "outside the view" in drawn["said"], "links that are not drawn are said"


def test_another_pair_is_another_map(report: OpenReport, contents: Contents) -> None:
    report.page.evaluate("() => window.geomsim.selectRows('left', [1])")
    report.set(pair=1)
    state = report.state()
    assert state["pairName"] == contents.pairs[1].name
    assert state["selection"] is None, "rows of one pair mean nothing in another"
    assert state["views"]["maps"]["points"] == {"left": 121, "right": 119}


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_pointing_moves_nothing_on_the_page(
    open_report: ReportOpener, contents: Contents, size: tuple[int, int]
) -> None:
    """What one points at would slip away from under the pointer, and its highlight with it."""
    report = open_report(contents, size=size)
    report.set(pair=0, graph=0)
    tops = "() => [...document.querySelectorAll('.view')].map((view) => view.getBoundingClientRect().top + scrollY)"
    before = report.page.evaluate(tops)
    for target in (
        {"type": "row", "side": "left", "row": 0},
        {"type": "link", "link": 3},
        None,
        {"type": "node", "graph": 0, "side": "right", "node": 2},
        {"type": "row", "side": "right", "row": 117},
        None,
    ):
        report.set(hover=target)
        assert report.page.evaluate(tops) == before, target


def test_a_tap_pins(open_report: ReportOpener, contents: Contents) -> None:
    report = open_report(contents, size=PHONE, touch=True)
    report.set(pair=0)
    report.show(CANVAS)
    row = lonely_row(contents, "left", range(100))
    report.page.touchscreen.tap(*report.screen("maps", "left", row))
    state = report.state()
    assert state["pinned"] == {"type": "row", "side": "left", "row": row}
    assert set(state["views"]["maps"]["lit"][0]["right"]) == partners_of(contents, "left", row)
