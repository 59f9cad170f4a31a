"""Search by token, by name or number, and by a word of the text; both maps go to what was found."""

from __future__ import annotations

from report_browser import OpenReport
from report_contents import WORDS
from report_places import selected_by

from geomsim.report.page.contents import Contents

SHOWN = "#maps input[type=search]"


def hits(report: OpenReport, query: str, kind: str) -> dict[str, list[int]]:
    """Types a query and waits until the search is done."""
    report.page.locator("#maps .search select").select_option(kind)
    report.page.locator("#maps input[type=search]").fill(query)
    for _ in range(100):
        state = report.state()
        if state["query"] == query and not state["views"]["search"]["busy"]:
            return dict(state["hits"])
        report.page.wait_for_timeout(30)
    raise AssertionError(f"the search for {query!r} did not end")


def rows_with_token(contents: Contents, side: int, word: str) -> list[int]:
    tokens = contents.spaces[side].tokens
    assert tokens is not None
    return [row for row, own in enumerate(tokens) if word in own]


def rows_with_text(contents: Contents, side: int, word: str) -> list[int]:
    contexts = contents.spaces[side].contexts
    assert contexts is not None
    return [row for row, found in contexts.items() if any(word in "".join(each.pieces) for each in found)]


def test_tokens_names_numbers_and_texts_are_found(report: OpenReport, contents: Contents) -> None:
    for word in (WORDS[0], WORDS[5]):
        expected = {side: rows_with_token(contents, place, word) for place, side in enumerate(("left", "right"))}
        assert expected["left"]
        assert hits(report, word, "token") == expected
        assert hits(report, word.upper(), "token") == expected
    part = {side: rows_with_token(contents, place, "ember") for place, side in enumerate(("left", "right"))}
    assert hits(report, "mbe", "token") == part
    assert hits(report, "unit 017", "id") == {"left": [], "right": [17]}
    assert hits(report, "latent 17", "id")["left"][:1] == [17]
    assert hits(report, "17", "id") == {"left": [17], "right": [17]}
    word = "keyword33"
    expected = {side: rows_with_text(contents, place, word) for place, side in enumerate(("left", "right"))}
    assert expected["left"]
    assert hits(report, word, "context") == expected
    assert hits(report, word, "all") == expected
    assert hits(report, "no such word", "all") == {"left": [], "right": []}
    assert report.state("search")["said"] == "No row answers."


def test_both_sides_go_to_the_hits(report: OpenReport) -> None:
    found = hits(report, "keyword33", "context")
    maps = report.state("maps")
    assert maps["zoom"]["k"] > 1
    for side, canvas in zip(("left", "right"), report.page.locator("#maps .maps-canvas").all(), strict=True):
        box = canvas.bounding_box()
        assert box is not None
        for row in found[side]:
            x, y = report.screen("maps", side, row)
            assert box["x"] <= x <= box["x"] + box["width"], (side, row)
            assert box["y"] <= y <= box["y"] + box["height"], (side, row)
    assert maps["hitsSeen"] == len(found["left"]) + len(found["right"])


def test_hits_are_stepped_through_and_selected(report: OpenReport, contents: Contents) -> None:
    found = hits(report, WORDS[2], "token")
    report.page.keyboard.press("Enter")
    first = report.state()["pinned"]
    assert first["row"] in found[first["side"]]
    report.page.get_by_role("button", name="Next hit").click()
    second = report.state()["pinned"]
    assert second != first
    report.page.get_by_role("button", name="Previous hit").click()
    assert report.state()["pinned"] == first
    report.page.get_by_role("button", name="Select hits").click()
    sides = {side: selected_by(contents, side, found[side]) for side in ("left", "right")}
    expected = {key: len(sides["left"][key] | sides["right"][key]) for key in ("left", "right", "links")}
    selection = report.state()["selection"]
    assert {key: selection[key] for key in expected} == expected
    assert selection["origin"] == "search"
    report.page.locator("#maps input[type=search]").fill("")
    report.page.wait_for_timeout(300)
    assert report.state()["hits"] is None
