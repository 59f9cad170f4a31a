"""The leaderboard: order, cells and Markdown of cards made by hand, and cards through JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from geomsim.cards import Card, Measurement, Promise
from geomsim.report.leaderboard import (
    HEADINGS,
    SHORT_HEADINGS,
    cells,
    leaderboard,
    leaderboard_markdown,
    legend,
    short_cells,
    short_legend,
)

KEPT, UNTRIED = Promise("order law", True, "kept"), Promise("triangle", True, "not tried: not claimed")
BROKEN = Promise("repeatable", False, "scores differ", {"left": [[1.0]], "right": [[0.5]]})


def card(name: str, *promises: Promise, rows: str = "paired", shares: Any = (0.25, 0.125), **headline: Any) -> Card:
    found = {f"smallest share, {size} rows": share for size, share in zip((200, 1000), shares, strict=False)}
    return Card(
        name,
        promises or (KEPT, UNTRIED),
        measured=(Measurement("power", "", {}, found), Measurement("others", "", {}, headline)),
        about={"rows": rows, "effort": "quick", "seed": 0},
    )


def order(*cards: Card) -> list[str]:
    return [record["metric"] for record in leaderboard(cards)]


def test_paired_before_unpaired_broken_behind_then_by_share_tau_and_name():
    cards = [
        card("unpaired-best", rows="unpaired", shares=(0.04, 0.04)),
        card("broken-best", BROKEN, shares=(0.04, 0.04)),
        card("finds-nothing", shares=(None, None)),
        card("b", tau=0.5),
        card("a", tau=0.5),
        card("more-tau", tau=0.9),
        card("same-then-smaller", shares=(0.25, 0.04)),
        card("smallest", shares=(0.125, 1.0)),
        card("unknown-tau"),
    ]
    expected = [
        "smallest", "same-then-smaller", "more-tau", "a", "b", "unknown-tau", "finds-nothing", "broken-best",
        "unpaired-best",
    ]  # fmt: skip
    assert order(*cards) == order(*cards[::-1]) == expected


def test_cells_of_a_full_record():
    made = card(
        "cka", KEPT, UNTRIED, BROKEN, KEPT, shares=(1 / 12, None),
        **{
            "false positives": 0.0541, "false positives low": 0.03, "false positives high": 0.0899,
            "tau": 0.987, "tau low": 0.9, "tau high": 1.0, "bias": -0.00449,
            "slope in rows, raw": -0.01234, "slope in rows, corrected": -0.00001,
            "loop, rows paired": 1.0, "loop, rows unpaired": 0.519,
            "seconds, 1000 rows": 0.01234, "seconds a draw, 1000 rows": 0.00056,
        },
    )  # fmt: skip
    (record,) = leaderboard([made])
    assert dict(zip(HEADINGS, cells(record), strict=True)) == {
        "metric": "cka",
        "rows": "paired",
        "promises": "2 of 3",
        "false positives at .05": "0.054 (0.030 to 0.090)",
        "smallest share found": "0.08 / none",
        "tau": "0.99 (0.90 to 1.00)",
        "bias": "-0.004",
        "slope by rows": "-0.0123 / +0.0000",
        "loop": "1.00 / 0.52",
        "s": "0.012 / 0.00056",
    }
    assert dict(zip(SHORT_HEADINGS, short_cells(record), strict=True)) == {
        "metric": "cka",
        "kept": "2/3",
        "p <= .05": ".054 (.03 .09)",
        "smallest share": ".08/none",
        "tau": ".99",
        "loop": "1.00/.52",
        "s": "0.012",
    }
    assert record["broken"] == ["repeatable"]
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_what_a_metric_has_no_number_for_is_a_dash():
    (record,) = leaderboard([card("plain", rows="unpaired", shares=(), **{"seconds, 1000 rows": 2.0})])
    assert cells(record)[3:] == ["-", "-", "-", "-", "- / -", "- / -", "2 / -"]
    assert short_cells(record)[2:] == ["-", "-", "-", "-/-", "2"]
    assert cells(leaderboard([card("zero", bias=-0.0001)])[0])[6] == "+0.000"


def test_known_faults_are_in_the_record():
    made = Card("svcca", (KEPT,), faults={"one component": "reads one"}, about={"rows": "paired"})
    assert leaderboard([made])[0]["faults"] == ["one component"]
    assert cells(leaderboard([made])[0])[2] == "1 of 1; fault: one component"


def test_the_legend_names_the_numbers_of_rows():
    records = leaderboard([card("a")])
    assert "in 8 of 10 worlds, at 200 / 1,000 rows." in legend(records)
    assert "in 8 of 10 worlds, at 200 / 1,000 rows\n" in short_legend(records)


def test_each_column_of_the_short_table_is_explained_as_it_stands():
    lines = dict(line.strip().split(": ", 1) for line in short_legend(leaderboard([card("a")])).splitlines()[:-1])
    assert list(lines) == list(SHORT_HEADINGS[1:])
    assert lines["s"] == "seconds for both sides of 1,000 rows, width 64"


def test_markdown_is_a_table_of_all_records():
    records = leaderboard([card("b"), card("a", tau=0.5, **{"tau low": 0.25, "tau high": 0.75})])
    lines = leaderboard_markdown(records).splitlines()
    assert lines[0] == "| " + " | ".join(HEADINGS) + " |"
    assert [line.split(" | ")[0] for line in lines[2:4]] == ["| `a`", "| `b`"]
    for line in lines[:4]:
        assert line.count("|") == len(HEADINGS) + 1
    assert "0.50 (0.25 to 0.75)" in lines[2]
    assert lines[-1].endswith("Effort: quick, seed 0.")


@pytest.mark.parametrize(
    "made", [card("a", tau=0.5), card("b", BROKEN, UNTRIED), Card("c", (KEPT,), {"k": 3, "p": None})]
)
def test_a_card_goes_through_json(made: Card):
    stored = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert Card.from_dict(stored) == made
    assert Card.from_dict(made.to_dict()) == made


def test_a_card_knows_what_is_broken():
    made = card("b", KEPT, BROKEN)
    assert (made.kept, made.broken) == (False, (BROKEN,))
    assert card("a").kept
    assert card("a", tau=0.5).headline == {
        "smallest share, 200 rows": 0.25,
        "smallest share, 1000 rows": 0.125,
        "tau": 0.5,
    }
