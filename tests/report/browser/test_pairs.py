"""The table of pairs, its histograms, and the tables of parts, metrics and provenance, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from report_browser import OpenReport
from report_contents import METRICS, THEMES
from report_places import links_of, selected_by

from geomsim.report.page.contents import Contents

SHOWN = "#pairs .pairs-scroll"


def sort_by(report: OpenReport, column: str) -> dict[str, Any]:
    report.page.locator(f"#pairs th[data-column='{column}'] button").click()
    return dict(report.state("pairs"))


def test_pairs_are_sorted_by_every_column(report: OpenReport, contents: Contents) -> None:
    links = links_of(contents)
    assert links.weight is not None
    number = np.arange(len(links.left))
    gap = links.columns[1].values
    partners = np.bincount(links.left)[links.left]
    assert report.state("pairs")["first"] == np.lexsort((number, -links.weight))[:10].tolist()
    for column, values in (
        ("weight", links.weight),
        ("left", links.left),
        ("right", links.right),  # named "unit 007": the same order
        ("partners-left", partners),
        ("column-1", gap),
    ):
        for _ in range(2):
            view = sort_by(report, column)
            sign = -1 if view["sorted"]["descending"] else 1
            assert view["sorted"]["id"] == column
            assert view["first"] == np.lexsort((number, sign * values))[:10].tolist(), view["sorted"]
            direction = report.page.locator(f"#pairs th[data-column='{column}']").get_attribute("aria-sort")
            assert direction == ("descending" if sign < 0 else "ascending")


def test_the_table_is_drawn_where_it_is_looked_at(report: OpenReport, contents: Contents) -> None:
    n = len(links_of(contents).left)
    view = report.state("pairs")
    assert view["rows"] == view["total"] == n
    assert 0 < view["drawn"] < n, "only what is seen is in the document"
    last = sort_by(report, "left")
    assert last["sorted"] == {"id": "left", "descending": False}
    report.page.locator("#pairs table").focus()
    report.page.keyboard.press("End")
    report.settle()
    links = links_of(contents)
    final = int(np.lexsort((np.arange(n), links.left))[-1])
    assert report.state("pairs")["active"] == final
    assert report.page.locator(f"#pairs tr[data-link='{final}']").is_visible()
    assert report.state()["hover"] == {"type": "link", "link": final}
    report.page.keyboard.press("Enter")
    assert report.state()["pinned"] == {"type": "link", "link": final}


def test_a_row_of_the_table_lights_up_in_the_maps_and_back(report: OpenReport, contents: Contents) -> None:
    links = links_of(contents)
    line = report.page.locator("#pairs tr[data-link]").nth(2)
    link = int(line.get_attribute("data-link") or -1)
    line.hover()
    (lit,) = report.state("maps")["lit"]
    assert (lit["left"], lit["right"], lit["links"]) == ([links.left[link]], [links.right[link]], [link])
    report.set(hover={"type": "row", "side": "left", "row": 1})
    assert report.state("pairs")["lit"] == int((links.left == 1).sum())


def test_a_selection_filters_the_table_and_the_histograms(report: OpenReport, contents: Contents) -> None:
    rows = [0, 1, 7, 20, 33, 119]
    expected = selected_by(contents, "left", rows)
    links = links_of(contents)
    assert links.weight is not None
    report.page.evaluate("(rows) => window.geomsim.selectRows('left', rows)", rows)
    views = report.state()["views"]
    held = np.asarray(sorted(expected["links"]))
    assert views["pairs"]["rows"] == len(held)
    assert views["pairs"]["first"] == held[np.lexsort((held, -links.weight[held]))][:10].tolist()
    found = views["histograms"]["weights"]
    edges = np.linspace(found["low"], found["high"], len(found["counts"]) + 1)
    assert [found["low"], found["high"]] == pytest.approx([links.weight.min(), links.weight.max()])
    stored = links.weight.astype(np.float32).astype(float)
    assert found["counts"] == np.histogram(stored, edges)[0].tolist()
    assert views["histograms"]["selected"] == np.histogram(stored[held], edges)[0].tolist()
    for side in views["histograms"]["multiplicity"]:
        ends = links.left if side["side"] == "left" else links.right
        counts = np.bincount(ends, minlength=contents.spaces[0 if side["side"] == "left" else 1].n_rows)
        chosen = np.asarray(sorted(expected[side["side"]]))
        assert side["alone"] == int((counts == 0).sum())
        for bucket, many in zip(side["buckets"], range(1, counts.max() + 1), strict=True):
            assert bucket["rows"] == int((counts == many).sum())
            assert bucket["selected"] == int((counts[chosen] == many).sum())
    report.page.locator("#pairs input[type=checkbox]").uncheck()
    assert report.state("pairs")["rows"] == len(links.left)
    report.page.get_by_role("button", name="Clear selection").first.click()
    assert report.state()["selection"] is None


def test_histograms_select(report: OpenReport, contents: Contents) -> None:
    links = links_of(contents)
    assert links.weight is not None
    first, last = report.page.locator("#pairs .weight-field").all()
    first.fill("0.5")
    last.fill("0.75")
    report.page.get_by_role("button", name="Select these pairs").click()
    chosen = np.flatnonzero((links.weight >= 0.5) & (links.weight <= 0.75))
    selection = report.state()["selection"]
    assert (selection["origin"], selection["links"]) == ("histogram", len(chosen))
    assert selection["left"] == len(set(links.left[chosen].tolist()))
    # A bar of multiplicity: the pairs of all rows with so many partners.
    report.page.locator("#pairs .bar-button").nth(1).click()
    many = np.flatnonzero(np.bincount(links.left)[links.left] == 2)
    assert report.state()["selection"]["links"] == len(many)
    assert report.state("graphs")["selected"]["rows"] == len(many)


def test_parts_are_listed_with_their_scores_and_the_empty_ones_said(report: OpenReport, contents: Contents) -> None:
    records = contents.scores.records
    row = next(number for number, record in enumerate(records) if record["subspace"] == "all")
    report.set(row=row)
    view = report.state("subspaces")
    lines = {(line["part"], line["metric"]): line for line in view["first"]}
    assert set(lines) == {(theme, name) for theme in THEMES for name, _ in METRICS} | {
        ("bucket 1", "svcca"),
        ("bucket 2-10", "svcca"),
    }
    for (part, metric), line in lines.items():
        record = records[line["row"]]
        assert record["metric"] == metric
        assert part in (record["subspace"], f"bucket {record['bucket']}")
        shown = float(line["score"].replace("\u2212", "-"))
        assert shown == pytest.approx(record["score"], abs=5.1e-3)
    assert view["empty"] == ["empty: no row has this theme"]
    report.page.locator("#subspaces th[data-column='score'] button").click()
    scores = [records[line["row"]]["score"] for line in report.state("subspaces")["first"]]
    assert scores == sorted(scores, reverse=True)
    report.page.locator("#subspaces tbody button").first.click()
    assert records[report.state()["row"]]["score"] == max(scores)


def test_cards_open_and_the_chosen_metric_is_marked(report: OpenReport, contents: Contents) -> None:
    report.set(metric="rsa")
    cards = report.state("cards")["cards"]
    assert [card["metric"] for card in cards] == [card.metric for card in contents.cards]
    assert [card["metric"] for card in cards if card["chosen"]] == ["rsa"]
    report.page.locator("#cards summary").first.click()
    report.page.wait_for_selector("#cards .card-part")
    text = report.page.locator("#cards details").first.inner_text()
    card = contents.cards[0]
    for part in (card.summary, *card.broken, *(word for pair in card.measured for word in pair), "Range 0 to 1."):
        assert part in text


def test_provenance_is_shown_and_copied_whole(report: OpenReport, contents: Contents) -> None:
    import json

    assert report.state("provenance")["headings"] == list(contents.provenance)
    assert json.loads(report.page.evaluate("() => window.geomsim.provenance.text()")) == contents.provenance
    text = report.page.locator("#provenance").inner_text()
    assert all(heading in text for heading in contents.provenance)
    assert "svcca" in text
