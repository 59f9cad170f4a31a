"""Write the tables that are made from data into the pages that show them: between marks, nothing else is touched.

python docs/make_tables.py            # the README's table of metrics, and its leaderboard from docs/cards
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from geomsim.cli.metrics import markdown_table
from geomsim.report.leaderboard import leaderboard_markdown

HERE = Path(__file__).parent
README = HERE.parent / "README.md"


def cards() -> str:
    """The leaderboard of the cards that are shipped."""
    return leaderboard_markdown(json.loads((HERE / "cards" / "leaderboard.json").read_text(encoding="utf-8")))


TABLES: dict[str, Callable[[], str]] = {"metrics": markdown_table, "cards": cards}


def marks(name: str) -> tuple[str, str]:
    """What stands before and behind a table."""
    return f"<!-- table of {name}: made by docs/make_tables.py -->\n", f"\n<!-- end of the table of {name} -->"


def with_tables(page: str) -> str:
    """The page with every table made anew. Raises ValueError where the marks of one are missing."""
    for name, make in TABLES.items():
        before, behind = marks(name)
        start, end = page.index(before) + len(before), page.index(behind)
        page = page[:start] + make() + page[end:]
    return page


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
