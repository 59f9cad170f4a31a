"""Small tables for notebooks: without script, and in the colours of whatever page they stand on."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

_CELL = "<{0} style='text-align:left'>{1}</{0}>"


def facts_table(facts: Mapping[str, str]) -> str:
    """Names and values as text, a row each.

    >>> print(facts_table({"metric": "<rsa>"}))
    <table><tr><th style='text-align:left'>metric</th><td style='text-align:left'>&lt;rsa&gt;</td></tr></table>
    """
    rows = [_CELL.format("th", html.escape(k)) + _CELL.format("td", html.escape(v)) for k, v in facts.items()]
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text below headings."""
    return html_table(headings, [list(map(html.escape, row)) for row in rows])


def html_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already, and must be safe; headings are text."""
    head = "".join(_CELL.format("th", html.escape(heading)) for heading in headings)
    body = "".join(f"<tr>{''.join(_CELL.format('td', cell) for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
