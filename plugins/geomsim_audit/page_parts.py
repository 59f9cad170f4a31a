"""What a page is made of: sections of paragraphs, points and tables of text."""

from __future__ import annotations

from dataclasses import dataclass

NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Table:
    """Headings and rows of text; `numeric` names the columns that are aligned to the right."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[str, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A heading, what stands below it, and for a claim its number, whose ladder is drawn.

    Of each point what stands before the colon is the word that it explains.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    claim: int | None = None
    points: tuple[str, ...] = ()


def number(value: float | None, digits: int = 3) -> str:
    """A number as text, without a minus before zero; a dash for none."""
    return NOTHING if value is None else f"{value:z.{digits}f}"
