"""What the page offers to begin with, and what it says beside what was touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from report_browser import PHONE, OpenReport, ReportOpener
from report_contents import BAD, small_report

from geomsim.report.page.contents import Contents

SHOWN = "#maps .maps-stage"


def test_the_strongest_pairs_stand_where_details_will_be(report: OpenReport, contents: Contents) -> None:
    links = contents.pairs[0].links
    assert links is not None
    assert links.weight is not None
    strongest = np.argsort(-np.nan_to_num(links.weight.astype(np.float32), nan=-np.inf), kind="stable")
    buttons = report.page.locator("#maps .details-first button")
    assert buttons.count() == 6
    buttons.first.click()
    assert report.state()["pinned"] == {"type": "link", "link": int(strongest[0])}
    report.page.keyboard.press("Escape")
    assert report.state()["pinned"] is None
    assert buttons.count() == 6


def test_on_a_phone_a_line_between_the_maps_names_what_was_touched(open_report: ReportOpener) -> None:
    report = open_report(small_report(), size=PHONE, touch=True)
    report.set(pair=0, pinned={"type": "link", "link": 0})
    line = report.page.locator("#maps .maps-short")
    assert line.is_visible()
    pair = small_report().pairs[0]
    assert pair.links is not None
    shown = line.inner_text()
    spaces = small_report().spaces
    for side, row in ((pair.left, pair.links.left[0]), (pair.right, pair.links.right[0])):
        ids = spaces[side].ids
        assert (f"{spaces[side].what} {row}" if ids is None else ids[row]) in shown


def test_what_a_pair_has_no_text_for_is_not_offered_to_search(open_report: ReportOpener) -> None:
    report = open_report(small_report())
    tokens = [space.tokens for space in small_report().spaces]
    for number, pair in enumerate(small_report().pairs):
        report.set(pair=number)
        option = report.page.locator("#maps .search select option[value=token]")
        assert option.is_disabled() == (tokens[pair.left] is None and tokens[pair.right] is None)


def test_views_with_nothing_to_show_stand_behind_the_others(open_report: ReportOpener) -> None:
    report = open_report(BAD["without graphs"]())
    order = report.page.evaluate("[...document.querySelectorAll('main .view')].map((view) => view.id)")
    alone = ".view-body > .missing:only-child"
    empty = report.page.evaluate(
        "alone => [...document.querySelectorAll('.view')].filter((one) => one.querySelector(alone)).map(({id}) => id)",
        alone,
    )
    links = report.page.evaluate("[...document.querySelectorAll('nav a')].map((link) => link.hash.slice(1))")
    assert empty == ["graphs"]
    assert order[-len(empty) :] == empty
    assert links == order


def test_many_notes_are_shown_on_a_click(open_report: ReportOpener) -> None:
    contents = small_report()
    many = [f"pair {number}: its file is not there any more" for number in range(700)]
    report = open_report(replace(contents, notes={**contents.notes, "maps": many}))
    notes = report.page.locator("#maps .view-notes .note")
    assert notes.all_inner_texts() == many[:5]
    report.page.locator("#maps .more-notes summary").click()
    report.page.locator("#maps .note >> nth=699").wait_for()
    assert notes.all_inner_texts() == many


def test_warnings_that_differ_in_numbers_alone_stand_together(open_report: ReportOpener) -> None:
    warnings = ["rsa: 12 rows are few", "rsa: 9 rows are few", "cka: other", "rsa: 1,000.5 rows are few", "cka: other"]
    report = open_report(replace(small_report(), warnings=warnings))
    said = report.page.evaluate(
        "[...document.querySelectorAll('.warnings > ul > li')].map((item) => item.textContent)",
    )
    assert said == [
        "rsa: 12 rows are few2 more, alike but for numbers and namesrsa: 9 rows are fewrsa: 1,000.5 rows are few",
        "cka: other (2 times)",
    ]
    assert report.page.locator(".warnings > summary").inner_text() == "5 warnings about single comparisons"
