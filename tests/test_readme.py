"""What the README says of the catalog is what the catalog says (its code blocks run as doctests)."""

from __future__ import annotations

from pathlib import Path

from geomsim.cli.metrics import markdown_table

README = Path(__file__).parent.parent / "README.md"


def test_the_table_of_metrics_is_made_from_the_catalog() -> None:
    assert markdown_table() in README.read_text(encoding="utf-8"), "run: geomsim metrics --markdown"


def test_links_lead_somewhere() -> None:
    import re

    text = README.read_text(encoding="utf-8")
    local = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if not target.startswith("http")]
    assert local
    assert [target for target in local if not (README.parent / target).exists()] == []
