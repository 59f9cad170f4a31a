"""Scores beside their references: what is drawn, what the table says, and how it follows the chosen cell."""

from __future__ import annotations

from dataclasses import replace

from report_browser import OpenReport
from report_contents import METRICS, small_report

from geomsim.report.page.contents import Contents, Scores

NONE = "\N{EN DASH}"
SHOWN = "#references .references-figure"


def cells(report: OpenReport) -> list[list[str]]:
    rows = report.page.locator("#references tbody tr").all()
    return [[cell.inner_text().strip() for cell in row.locator("th, td").all()] for row in rows]


def test_the_table_holds_the_numbers_of_the_chosen_comparison(report: OpenReport, contents: Contents) -> None:
    view = report.state("references")
    assert view["rows"] == 3
    assert view["places"] == 2
    assert view["first"] == [dict(row) for row in contents.references[:3]]
    first, _, second = cells(report)
    assert first == [METRICS[0][0], "0.50", "0.40", "0.01", "0.41 ± 0.020 (3)", "0.80", "0.60", "0.020", "50%"]
    assert second[0].startswith(METRICS[1][0])
    assert second[0].endswith("raw scores")
    assert second[1:] == ["0.20", NONE, "0.01", NONE, NONE, NONE, "0.30", NONE]


def test_only_corrected_scores_share_an_axis(report: OpenReport) -> None:
    assert report.state("references")["drawn"] == [METRICS[0][0], METRICS[2][0]]
    figure = report.page.locator("#references .references-figure svg")
    assert figure.locator("circle").count() == 2
    # One mark for each reference, told apart by its form.
    assert figure.locator("rect").count() == 2
    assert figure.locator("path").count() == 4
    at = {
        kind: float(figure.locator(kind).first.get_attribute(name)) for kind, name in (("circle", "cx"), ("rect", "x"))
    }
    assert at["rect"] + 5 > at["circle"], "the second seed (.6) is more alike than the comparison (.4)"


def test_another_comparison_is_chosen_by_name_and_by_its_cell(report: OpenReport) -> None:
    box = report.page.locator("#references select")
    assert box.locator("option").all_inner_texts() == ["layers 0 and 0", "layers 1 and 1"]
    box.select_option("1")
    assert report.state("references")["chosen"] == "layers 1 and 1"
    assert cells(report)[0][2] == "0.50"


def test_a_metric_that_several_nulls_judged_stands_once_with_each_p(open_report) -> None:  # type: ignore[no-untyped-def]
    contents = small_report()
    first = {**contents.references[0], "null": "shuffle", "p_value": 1 / 30}
    exact = {**first, "null": "exact", "p_value": 0.00012}
    label = {"left_model", "right_model", "left_layer", "right_layer", "rows", "method"}
    judged = [
        {**contents.scores.records[0], **{name: row[name] for name in label}, "metric": row["metric"],
         "subspace": "all", "bucket": "all", "parameters": "{}", "null": row["null"], "p_value": row["p_value"],
         "draws": draws}
        for row, draws in ((first, 29), (exact, None))
    ]  # fmt: skip
    scores = Scores(judged, contents.scores.labels, [0, 0], {}, 0)
    report = open_report(replace(contents, scores=scores, references=[first, exact, contents.references[1]]))
    assert [row[0].split(" ")[0] for row in cells(report)] == [METRICS[0][0], METRICS[2][0]]
    assert cells(report)[0][3] == "\N{LESS-THAN OR EQUAL TO} 0.033 (shuffle), 0.00012 (exact)"
    assert report.state("references")["drawn"] == [METRICS[0][0], METRICS[2][0]]


def test_without_references_it_says_how_to_measure_them(open_report) -> None:  # type: ignore[no-untyped-def]
    report = open_report(replace(small_report(), references=()))
    assert report.state("references") == {"rows": 0}
    assert "second-seed" in report.page.locator("#references .missing").inner_text()
    assert report.page.locator("#references select").count() == 0
