"""The page as Markdown."""

from __future__ import annotations

import re

from geomsim_audit.auditing import Audit
from geomsim_audit.contents import sections
from geomsim_audit.page_parts import Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(audit: Audit) -> str:
    """Headings, paragraphs and tables; texts of the recipe are escaped, so that none is markup."""
    parts = [f"# What survives: {escaped(audit.recipe.title)}"]
    for section in sections(audit):
        parts.append(f"## {escaped(section.title)}")
        parts += [escaped(paragraph) for paragraph in section.paragraphs]
        if section.points:
            parts.append("\n".join(f"* {escaped(point)}" for point in section.points))
        parts += [_table(table) for table in section.tables]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line.

    >>> escaped("a|b <i>")
    'a\\\\|b \\\\<i\\\\>'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _table(table: Table) -> str:
    line = ["---:" if heading in table.numeric else "---" for heading in table.headings]
    rows = [table.headings, line, *table.rows]
    cells = [[cell if row is line else escaped(cell) for cell in row] for row in rows]
    caption = f"{escaped(table.caption)}:\n\n" if table.caption else ""
    return caption + "\n".join(f"| {' | '.join(row)} |" for row in cells)
