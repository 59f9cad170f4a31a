"""Heatmaps, nulls and diagrams: the cell that is chosen is what every view is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report_browser import OpenReport, ReportOpener
from report_contents import BAD, DRAWS, METRICS, small_report

from geomsim.report.page.contents import Contents

FIRST = {}  # the page as it opens


def find(contents: Contents, **wanted: Any) -> int:
    """The number of the one record of whole spaces with these values."""
    wanted = {"kind": "features", "subspace": "all", "bucket": "all", **wanted}
    (found,) = [
        number
        for number, record in enumerate(contents.scores.records)
        if all(record[name] == value for name, value in wanted.items())
    ]
    return found


def click_cell(report: OpenReport, row: int) -> None:
    report.page.locator(f"#heatmap .heat-cell[data-row='{row}']").click()
    report.settle()


def test_a_heatmap_for_each_metric_shows_its_scores(report: OpenReport, contents: Contents) -> None:
    report.set(row=find(contents, metric="svcca", left_layer=0, right_layer=0), pair=0)
    view = report.state("heatmap")
    assert [panel["metric"] for panel in view["panels"]] == [name for name, _ in METRICS]
    for panel in view["panels"]:
        assert len(panel["cells"]) == 4
        for cell in panel["cells"]:
            record = contents.scores.records[cell["row"]]
            assert record["metric"] == panel["metric"]
            assert record["kind"] == "features"
            assert cell["score"] == pytest.approx(record["score"])
            stars = sum(record["p_value"] <= level for level in (0.05, 0.01, 0.001))
            assert cell["mark"] == "*" * stars
    report.page.locator("#heatmap select").first.select_option(label="matched")
    kinds = {contents.scores.records[cell["row"]]["kind"] for panel in report.state("heatmap")["panels"]
             for cell in panel["cells"]}  # fmt: skip
    assert kinds == {"matched"}


def test_a_null_with_settings_has_the_words_of_its_kind(open_report: ReportOpener) -> None:
    contents = small_report()
    records = [{**record, "null": "random-group (left kept)"} for record in contents.scores.records]
    report = open_report(replace(contents, scores=replace(contents.scores, records=records)))
    assert "chance: the mean score of random groups of the same sizes" in report.page.locator("#heatmap").inner_text()
    assert "beside random groups of the same sizes (left kept)" in report.page.locator("#nulls").inner_text()


def test_a_cell_changes_the_pair_everywhere(report: OpenReport, contents: Contents) -> None:
    for layer, pair in ((1, 1), (0, 0)):
        row = find(contents, metric="rsa", left_layer=layer, right_layer=layer)
        click_cell(report, row)
        state = report.state()
        assert (state["row"], state["pair"], state["metric"]) == (row, pair, "rsa")
        assert state["pairName"] == contents.pairs[pair].name
        views = state["views"]
        assert views["maps"]["pair"] == contents.pairs[pair].name
        assert views["heatmap"]["chosen"] == row
        assert views["nulls"]["chosen"] == row
        assert views["nulls"]["panels"][0]["row"] == row
        assert f"{contents.scores.records[row]['score']:.2f}"[:4] in views["heatmap"]["sentence"]
    assert report.complaints() == []


def test_a_pair_chosen_in_the_maps_changes_the_heatmap(report: OpenReport, contents: Contents) -> None:
    click_cell(report, find(contents, metric="svcca", left_layer=0, right_layer=0))
    report.page.locator("#maps select").first.select_option("1")
    report.settle()
    assert report.state()["row"] == find(contents, metric="svcca", left_layer=1, right_layer=1)


def test_a_cell_without_a_pair_of_maps_says_so(report: OpenReport, contents: Contents) -> None:
    row = find(contents, metric="svcca", left_layer=0, right_layer=1)
    click_cell(report, row)
    state = report.state()
    assert (state["row"], state["pair"]) == (row, None)
    assert report.page.locator("#maps .missing").is_visible()
    click_cell(report, find(contents, metric="svcca", left_layer=0, right_layer=0))
    assert report.state("maps")["drawn"] is True
    assert report.complaints() == []


def test_arrow_keys_go_from_cell_to_cell(report: OpenReport, contents: Contents) -> None:
    first = find(contents, metric="svcca", left_layer=0, right_layer=0)
    click_cell(report, first)
    focused = "() => Number(document.activeElement.dataset.row)"
    for key, place in (("ArrowRight", (0, 1)), ("ArrowDown", (1, 1)), ("ArrowLeft", (1, 0)), ("ArrowUp", (0, 0))):
        report.page.keyboard.press(key)
        expected = find(contents, metric="svcca", left_layer=place[0], right_layer=place[1])
        assert report.page.evaluate(focused) == expected, key
    report.page.keyboard.press("ArrowRight")
    report.page.keyboard.press("Enter")
    assert report.state()["row"] == find(contents, metric="svcca", left_layer=0, right_layer=1)
    inside = report.page.locator("#heatmap .heat-panel").first.locator(".heat-cell[tabindex='0']")
    assert inside.count() == 1, "Tab stops once in each heatmap"


def test_draws_are_counted_and_cut_at_the_score(report: OpenReport, contents: Contents) -> None:
    for metric, direction in METRICS:
        row = find(contents, metric=metric, left_layer=1, right_layer=1)
        click_cell(report, row)
        panel = report.state("nulls")["panels"][0]
        draws, score = contents.scores.draws[row], contents.scores.records[row]["score"]
        beyond = draws >= score if direction == "closer" else draws <= score
        assert (panel["row"], panel["draws"], panel["tail"]) == (row, DRAWS, int(beyond.sum())), metric
        assert panel["score"] == pytest.approx(score)
        assert panel["mean"] == pytest.approx(draws.mean())
        assert {each["title"] for each in report.state("nulls")["panels"]} == {name for name, _ in METRICS}


def test_cells_without_a_score_say_why(open_report: ReportOpener) -> None:
    report = open_report(BAD["all failed"]())
    view = report.state("heatmap")
    assert all(cell["without"] == "no-score" for panel in view["panels"] for cell in panel["cells"])
    report.page.locator("#heatmap .heat-cell").first.click()
    assert "every row is the same" in report.state("heatmap")["sentence"]


def test_nothing_is_marked_where_nothing_is_significant(open_report: ReportOpener) -> None:
    view = open_report(BAD["nothing significant"]()).state("heatmap")
    assert {cell["mark"] for panel in view["panels"] for cell in panel["cells"]} == {""}


def test_diagrams_count_what_is_certain(report: OpenReport, contents: Contents) -> None:
    found = report.state("diagrams")
    for panel, diagram in zip(found, contents.diagrams, strict=True):
        assert panel["bars"] == panel["drawn"] == len(diagram.bars)
        assert panel["endless"] == int(np.isinf(diagram.bars[:, 1]).sum())
        assert panel["certified"] == (0 if diagram.certified is None else int(diagram.certified.sum()))
        assert panel["certificate"] == (None if diagram.covering_radius is None else 4 * diagram.covering_radius)
    assert 0 < found[0]["certified"] < found[0]["bars"]


def test_pointing_at_a_bar_reads_it(report: OpenReport, contents: Contents) -> None:
    report.show("#diagrams .diagrams-field")
    bars = contents.diagrams[0].bars
    longest = int(np.argmax(bars[:, 1] - bars[:, 0]))
    report.point("diagrams", 0, 0)
    pointed = report.state("diagrams")[0]["pointed"]
    assert pointed["rank"] == 1
    assert [pointed["birth"], pointed["death"]] == pytest.approx(bars[longest].tolist())
    report.page.locator("#diagrams .diagrams-field").first.focus()
    report.page.keyboard.press("End")
    assert report.state("diagrams")[0]["pointed"]["rank"] == len(bars)
