"""What the README says of the catalog is what the catalog says (its code blocks run as doctests)."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_the_tables_are_made_from_the_catalog_and_the_cards() -> None:
    tables = runpy.run_path(str(README.parent / "docs" / "make_tables.py"))
    page = README.read_text(encoding="utf-8")
    assert tables["with_tables"](page) == page, "run: python docs/make_tables.py"


def test_every_installed_metric_has_a_card_that_keeps_its_promises() -> None:
    import geomsim

    cards = README.parent / "docs" / "cards"
    boards = [cards / "leaderboard.json", cards / "quick" / "leaderboard.json"]  # some were measured in the quick form
    records = [record for board in boards for record in json.loads(board.read_text(encoding="utf-8"))]
    assert {record["metric"] for record in records} >= set(geomsim.metrics())
    assert [record["metric"] for record in records if record["broken"] or record["faults"]] == []


def test_links_lead_somewhere() -> None:
    import re

    text = README.read_text(encoding="utf-8")
    local = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if not target.startswith("http")]
    assert local
    assert [target for target in local if not (README.parent / target).exists()] == []


def test_the_study_of_the_readme_is_one_that_can_be_read() -> None:
    import tomllib

    from geomsim.study import read_config

    block = README.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    config = read_config(tomllib.loads(block))
    assert config["pairs"][0]["left_layer"] == 1
    assert config["buckets"] is True


def test_metrics_that_the_readme_calls_exact_are() -> None:
    import geomsim

    line = next(line for line in README.read_text(encoding="utf-8").splitlines() if 'null="exact"' in line)
    exact = {name for name in geomsim.metrics() if _has_exact_p(name)}
    assert exact == {"cka", "debiased-cka", "rsa", "mutual-knn", "cknna", "rank-biased-overlap"}
    assert all(f"`{name}`" in line for name in exact)


def _has_exact_p(name: str) -> bool:
    import numpy as np

    import geomsim

    random = np.random.default_rng(0)
    left, right = random.normal(size=(40, 3)), random.normal(size=(40, 3))
    try:
        return geomsim.compare(left, right, name, null="exact").p_value is not None
    except geomsim.GeomsimError:
        return False
