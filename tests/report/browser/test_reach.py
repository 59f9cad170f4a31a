"""Who can use the page: by keys alone, on a phone, in either theme, and by what an audit of accessibility finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from report_browser import DESK, PHONE, ReportOpener, axe_violations
from report_contents import BAD, small_report

from geomsim.report.page.contents import Contents
from geomsim.report.page.sections import SECTIONS

REPORTS: dict[str, Callable[[], Contents]] = {"small": small_report, **BAD}

CONTROLS = """() => [...document.querySelectorAll(
        "a[href], button, select, input, textarea, summary, [tabindex]:not([tabindex='-1'])")]
    .filter((node) => node.tabIndex >= 0 && !node.disabled && node.checkVisibility({visibilityProperty: true})
        && !node.closest("details:not([open]) > :not(summary)"))"""
NAME = """(node) => `${node.tagName} ${node.id} ${node.className.baseVal ?? node.className} ${
    (node.getAttribute("aria-label") ?? node.textContent ?? "").slice(0, 40)}`"""


@pytest.mark.parametrize("name", REPORTS)
def test_an_audit_finds_nothing_and_a_phone_scrolls_in_one_direction_only(open_report: ReportOpener, name: str) -> None:
    report = open_report(REPORTS[name]())
    found = {}
    for size, theme in ((DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")):
        report.page.set_viewport_size({"width": size[0], "height": size[1]})
        report.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        report.settle()
        # Contrast takes nearly all the time: where little is shown, each width and each theme is measured once.
        contrast = name == "small" or (size, theme) in ((DESK, "light"), (PHONE, "dark"))
        if bad := axe_violations(report.page, contrast=contrast):
            found[f"{size[0]} {theme}"] = bad
    assert found == {}
    width = "() => document.scrollingElement.scrollWidth - innerWidth"
    assert report.page.evaluate(width) <= 0
    report.page.evaluate("() => document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert report.page.evaluate(width) <= 0, "with everything unfolded"


def test_an_audit_finds_nothing_when_things_are_pinned_and_selected(open_report: ReportOpener) -> None:
    report = open_report(small_report(), dark=True)
    report.set(pair=0, graph=0, links="pairs", colour="theme")
    report.page.evaluate("() => window.geomsim.selectRows('left', [0, 1, 2, 3, 4])")
    report.set(pinned={"type": "node", "graph": 0, "side": "left", "node": 1}, query="rain")
    assert axe_violations(report.page) == []
    report.set(pinned={"type": "row", "side": "left", "row": 0})
    report.page.emulate_media(color_scheme="light")
    report.settle()
    for details in report.page.locator("details > summary").all():
        details.click()
    assert axe_violations(report.page) == []


def test_a_phone_reaches_every_control(open_report: ReportOpener) -> None:
    """Every control is on the page's width or in something that scrolls, and large enough for a finger (WCAG 2.5.8)."""
    report = open_report(small_report(), size=PHONE, touch=True)
    bad = report.page.evaluate(
        f"""() => ({CONTROLS})()
            // A box to tick is as large as its words.
            .map((node) => [node, (node.closest("label") ?? node).getBoundingClientRect()])
            .filter(([node, box]) => !node.matches(".skip, a") && !node.closest(".scroll, [tabindex='0'] *"))
            .filter(([_, box]) => box.left < -1 || box.right > innerWidth + 1 || box.width < 20 || box.height < 20)
            .map(([node, box]) => `${{({NAME})(node)}}: ${{JSON.stringify(box)}}`)"""
    )
    assert bad == []


def test_type_is_large_enough(open_report: ReportOpener) -> None:
    report = open_report(small_report())
    report.set(pair=0, pinned={"type": "row", "side": "left", "row": 0})
    small = report.page.evaluate(
        """() => {
            const found = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const node = walker.currentNode.parentElement;
                if (!walker.currentNode.data.trim() || node.closest("script, .sr-only")) continue;
                if (!node.checkVisibility()) continue;
                const size = parseFloat(getComputedStyle(node).fontSize);
                if (size < 12) found.add(`${node.closest("section")?.id} ${size}: ${node.textContent.slice(0, 30)}`);
            }
            return [...found];
        }"""
    )
    assert small == []


def test_tab_goes_through_everything_in_order_and_out_again(open_report: ReportOpener) -> None:
    report = open_report(small_report())
    report.set(pair=0)
    page = report.page
    count = page.evaluate(f"() => ({CONTROLS})().length")
    assert count > 40
    page.evaluate("() => document.activeElement.blur()")
    steps = []
    step = """() => {
        const node = document.activeElement, before = window.stepped;
        if (node === document.body) return null;
        window.stepped = node;
        node.wasReached = true;
        // What is shown for the thing with the focus may be made anew behind it.
        return !before?.isConnected || Boolean(before.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING);
    }"""
    for _ in range(2 * count):
        page.keyboard.press("Tab")
        report.settle()
        steps.append(page.evaluate(step))
        if steps[-1] is None:
            break
    assert steps[-1] is None, "Tab leaves the page in the end"
    assert all(steps[:-1]), "out of the order of the page"
    left_out = page.evaluate(f"() => ({CONTROLS})().filter((node) => !node.wasReached).map({NAME})")
    assert left_out == []
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("() => document.activeElement !== document.body"), "Shift and Tab go back"


def test_what_has_the_focus_is_seen(open_report: ReportOpener) -> None:
    report = open_report(small_report())
    for selector in ("nav a", "#tools select", ".heat-cell[tabindex='0']", ".maps-canvas", ".graphs-field"):
        report.page.keyboard.press("Tab")  # a key was used: what is focused now shows it
        report.page.locator(selector).first.focus()
        outline = report.page.evaluate(
            """() => {
                const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
                return [outlineStyle, parseFloat(outlineWidth)];
            }"""
        )
        assert outline[0] != "none", selector
        assert outline[1] >= 2, selector


def test_everything_is_named(open_report: ReportOpener) -> None:
    report = open_report(small_report())
    for canvas in report.page.locator("canvas").all():
        hidden = canvas.get_attribute("aria-hidden") == "true"
        assert hidden or canvas.get_attribute("aria-label")
    for section in SECTIONS:
        assert report.page.get_by_role("region", name=section.title, exact=True).count() == 1


def test_the_theme_follows_the_system_and_the_choice(open_report: ReportOpener) -> None:
    report = open_report(small_report(), dark=True)
    page = report.page
    paper = "() => getComputedStyle(document.body).backgroundColor"
    assert report.state()["theme"].endswith("dark")
    dark = page.evaluate(paper)
    page.locator("#tools select").select_option("light")
    assert report.state()["theme"] == "light light"
    light = page.evaluate(paper)
    assert light != dark
    svg = page.evaluate("() => window.geomsim.svg('maps')")
    page.locator("#tools select").select_option("dark")
    assert page.evaluate(paper) == dark
    assert page.evaluate("() => window.geomsim.svg('maps')") != svg, "pictures are drawn in the theme"
    page.locator("#tools select").select_option("system")
    page.emulate_media(color_scheme="light")
    assert report.state()["theme"].endswith("light")
    assert page.evaluate(paper) == light
    assert report.complaints() == []


def test_words_without_the_script(browser, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A viewer that runs no script shows the sentences, and says why there is no more."""
    from geomsim.report.page.writing import write_page

    contents = small_report()
    path = write_page(tmp_path / "report.html", contents)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    text = page.locator("main").inner_text()
    assert all(sentence in text for sentence in contents.sentences)
    assert "Open the file in a browser" in text
    context.close()
