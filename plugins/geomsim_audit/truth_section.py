"""What the page says of synthetic networks: how often each procedure is right where the answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan, degrees

from geomsim_audit.page_parts import Section, Table, number
from geomsim_audit.truth import Row, Tally, Truth


def truth_section(truth: Truth) -> Section:
    """Both procedures on networks of four kinds: what they should say, and what they say."""
    geometry = [row for row in truth.rows if row.quantity == "geometry"]
    shares = [row for row in truth.rows if row.quantity == "share"]
    size = truth.size
    paragraphs = [
        "Why believe the corrections? Because a procedure can be judged where the right answer is known, on synthetic "
        f"pairs of networks that were made so: {size.worlds} of each of four kinds. Nothing is shared; all features "
        "are shared, but each network arranges them in its own way; half are shared and lie alike; all are. A good "
        f'procedure says "alike" in about {truth.alpha:.0%} of the cases or fewer where they are not, and as often as '
        "it can where they are. In brackets, between which shares the truth lies with 95% confidence.",
        f"Each network has {size.features} features in width {size.width} and reads {size.tokens:,} tokens; one layer "
        f"earlier its features lie {degrees(atan(size.drift)):.0f} degrees away. Each claim is tested for itself, with "
        f"at most {size.draws} draws. How often a procedure finds what is there depends on these sizes.",
    ]
    if any(row.corrected.uncomputed for row in geometry if not row.kind.shared):
        paragraphs.append(
            '"No number": there were no pairs, or too few; this counts as not found. Where nothing is shared it is the '
            "right answer of a procedure that keeps no pair there, and its measure is then not tried at all."
        )
    if truth.left_out:
        told = ", ".join(f"{why} ({number})" for why, number in truth.left_out.items())
        paragraphs.append(f"Left out, claims that are: {told}.")
    tables = []
    if geometry:
        rows = tuple(
            (
                row.claim,
                row.kind.name,
                "yes" if row.alike else "no",
                tally_words(row.published),
                tally_words(row.corrected),
            )
            for row in geometry
        )
        headings = ("claim", "networks", "alike?", "published says so", "corrected says so")
        tables.append(Table(headings, rows, caption="How often paired features are called alike"))
    if shares:
        tables.append(_share_table(shares))
    return Section("Where the truth is known", tuple(paragraphs), tuple(tables))


def _share_table(rows: Sequence[Row]) -> Table:
    headings = ("claim", "networks", "true share", "published share", "corrected share", "corrected: more than chance")
    cells = tuple(
        (
            row.claim,
            row.kind.name,
            number(row.kind.shared, 2),
            number(row.published.mean),
            number(row.corrected.mean),
            str(row.corrected.found),
        )
        for row in rows
    )
    return Table(headings, cells, headings[2:5], "Share of left features with a partner, on average")


def tally_words(tally: Tally) -> str:
    """How often a procedure called the sides alike, or the mean score of one that has no p."""
    if tally.without_p:
        return f"no p; score {number(tally.mean)} on average"
    zeros = f"; p = 0 in {tally.zeros}" if tally.zeros else ""
    none = f"; no number in {tally.uncomputed}" if tally.uncomputed else ""
    return f"{tally.found}{zeros}{none}"
