"""`geomsim plugin check`: what it says of a metric that breaks promises, and of one that breaks none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from geomsim.cli.app import run
from geomsim.testing import CHECKS

Check = Callable[[str, int], list[str]]
METRICS = '''
from dataclasses import dataclass
import torch
import geomsim

@dataclass(frozen=True)
class FirstColumn(geomsim.PairedMetric):
    """Correlation of the first columns."""
    weight: float = 1.0
    larger_means = "closer"
    unchanged_by = frozenset({"scaling", "translation"})

    def prepare(self, points):
        column = points[:, 0].double() - points[:, 0].double().mean()
        if not column.abs().max() > 1e-12 * points.abs().max():
            raise geomsim.DegenerateSpace("the first column is constant")
        return column / column.norm()

    def score(self, left, right, order):
        return self.weight * left @ right[order]

@dataclass(frozen=True)
class Random(FirstColumn):
    """Never the same."""

    def score(self, left, right, order):
        return left @ right[order] + 1e-3 * torch.rand(())

@dataclass(frozen=True)
class TooNarrow(geomsim.PairedMetric):
    """The same without parameters, in a range that is too narrow."""
    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = frozenset({"scaling", "translation"})
    prepare = FirstColumn.prepare

    def score(self, left, right, order):
        return left @ right[order]

geomsim.register("first-column", FirstColumn)
geomsim.register("random-column", Random)
geomsim.register("too-narrow", TooNarrow)
'''


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    (tmp_path / "mine.py").write_text(METRICS)

    def check(name: str, code: int) -> list[str]:
        arguments = ["plugin", "check", name, "--plugin", str(tmp_path / "mine.py"), "--no-measure"]
        assert run(arguments) == code
        return [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()]

    return check


def test_the_title_holds_the_parameters_and_the_end_the_verdict(said: Check) -> None:
    lines = said("first-column", 0)
    assert lines[0] == "first-column (weight=1.0)"
    untried = [line for line in lines if "not tried:" in line]
    kept = [line for line in lines if line.startswith("kept ")]
    assert len(untried) >= 2
    assert all(line.startswith("- ") for line in untried)
    assert len(kept) + len(untried) == len(CHECKS)
    assert lines[-1] == f"first-column keeps all {len(kept)} promises that were tried"


def test_broken_promises_are_told_apart_where_their_names_have_commas(said: Check) -> None:
    verdict = said("random-column", 1)[-1]
    assert verdict.startswith("random-column breaks ")
    assert "promises: repeatable, nothing kept on the metric; order law; " in verdict


def test_one_broken_promise_is_one(said: Check) -> None:
    lines = said("too-narrow", 1)
    assert lines[0] == "too-narrow"
    assert lines[-1] == "too-narrow breaks 1 promise: finite 0-d score within its range"
