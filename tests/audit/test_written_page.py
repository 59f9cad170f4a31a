"""What docs/what_survives.md says in numbers, against the results that are shipped, and its recipe."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from geomsim_audit.recipe import recipe_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "what_survives.md").read_text(encoding="utf-8")
RESULTS = json.loads((ROOT / "examples" / "audit" / "results.json").read_text(encoding="utf-8"))


def short(value: float) -> str:
    """Two digits, as the page writes them: .51"""
    return f"{value:z.2f}".replace("0.", ".", 1)


def told(rung: dict[str, Any]) -> str:
    if rung["score"] is None:
        return "no number"
    return short(rung["score"]) + (
        ", no chance level" if rung["chance"] is None else f", by chance {short(rung['chance'])}"
    )


@pytest.mark.parametrize("claim", RESULTS["claims"], ids=lambda claim: claim["name"])
def test_the_verdicts_are_those_of_the_results(claim: dict[str, Any]) -> None:
    published, corrected = (claim["rungs"][name] for name in ("as published", "all corrected"))
    supported = {True: "yes", False: "no", None: "cannot be told"}[claim["verdict"]["supported"]]
    cells = [claim["sentence"], told(published), told(corrected), f"**{claim['verdict']['word']}**", supported]
    assert f"| {' | '.join(cells)} |" in PAGE


def test_the_counts_are_those_of_the_results() -> None:
    rows = {(row["claim"], row["world"]): row for row in RESULTS["synthetic"]["rows"]}
    kinds = list(dict.fromkeys(world for _, world in rows))

    def line(name: str, claim: str, side: str) -> str:
        found = [rows[claim, kind][side]["found"] for kind in kinds]
        return f"| {name} | " + " | ".join(map(str, found)) + " |"

    for metric, claim in (("SVCCA of one component", "SVCCA, last layers"), ("RSA as published", "RSA, last layers")):
        assert line(f"{metric} says so, of 50", claim, "published") in PAGE
        right = "SVCCA" if "SVCCA" in metric else "RSA"
        assert line(f"corrected ({right}) says so, of 50", claim, "corrected") in PAGE
    for name, side in (("published share (r of at least .1)", "published"), ("corrected share", "corrected")):
        shares = [short(rows["Shared features", kind][side]["mean score"]) for kind in kinds]
        assert f"| {name} | " + " | ".join(shares) + " |" in PAGE


def test_the_recipe_on_the_page_is_one() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert [claim.quantity for claim in recipe_of(tomllib.loads(text)).claims] == ["geometry", "share"]
