"""The page of a card, read as Markdown reads it."""

from __future__ import annotations

import re

from geomsim.cards import Card, Measurement, Promise
from geomsim.report.card_page import card_page

ABOUT = {
    "from": "geomsim 1.0", "rows": "paired", "larger_means": "closer", "effort": "full", "seed": 7,
    "versions": {"numpy": "2.0", "torch": "2.1"},
}  # fmt: skip


def table_rows(page: str) -> list[list[str]]:
    """Cells of the table of promises; an escaped bar is no border."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])] for line in lines[2:]
    ]


def test_a_page_says_all_that_a_card_holds():
    card = Card(
        "mine",
        (Promise("order law", True, "kept with 3 x 2"), Promise("triangle", True, "not tried: not claimed")),
        {"k": 3},
        (Measurement("power", "smallest share 0.25"), Measurement("cost", "1 s")),
        {"one component": "reads the leading direction only"},
        about=ABOUT,
    )
    page = card_page(card)
    lines = page.splitlines()
    assert lines[0] == "# mine"
    assert "Keeps every promise that could be tried." in lines
    assert any(line.startswith("* **one component**: reads the leading direction only") for line in lines)
    assert "Parameters: k=3." in lines
    assert "From geomsim 1.0; rows are paired, larger is closer. Effort full, seed 7; numpy 2.0, torch 2.1." in lines
    assert [line for line in lines if line.startswith("* **power") or line.startswith("* **cost")] == [
        "* **power**: smallest share 0.25.",
        "* **cost**: 1 s.",
    ]
    assert table_rows(page) == [["kept", "order law", "kept with 3 x 2"], ["-", "triangle", "not tried: not claimed"]]
    assert page.endswith("|\n")


def test_a_broken_promise_stands_first():
    card = Card("mine", (Promise("a", False, "no"), Promise("b", True, "yes"), Promise("c", False, "never")))
    page = card_page(card)
    assert page.splitlines()[2] == "**Breaks: a, c.**"
    assert [row[0] for row in table_rows(page)] == ["**broken**", "kept", "**broken**"]
    assert "Known faults" not in page
    assert "## Measured" not in page
    assert "Parameters: none." in page


def test_bars_and_line_breaks_of_evidence_stay_in_their_cell():
    evidence = "|a - b| = 3 | 4\nsecond line\nthird"
    rows = table_rows(card_page(Card("mine", (Promise("x", False, evidence), Promise("y", True, "kept")))))
    assert rows == [["**broken**", "x", evidence.replace("\n", "<br>")], ["kept", "y", "kept"]]


def test_line_breaks_of_a_summary_stay_in_their_item():
    """An error message of somebody's metric may have any number of lines."""
    card = Card("mine", (), measured=(Measurement("calibration", "no p-value: first\n\n# second\n* third"),))
    lines = card_page(card).splitlines()
    assert [line for line in lines if line.startswith("*")] == [
        "* **calibration**: no p-value: first<br><br># second<br>* third."
    ]
    assert "# second" not in lines


def test_remarks_and_faults_are_told_apart():
    card = Card("mine", (), faults={"own neighbour": "counts itself"}, remarks={"noise looks alike": "by 0.9"})
    page = card_page(card)
    faults, remarks = page.index("Known faults that it shows:"), page.index("To know when reading it:")
    assert faults < page.index("* **own neighbour**: counts itself.") < remarks
    assert remarks < page.index("* **noise looks alike**: by 0.9.")
