"""The page as one HTML file, offline and without script: its policy allows its own style by its hash, and nothing else.

It holds no time and no path of a machine: the same audit gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from html import escape
from importlib.resources import files

from geomsim.report.page.packing import without_surrogates
from geomsim_audit.auditing import Audit
from geomsim_audit.contents import sections
from geomsim_audit.ladder_picture import ladder_svg
from geomsim_audit.page_parts import Section, Table

_CLASSES = {"stands": "stands", "stands, smaller": "smaller", "falls": "falls", "was never tested": "untested"}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def page_html(audit: Audit) -> str:
    """The audit as HTML; all texts of the recipe are text, whatever they hold."""
    style = _style()
    hashed = base64.b64encode(hashlib.sha256(f"\n{style}\n".encode()).digest()).decode("ascii")
    title = f"What survives: {audit.recipe.title}"
    body = "\n".join(_section(audit, section, first=not at) for at, section in enumerate(sections(audit)))
    return without_surrogates(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{hashed}'; img-src data:; \
base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="geomsim">
<title>{_text(title)}</title>
<link rel="icon" href="data:,">
<style>
{style}
</style>
</head>
<body>
<header class="page-head"><div class="page-title"><h1><bdi>{_text(title)}</bdi></h1>
<p class="source"><bdi>{_text(audit.recipe.source)}</bdi></p></div></header>
<main>
{body}
</main>
</body>
</html>
""")


@cache
def _style() -> str:
    """The report's look, and what this page adds."""
    report = files("geomsim.report.page").joinpath("assets", "base.css").read_text("utf-8")
    return f"{report.strip()}\n{files('geomsim_audit').joinpath('page.css').read_text('utf-8').strip()}"


def _section(audit: Audit, section: Section, *, first: bool) -> str:
    parts = [f"<section><h2><bdi>{_text(section.title)}</bdi></h2>"]
    for at, paragraph in enumerate(section.paragraphs):
        summary = ' class="summary"' if first and not at else ""
        parts.append(f"<p{summary}><bdi>{_text(paragraph)}</bdi></p>")
    if section.points:
        items = (point.partition(": ") for point in section.points)
        parts.append(
            "<ul>" + "".join(f"<li><b>{_text(word)}</b>: {_text(rest)}</li>" for word, _, rest in items) + "</ul>"
        )
    if section.claim is not None:
        claim = audit.claims[section.claim]
        parts.append(ladder_svg(claim.rungs, f"effects of {_CONTROL.sub('', claim.claim.name)}"))
    parts += [_table(table, section.title, stacked=first) for table in section.tables]
    return "".join([*parts, "</section>"])


def _table(table: Table, name: str, *, stacked: bool) -> str:
    def kind(heading: str) -> str:
        if heading == "step":
            return ' class="name"'
        if heading == "claim" and not stacked:
            return ' class="claim"'
        return ' class="number"' if heading in table.numeric else ""

    head = "".join(f'<th scope="col"{kind(heading)}>{_text(heading)}</th>' for heading in table.headings)
    rows = []
    for row in table.rows:
        cells = []
        for heading, cell in zip(table.headings, row, strict=True):
            inner = f"<bdi>{_text(cell)}</bdi>"
            if heading == "verdict":
                inner = f'<span class="word {_CLASSES[cell]}">{_text(cell)}</span>'
            named = "" if heading == "claim" else f' data-heading="{_text(heading)}"'
            cells.append(f"<td{kind(heading)}{named if stacked else ''}>{inner}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    caption = f"<caption>{_text(table.caption)}</caption>" if table.caption else ""
    # A region that scrolls must be reachable by keyboard, and say what it is.
    about = f'class="scroll" role="region" tabindex="0" aria-label="{_text(table.caption or name)}"'
    shape = ' class="stacked"' if stacked else ""
    return (
        f"<div {about}><table{shape}>{caption}<thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _text(text: str) -> str:
    """Text as HTML shows it; control characters, which no HTML may hold, are left out."""
    return escape(_CONTROL.sub("", text), quote=True)
