"""What the six experiments share: seeds, intervals over seeds, the command line, and results as JSON.

An experiment is a function ``measure(seed, parameters)`` that draws two networks, measures, and returns what it found
as `Found`. `run` calls it once per seed and keeps each number of each seed beside the mean and its 95% interval.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rendering

import geomsim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path(__file__).parent
ALPHA = 0.05
Case = tuple[str, ...]


@dataclass
class Found:
    """What one seed gave: table, then case (the row), then quantity (the column).

    A quantity is a number; True or False, for what is counted over seeds; or None where it is not defined.
    """

    tables: dict[str, dict[Case, dict[str, float | bool | None]]] = field(default_factory=dict)

    def add(self, table: str, *case: str, **quantities: float | bool | None) -> None:
        """One row of a table; a second call with the same case adds columns."""
        self.tables.setdefault(table, {}).setdefault(case, {}).update(quantities)


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes
    ----------
    name
        of its script and its results.
    measure
        what one seed gives, for these parameters.
    full, quick
        parameters of the full and of the reduced form, each with ``seeds``: how many.
    cases
        for each table, what its case columns are called.
    draw
        the figure of the results, or None.
    """

    name: str
    measure: Callable[[int, Mapping[str, Any]], Found]
    full: Mapping[str, Any]
    quick: Mapping[str, Any]
    cases: Mapping[str, Sequence[str]]
    draw: Callable[[Mapping[str, Any]], Figure] | None = None


def comparison_columns(comparison: geomsim.Comparison) -> dict[str, float | bool | None]:
    """Score, chance and p of one comparison as columns; `significant` is counted over seeds."""
    assert comparison.p_value is not None
    return {
        "score": comparison.score,
        "chance": comparison.null_mean,
        "z": comparison.z,
        "significant": comparison.p_value <= ALPHA,
    }


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95% interval of the mean, from Student's t; (mean, low, high)."""
    from scipy.stats import t

    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, math.nan, math.nan
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = float(t.ppf(0.975, len(values) - 1)) * math.sqrt(variance / len(values))
    return mean, mean - half, mean + half


def share_interval(values: Sequence[bool]) -> tuple[float, float, float]:
    """Share of True and its exact binomial 95% interval (Clopper and Pearson 1934); (share, low, high)."""
    from scipy.stats import binomtest

    test = binomtest(sum(values), len(values)).proportion_ci(0.95, method="exact")
    return sum(values) / len(values), float(test.low), float(test.high)


def measured(experiment: Experiment, parameters: Mapping[str, Any], first_seed: int = 0) -> dict[str, Any]:
    """Results of an experiment over its seeds, ready for JSON."""
    seeds = list(range(first_seed, first_seed + parameters["seeds"]))
    started = time.perf_counter()
    found = []
    for seed in seeds:
        found.append(experiment.measure(seed, parameters))
        print(f"{experiment.name}: seed {seed} done after {time.perf_counter() - started:.0f} s", flush=True)
    return {
        "experiment": experiment.name,
        "parameters": dict(parameters),
        "seeds": seeds,
        "interval": "0.95 of the mean over seeds: Student's t; exact binomial for counts",
        "geomsim": geomsim.__version__,
        "tables": {table: _summary(table, found, experiment.cases[table]) for table in found[0].tables},
    }


def run(experiment: Experiment, arguments: Sequence[str] | None = None) -> None:
    """The command line of one experiment: measure, print the tables, write JSON and the figure."""
    parser = argparse.ArgumentParser(description=f"The experiment {experiment.name}; see README.md beside it.")
    parser.add_argument("--quick", action="store_true", help="fewer seeds and less data; writes only where --out says")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--seeds", type=int, help="how many seeds")
    parser.add_argument("--out", type=Path, help="folder for results/ and figures/ (in full: beside this script)")
    parser.add_argument("--draw", action="store_true", help="only draw the figure anew, from the results there are")
    options = parser.parse_args(arguments)
    if options.draw:
        folder = options.out or FOLDER
        print("wrote", *write(experiment, rendering.results(experiment.name, folder), folder))
        return
    parameters = dict(experiment.quick if options.quick else experiment.full)
    if options.seeds is not None:
        parameters["seeds"] = options.seeds
    if parameters["seeds"] < 2 or options.seed < 0:
        parser.error("an interval over seeds needs at least 2 seeds, the first not below 0")
    results = measured(experiment, parameters, options.seed)
    for table in results["tables"].values():
        print("\n" + rendering.markdown(table))
    folder = options.out or (None if options.quick else FOLDER)
    if folder is not None:
        print("\nwrote", *write(experiment, results, folder))


def write(experiment: Experiment, results: Mapping[str, Any], folder: Path) -> list[Path]:
    """Results as JSON and as a figure; where they are."""
    target = folder / "results" / f"{experiment.name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, allow_nan=False)
    one_line_lists = re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), text)
    target.write_text(one_line_lists + "\n")
    if experiment.draw is None:
        return [target]
    picture = folder / "figures" / f"{experiment.name}.png"
    picture.parent.mkdir(exist_ok=True)
    experiment.draw(results).savefig(picture, dpi=110, metadata={"Software": None})
    return [target, picture]


def _summary(table: str, found: Sequence[Found], case_columns: Sequence[str]) -> dict[str, Any]:
    rows = []
    for case, columns in found[0].tables[table].items():
        quantities = {
            name: _summary_of([each.tables[table][case][name] for each in found], f"{table}, {case}, {name}")
            for name in columns
        }
        rows.append({"case": list(case), "quantities": quantities})
    return {"case_columns": list(case_columns), "rows": rows}


def _summary_of(values: Sequence[float | bool | None], where: str) -> dict[str, Any] | None:
    """Mean, interval and the value of each seed; None where it is defined for no seed."""
    defined = [value for value in values if value is not None]
    if not defined:
        return None
    if len(defined) < len(values):
        raise ValueError(f"{where}: defined for {len(defined)} of {len(values)} seeds; a mean would hide that")
    if all(isinstance(value, bool) for value in defined):
        mean, low, high = share_interval([bool(value) for value in defined])
        return {"mean": mean, "low": low, "high": high, "values": defined}
    numbers = [float(f"{value:.6g}") for value in defined]
    mean, low, high = mean_interval(numbers)
    return {"mean": mean, "low": low, "high": high, "values": numbers}
