"""Texts that would be markup, script, or another direction of writing stay texts."""

from __future__ import annotations

from xml.etree import ElementTree

from hostile_report import NASTY, hostile_report
from report_browser import PHONE, OpenReport, ReportOpener

from geomsim.report.page.sections import SECTIONS


def walk(report: OpenReport) -> None:
    """Shows every pair, graph and colour, and points and pins here and there."""
    page = report.page
    for pair in range(2):
        report.set(pair=pair)
        for choice in report.state("maps")["choices"]:
            report.set(colour=choice)
        for row in range(0, 28, 2):
            for kind in ("hover", "pinned"):
                report.set(**{kind: {"type": "row", "side": ("left", "right")[row // 2 % 2], "row": row}})
        report.set(hover=None, pinned=None)
        page.evaluate("() => window.geomsim.selectRows('left', Array.from({length: 30}, (_, row) => row))")
    for graph in range(3):
        report.set(graph=graph)
        for node in range(5):
            report.set(pinned={"type": "node", "graph": graph, "side": "left", "node": node})
    for details in page.locator("details > summary").all():
        if details.is_visible():
            details.click()
    for query in NASTY:
        report.set(query=query)
    report.settle()


def test_nothing_of_the_data_becomes_markup_or_script(open_report: ReportOpener) -> None:
    report = open_report(hostile_report())
    walk(report)
    assert report.complaints() == []
    assert report.page.title().startswith("</title><script>alert(1)</script>")
    for selector in ("img", "iframe", "object", "embed", "[onerror]", "[onload]", "main script", "svg[onload]", "form"):
        assert report.page.locator(selector).count() == 0, selector
    assert report.page.locator("script:not([type]), script[type=module]").count() == 2
    assert report.page.evaluate("() => document.querySelectorAll('[style*=\"url(\"]').length") == 0
    # An override of direction that is shown raw must stand in its own <bdi>, or it turns what stands beside it.
    loose = report.page.evaluate(
        """() => {
            const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
                const { parentElement: parent, data } = walker.currentNode;
                if (parent.closest("script, option, title") || !/[\\u202a-\\u202e\\u2066-\\u2069]/.test(data)) continue;
                if (!parent.closest("bdi")) found.push(`${parent.tagName} ${parent.className}: ${data.slice(0, 60)}`);
            }
            return found;
        }"""
    )
    assert loose == []
    wide = report.page.evaluate("() => [document.scrollingElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]


def test_a_phone_bears_it_too(open_report: ReportOpener) -> None:
    report = open_report(hostile_report(), size=PHONE, touch=True)
    for section in SECTIONS:
        report.show(f"#{section.id}")
    wide = report.page.evaluate("() => [document.scrollingElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    assert report.complaints() == []


def test_pictures_of_it_are_whole(open_report: ReportOpener) -> None:
    report = open_report(hostile_report())
    report.set(pair=0)
    for view in ("heatmap", "maps", "graphs", "nulls", "diagrams"):
        picture = ElementTree.fromstring(report.page.evaluate("(view) => window.geomsim.svg(view)", view))
        tags = {node.tag.split("}")[-1] for node in picture.iter()}
        assert tags <= {"svg", "g", "rect", "circle", "line", "path", "polygon", "polyline", "text", "tspan", "title",
                        "clipPath", "defs", "linearGradient", "stop", "pattern", "desc", "style"}, tags  # fmt: skip
        assert not [name for node in picture.iter() for name in node.attrib if name.startswith("on")]
