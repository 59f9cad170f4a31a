"""Groups of one space in the page: a grid of groups, empty ones, and words that fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report_browser import PHONE, OpenReport, ReportOpener, axe_violations
from report_contents import small_report

from geomsim import Space
from geomsim.group_table import compare_all_groups
from geomsim.groups import Group
from geomsim.report.assembling import contents_of_study
from geomsim.report.page.contents import Contents

SPACE = Space(np.random.default_rng(0).normal(size=(80, 4)), name="decoder")
NOTHING = Group("hours", np.array([], dtype=np.int64))
GROUPS = {"months": range(12), "days": range(20, 32), "hours": NOTHING, "numbers": range(40, 52)}
NAMES = list(GROUPS)


@pytest.fixture(scope="module")
def of_groups() -> Contents:
    study = compare_all_groups(
        SPACE, GROUPS, ["singular-values", "rsa"], correspondence="by order", draws=19, null=["random-group"]
    )
    return contents_of_study(study, graphs=0)


@pytest.fixture
def report(open_report: ReportOpener, of_groups: Contents) -> OpenReport:
    return open_report(of_groups)


def test_the_heatmap_is_a_grid_of_groups(report: OpenReport, of_groups: Contents) -> None:
    view = report.state("heatmap")
    assert (view["lefts"], view["rights"]) == (NAMES[:-1], NAMES[1:])
    assert report.page.locator("#heatmap .controls select").count() == 3  # marks, number, cells: none for groups
    records = of_groups.scores.records
    for panel in view["panels"]:
        assert len(panel["cells"]) == 6
        for cell in panel["cells"]:
            record = records[cell["row"]]
            place = view["lefts"][cell["i"]], view["rights"][cell["j"]]
            assert place == (record["left_group"], record["right_group"])
            assert cell["without"] == ("empty" if "hours" in place else None)
    assert view["key"]["empty"] == 6
    assert view["key"]["blank"] == 0  # each couple is asked about once
    assert view["legend"][0].startswith("Rows: left groups. Columns: right groups.")
    report.page.locator("#heatmap .heat-table").first.locator("thead th").first.get_by_text("right group").wait_for(
        state="attached"
    )
    assert report.complaints() == []


def test_couples_that_nobody_compared_are_blank(open_report: ReportOpener) -> None:
    couples = [("months", "days"), ("days", "numbers")]
    study = compare_all_groups(SPACE, GROUPS, ["singular-values"], couples=couples, draws=9)
    report = open_report(contents_of_study(study, graphs=0))
    assert report.state("heatmap")["key"]["blank"] == 1  # months and numbers; days and days is no question


def test_words_are_of_groups(report: OpenReport, of_groups: Contents) -> None:
    assert report.page.locator("#heatmap h2").inner_text() == "Group by group"
    assert report.page.locator("nav a").first.inner_text() == "Group by group"
    text = report.page.locator("body").inner_text()
    for wrong in (
        "Layer by layer",
        "Two models side by side",
        "left layer",
        "not there any more",
        "No comparison failed",
    ):
        assert wrong not in text
    for metric, words in (("singular-values", "12 rows in the smaller group"), ("rsa", "12 pairs of rows")):
        row = next(n for n, record in enumerate(of_groups.scores.records) if record["metric"] == metric)
        report.set(row=row)
        assert words in report.state("heatmap")["sentence"]
        assert f"{metric}, months and days:" in report.state("heatmap")["sentence"]


def test_an_empty_group_says_so_when_it_is_chosen(report: OpenReport, of_groups: Contents) -> None:
    row = next(n for n, record in enumerate(of_groups.scores.records) if record["right_group"] == "hours")
    report.set(row=row)
    assert "no score. empty: no row is in 'hours'" in report.state("heatmap")["sentence"]
    assert report.complaints() == []


def test_views_with_nothing_to_show_stand_last(report: OpenReport) -> None:
    titles = report.page.locator("nav a").all_inner_texts()
    assert titles.index("Beside the references") > titles.index("Where it comes from")
    order = report.page.locator("main > .view").evaluate_all("all => all.map((view) => view.id)")
    assert order.index("references") > order.index("provenance")


def test_the_saved_picture_speaks_of_groups(report: OpenReport) -> None:
    picture = report.page.evaluate("window.geomsim.svg('heatmap')")
    for text in ("Rows: left groups. Columns: right groups.", "months", "numbers", "nothing to compare (6)"):
        assert text in picture
    assert "layers" not in picture


def test_on_a_phone_nothing_runs_over_and_axe_is_content(open_report: ReportOpener, of_groups: Contents) -> None:
    report = open_report(of_groups, size=PHONE)
    assert report.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert axe_violations(report.page) == []


def test_one_couple_in_several_layers_is_a_grid_of_layers(open_report: ReportOpener) -> None:
    contents = small_report()
    groups: dict[str, Any] = {"left_group": "months", "right_group": "days"}
    records = [{**groups, **record} for record in contents.scores.records]
    labels = [*groups, *contents.scores.labels]
    report = open_report(replace(contents, scores=replace(contents.scores, records=records, labels=labels)))
    assert report.state("heatmap")["legend"][0] == "Rows: left layers. Columns: right layers."
