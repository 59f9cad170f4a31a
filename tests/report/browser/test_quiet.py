"""Every report opens without a request, a word to the console, or an error, whatever is in it or missing from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hostile_report import hostile_report
from report_browser import PHONE, OpenReport, ReportOpener
from report_contents import BAD, large_report, small_report

from geomsim.report.missing import MISSING
from geomsim.report.page.contents import Contents
from geomsim.report.page.sections import SECTIONS

MAKERS: dict[str, Callable[[], Contents]] = {
    "small": small_report,
    **BAD,
    "hostile": hostile_report,
    "large": lambda: large_report(20_000, 2_000),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_report_asks_for_nothing_and_complains_of_nothing(open_report: ReportOpener, name: str) -> None:
    report = open_report(MAKERS[name]())
    assert report.state()["ready"] is True
    for section in SECTIONS:
        report.show(f"#{section.id}")
    assert report.complaints() == []
    assert report.requests[0] == report.path.as_uri()


def shown_missing(report: OpenReport, view: str) -> str:
    return plain("\n".join(report.page.locator(f"#{view} .view-body .missing:visible").all_inner_texts()))


def plain(text: str) -> str:
    """As it is read: commands stand in type of their own, not between marks."""
    return text.replace("`", "")


def test_a_view_with_nothing_to_show_says_how_to_get_it(open_report: ReportOpener) -> None:
    report = open_report(BAD["no records"]())
    views = [section.id for section in SECTIONS]
    assert {view: shown_missing(report, view) for view in views} == {view: plain(MISSING[view]) for view in views}


@pytest.mark.parametrize(
    ("name", "views"),
    [
        ("without pairing", ("pairs",)),
        ("without graphs", ("graphs",)),
        ("all failed", ("nulls",)),
    ],
)
def test_only_the_views_that_lack_something_say_so(open_report: ReportOpener, name: str, views: tuple[str]) -> None:
    report = open_report(BAD[name]())
    lacking = [section.id for section in SECTIONS if plain(MISSING[section.id]) in shown_missing(report, section.id)]
    assert lacking == list(views)


def test_a_pair_without_places_says_how_to_get_them(open_report: ReportOpener) -> None:
    small = small_report()
    spaces = [replace(small.spaces[0], places=None), *small.spaces[1:]]
    report = open_report(replace(small, spaces=spaces, pairs=small.pairs))
    report.set(pair=0)
    assert shown_missing(report, "maps") == plain(MISSING["maps"])
    report.set(pair=1)
    assert shown_missing(report, "maps") == ""
    assert report.state("maps")["drawn"] is True
    assert report.complaints() == []


def test_the_policy_stops_what_is_put_into_the_page(open_report: ReportOpener) -> None:
    report = open_report(small_report())
    policy = report.page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content") or ""
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    report.page.evaluate(
        """() => {
            window.ran = [];
            const script = document.createElement("script");
            script.textContent = "window.ran.push('script')";
            document.body.append(script);
            const button = document.createElement("button");
            button.setAttribute("onclick", "window.ran.push('handler')");
            document.body.append(button);
            button.click();
            const picture = document.createElement("img");
            picture.setAttribute("src", "https://example.org/picture.png");
            document.body.append(picture);
            const link = document.createElement("a");
            link.setAttribute("href", "javascript:window.ran.push('link')");
            document.body.append(link);
            link.click();
        }"""
    )
    report.page.wait_for_timeout(100)
    assert report.page.evaluate("() => window.ran") == []
    refused = [line for line in report.console if "Content Security Policy" in line]
    assert len(refused) >= 4, report.console
    fetched = report.page.evaluate("() => fetch('https://example.org/').then(() => 'sent', () => 'refused')")
    assert fetched == "refused"


def test_a_phone_sees_the_same_without_a_word(open_report: ReportOpener) -> None:
    report = open_report(small_report(), size=PHONE, touch=True, dark=True)
    assert report.complaints() == []
