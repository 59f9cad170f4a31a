from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile_report import NASTY
from report_browser import DESK, PHONE, axe_violations, chromium

from geomsim_audit.auditing import Audit
from geomsim_audit.contents import sections
from geomsim_audit.markdown import markdown
from geomsim_audit.page import page_html
from geomsim_audit.truth_section import tally_words


def hostile(audit: Audit, text: str) -> Audit:
    """The audit with a text wherever a recipe has one."""
    claims = tuple(
        replace(each, claim=replace(each.claim, name=f"{at}{text}", sentence=text))
        for at, each in enumerate(audit.claims)
    )
    readings = tuple({**each, "dictionary": text} for each in audit.readings)
    recipe = replace(audit.recipe, title=text, source=text)
    return replace(audit, recipe=recipe, claims=claims, readings=readings, provenance={text: text})


class Tags(HTMLParser):
    """The tags of a page with their attributes' names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def tags(page: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = Tags()
    parser.feed(page)
    return parser.found


@pytest.mark.parametrize("text", NASTY)
def test_no_text_is_markup(audited: Audit, text: str) -> None:
    plain, nasty = page_html(hostile(audited, "a")), page_html(hostile(audited, text))
    assert tags(nasty) == tags(plain)
    nasty.encode("utf-8")
    lines = markdown(hostile(audited, text)).splitlines()
    assert len(lines) == len(markdown(hostile(audited, "a")).splitlines())
    for line in lines:
        assert not re.search(r"(?<!\\)<", line)


def test_the_page_asks_for_nothing_and_runs_nothing(audited: Audit) -> None:
    page = page_html(audited)
    assert "default-src 'none'; style-src 'sha256-" in page
    assert "unsafe" not in page
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)="(?!data:,)""", page)
    assert page == page_html(audited)


def test_tables_have_a_cell_for_each_heading(audited: Audit) -> None:
    for section in sections(audited):
        for table in section.tables:
            assert set(table.numeric) <= set(table.headings)
            for row in table.rows:
                assert len(row) == len(table.headings)


def test_what_stands_first(audited: Audit) -> None:
    first = sections(audited)[0]
    assert first.paragraphs[0] == audited.summary
    assert page_html(audited).count('class="summary"') == 1
    assert [row[3] for row in first.tables[0].rows] == [each.verdict.word for each in audited.claims]
    titles = [section.title for section in sections(audited)]
    assert "One layer off" in titles
    assert "The mark of one component" in titles
    assert "Where the truth is known" in titles


def test_every_word_of_a_table_is_explained(audited: Audit) -> None:
    """Measures, steps and verdicts that a reader meets have a point of their own."""
    told = {section.title: section for section in sections(audited)}

    def explained(title: str) -> set[str]:
        return {point.partition(": ")[0] for point in told[title].points}

    for each in audited.claims:
        assert each.verdict.word in explained("The verdicts")
        for rung in each.rungs.values():
            measure = "share" if each.claim.quantity == "share" else rung.procedure.metric
            assert measure in explained("The measures")
    steps = told["What each correction does alone"]
    assert set(steps.tables[0].headings[2:-1]) == explained(steps.title)
    assert {"feature", "pair", "alike", "share", "chance", "p", "effect"} == explained("How to read it")


def test_the_last_step_repeats_nothing(audited: Audit) -> None:
    for each in audited.claims:
        section = next(found for found in sections(audited) if found.title.startswith(each.claim.name))
        changed = [row[1] for row in section.tables[0].rows]
        assert changed[0] == "the paper's procedure"
        assert changed[-1] == "all of the above"


def test_where_no_number_was_is_said(audited: Audit) -> None:
    assert audited.truth is not None
    row = audited.truth.rows[0]
    assert tally_words(replace(row.corrected, uncomputed=2)).endswith("; no number in 2")
    assert "no number" not in tally_words(replace(row.corrected, uncomputed=0))


def test_a_claim_that_says_how_much_is_explained(audited: Audit) -> None:
    claim = replace(audited.claims[2].claim, at_least=0.9)
    needing = replace(audited, claims=(replace(audited.claims[2], claim=claim),))
    assert "less than the sentence needs" in markdown(needing)
    assert "less than the sentence needs" not in markdown(audited)


def test_markdown_says_the_same(audited: Audit) -> None:
    text = markdown(audited)
    for section in sections(audited):
        for table in section.tables:
            assert text.count("\n| --- |") >= 1
            assert len(table.rows[0]) == len(table.headings)
    assert audited.claims[0].verdict.why.split(";")[0] in text


def test_in_a_browser(audited: Audit, tmp_path: Path) -> None:
    path = tmp_path / "audit.html"
    path.write_text(page_html(audited), encoding="utf-8")
    with chromium() as browser:
        for width, height in (DESK, PHONE):
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                page = context.new_page()
                said: list[str] = []
                page.on("console", lambda message, said=said: said.append(message.text))
                page.goto(path.as_uri())
                assert said == []
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate("getComputedStyle(document.body).margin") == "0px"
                context.close()
                # The page's own policy lets no other script in, axe's among them.
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    bypass_csp=True,
                )
                page = context.new_page()
                page.goto(path.as_uri())
                assert axe_violations(page) == []
                context.close()
